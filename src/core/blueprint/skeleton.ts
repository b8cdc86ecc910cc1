import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { parseSkeleton, SKELETON_FORMAT, type Skeleton, type SkeletonStep } from '../ledger/skeleton.ts'
import {
  type Blueprint,
  getRole,
  opaqueNext,
  opaqueStepId,
  type Role,
  resolveDeadline,
  type Step,
} from './blueprint.ts'
import { groupsOf } from './groups.ts'

/** RULES 11: what every node enforces without holding the document. The same document always gives the same skeleton. */
export function skeletonOf(blueprint: Blueprint): Skeleton {
  const skeleton: Skeleton = {
    format: SKELETON_FORMAT,
    roles: blueprint.roles.map((role, place) => skeletonRole(blueprint, role, place)),
    distinct: (blueprint.distinct ?? []).map((roles) => roles.map((role) => getRole(blueprint, role).id).sort()),
    start: opaqueStepId(blueprint, blueprint.start),
    steps: blueprint.steps.map((step, place) => skeletonStep(blueprint, step, place)),
    review: blueprint.review && {
      of: opaqueNext(blueprint, blueprint.review.of),
      request: opaqueNext(blueprint, blueprint.review.request),
      decide: opaqueStepId(blueprint, blueprint.review.decide),
      until: resolveDeadline(blueprint, blueprint.review.until),
    },
    threshold: { fraction: blueprint.threshold.fraction },
  }
  return parseSkeleton(skeleton as unknown as JsonValue)
}

function skeletonRole(blueprint: Blueprint, role: Role, place: number): Skeleton['roles'][number] {
  if (role.kind === 'member' && role.fixed && role.member === undefined) {
    throw new ConcordatError({
      code: 'BLUEPRINT_IS_TEMPLATE',
      expected: 'a member id for every fixed role',
      got: 'a template',
      at: `/roles/${place}/member`,
      role: role.id,
    })
  }
  return {
    id: role.id,
    kind: role.kind,
    member: role.member ?? null,
    open: role.open ?? false,
    servedBy: (role.servedBy ?? []).map((server) => getRole(blueprint, server).id).sort(),
  }
}

function skeletonStep(blueprint: Blueprint, step: Step, place: number): SkeletonStep {
  const at = `/steps/${place}`
  const groups = groupsOf(blueprint, step.id).map(({ audience, fields }) => ({ audience, digests: fields.length }))
  const digests = groups.reduce((total, group) => total + group.digests, 0)
  return {
    id: opaqueStepId(blueprint, step.id),
    role: getRole(blueprint, step.role).id,
    ...wayOut(blueprint, step, at),
    binds: (step.bind ?? []).map(({ role }) => getRole(blueprint, role).id).sort(),
    join: step.join
      ? {
          mode: step.join.mode,
          steps: opaqueNext(blueprint, step.join.steps),
          closes: opaqueNext(blueprint, step.join.closes ?? []),
        }
      : null,
    withdrawal: step.withdrawal ?? false,
    deadline: step.deadline ? resolveDeadline(blueprint, step.deadline) : null,
    lapse: step.lapse
      ? { next: opaqueNext(blueprint, step.lapse.to), closes: opaqueNext(blueprint, step.lapse.closes ?? []) }
      : null,
    extend: step.extend
      ? { role: getRole(blueprint, step.extend.role).id, limit: resolveDeadline(blueprint, step.extend.limit) }
      : null,
    confirm: skeletonConfirm(blueprint, step, at),
    dispute: skeletonDispute(blueprint, step, at),
    groups,
    digests: Math.ceil(digests / 8) * 8,
  }
}

/** Each next set once with what it closes, in the order of their JSON texts, so that the order of routes tells nothing. */
function wayOut(blueprint: Blueprint, step: Step, at: string): Pick<SkeletonStep, 'next' | 'closes'> {
  const sets = new Map<string, { next: string[]; closes: string[] }>()
  for (const [i, route] of step.routes.entries()) {
    const next = opaqueNext(blueprint, route.to)
    const closes = step.withdrawal ? closedByWithdrawal(blueprint) : opaqueNext(blueprint, route.closes ?? [])
    const before = sets.get(JSON.stringify(next))
    if (before && before.closes.join() !== closes.join()) {
      refuse(`${at}/routes/${i}/closes`, 'what other routes to the same steps close', 'other steps')
    }
    sets.set(JSON.stringify(next), { next, closes })
  }
  const sorted = [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set)
  return { next: sorted.map(({ next }) => next), closes: sorted.map(({ closes }) => closes) }
}

/** A withdrawal ends whatever is still to be done in the case. */
function closedByWithdrawal(blueprint: Blueprint): string[] {
  return opaqueNext(
    blueprint,
    blueprint.steps.filter((step) => !step.withdrawal).map((step) => step.id),
  )
}

function skeletonConfirm(blueprint: Blueprint, { confirm }: Step, at: string): SkeletonStep['confirm'] {
  if (!confirm) return null
  return {
    roles: confirm.roles.map((role) => getRole(blueprint, role).id).sort(),
    deadline: resolveDeadline(blueprint, confirm.deadline),
    default: confirm.default ?? refuse(`${at}/confirm/default`, 'what holds when nobody confirms', 'nothing'),
  }
}

function skeletonDispute(blueprint: Blueprint, { dispute }: Step, at: string): SkeletonStep['dispute'] {
  if (!dispute) return null
  return {
    window: resolveDeadline(blueprint, dispute.window),
    resolver: dispute.resolver ? getRole(blueprint, dispute.resolver).id : null,
    deadline: resolveDeadline(blueprint, dispute.deadline),
    default:
      dispute.default ?? refuse(`${at}/dispute/default`, 'what happens when nobody decides the dispute', 'nothing'),
  }
}

function refuse(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'BLUEPRINT_INVALID', expected, got, at })
}
