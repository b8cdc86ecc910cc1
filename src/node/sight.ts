import { documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import { join } from '../core/blueprint/pointer.ts'
import type { View } from '../core/blueprint/view.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import { historyOf } from '../core/ledger/case-history.ts'
import type { CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { Part } from './part.ts'
import { type DocumentVersion, stepNameIn } from './versions.ts'

/**
 * What a role holds of a case in the causal history that ends with `prev`: the same for everyone who looks from the same
 * record, whatever else has been ordered meanwhile. So signer and recipient apply rules to the same place. Steps are named in
 * the words of `version`, that of the record in question.
 */
export async function viewOf(
  part: Part,
  at: {
    caseId: string
    row: CaseRow
    version: DocumentVersion
    role: string
    prev: readonly string[]
    /** Index of the record that looks: what came later does not count. */
    before: number
    /** As they are bound for that record. */
    roles: CaseRow['roles']
  },
): Promise<View> {
  const newest = newestByStep(at.row, historyOf(at.row, at.prev, at.before), at.version)
  const held = (await part.storage.caseGroups(part.register, at.caseId)).filter(({ role }) => role === at.role)
  const wanted = new Set([...newest.values()].map(({ id }) => id))
  const groups = held.filter(({ record, index }) => index > 0 && wanted.has(record))
  const fields = await part.vault.fields(groups)
  const values: Record<string, JsonObject> = {}
  const sees: Record<string, readonly string[]> = {}
  for (const [step, record] of newest) {
    values[step] = join(fields.get(record.id) ?? [])
    const indexes = groups.filter((group) => group.record === record.id).map(({ index }) => index)
    sees[step] = await shownFields(part, record, indexes, { ...at.version, step })
  }
  const bound = Object.fromEntries(Object.entries(at.roles).map(([role, { member }]) => [role, member]))
  return { values, sees, bound }
}

/**
 * The fields of the groups that are held of a record, whether each is present in it or not. A field that only the later version
 * of its step has is hidden from nobody: it is not there.
 */
async function shownFields(
  part: Part,
  record: CaseRecord,
  indexes: readonly number[],
  now: DocumentVersion & { step: string },
): Promise<string[]> {
  const document = record.bp === now.bp ? now.blueprint : await part.documents.get(record.bp)
  const own = groupsOf(document, documentStepId(document, record.step))
  const shown = own.flatMap(({ index, fields }) => (index > 0 && indexes.includes(index) ? fields : []))
  if (record.bp === now.bp) return shown
  const known = own.flatMap(({ fields }) => fields)
  const added = groupsOf(now.blueprint, now.step).flatMap(({ fields }) => fields)
  return [...shown, ...added.filter((field) => !known.includes(field))]
}

/** By step, the record that counts; one that no later step stands for is out of sight. */
function newestByStep(row: CaseRow, history: readonly CaseRecord[], version: DocumentVersion): Map<string, CaseRecord> {
  const newest = new Map<string, CaseRecord>()
  for (const record of history) {
    const step = stepNameIn(row, record, version)
    if (step !== undefined) newest.set(step, record)
  }
  return newest
}
