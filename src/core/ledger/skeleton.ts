import type { JsonValue } from '../canonical-json.ts'

import { type Deadline, parseDeadline } from './deadline.ts'
import { isName, isStepId, Shape } from './shape.ts'
import { parseFraction } from './threshold.ts'

/** What every node enforces of a blueprint without holding it (RULES 11). docs/formats/skeleton.md. */
export type Skeleton = {
  format: 'concordat-skeleton/1'
  /** In document order. */
  roles: SkeletonRole[]
  /** Sets of roles that must be bound to different members. */
  distinct: string[][]
  start: string
  /** s1, s2 … in document order. */
  steps: SkeletonStep[]
  review: Review | null
  /** What a later version needs of the members fixed in or acceded to this one. */
  threshold: { fraction: [number, number] }
}

/** RULES 18: once a case has ended, a record of a step in `of` may be reviewed. All are step ids. */
export type Review = { of: string[]; request: string[]; decide: string; until: Deadline }

export type SkeletonRole = {
  id: string
  kind: 'member' | 'person'
  /** Member id of a fixed role. */
  member: string | null
  /** A member's role that any member may accede to. */
  open: boolean
  /** Of a person's role: the members' roles whose members may serve that person. */
  servedBy: string[]
}

export type SkeletonStep = {
  id: string
  role: string
  /** The sets of steps that an action may open; [] ends its branch. */
  next: string[][]
  /** Roles that an action of this step may bind. */
  binds: string[]
  /** Opens when all, or the first, of `steps` have led to it; `closes` then. */
  join: { mode: 'all' | 'any'; steps: string[]; closes: string[] } | null
  /** For each set of `next`, the steps that an action with that set closes. */
  closes: string[][]
  withdrawal: boolean
  deadline: Deadline | null
  lapse: { next: string[]; closes: string[] } | null
  extend: { role: string; limit: Deadline } | null
  confirm: { roles: string[]; deadline: Deadline; default: 'accept' | 'reject' } | null
  dispute: { window: Deadline; resolver: string | null; deadline: Deadline; default: 'uphold' | 'reject' } | null
  groups: SkeletonGroup[]
  /** Digests in `_sd`: those of all groups, rounded up to a multiple of 8. */
  digests: number
}

/** Role, step that discloses, retention class. */
export type Audience = [role: string, step: string, retention: string]

type SkeletonGroup = {
  audience: Audience[]
  /** The most disclosures that it can have. */
  digests: number
}

export const SKELETON_FORMAT = 'concordat-skeleton/1'
const MAX_ROLES = 64
const MAX_DISTINCT = 64
const MAX_STEPS = 200
const MAX_NEXT_SETS = 64
const MAX_NEXT = 64
const MAX_GROUPS = 64
const MAX_AUDIENCE = 256
const MAX_DIGESTS = 1024

const shape = new Shape('SKELETON_INVALID')

/**
 * Parses an untrusted skeleton: limits, every reference known, lists that are sets sorted and without repetitions. Whether its
 * steps are reachable and its loops have exits is for checkBlueprint, which sees the document.
 */
export function parseSkeleton(value: JsonValue): Skeleton {
  const object = shape.object(value, '', ['distinct', 'format', 'review', 'roles', 'start', 'steps', 'threshold'])
  shape.oneOf(object.format, '/format', [SKELETON_FORMAT])
  const roles = parseRoles(object.roles)
  const roleIds = new Set(roles.map((role) => role.id))
  const stepCount = shape.array(object.steps, '/steps', 1, MAX_STEPS).length
  const known: Known = {
    role: (item): item is string => typeof item === 'string' && roleIds.has(item),
    step: (item): item is string => isStepId(item) && Number(item.slice(1)) <= stepCount,
    roles,
  }
  const steps = (object.steps as JsonValue[]).map((step, i) => parseStep(step, i, known))
  const start = knownStep(object.start, '/start', known)
  const review = parseReview(object.review, known)
  verifyWithdrawals(steps, start)
  verifyReview(steps, start, review)
  return {
    format: SKELETON_FORMAT,
    roles,
    distinct: parseDistinct(object.distinct, known),
    start,
    steps,
    review,
    threshold: parseFraction(shape, object.threshold, '/threshold'),
  }
}

/** The step of this id; undefined if there is none. */
export function findStep(skeleton: Skeleton, id: string): SkeletonStep | undefined {
  return isStepId(id) ? skeleton.steps[Number(id.slice(1)) - 1] : undefined
}

