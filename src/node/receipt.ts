import { type Blueprint, documentStepId, getStep } from '../core/blueprint/blueprint.ts'
import { setAt } from '../core/blueprint/pointer.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import type { ActionClaims } from '../core/ledger/claims.ts'
import { parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import type { Submission } from '../storage/storage.ts'
import { proveLeaf } from './case-view.ts'
import { getCertificate } from './evidence.ts'
import { caseAt, getCaseRow, type Part } from './part.ts'

/** What the submitter of a committed action gets: the record, its proof under a certificate, and what it led to. */
export async function receiptOf(part: Part, submission: Submission) {
  const index = indexOf(submission)
  const certificate = await getCertificate(part)
  const { leaf, proof } = await proveLeaf(part, index, certificate.size)
  const { time, jws } = parseLeaf(leaf)
  const entry = parseEntry(jws)
  if (entry.kind !== 'action+sd-jwt') throw new TypeError('an action was submitted')
  const { claims } = entry
  const blueprint = await part.documents.get(claims.bp)
  const { row } = await caseAt(part, await getCaseRow(part, claims.case), certificate.size)
  return {
    case: claims.case,
    record: submission.id,
    index,
    time,
    leaf,
    proof,
    checkpoint: certificate.note,
    next: claims.next.map((id) => documentStepId(blueprint, id)),
    ended: row.ended,
    calculated: await calculatedFields(part, blueprint, submission.id, claims),
  }
}

export function indexOf(submission: Submission): number {
  if (submission.index !== null) return submission.index
  throw new TypeError('a submission that resolved is committed')
}

/** Left out where this member has erased them. */
async function calculatedFields(
  part: Part,
  blueprint: Blueprint,
  record: string,
  claims: ActionClaims,
): Promise<JsonObject> {
  const calculations = getStep(blueprint, documentStepId(blueprint, claims.step)).calculations ?? []
  if (calculations.length === 0) return {}
  const own = await part.storage.recordGroups(part.register, record, claims.as)
  const fields = new Map((await part.vault.fields(own)).get(record) ?? [])
  let calculated: JsonObject = {}
  for (const pointer of new Set(calculations.map(({ field }) => field))) {
    const value = fields.get(pointer)
    if (value !== undefined) calculated = setAt(calculated, pointer, value)
  }
  return calculated
}
