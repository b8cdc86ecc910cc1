import { documentStepId } from '../core/blueprint/blueprint.ts'
import { type Group, groupsOf } from '../core/blueprint/groups.ts'
import { ConcordatError } from '../core/error.ts'
import type { RecallReason } from '../core/ledger/case-claims.ts'
import { grantsEverDue } from '../core/ledger/grants-due.ts'
import type { CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { prepareEntry } from './case-entries.ts'
import { getBlueprintRow, getCaseRow, type Part } from './part.ts'
import { notRecalled, recallsOf } from './recalls.ts'

export interface RecallRequest {
  case: string
  record: string
  /** Pointers; all that anybody else was granted and nobody has recalled yet. */
  fields: readonly string[] | 'all'
  reason: RecallReason
}

/** Signs a recall of the groups that hold these fields, in the role in which the record was made (RULES 19). Nothing is sent yet. */
export async function prepareRecall(part: Part, request: RecallRequest, macs: RequestMacs): Promise<Prepared> {
  const { case: caseId, reason } = request
  const row = await getCaseRow(part, caseId)
  const record = getRecord(row, request.record)
  const { fields } = request
  const groups =
    fields === 'all' ? await grantedToOthers(part, caseId, row, record) : await holding(part, record, fields)
  const claims = { bp: row.bp, case: caseId, as: record.as, records: { [record.id]: groups }, reason }
  return prepareEntry(part, 'recall', claims, macs)
}

/** What a committed recall has taken, and from whom. */
export async function recallOf(
  part: Part,
  request: RecallRequest,
  { id, index }: { id: string; index: number },
): Promise<{ recall: string; index: number; fields: string[]; members: string[] }> {
  const { recalls } = await recallsOf(part, request.case)
  const recall = recalls.find((candidate) => candidate.id === id)
  const groups = recall?.records[request.record] ?? []
  const record = getRecord(await getCaseRow(part, request.case), request.record)
  const fields = (await groupsOfRecord(part, record)).flatMap((group) => {
    return groups.includes(group.index) ? group.fields : []
  })
  return { recall: id, index, fields: fields.sort(), members: recall?.recipients ?? [] }
}

function getRecord(row: CaseRow, id: string): CaseRecord {
  const record = row.records.find((candidate) => candidate.id === id)
  if (record !== undefined) return record
  throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record of the case', got: 'another id' })
}

async function groupsOfRecord(part: Part, { bp, step }: CaseRecord): Promise<readonly Group[]> {
  const blueprint = await part.documents.get(bp)
  return groupsOf(blueprint, documentStepId(blueprint, step))
}

async function grantedToOthers(part: Part, caseId: string, row: CaseRow, record: CaseRecord): Promise<number[]> {
  const { skeleton } = await getBlueprintRow(part, row.bp)
  const grants = grantsEverDue(skeleton, row, record).filter(({ member }) => member !== record.iss)
  const granted = [...new Set(grants.flatMap(({ groups }) => groups))].sort((a, b) => a - b)
  const left = notRecalled((await recallsOf(part, caseId)).recalls, { record: record.id, groups: granted })
  if (left.length > 0) return left
  throw new ConcordatError({
    code: 'RECALL_NOT_GRANTED',
    expected: 'a record of which somebody else was granted a field that is not recalled yet',
    got: 'another one',
  })
}

/** Keys open whole groups: what shares one with a named field goes with it. */
async function holding(part: Part, record: CaseRecord, fields: readonly string[]): Promise<number[]> {
  const groups = await groupsOfRecord(part, record)
  const found = fields.map((field, i) => {
    const group = groups.find(({ index, fields: own }) => index > 0 && own.includes(field))
    if (group !== undefined) return group.index
    throw new ConcordatError({
      code: 'FIELD_NOT_HELD',
      expected: 'fields of the record',
      got: 'another',
      at: `/fields/${i}`,
    })
  })
  return [...new Set(found)].sort((a, b) => a - b)
}