export function findRole(skeleton: Skeleton, id: string): SkeletonRole | undefined {
  return skeleton.roles.find((role) => role.id === id)
}

/** What the references of a skeleton may name. */
interface Known {
  role: (item: unknown) => item is string
  step: (item: unknown) => item is string
  roles: readonly SkeletonRole[]
}

function parseRoles(value: JsonValue | undefined): SkeletonRole[] {
  const items = shape.array(value, '/roles', 1, MAX_ROLES)
  const roles = items.map((item, i) => parseRole(item, `/roles/${i}`))
  for (const [i, role] of roles.entries()) {
    const at = `/roles/${i}`
    if (roles.findIndex((other) => other.id === role.id) !== i) shape.fail(`${at}/id`, 'an id of its own', 'one taken')
    for (const server of role.servedBy) {
      if (roles.find((other) => other.id === server)?.kind !== 'member') {
        shape.fail(`${at}/servedBy`, "members' roles", 'another role')
      }
    }
  }
  return roles
}

function parseRole(value: JsonValue, at: string): SkeletonRole {
  const object = shape.object(value, at, ['id', 'kind', 'member', 'open', 'servedBy'])
  const role: SkeletonRole = {
    id: shape.name(object.id, `${at}/id`),
    kind: shape.oneOf(object.kind, `${at}/kind`, ['member', 'person']),
    member: object.member === null ? null : shape.digest(object.member, `${at}/member`),
    open: shape.boolean(object.open, `${at}/open`),
    servedBy: shape.sorted(object.servedBy, `${at}/servedBy`, MAX_ROLES, isName, 'a role'),
  }
  if (role.kind === 'person' && (role.member !== null || role.open || role.servedBy.length === 0)) {
    shape.fail(at, "a person's role served by members' roles, neither fixed nor open", 'another one')
  }
  if (role.kind === 'member' && (role.open === (role.member !== null) || role.servedBy.length > 0)) {
    shape.fail(at, "a member's role, either fixed or open, served by none", 'another one')
  }
  return role
}

function parseStep(value: JsonValue, i: number, known: Known): SkeletonStep {
  const at = `/steps/${i}`
  const object = shape.object(value, at, [
    ...[
      'binds',
      'closes',
      'confirm',
      'deadline',
      'digests',
      'dispute',
      'extend',
      'groups',
      'id',
      'join',
      'lapse',
      'next',
    ],
    ...['role', 'withdrawal'],
  ])
  const role = knownRole(object.role, `${at}/role`, known)
  const groups = parseGroups(object.groups, `${at}/groups`, role, known)
  const next = parseNext(object.next, `${at}/next`, known)
  const deadline = object.deadline === null ? null : parseDeadline(shape, object.deadline, `${at}/deadline`)
  for (const part of ['lapse', 'extend'] as const) {
    if (deadline === null && object[part] !== null)
      shape.fail(`${at}/${part}`, 'null without a deadline', 'another value')
  }
  return {
    id: shape.oneOf(object.id, `${at}/id`, [`s${i + 1}`]),
    role,
    next,
    binds: parseBinds(object.binds, `${at}/binds`, known),
    join: parseJoin(object.join, `${at}/join`, known),
    closes: parseCloses(object.closes, `${at}/closes`, next.length, known),
    withdrawal: shape.boolean(object.withdrawal, `${at}/withdrawal`),
    deadline,
    lapse: parseLapse(object.lapse, `${at}/lapse`, known),
    extend: parseExtend(object.extend, `${at}/extend`, known),
    confirm: parseConfirm(object.confirm, `${at}/confirm`, role, known),
    dispute: parseDispute(object.dispute, `${at}/dispute`, known),
    groups,
    digests: parseDigests(object.digests, `${at}/digests`, groups),
  }
}

function parseNext(value: JsonValue | undefined, at: string, known: Known): string[][] {
  const sets = shape.array(value, at, 1, MAX_NEXT_SETS).map((set, i) => {
    return shape.sorted(set, `${at}/${i}`, MAX_NEXT, known.step, 'a step')
  })
  refuseRepeatedSets(sets, at)
  return sets
}

function parseCloses(value: JsonValue | undefined, at: string, count: number, known: Known): string[][] {
  return shape.array(value, at, count, count).map((set, i) => steps(set, `${at}/${i}`, known))
}

