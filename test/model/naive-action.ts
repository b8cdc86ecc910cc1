import type { SkeletonStep } from '../../src/core/ledger/skeleton.ts'
import { type ActionFact, type NaiveCase, sameItems } from './naive-case.ts'
import { naiveDeadline } from './naive-deadline.ts'
import { isAt, movedTo, type Picture, usedOpening } from './naive-picture.ts'
import type { NaiveMoment, NaiveRegister, Wish } from './naive-register.ts'
import type { Problem } from './naive-rules.ts'

type Action = Extract<Wish, { kind: 'action+sd-jwt' }>

/** What RULES 12 to 14 and 18 have against an action, in the order in which a register asks (the number; equal ones in any order). */
export function* actionProblems(register: NaiveRegister, wish: Action, time: number): Generator<Problem> {
  const { claims } = wish
  const step = register.skeleton(claims.bp).steps.find(({ id }) => id === claims.step)
  if (step === undefined) return yield [2, 'STEP_UNKNOWN']
  if (step.role !== claims.as) yield [3, 'ROLE_NOT_OF_STEP']
  const now = register.now(claims.case)
  if (now === undefined) yield* startProblems(register, wish, step)
  else {
    const refused = moveProblem(register, now, claims.bp)
    if (refused !== undefined) return yield [4, refused]
    const picture = movedTo(now.whole, now.picture, claims.bp)
    const corrected = correctedBy(now.whole, wish)
    if (corrected !== undefined) yield* correctionProblems(now, wish, corrected, picture)
    else yield* laterProblems(register, now, picture, wish, step, time)
  }
  if (!step.next.some((set) => sameItems(set, claims.next))) yield [15, 'NEXT_NOT_ALLOWED']
  if (claims.groups.length !== step.groups.length) yield [16, 'GROUP_COUNT_WRONG']
  if (claims._sd.length !== step.digests) yield [16, 'DIGEST_COUNT_WRONG']
}

function* startProblems(register: NaiveRegister, { iss, claims }: Action, step: SkeletonStep): Generator<Problem> {
  const skeleton = register.skeleton(claims.bp)
  if (step.id !== skeleton.start) return yield [4, 'CASE_UNKNOWN']
  if (claims.prev.length > 0) yield [10, 'PREV_NOT_OPEN']
  if (claims.replaces !== null) yield [13, 'REPLACES_NOT_ALLOWED']
  const roles: Picture['roles'] = {}
  for (const { id, member } of skeleton.roles) {
    if (member === null) continue
    roles[id] = { member, by: null }
    if (register.isSuspended(claims.bp, id, member)) yield [4, 'ROLE_SUSPENDED']
  }
  const fixed = roles[step.role]
  if (fixed !== undefined) {
    if (fixed.member !== iss) yield [14, 'SIGNER_NOT_BOUND_TO_ROLE']
  } else {
    if (claims.bind[step.role]?.member !== iss) yield [14, 'START_ROLE_NOT_BOUND']
    if (register.isSuspended(claims.bp, step.role, iss)) yield [4, 'ROLE_SUSPENDED']
  }
  yield* bindProblems(register, claims, [...step.binds, ...(fixed === undefined ? [step.role] : [])], roles)
}

function moveProblem(register: NaiveRegister, { whole, picture }: NaiveMoment, bp: string): string | undefined {
  if (picture.bp === bp) return undefined
  const { follows } = register.versions.get(bp)!
  if (follows?.bp !== picture.bp || follows.mapping === null) return 'CASE_BLUEPRINT_DIFFERS'
  const steps = picture.openings.map(({ step }) => step)
  for (const fact of whole.facts) {
    const used = fact.kind === 'action+sd-jwt' ? fact.claims : fact.kind === 'lapse' ? fact.claims.what : undefined
    if (used === undefined || !('next' in used)) continue
    steps.push(...[used.step, ...used.next].map((id) => whole.translate(id, fact.claims.bp, picture.bp)))
  }
  return steps.every((step) => Object.hasOwn(follows.mapping!, step)) ? undefined : 'CASE_NOT_MAPPED'
}

/** The record of the same step that this one would take the place of. */
function correctedBy(whole: NaiveCase, { claims }: Action): ActionFact | undefined {
  const record = whole.record(claims.replaces)
  return record && whole.translate(record.claims.step, record.claims.bp, claims.bp) === claims.step ? record : undefined
}

function* correctionProblems(
  now: NaiveMoment,
  { iss, claims }: Action,
  record: ActionFact,
  picture: Picture,
): Generator<Problem> {
  const voids = now.whole.voids()
  if (voids.has(record.id)) yield [5, 'RECORD_VOID']
  if (now.whole.replacements(voids).has(record.id)) yield [5, 'RECORD_REPLACED']
  if (iss !== record.iss || ![...picture.disputes.values()].includes(record.id)) yield [5, 'CORRECTION_NOT_OPEN']
  yield* signerProblems(picture, iss, claims.as, 5)
  if (!sameItems(claims.prev, record.claims.prev)) yield [5, 'PREV_NOT_OPEN']
  if (!isSameBind(claims.bind, record.claims.bind)) yield [5, 'BIND_NOT_ALLOWED']
}

