import { ConcordatError } from '../../error.ts'
import { isSameOpening } from '../case-event.ts'
import { lapsedOpening, skeletonOf, stepIn } from '../case-version.ts'
import { findStep, type SkeletonStep } from '../skeleton.ts'
import { type BlueprintRow, type CaseRecord, type CaseRow, findCase, type Opening, type Rows } from '../state.ts'
import { verifyLive } from './blueprint-version.ts'

/** A running or ended case and the version that an entry about it must name. */
export function getCaseOf(
  rows: Rows,
  { bp, case: caseId }: { bp: string; case: string },
): { row: CaseRow; blueprint: BlueprintRow } {
  const row = findCase(rows, caseId)
  if (row === undefined) {
    throw new ConcordatError({ code: 'CASE_UNKNOWN', expected: 'a case that has started', got: 'an unused case id' })
  }
  if (row.bp !== bp) throw blueprintDiffers()
  return { row, blueprint: verifyLive(rows, bp) }
}

export function blueprintDiffers(): ConcordatError {
  return new ConcordatError({
    code: 'CASE_BLUEPRINT_DIFFERS',
    expected: 'the blueprint under which the case runs',
    got: 'another one',
  })
}

/** RULES 14: the role is bound, and to the signer. */
export function verifyBoundSigner(row: CaseRow, { as, iss }: { as: string; iss: string }): void {
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

/** Whether a member is bound to a role of the case, or was when a record counted that is void now. */
export function tookPart({ roles, records }: CaseRow, member: string): boolean {
  const bound = [roles, ...records.map(({ bind }) => bind)].flatMap((binding) => Object.values(binding))
  return bound.some((binding) => binding.member === member) || records.some(({ iss }) => iss === member)
}

/** A record of the case that still counts. */
export function getRecord(row: CaseRow, id: string): CaseRecord {
  const record = row.records.find((candidate) => candidate.id === id)
  if (record === undefined) {
    throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record of the case', got: 'another id' })
  }
  if (record.void !== null) {
    throw new ConcordatError({ code: 'RECORD_VOID', expected: 'a record that counts', got: 'a void one' })
  }
  return record
}

/** The step of a record in the version under which it was signed. */
export function stepOfRecord(row: CaseRow, blueprint: BlueprintRow, record: CaseRecord): SkeletonStep {
  return findStep(skeletonOf(row, blueprint.skeleton, record.bp), record.step)!
}

/** The step of a record as the version that is in force names it. */
export function stepNow(row: CaseRow, record: Pick<CaseRecord, 'bp' | 'step'>): string | undefined {
  return stepIn(row.versions, record, row.bp)
}

/** An opening is used once, so that nobody submits twice, forks a case, or replays a record into another one (RULES 13). */
export function verifyUnused(row: CaseRow, opening: { step: string; prev: string[] }): void {
  const lapsed = row.acts.flatMap((act) => lapsedOpening(row, act) ?? [])
  const isUsed = [...row.records, ...lapsed].some(({ bp, step, prev }) => {
    return isSameOpening({ step: stepNow(row, { bp, step }) ?? '', prev }, opening)
  })
  if (!isUsed) return
  throw new ConcordatError({
    code: 'OPENING_USED',
    expected: 'an opening that no entry has used',
    got: 'a used one',
    step: opening.step,
  })
}

export function getOpening(row: CaseRow, wanted: { step: string; prev: string[] }): Opening {
  const opening = row.openings.find((candidate) => isSameOpening(candidate, wanted))
  if (opening !== undefined) return opening
  throw row.openings.some(({ step }) => step === wanted.step) ? prevNotOpen(wanted.step) : stepNotOpen(row, wanted.step)
}

/** RULES 17: what a disputed record opened waits. */
export function verifyNotWaiting(row: CaseRow, { step, prev, waits }: Opening): void {
  if (waits === null) return
  const disputed = row.disputes.flatMap(({ record, end }) => (end === null && prev.includes(record) ? [record] : []))
  throw new ConcordatError({
    code: 'OPENING_WAITS',
    expected: 'an opening by records that nobody disputes',
    got: 'one that waits for a dispute',
    step,
    disputed: [...new Set(disputed)].sort(),
  })
}

export function stepNotOpen(row: CaseRow, step: string): ConcordatError {
  const open = [...new Set(row.openings.map((opening) => opening.step))].sort()
  const expected = open.length === 0 ? 'no step' : open.join(', ')
  return new ConcordatError({ code: 'STEP_NOT_OPEN', expected, got: step, step, open })
}

export function prevNotOpen(step: string): ConcordatError {
  return new ConcordatError({
    code: 'PREV_NOT_OPEN',
    expected: 'the entries that opened the step',
    got: 'others',
    step,
  })
}
