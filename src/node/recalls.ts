import { type Blueprint, documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf, retentionOf } from '../core/blueprint/groups.ts'
import { ConcordatError } from '../core/error.ts'
import { parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { type CaseRecall, findRecalls, type RecallsRow } from '../core/ledger/state.ts'
import type { OrderedBatch } from '../ordering/ordering.ts'
import type { StoredGroup } from '../storage/storage.ts'
import { findCaseRow, type Part } from './part.ts'
import { type GroupToKeep, parseVaultKeyId, vaultKeyId } from './vault.ts'

/** What is committed of a case's recalls and erasures. */
export async function recallsOf(part: Pick<Part, 'ordering'>, caseId: string): Promise<RecallsRow> {
  const row = findRecalls(await part.ordering.log.rows([`recalls/${caseId}`]), caseId)
  const size = part.ordering.certificate?.size ?? 0
  const committed = ({ index }: { index: number }) => index < size
  return { recalls: row?.recalls.filter(committed) ?? [], erasures: row?.erasures.filter(committed) ?? [] }
}

/** The recalls that take something from this member, oldest first. */
export function recallsReaching(recalls: readonly CaseRecall[], member: string): CaseRecall[] {
  return recalls.filter(({ recipients }) => recipients.includes(member))
}

/** Of these groups of a record, those that no recall has taken back from everyone but its signer. */
export function notRecalled(
  recalls: readonly CaseRecall[],
  { record, groups }: { record: string; groups: readonly number[] },
): number[] {
  const recalled = recalls.flatMap(({ records }) => (Object.hasOwn(records, record) ? records[record]! : []))
  return groups.filter((group) => !recalled.includes(group))
}

/**
 * The recall that vault keys in use follow. Whoever leaves out what was recalled takes it from the same recalls: then a group that a
 * later one takes is wrapped under a key that this one retires, and is not saved after it.
 */
export function keyAfter(recalls: readonly CaseRecall[], member: string): string | null {
  return recallsReaching(recalls, member).at(-1)?.id ?? null
}

/** A group to keep; `scope` without the recall that its key follows. */
interface CaseGroup extends Omit<GroupToKeep, 'scope'> {
  scope: Omit<GroupToKeep['scope'], 'after'>
}

/** Seals a group of a case ready to be stored, under the keys that are in use by now. Throws ERASED after an erasure of its scope. */
export async function keepGroup(part: Part, group: CaseGroup): Promise<StoredGroup> {
  const { recalls } = await recallsOf(part, group.scope.case)
  return part.vault.keep({ ...group, scope: { ...group.scope, after: keyAfter(recalls, part.member) } })
}

/** Closes what the batch's recalls take from this member: before the cursor passes them, so that none is missed. */
export async function closeRecalls(part: Part, batch: OrderedBatch): Promise<void> {
  for (const [i, leaf] of batch.leaves.entries()) {
    const entry = parseEntry(parseLeaf(leaf).jws)
    if (entry.kind !== 'recall') continue
    const { recalls } = await recallsOf(part, entry.claims.case)
    const reaching = recallsReaching(recalls, part.member)
    const recall = reaching.find(({ index }) => index === batch.index + i)
    if (recall === undefined) continue
    const before = reaching.filter(({ index }) => index < recall.index)
    await closeUntilDone(part, entry.claims.case, { recall, before })
  }
}

interface Reaching {
  recall: CaseRecall
  /** Earlier ones, whose keys may still be in use. */
  before: readonly CaseRecall[]
}

async function closeUntilDone(part: Part, caseId: string, reaching: Reaching): Promise<void> {
  for (;;) {
    try {
      return await close(part, caseId, reaching)
    } catch (error) {
      // A group came while the others were looked at. None comes under these keys once they are retired.
      if (!(error instanceof ConcordatError) || error.code !== 'VAULT_KEY_RETIRED') throw error
    }
  }
}

/**
 * RULES 19. What stays of what the recalled groups shared a vault key with gets a fresh one, durable before the database names it;
 * then the old key is destroyed. A crash in between leaves old keys that nothing uses: repeating this destroys them.
 */
async function close(part: Part, caseId: string, { recall, before }: Reaching): Promise<void> {
  const { register, storage, vault, custody } = part
  const held = await storage.caseGroups(register, caseId)
  const isRecalled = ({ record, index }: { record: string; index: number }) =>
    notRecalled([recall], { record, groups: [index] }).length === 0
  const recalled = held.filter(isRecalled)
  const scopes = await scopesOf(part, caseId, recall)
  const inUse = scopes.flatMap((scope) => [null, ...before.map(({ id }) => id)].map((after) => ({ ...scope, after })))
  const retired = [...new Set([...recalled.map(({ vaultKey }) => vaultKey), ...inUse.map(vaultKeyId)])]
  const staying = held.filter((group) => !isRecalled(group) && retired.includes(group.vaultKey))
  const keys = await vault.groupKeys(staying)
  const renewed = await Promise.all(staying.map((group, i) => renew(part, group, keys[i], recall.id)))
  const lost = staying.filter((_, i) => renewed[i] === undefined)
  const receipts = (await storage.caseReceipts(register, caseId)).filter(
    ({ record }) => recall.records[record] !== undefined,
  )
  const opened = receipts.some(({ record, groups, verdict }) => {
    return verdict !== null && notRecalled([recall], { record, groups }).length < groups.length
  })
  const all = [...before, recall]
  await storage.closeGroups({
    register,
    case: caseId,
    closed: [...recalled, ...lost],
    renewed: renewed.filter((group) => group !== undefined),
    retired,
    receipts: receipts.filter((receipt) => notRecalled(all, receipt).length === 0),
    owed: { register, case: caseId, recall: recall.id, opened, dueAt: 0 },
  })
  const destroyed = await storage.retiredVaultKeys(register, caseId)
  await custody.destroyVaultKeys(destroyed)
  await storage.eraseGroups(destroyed)
}

/** Undefined where it is erased anyhow. */
async function renew(
  part: Part,
  group: StoredGroup,
  key: Uint8Array | undefined,
  after: string,
): Promise<StoredGroup | undefined> {
  if (key === undefined) return undefined
  const { register, case: caseId } = group
  const scope = { register, case: caseId, ...parseVaultKeyId(group.vaultKey), after }
  try {
    return await part.vault.keep({ ...group, scope, key })
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'ERASED') return undefined
    throw error
  }
}

/** Whatever the recalled groups may be kept under, here or on their way. */
async function scopesOf(part: Part, caseId: string, recall: CaseRecall) {
  const row = await findCaseRow(part, caseId)
  const scopes = Object.entries(recall.records).map(async ([recordId, indexes]) => {
    const record = row?.records.find(({ id }) => id === recordId)
    const blueprint = record && (await findDocument(part, record.bp))
    // Without the document nothing of the record can have come, nor come now.
    if (record === undefined || blueprint === undefined) return []
    const step = documentStepId(blueprint, record.step)
    return groupsOf(blueprint, step).flatMap((group) => {
      if (!indexes.includes(group.index)) return []
      return [...new Set(group.audience.map(([role]) => role))].map((role) => ({
        register: part.register,
        case: caseId,
        subject: group.subject,
        role,
        retention: retentionOf(blueprint, step, group, role) ?? '',
      }))
    })
  })
  return (await Promise.all(scopes)).flat()
}

async function findDocument(part: Part, hash: string): Promise<Blueprint | undefined> {
  try {
    return await part.documents.get(hash)
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'DOCUMENT_MISSING') return undefined
    throw error
  }
}
