import { type Blueprint, documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import { join } from '../core/blueprint/pointer.ts'
import type { View } from '../core/blueprint/view.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import type { CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { StoredGroup } from '../storage/storage.ts'
import type { Part } from './part.ts'

/**
 * What a role holds of a case in the causal history that ends with `prev`: the same for everyone who looks from the same
 * record, whatever else has been ordered meanwhile. So signer and recipient apply rules to the same place.
 */
export async function viewOf(
  part: Part,
  at: {
    caseId: string
    row: CaseRow
    blueprint: Blueprint
    role: string
    prev: readonly string[]
    /** Roles count as bound if an entry below this index bound them. */
    before: number
  },
): Promise<View> {
  const newest = newestByStep(historyOf(at.row.records, at.prev))
  const held = (await part.storage.caseGroups(part.register, at.caseId)).filter(({ role }) => role === at.role)
  const wanted = new Map(newest.map((record) => [record.id, record]))
  const groups = held.filter(({ record, index }) => index > 0 && wanted.has(record))
  const fields = await part.vault.fields(groups)
  const values: Record<string, JsonObject> = {}
  const sees: Record<string, readonly string[]> = {}
  for (const record of newest) {
    const step = documentStepId(at.blueprint, record.step)
    values[step] = join(fields.get(record.id) ?? [])
    sees[step] = shownFields(at.blueprint, step, groups, record.id)
  }
  const early = new Set(at.row.records.filter(({ index }) => index < at.before).map(({ id }) => id))
  const bound = Object.fromEntries(
    Object.entries(at.row.roles).flatMap(([role, { member, by }]) =>
      by === null || early.has(by) ? [[role, member]] : [],
    ),
  )
  return { values, sees, bound }
}

/** The fields of the groups that are held of a record, whether each is present in it or not. */
function shownFields(
  blueprint: Blueprint,
  step: string,
  held: readonly Pick<StoredGroup, 'record' | 'index'>[],
  record: string,
): string[] {
  const indexes = new Set(held.filter((group) => group.record === record).map(({ index }) => index))
  return groupsOf(blueprint, step).flatMap(({ index, fields }) => (index > 0 && indexes.has(index) ? fields : []))
}

/** The records that lead to `prev`, themselves included, in the register's order. */
function historyOf(records: readonly CaseRecord[], prev: readonly string[]): CaseRecord[] {
  const byId = new Map(records.map((record) => [record.id, record]))
  const found = new Set<CaseRecord>()
  const open = [...prev]
  while (open.length > 0) {
    const record = byId.get(open.pop()!)
    if (record === undefined || found.has(record)) continue
    found.add(record)
    open.push(...record.prev)
  }
  return records.filter((record) => found.has(record))
}

function newestByStep(records: readonly CaseRecord[]): CaseRecord[] {
  return [...new Map(records.map((record) => [record.step, record])).values()]
}