/** Fixed roles are bound from the start and never appear in a `bind` (RULES 14). */
function parseBinds(value: JsonValue | undefined, at: string, known: Known): string[] {
  const binds = shape.sorted(value, at, MAX_ROLES, known.role, 'a role')
  if (known.roles.some((role) => role.member !== null && binds.includes(role.id))) {
    shape.fail(at, 'roles that are not fixed', 'a fixed one')
  }
  return binds
}

function parseJoin(value: JsonValue | undefined, at: string, known: Known): SkeletonStep['join'] {
  if (value === null) return null
  const object = shape.object(value, at, ['closes', 'mode', 'steps'])
  const sources = steps(object.steps, `${at}/steps`, known)
  if (sources.length < 2) shape.fail(`${at}/steps`, 'at least two steps', 'fewer')
  return {
    mode: shape.oneOf(object.mode, `${at}/mode`, ['all', 'any']),
    steps: sources,
    closes: steps(object.closes, `${at}/closes`, known),
  }
}

function parseLapse(value: JsonValue | undefined, at: string, known: Known): SkeletonStep['lapse'] {
  if (value === null) return null
  const object = shape.object(value, at, ['closes', 'next'])
  return { next: steps(object.next, `${at}/next`, known), closes: steps(object.closes, `${at}/closes`, known) }
}

function parseExtend(value: JsonValue | undefined, at: string, known: Known): SkeletonStep['extend'] {
  if (value === null) return null
  const object = shape.object(value, at, ['limit', 'role'])
  return { role: knownRole(object.role, `${at}/role`, known), limit: parseDeadline(shape, object.limit, `${at}/limit`) }
}

/** Nobody countersigns a record of its own. */
function parseConfirm(value: JsonValue | undefined, at: string, signer: string, known: Known): SkeletonStep['confirm'] {
  if (value === null) return null
  const object = shape.object(value, at, ['deadline', 'default', 'roles'])
  const roles = shape.sorted(object.roles, `${at}/roles`, MAX_ROLES, known.role, 'a role')
  if (roles.length === 0) shape.fail(`${at}/roles`, 'at least one role', 'none')
  if (roles.includes(signer)) shape.fail(`${at}/roles`, "other roles than the step's own", 'that one')
  return {
    roles,
    deadline: parseDeadline(shape, object.deadline, `${at}/deadline`),
    default: shape.oneOf(object.default, `${at}/default`, ['accept', 'reject']),
  }
}

function parseDispute(value: JsonValue | undefined, at: string, known: Known): SkeletonStep['dispute'] {
  if (value === null) return null
  const object = shape.object(value, at, ['deadline', 'default', 'resolver', 'window'])
  return {
    window: parseDeadline(shape, object.window, `${at}/window`),
    resolver: object.resolver === null ? null : knownRole(object.resolver, `${at}/resolver`, known),
    deadline: parseDeadline(shape, object.deadline, `${at}/deadline`),
    default: shape.oneOf(object.default, `${at}/default`, ['uphold', 'reject']),
  }
}

/** RULES 21: index 0 is the signer's own, which nobody else gets. */
function parseGroups(value: JsonValue | undefined, at: string, signer: string, known: Known): SkeletonGroup[] {
  const groups = shape.array(value, at, 1, MAX_GROUPS).map((group, i) => {
    const object = shape.object(group, `${at}/${i}`, ['audience', 'digests'])
    return {
      audience: parseAudience(object.audience, `${at}/${i}/audience`, signer, known),
      digests: shape.integer(object.digests, `${at}/${i}/digests`, 1, MAX_DIGESTS),
    }
  })
  if (groups[0]!.audience.length > 0 || groups[0]!.digests !== 1) {
    shape.fail(`${at}/0`, "the signer's own group of one disclosure and no audience", 'another one')
  }
  return groups
}

function parseAudience(value: JsonValue | undefined, at: string, signer: string, known: Known): Audience[] {
  let previous = ''
  return shape.array(value, at, 0, MAX_AUDIENCE).map((item, i) => {
    const [role, step, retention] = shape.array(item, `${at}/${i}`, 3, 3)
    const audience: Audience = [
      knownRole(role, `${at}/${i}/0`, known),
      knownStep(step, `${at}/${i}/1`, known),
      shape.name(retention, `${at}/${i}/2`),
    ]
    if (audience[0] === signer) shape.fail(`${at}/${i}/0`, "another role than the signer's own", 'that one')
    // Names hold no quote, so this is the order of RFC 8785 texts.
    const text = JSON.stringify(audience)
    if (text <= previous) shape.fail(`${at}/${i}`, 'a sorted list without repetitions', 'another order')
    previous = text
    return audience
  })
}

