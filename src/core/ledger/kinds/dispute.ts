import { ConcordatError } from '../../error.ts'
import type { DisputeClaims } from '../claims.ts'
import { deadlineAt } from '../deadline.ts'
import { findGrantsDue } from '../grants-due.ts'
import { findStep } from '../skeleton.ts'
import { type CaseRecord, type CaseRow, findCase, type StateRow } from '../state.ts'
import { verifyLive } from './blueprint-version.ts'
import type { EntryContext } from './context.ts'

/** RULES 17. What the record opened then waits; other branches go on. */
export function applyDispute(context: EntryContext<DisputeClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const row = findCase(rows, claims.case)
  if (row === undefined) {
    throw new ConcordatError({ code: 'CASE_UNKNOWN', expected: 'a case that has started', got: 'an unused case id' })
  }
  if (row.bp !== claims.bp) {
    throw new ConcordatError({
      code: 'CASE_BLUEPRINT_DIFFERS',
      expected: 'the blueprint under which the case runs',
      got: 'another one',
    })
  }
  const record = row.records.find((candidate) => candidate.id === claims.record)
  if (record === undefined) {
    throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record of the case', got: 'another id' })
  }
  verifyDisputer(row, record, claims)
  verifyEntitled(context, row, record)
  const { as, iss } = claims
  const dispute = { id, record: record.id, as, iss, index: leaf.index, time: leaf.time }
  return { [`case/${claims.case}`]: { ...row, disputes: [...row.disputes, dispute], ended: false } }
}

function verifyDisputer(row: CaseRow, record: CaseRecord, { as, iss }: DisputeClaims): void {
  if (!Object.hasOwn(row.roles, as)) {
    throw new ConcordatError({ code: 'ROLE_UNBOUND', expected: 'a bound role', got: 'an unbound one', role: as })
  }
  if (row.roles[as]!.member !== iss) {
    throw new ConcordatError({
      code: 'SIGNER_NOT_BOUND_TO_ROLE',
      expected: 'the member bound to the role',
      got: 'another member',
      role: as,
    })
  }
  if (record.iss === iss) {
    throw new ConcordatError({
      code: 'DISPUTE_BY_SIGNER',
      expected: "another member's record",
      got: "the member's own",
    })
  }
  if (row.disputes.some((dispute) => dispute.record === record.id && dispute.as === as)) {
    throw new ConcordatError({
      code: 'DISPUTE_REPEATED',
      expected: 'one dispute of a record by a role',
      got: 'a second one',
      role: as,
    })
  }
}

/** Whoever was granted a group may dispute, from the newest entry that authorised one until the step's window ends. */
function verifyEntitled({ rows, claims, leaf }: EntryContext<DisputeClaims>, row: CaseRow, record: CaseRecord): void {
  const { skeleton } = verifyLive(rows, claims.bp)
  const dispute = findStep(skeleton, record.step)?.dispute ?? null
  if (dispute === null) {
    throw new ConcordatError({
      code: 'DISPUTE_NOT_ALLOWED',
      expected: 'a record of a step that has a dispute window',
      got: record.step,
      step: record.step,
    })
  }
  const newest = findGrantsDue(skeleton, row, record.id, claims.as).at(-1)
  if (newest === undefined) {
    throw new ConcordatError({
      code: 'DISPUTE_NOT_ENTITLED',
      expected: 'a role that an entry entitles to a group of the record',
      got: 'another role',
      role: claims.as,
    })
  }
  const until = deadlineAt(newest.authorisedTime, dispute.window)
  if (leaf.time <= until) return
  throw new ConcordatError({
    code: 'DISPUTE_TOO_LATE',
    expected: `a dispute until ${until}`,
    got: String(leaf.time),
    until,
    time: leaf.time,
  })
}
