import assert from 'node:assert'
import { canonicalize } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import { parseEntry } from '../core/ledger/entry.ts'
import { makeDisclosure, randomSalt } from '../core/record/disclosure.ts'
import { commitment, sealGroup } from '../core/record/group.ts'
import type { Submission } from '../storage/storage.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { getCaseRow, type Part } from './part.ts'
import { keepGroup } from './recalls.ts'
import { signEntry } from './sign-entry.ts'

export interface DisputeRequest {
  case: string
  record: string
  role: string
  reason: 'contradicts' | 'undelivered' | 'other'
  /** For the record's signer and the step's resolver alone. */
  explanation: string
}

/** A dispute's explanation is its one granted group (docs/formats/dispute.md). */
export const EXPLANATION_GROUP = 1
const EXPLANATION_POINTER = '/explanation'
/** Disputes are kept as long as the case file of the role that raised them. */
export const DISPUTE_RETENTION = 'dispute'

/** Signs a dispute (RULES 17). Nothing is stored or sent yet. */
export async function prepareDispute(part: Part, dispute: DisputeRequest, macs: RequestMacs): Promise<Prepared> {
  const row = await getCaseRow(part, dispute.case)
  const disclosure = makeDisclosure(EXPLANATION_POINTER, dispute.explanation)
  const salt = randomSalt()
  const claims = {
    bp: row.bp,
    case: dispute.case,
    record: dispute.record,
    as: dispute.role,
    reason: dispute.reason,
    explanation: commitment(EXPLANATION_GROUP, salt, [disclosure.digest]),
  }
  const submission = await signEntry(part, { kind: 'dispute', key: 'record', case: dispute.case, claims }, macs)
  const { id } = submission
  const { key, sealed } = sealGroup({ index: EXPLANATION_GROUP, recordId: id, salt, disclosures: [disclosure.text] })
  const group = await keepGroup(part, {
    scope: {
      register: part.register,
      case: dispute.case,
      subject: dispute.role,
      role: dispute.role,
      retention: DISPUTE_RETENTION,
    },
    record: id,
    index: EXPLANATION_GROUP,
    key,
    sealed,
  })
  return { submission, groups: [group] }
}

/** The same dispute signed anew, with its explanation (RULES 26). */
export async function renewDispute(part: Part, refused: Submission): Promise<Prepared> {
  const entry = parseEntry(refused.jws)
  assert(entry.kind === 'dispute')
  const { case: caseId, record, as: role, reason } = entry.claims
  const own = await part.storage.recordGroups(part.register, refused.id, role)
  const fields = (await part.vault.fields(own)).get(refused.id) ?? []
  const explanation = fields.find(([pointer]) => pointer === EXPLANATION_POINTER)?.[1]
  if (typeof explanation !== 'string') {
    throw new ConcordatError({ code: 'ERASED', expected: 'an explanation that is kept', got: 'an erased one' })
  }
  const { idempotency, request } = refused
  return prepareDispute(part, { case: caseId, record, role, reason, explanation }, { idempotency, request })
}

/** The idempotency key under which a node disputes a record by itself: once, also after a crash. */
export function automaticDisputeKey(record: string, role: string): string {
  return canonicalize(['automatic dispute', record, role])
}
