import { ConcordatError } from '../../error.ts'
import { CaseProgress } from '../case-progress.ts'
import { nextIn, originOf } from '../case-version.ts'
import type { ResolveClaims } from '../claims.ts'
import type { BlueprintRow, CaseDispute, CaseRecord, CaseRow, StateRow } from '../state.ts'
import { getCaseOf, getRecord, stepOfRecord, verifyBoundSigner } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/** RULES 17. */
export function applyResolve(context: EntryContext<ResolveClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const { row, blueprint } = getCaseOf(rows, claims)
  const dispute = getOpenDispute(row, claims.dispute)
  verifyBoundSigner(row, claims)
  verifyMayResolve(row, blueprint, dispute, claims)
  if (claims.correction !== null) verifySettlement(row, blueprint, dispute, claims.correction)
  const { as, iss, outcome, correction } = claims
  const progress = CaseProgress.of(row, blueprint.skeleton)
  progress.apply({ kind: 'resolve', id, as, iss, ...leaf, dispute: dispute.id, outcome, correction, void: null })
  return { [`case/${claims.case}`]: progress.row() }
}

export function getOpenDispute(row: CaseRow, id: string): CaseDispute {
  const dispute = row.disputes.find((candidate) => candidate.id === id)
  if (dispute === undefined) {
    throw new ConcordatError({ code: 'DISPUTE_UNKNOWN', expected: 'a dispute of the case', got: 'another id' })
  }
  if (dispute.end === null) return dispute
  throw new ConcordatError({ code: 'DISPUTE_ENDED', expected: 'an open dispute', got: 'one that has ended' })
}

/** The member bound to the step's resolver; undefined if nobody is, or one of the two parties. */
export function findResolver(row: CaseRow, blueprint: BlueprintRow, dispute: CaseDispute): string | undefined {
  const record = getRecord(row, dispute.record)
  const resolver = stepOfRecord(row, blueprint, record).dispute?.resolver ?? null
  if (resolver === null || !Object.hasOwn(row.roles, resolver)) return undefined
  const { member } = row.roles[resolver]!
  return member === record.iss || member === dispute.iss ? undefined : member
}

function verifyMayResolve(row: CaseRow, blueprint: BlueprintRow, dispute: CaseDispute, claims: ResolveClaims): void {
  const { outcome, as, iss } = claims
  if (outcome === 'withdrawn' || outcome === 'settled') {
    const party = outcome === 'withdrawn' ? dispute : getRecord(row, dispute.record)
    if (party.as === as && party.iss === iss) return
    throw notYours(outcome === 'withdrawn' ? 'the role that disputes' : "the role of the record's signer", as)
  }
  const { dispute: rules } = stepOfRecord(row, blueprint, getRecord(row, dispute.record))
  if (rules?.resolver === as && findResolver(row, blueprint, dispute) === iss) return
  throw notYours("the step's resolver, neither signer nor disputer", as)
}

function notYours(expected: string, role: string): ConcordatError {
  return new ConcordatError({ code: 'RESOLVE_NOT_ALLOWED', expected, got: 'another role or member', role })
}

/** Where a correction leads elsewhere than its record, nobody may have gone there yet: then only upholding undoes it. */
function verifySettlement(row: CaseRow, blueprint: BlueprintRow, dispute: CaseDispute, correctionId: string): void {
  const record = getRecord(row, dispute.record)
  const correction = getRecord(row, correctionId)
  if (correction.replaces !== record.id || correction.iss !== record.iss || record.replacedBy !== null) {
    throw new ConcordatError({
      code: 'CORRECTION_UNKNOWN',
      expected: "a record of the signer's that corrects the disputed one",
      got: 'another record',
    })
  }
  if (nextNow(row, correction) === nextNow(row, record)) return
  const withdrawn = row.records.some((other) => stepOfRecord(row, blueprint, other).withdrawal)
  if (!withdrawn && !hasLedOn(row, record)) return
  throw new ConcordatError({
    code: 'SETTLEMENT_TOO_LATE',
    expected: 'a record whose next steps are still open, or a correction that opens the same',
    got: 'one after which the case has gone on',
  })
}

/** Something has used what the record opened, or what one opened whose place it took. */
function hasLedOn(row: CaseRow, record: CaseRecord): boolean {
  const origin = originOf(row, record.id)
  const uses = [
    ...row.records.map(({ prev }) => prev),
    ...row.acts.map((act) => (act.kind === 'lapse' && act.what.type === 'opening' ? act.what.prev : [])),
  ]
  return uses.some((prev) => prev.some((id) => originOf(row, id) === origin))
}

function nextNow(row: CaseRow, record: CaseRecord): string {
  return nextIn(row.versions, record, row.bp).join()
}