function isSameBind(a: ActionFact['claims']['bind'], b: ActionFact['claims']['bind']): boolean {
  const pairs = (bind: typeof a) => Object.entries(bind).map(([role, { member }]) => `${role} ${member}`)
  return sameItems(pairs(a), pairs(b))
}

function* laterProblems(
  register: NaiveRegister,
  now: NaiveMoment,
  picture: Picture,
  { iss, claims }: Action,
  step: SkeletonStep,
  time: number,
): Generator<Problem> {
  const { whole } = now
  const isUsed = isAt(claims.step, claims.prev)
  const used = whole.facts.map((fact) => usedOpening(whole, fact)).filter((opening) => opening !== undefined)
  if (used.some((opening) => isUsed({ ...opening, step: whole.translate(opening.step, opening.bp, claims.bp) }))) {
    yield [6, 'OPENING_USED']
  }
  if (register.skeleton(claims.bp).review?.request.includes(step.id) === true) {
    yield* requestProblems(register, now, claims, time)
  } else {
    if (now.ended) yield [8, 'CASE_ENDED']
    if (step.withdrawal) {
      // As long as there is something to withdraw from.
      if (picture.openings.length + picture.confirmations.length === 0) yield [9, 'STEP_NOT_OPEN']
      if (!sameItems(claims.prev, [whole.facts[0]!.id])) yield [9, 'PREV_NOT_OPEN']
    } else yield* openingProblems(picture, step.id, claims.prev, 10)
  }
  yield* signerProblems(picture, iss, claims.as, 12)
  yield* replacesProblems(register, now, iss, claims)
  yield* bindProblems(register, claims, step.binds, picture.roles)
}

/** RULES 18: asked for once the case has ended, about a record that counts. */
function* requestProblems(
  register: NaiveRegister,
  { whole, ended, endedAt }: NaiveMoment,
  claims: Action['claims'],
  time: number,
): Generator<Problem> {
  const review = register.skeleton(claims.bp).review!
  if (!ended) yield [7, 'CASE_NOT_ENDED']
  if (endedAt !== null && time > naiveDeadline(endedAt, review.until)) yield [7, 'REVIEW_TOO_LATE']
  const record = claims.prev.length === 1 ? whole.record(claims.prev[0]!) : undefined
  if (record === undefined) return yield [7, claims.prev.length === 1 ? 'RECORD_UNKNOWN' : 'PREV_NOT_OPEN']
  if (!review.of.includes(whole.translate(record.claims.step, record.claims.bp, claims.bp))) yield [7, 'PREV_NOT_OPEN']
  const voids = whole.voids()
  if (voids.has(record.id)) yield [7, 'RECORD_VOID']
  if (whole.replacements(voids).has(record.id)) yield [7, 'RECORD_REPLACED']
}

export function* openingProblems(
  picture: Picture,
  step: string,
  prev: readonly string[],
  at: number,
): Generator<Problem> {
  const opening = picture.openings.find(isAt(step, prev))
  if (opening !== undefined) {
    if (opening.waits !== null) yield [at + 1, 'OPENING_WAITS']
  } else yield [at, picture.openings.some((other) => other.step === step) ? 'PREV_NOT_OPEN' : 'STEP_NOT_OPEN']
}

export function* signerProblems(picture: Picture, iss: string, role: string, at: number): Generator<Problem> {
  const binding = picture.roles[role]
  if (binding === undefined) yield [at, 'ROLE_UNBOUND']
  else if (binding.member !== iss) yield [at, 'SIGNER_NOT_BOUND_TO_ROLE']
}

function* replacesProblems(
  register: NaiveRegister,
  { whole, review }: NaiveMoment,
  iss: string,
  claims: Action['claims'],
): Generator<Problem> {
  const decides = register.skeleton(claims.bp).review?.decide === claims.step && review !== null
  if (claims.replaces !== (decides ? review.record : null)) yield [13, 'REPLACES_NOT_ALLOWED']
  if (decides && whole.record(review.record)!.iss === iss) yield [13, 'REVIEW_BY_FIRST_DECIDER']
}

function* bindProblems(
  register: NaiveRegister,
  { bp, bind }: Action['claims'],
  allowed: readonly string[],
  bound: Picture['roles'],
): Generator<Problem> {
  const { roles, distinct } = register.skeleton(bp)
  const members: { [role: string]: string } = Object.fromEntries(
    Object.entries(bound).map(([id, { member }]) => [id, member]),
  )
  for (const [role, { member }] of Object.entries(bind)) {
    if (!allowed.includes(role)) yield [14, 'BIND_NOT_ALLOWED']
    // Fixed roles never appear in a bind.
    if (role in bound) yield [14, bound[role]!.by === null ? 'BIND_NOT_ALLOWED' : 'ROLE_ALREADY_BOUND']
    if (!roles.some(({ id }) => id === role)) continue
    if (!register.isEligible(bp, role, member)) yield [14, 'ROLE_NOT_ELIGIBLE']
    if (register.isSuspended(bp, role, member)) yield [14, 'ROLE_SUSPENDED']
    members[role] ??= member
  }
  for (const set of distinct) {
    const filled = set.filter((role) => role in members)
    const bindsOne = filled.some((role) => Object.hasOwn(bind, role))
    if (bindsOne && new Set(filled.map((role) => members[role])).size < filled.length) yield [14, 'ROLES_NOT_DISTINCT']
  }
}
