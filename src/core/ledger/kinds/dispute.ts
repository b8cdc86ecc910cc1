import { ConcordatError } from '../../error.ts'
import { CaseProgress } from '../case-progress.ts'
import { correctedRecord } from '../case-version.ts'
import type { DisputeClaims } from '../claims.ts'
import { type Deadline, deadlineAt } from '../deadline.ts'
import { findGrantsDue } from '../grants-due.ts'
import type { BlueprintRow, CaseRecord, CaseRow, StateRow } from '../state.ts'
import { getCaseOf, getRecord, stepOfRecord, verifyBoundSigner } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/** RULES 17. What the record opened then waits; other branches go on. */
export function applyDispute(context: EntryContext<DisputeClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const { row, blueprint } = getCaseOf(rows, claims)
  const record = getRecord(row, claims.record)
  verifyDisputer(row, record, claims)
  const rules = stepOfRecord(row, blueprint, record).dispute
  const corrected = correctedRecord(row, record)
  // A correction that is only offered changes nothing yet.
  if (rules === null || (corrected !== undefined && corrected.replacedBy !== record.id)) {
    throw new ConcordatError({
      code: 'DISPUTE_NOT_ALLOWED',
      expected: 'a record that counts, of a step that has a dispute window',
      got: record.step,
      step: record.step,
    })
  }
  verifyEntitled(row, blueprint, record, rules, context)
  const { as, iss } = claims
  const due = deadlineAt(leaf.time, rules.deadline)
  const progress = CaseProgress.of(row, blueprint.skeleton)
  progress.apply({ kind: 'dispute', id, record: record.id, as, iss, ...leaf, due, end: null, void: null })
  return { [`case/${claims.case}`]: progress.row() }
}

function verifyDisputer(row: CaseRow, record: CaseRecord, claims: DisputeClaims): void {
  const { as, iss } = claims
  verifyBoundSigner(row, claims)
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
function verifyEntitled(
  row: CaseRow,
  { skeleton }: BlueprintRow,
  record: CaseRecord,
  { window }: { window: Deadline },
  { claims, leaf }: EntryContext<DisputeClaims>,
): void {
  const newest = findGrantsDue(skeleton, row, record.id, claims.as).at(-1)
  if (newest === undefined) {
    throw new ConcordatError({
      code: 'DISPUTE_NOT_ENTITLED',
      expected: 'a role that an entry entitles to a group of the record',
      got: 'another role',
      role: claims.as,
    })
  }
  const until = deadlineAt(newest.authorisedTime, window)
  if (leaf.time <= until) return
  throw new ConcordatError({
    code: 'DISPUTE_TOO_LATE',
    expected: `a dispute until ${until}`,
    got: String(leaf.time),
    until,
    time: leaf.time,
  })
}
