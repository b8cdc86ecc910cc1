import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { parseSkeleton, SKELETON_FORMAT, type Skeleton, type SkeletonStep } from '../ledger/skeleton.ts'
import {
  type Blueprint,
  FEATURES_NOT_BUILT,
  getRole,
  opaqueNext,
  opaqueStepId,
  type Role,
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
      ask: [...blueprint.review.ask].sort(),
      decide: getRole(blueprint, blueprint.review.decide).id,
      until: blueprint.review.until,
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
  for (const feature of FEATURES_NOT_BUILT) {
    if (Object.hasOwn(step, feature)) {
      throw new ConcordatError({
        code: 'BLUEPRINT_FEATURE_NOT_BUILT',
        expected: `a step without ${FEATURES_NOT_BUILT.join(', ')}`,
        got: feature,
        at: `/steps/${place}/${feature}`,
        feature,
      })
    }
  }
  const groups = groupsOf(blueprint, step.id).map(({ audience, fields }) => ({ audience, digests: fields.length }))
  const digests = groups.reduce((total, group) => total + group.digests, 0)
  return {
    id: opaqueStepId(blueprint, step.id),
    role: getRole(blueprint, step.role).id,
    next: nextSets(blueprint, step),
    binds: (step.bind ?? []).map(({ role }) => getRole(blueprint, role).id).sort(),
    join: null,
    closes: step.withdrawal ? closedByWithdrawal(blueprint) : [],
    withdrawal: step.withdrawal ?? false,
    deadline: null,
    lapse: null,
    extend: null,
    confirm: null,
    dispute: skeletonDispute(blueprint, step),
    groups,
    digests: Math.ceil(digests / 8) * 8,
  }
}

/** Each set once, in the order of their JSON texts, so that the order of routes tells nothing. */
function nextSets(blueprint: Blueprint, step: Step): string[][] {
  const sets = step.routes.map((route) => opaqueNext(blueprint, route.to))
  const byText = new Map(sets.map((set) => [JSON.stringify(set), set]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, set]) => set)
}

/** A withdrawal ends whatever is still to be done in the case. */
function closedByWithdrawal(blueprint: Blueprint): string[] {
  return opaqueNext(
    blueprint,
    blueprint.steps.filter((step) => !step.withdrawal).map((step) => step.id),
  )
}

function skeletonDispute(blueprint: Blueprint, { dispute, id }: Step): SkeletonStep['dispute'] {
  if (!dispute) return null
  const place = blueprint.steps.findIndex((step) => step.id === id)
  if (!dispute.default) {
    throw new ConcordatError({
      code: 'BLUEPRINT_INVALID',
      expected: 'what happens when nobody decides the dispute',
      got: 'nothing',
      at: `/steps/${place}/dispute/default`,
    })
  }
  return {
    window: dispute.window,
    resolver: dispute.resolver ? getRole(blueprint, dispute.resolver).id : null,
    deadline: dispute.deadline,
    default: dispute.default,
  }
}
