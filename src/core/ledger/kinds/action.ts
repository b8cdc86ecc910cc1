import { ConcordatError } from '../../error.ts'
import type { ActionClaims } from '../claims.ts'
import { findStep, type Skeleton, type SkeletonStep } from '../skeleton.ts'
import { type CaseRecord, type CaseRow, findCase, type Opening, type RoleBinding, type StateRow } from '../state.ts'
import { bindRoles } from './bind-roles.ts'
import { verifyLive } from './blueprint-version.ts'
import type { EntryContext } from './context.ts'

/** RULES 13 and 14. */
export function applyAction(context: EntryContext<ActionClaims>): { [key: string]: StateRow } {
  const { rows, register, claims, id, leaf } = context
  const blueprint = verifyLive(rows, claims.bp)
  const step = verifyStep(blueprint.skeleton, claims)
  const found = findCase(rows, claims.case)
  const started = found ?? startCase(blueprint.skeleton, step, claims)
  if (started.bp !== claims.bp) {
    throw new ConcordatError({
      code: 'CASE_BLUEPRINT_DIFFERS',
      expected: 'the blueprint under which the case runs',
      got: 'another one',
    })
  }
  verifyOpening(started, step, claims)
  const binding = found === undefined ? 'start' : 'later'
  if (binding === 'later') verifyBoundSigner(started, claims)
  verifyNext(step, claims)
  const roles = bindRoles({ register, blueprint, step, claims, id, bound: started.roles, binding })
  verifyCounts(step, claims)
  const openings = started.openings.filter(
    (opening) => !step.closes.includes(opening.step) && !isOpening(opening, claims),
  )
  for (const next of claims.next) openings.push({ step: next, prev: [id] })
  const { step: stepId, as, iss, prev, next } = claims
  const record: CaseRecord = { id, step: stepId, as, iss, index: leaf.index, time: leaf.time, prev, next }
  const ended = openings.length === 0 && started.disputes.length === 0
  return { [`case/${claims.case}`]: { ...started, roles, openings, records: [...started.records, record], ended } }
}

function verifyStep(skeleton: Skeleton, claims: ActionClaims): SkeletonStep {
  const step = findStep(skeleton, claims.step)
  if (step === undefined) {
    throw new ConcordatError({
      code: 'STEP_UNKNOWN',
      expected: 'a step of the blueprint',
      got: claims.step,
      step: claims.step,
    })
  }
  if (step.role === claims.as) return step
  throw new ConcordatError({
    code: 'ROLE_NOT_OF_STEP',
    expected: step.role,
    got: 'another role',
    role: step.role,
    step: step.id,
  })
}

/** The case as it stands before its first record: fixed roles bound, the start step open. */
function startCase(skeleton: Skeleton, step: SkeletonStep, claims: ActionClaims): CaseRow {
  if (step.id !== skeleton.start) {
    throw new ConcordatError({ code: 'CASE_UNKNOWN', expected: 'a case that has started', got: 'an unused case id' })
  }
  const roles: { [role: string]: RoleBinding } = {}
  for (const { id, member } of skeleton.roles) {
    if (member !== null) roles[id] = { member, pk: null, by: null }
  }
  const openings = [{ step: skeleton.start, prev: [] }]
  return { bp: claims.bp, roles, openings, records: [], disputes: [], ended: false }
}

/** An opening is used once, so that nobody submits twice, forks a case, or replays a record into another one (RULES 13). */
function verifyOpening(row: CaseRow, step: SkeletonStep, claims: ActionClaims): void {
  if (row.records.some((record) => isOpening(record, claims))) {
    throw new ConcordatError({
      code: 'OPENING_USED',
      expected: 'an opening that no record has used',
      got: 'a used one',
      step: step.id,
    })
  }
  if (row.ended) throw new ConcordatError({ code: 'CASE_ENDED', expected: 'a case that goes on', got: 'an ended one' })
  if (step.withdrawal) {
    // Always open to its role, as long as there is something to withdraw from; a dispute does not hold it up.
    if (row.openings.length === 0) throw stepNotOpen(row, step)
    if (claims.prev.length !== 1 || claims.prev[0] !== row.records[0]?.id) throw prevNotOpen(step)
    return
  }
  const opening = row.openings.find((candidate) => isOpening(candidate, claims))
  if (opening === undefined) {
    throw row.openings.some((candidate) => candidate.step === step.id) ? prevNotOpen(step) : stepNotOpen(row, step)
  }
  const disputed = row.disputes.map(({ record }) => record).filter((record) => opening.prev.includes(record))
  if (disputed.length > 0) {
    throw new ConcordatError({
      code: 'OPENING_WAITS',
      expected: 'an opening by records that nobody disputes',
      got: 'one that waits for a dispute',
      step: step.id,
      disputed: [...new Set(disputed)].sort(),
    })
  }
}

function isOpening(opening: Opening, { step, prev }: Opening): boolean {
  return opening.step === step && opening.prev.length === prev.length && opening.prev.every((id, i) => id === prev[i])
}

function verifyBoundSigner(row: CaseRow, { as, iss }: ActionClaims): void {
  if (!Object.hasOwn(row.roles, as)) {
    throw new ConcordatError({ code: 'ROLE_UNBOUND', expected: 'a bound role', got: 'an unbound one', role: as })
  }
  if (row.roles[as]!.member === iss) return
  throw new ConcordatError({
    code: 'SIGNER_NOT_BOUND_TO_ROLE',
    expected: 'the member bound to the role',
    got: 'another member',
    role: as,
  })
}

function verifyNext(step: SkeletonStep, { next }: ActionClaims): void {
  if (step.next.some((set) => set.length === next.length && set.every((id, i) => id === next[i]))) return
  throw new ConcordatError({
    code: 'NEXT_NOT_ALLOWED',
    expected: "one of the step's next sets",
    got: 'another set',
    step: step.id,
  })
}

/** RULES 20 and 21: as many digests and groups as the step can have, so that their number tells nothing. */
function verifyCounts(step: SkeletonStep, { groups, _sd }: ActionClaims): void {
  if (groups.length !== step.groups.length) {
    const count = step.groups.length
    throw new ConcordatError({ code: 'GROUP_COUNT_WRONG', expected: String(count), got: String(groups.length), count })
  }
  if (_sd.length !== step.digests) {
    const count = step.digests
    throw new ConcordatError({ code: 'DIGEST_COUNT_WRONG', expected: String(count), got: String(_sd.length), count })
  }
}

function stepNotOpen(row: CaseRow, step: SkeletonStep): ConcordatError {
  const open = [...new Set(row.openings.map((opening) => opening.step))].sort()
  const expected = open.length === 0 ? 'no step' : open.join(', ')
  return new ConcordatError({ code: 'STEP_NOT_OPEN', expected, got: step.id, step: step.id, open })
}

function prevNotOpen(step: SkeletonStep): ConcordatError {
  return new ConcordatError({
    code: 'PREV_NOT_OPEN',
    expected: 'the records that opened the step',
    got: 'others',
    step: step.id,
  })
}
