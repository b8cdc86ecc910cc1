import { ConcordatError } from '../../error.ts'
import { correctedRecord } from '../case-version.ts'
import type { ActionClaims } from '../claims.ts'
import { deadlineAt } from '../deadline.ts'
import type { Review, Skeleton, SkeletonStep } from '../skeleton.ts'
import type { CaseRow } from '../state.ts'
import { getRecord, prevNotOpen, stepNow, verifyBoundSigner } from './case-entry.ts'

/** Whether the action replaces a record of its own step: a correction, offered while that one is in dispute (RULES 17). */
export function isCorrection(row: CaseRow, claims: ActionClaims): boolean {
  return correctedRecord(row, claims) !== undefined
}

/** By the signer of a record in dispute, in its place: what differs is the data, and where that leads. */
export function verifyCorrection(row: CaseRow, step: SkeletonStep, claims: ActionClaims): void {
  const record = getRecord(row, claims.replaces!)
  verifyBoundSigner(row, claims)
  if (record.replacedBy !== null) throw replaced()
  if (
    record.iss !== claims.iss ||
    !row.disputes.some((dispute) => dispute.record === record.id && dispute.end === null)
  ) {
    throw new ConcordatError({
      code: 'CORRECTION_NOT_OPEN',
      expected: "the signer's own record, in dispute",
      got: 'another one',
      step: step.id,
    })
  }
  if (record.prev.join() !== claims.prev.join()) throw prevNotOpen(step.id)
  const bound = Object.entries(claims.bind)
  const same = bound.length === Object.keys(record.bind).length
  if (same && bound.every(([role, { member }]) => record.bind[role]?.member === member)) return
  throw new ConcordatError({
    code: 'BIND_NOT_ALLOWED',
    expected: 'the bindings of the record that it corrects',
    got: 'others',
    role: bound.find(([role]) => !Object.hasOwn(record.bind, role))?.[0] ?? claims.as,
  })
}

/** RULES 18: only the decision of a review replaces a record of another step, and not by whoever decided first. */
export function verifyReplaces(row: CaseRow, { review }: Skeleton, { step, replaces, iss }: ActionClaims): void {
  const expected = review?.decide === step ? (row.review?.record ?? null) : null
  if (replaces !== expected) {
    throw new ConcordatError({
      code: 'REPLACES_NOT_ALLOWED',
      expected: expected === null ? 'null' : 'the record under review',
      got: replaces === null ? 'null' : 'another record',
      step,
    })
  }
  if (expected === null || getRecord(row, expected).iss !== iss) return
  throw new ConcordatError({
    code: 'REVIEW_BY_FIRST_DECIDER',
    expected: 'another member than the one that decided first',
    got: 'that one',
    step,
  })
}

/** RULES 18: of a finished case, until a date, each record once. */
export function verifyReviewRequest(row: CaseRow, review: Review, { step, prev }: ActionClaims, time: number): void {
  if (row.endedAt === null) {
    throw new ConcordatError({ code: 'CASE_NOT_ENDED', expected: 'a finished case', got: 'one that goes on', step })
  }
  const [reviewed, ...others] = prev
  if (reviewed === undefined || others.length > 0) throw prevNotOpen(step)
  const record = getRecord(row, reviewed)
  if (!review.of.includes(stepNow(row, record) ?? '')) throw prevNotOpen(step)
  if (record.replacedBy !== null) throw replaced()
  const until = deadlineAt(row.endedAt, review.until)
  if (time <= until) return
  throw new ConcordatError({
    code: 'REVIEW_TOO_LATE',
    expected: `a request until ${until}`,
    got: String(time),
    until,
    time,
  })
}

function replaced(): ConcordatError {
  return new ConcordatError({ code: 'RECORD_REPLACED', expected: 'the newest record', got: 'one that was replaced' })
}
