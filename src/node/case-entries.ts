import { documentStepId, opaqueStepId } from '../core/blueprint/blueprint.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import type { DisputeOutcome, Lapsed, OwnCaseClaims } from '../core/ledger/case-claims.ts'
import { type EntryKind, parseEntry } from '../core/ledger/entry.ts'
import { findStep } from '../core/ledger/skeleton.ts'
import type { CaseRow, Opening } from '../core/ledger/state.ts'
import type { Submission } from '../storage/storage.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { getBlueprintRow, getCaseRow, type Part } from './part.ts'
import { signEntry } from './sign-entry.ts'

// Entries about cases that carry no fields. Each is signed here; nothing is stored or sent yet.

export type ConfirmRequest = { case: string; record: string; role: string; accept: boolean }
export type ResolveRequest = {
  case: string
  dispute: string
  role: string
  outcome: DisputeOutcome
  /** The record that settles it; null exactly where it is not settled. */
  correction: string | null
}
/** `step` is the document's id, as that of a lapse. */
export type ExtendRequest = { case: string; step: string; role: string; until: number }
export type LapseRequest = {
  case: string
  role: string
  what: { type: 'opening'; step: string } | Exclude<Lapsed, { type: 'opening' }>
}
export type SuspendRequest = { blueprint: string; roles: readonly string[]; suspended: boolean }

/** RULES 16. */
export async function prepareConfirm(part: Part, request: ConfirmRequest, macs: RequestMacs): Promise<Prepared> {
  const { case: caseId, record, role, accept } = request
  const { bp } = await getCaseRow(part, caseId)
  return prepareEntry(part, 'confirm', { bp, case: caseId, record, as: role, accept }, macs)
}

/** RULES 17. */
export async function prepareResolve(part: Part, request: ResolveRequest, macs: RequestMacs): Promise<Prepared> {
  const { case: caseId, dispute, role, outcome, correction } = request
  const { bp } = await getCaseRow(part, caseId)
  return prepareEntry(part, 'resolve', { bp, case: caseId, dispute, as: role, outcome, correction }, macs)
}

/** RULES 15. */
export async function prepareExtend(part: Part, request: ExtendRequest, macs: RequestMacs): Promise<Prepared> {
  const { case: caseId, role, until } = request
  const row = await getCaseRow(part, caseId)
  const { step, prev } = await openingAt(part, row, request.step)
  return prepareEntry(part, 'extend', { bp: row.bp, case: caseId, as: role, step, prev, until }, macs)
}

/** RULES 15 to 17. */
export async function prepareLapse(part: Part, request: LapseRequest, macs: RequestMacs): Promise<Prepared> {
  const { case: caseId, role, what } = request
  const row = await getCaseRow(part, caseId)
  if (what.type !== 'opening') return prepareEntry(part, 'lapse', { bp: row.bp, case: caseId, as: role, what }, macs)
  const opening = await openingAt(part, row, what.step)
  const { skeleton } = await getBlueprintRow(part, row.bp)
  const next = findStep(skeleton, opening.step)?.lapse?.next ?? []
  const { step, prev } = opening
  return prepareEntry(
    part,
    'lapse',
    { bp: row.bp, case: caseId, as: role, what: { type: 'opening', step, prev, next } },
    macs,
  )
}

/** RULES 12. */
export function prepareSuspend(part: Part, request: SuspendRequest, macs: RequestMacs): Promise<Prepared> {
  const { blueprint, suspended } = request
  return prepareEntry(part, 'suspend', { bp: blueprint, roles: [...request.roles].sort(), suspended }, macs)
}

/** The same entry signed anew, for one that expired unordered; undefined for kinds that are not of this file (RULES 26). */
export async function renewEntry(part: Part, expired: Submission): Promise<Prepared | undefined> {
  const { kind, claims } = parseEntry(expired.jws)
  if (!KINDS.some((candidate) => candidate === kind)) return undefined
  const { iss: _iss, iat: _iat, jti: _jti, ...own } = claims as unknown as JsonObject
  const { idempotency, request } = expired
  const entry = { kind, key: 'record' as const, case: expired.case, claims: own }
  return { submission: await signEntry(part, entry, { idempotency, request }), groups: [] }
}

const KINDS = ['confirm', 'resolve', 'extend', 'lapse', 'recall', 'erased', 'suspend'] as const satisfies EntryKind[]
type Kind = (typeof KINDS)[number]

export async function prepareEntry<K extends Kind>(
  part: Part,
  kind: K,
  claims: OwnCaseClaims[K],
  macs: RequestMacs,
): Promise<Prepared> {
  const caseId = 'case' in claims ? claims.case : null
  const entry = { kind, key: 'record' as const, case: caseId, claims: claims as unknown as JsonObject }
  return { submission: await signEntry(part, entry, macs), groups: [] }
}

async function openingAt(part: Part, row: CaseRow, step: string): Promise<Opening> {
  const blueprint = await part.documents.get(row.bp)
  if (!blueprint.steps.some(({ id }) => id === step)) {
    throw new ConcordatError({ code: 'STEP_UNKNOWN', expected: 'a step of the blueprint', got: 'another' })
  }
  const opaque = opaqueStepId(blueprint, step)
  const opening = row.openings.findLast((candidate) => candidate.step === opaque)
  if (opening !== undefined) return opening
  throw new ConcordatError({
    code: 'STEP_NOT_OPEN',
    expected: 'an open step',
    got: step,
    step,
    open: [...new Set(row.openings.map((open) => documentStepId(blueprint, open.step)))].sort(),
  })
}