/** RULES 20: padded to the greatest possible count rounded up to 8. */
function parseDigests(value: JsonValue | undefined, at: string, groups: readonly SkeletonGroup[]): number {
  const sum = groups.reduce((total, group) => total + group.digests, 0)
  const padded = sum + ((8 - (sum % 8)) % 8)
  if (padded > MAX_DIGESTS) shape.fail(at, `at most ${MAX_DIGESTS}`, String(padded))
  return shape.integer(value, at, padded, padded)
}

function parseDistinct(value: JsonValue | undefined, known: Known): string[][] {
  const sets = shape.array(value, '/distinct', 0, MAX_DISTINCT).map((set, i) => {
    const roles = shape.sorted(set, `/distinct/${i}`, MAX_ROLES, known.role, 'a role')
    if (roles.length < 2) shape.fail(`/distinct/${i}`, 'at least two roles', 'fewer')
    const members = known.roles
      .filter((role) => roles.includes(role.id) && role.member !== null)
      .map((role) => role.member)
    if (new Set(members).size < members.length)
      shape.fail(`/distinct/${i}`, 'roles fixed to different members', 'one twice')
    return roles
  })
  refuseRepeatedSets(sets, '/distinct')
  return sets
}

function parseReview(value: JsonValue | undefined, known: Known): Skeleton['review'] {
  if (value === null) return null
  const object = shape.object(value, '/review', ['decide', 'of', 'request', 'until'])
  const of = steps(object.of, '/review/of', known)
  const request = steps(object.request, '/review/request', known)
  if (of.length === 0) shape.fail('/review/of', 'at least one step', 'none')
  if (request.length === 0) shape.fail('/review/request', 'at least one step', 'none')
  return {
    of,
    request,
    decide: knownStep(object.decide, '/review/decide', known),
    until: parseDeadline(shape, object.until, '/review/until'),
  }
}

/** RULES 13: a withdrawal is always open to its role, with the first record as `prev`; nothing else opens it, nothing holds it up. */
function verifyWithdrawals(all: readonly SkeletonStep[], start: string): void {
  for (const [i, step] of all.entries()) {
    if (!step.withdrawal) continue
    if (step.id === start) shape.fail('/start', 'a step that is no withdrawal', 'a withdrawal')
    if (isLedTo(all, step.id)) {
      shape.fail(`/steps/${i}/withdrawal`, 'a withdrawal that no step opens', 'one that is in a next set')
    }
    for (const part of ['join', 'deadline', 'confirm', 'dispute'] as const) {
      if (step[part] !== null) shape.fail(`/steps/${i}/${part}`, 'null in a withdrawal', 'another value')
    }
  }
}

/** RULES 18: a review is asked for at a step that nothing else opens, and decided at a step of the process. */
function verifyReview(all: readonly SkeletonStep[], start: string, review: Skeleton['review']): void {
  if (review === null) return
  const isWithdrawal = (id: string) => all.some((step) => step.id === id && step.withdrawal)
  for (const [i, id] of review.request.entries()) {
    const step = all.find((candidate) => candidate.id === id)
    const plain = step?.join === null && step.deadline === null && step.confirm === null && step.dispute === null
    if (!plain || id === start || isWithdrawal(id) || isLedTo(all, id) || review.of.includes(id)) {
      shape.fail(`/review/request/${i}`, 'a step for nothing but asking', 'another one')
    }
  }
  if (review.request.includes(review.decide) || review.of.includes(review.decide) || isWithdrawal(review.decide)) {
    shape.fail('/review/decide', 'a step of the process that is not reviewed itself', 'another one')
  }
}

function isLedTo(all: readonly SkeletonStep[], id: string): boolean {
  return all.some((step) => step.next.some((set) => set.includes(id)) || step.lapse?.next.includes(id) === true)
}

function refuseRepeatedSets(sets: readonly string[][], at: string): void {
  if (new Set(sets.map((set) => set.join())).size < sets.length) shape.fail(at, 'each set once', 'one twice')
}

function steps(value: JsonValue | undefined, at: string, known: Known): string[] {
  return shape.sorted(value, at, MAX_STEPS, known.step, 'a step')
}

function knownRole(value: JsonValue | undefined, at: string, known: Known): string {
  return known.role(value) ? value : shape.fail(at, 'a role of this skeleton', 'something else')
}

function knownStep(value: JsonValue | undefined, at: string, known: Known): string {
  return known.step(value) ? value : shape.fail(at, 'a step of this skeleton', 'something else')
}
