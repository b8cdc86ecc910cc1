import { type Blueprint, documentStepId, getStep, type Text } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import type { JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { caseAsOf } from '../core/ledger/case-as-of.ts'
import type { CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { Delivery, InboxItem, Receipt, StoredGroup } from '../storage/storage.ts'
import { getBlueprintRow, getCaseRow, type Part } from './part.ts'
import type { Verdict } from './receive.ts'

interface FieldView {
  name: string
  value: JsonValue
  subject: string
  /** Roles that the blueprint gives it to. */
  to: string[]
}

export interface RecordView {
  record: string
  index: number
  time: number
  step: string
  as: string
  from: string
  next: string[]
  fields: FieldView[]
  verdict: Verdict | null
  notCheckable: { check: string; missing: string[] }[]
  awaiting: boolean
  erased: boolean
  leaf: string
  proof: string[]
}

/** A case as this member's roles see it, up to what is committed, each record with its proof. */
export async function viewCase(part: Part, caseId: string) {
  const newest = await getCaseRow(part, caseId)
  const certificate = part.ordering.certificate
  const size = certificate?.size ?? 0
  const { skeleton } = await getBlueprintRow(part, newest.bp)
  const row = caseAsOf(newest, skeleton, size)
  const blueprint = await part.documents.get(row.bp)
  const groups = await part.storage.caseGroups(part.register, caseId)
  const receipts = await part.storage.caseReceipts(part.register, caseId)
  const deliveries = await part.storage.caseDeliveries(part.register, caseId)
  const waiting = new Set(row.disputes.map(({ record }) => record))
  return {
    case: caseId,
    blueprint: row.bp,
    name: blueprint.name,
    startedAt: row.records[0]?.time ?? 0,
    ended: row.ended,
    roles: Object.fromEntries(Object.entries(row.roles).map(([role, { member }]) => [role, member])),
    records: await Promise.all(
      row.records.map((record) => viewRecord(part, { blueprint, record, groups, receipts, size })),
    ),
    open: row.openings.map(({ step, prev }) => ({
      step: documentStepId(blueprint, step),
      role: getStep(blueprint, documentStepId(blueprint, step)).role,
      waits: prev.some((record) => waiting.has(record)),
    })),
    disputes: row.disputes.map(({ id, record, as, index, time }) => ({ dispute: id, record, as, index, time })),
    sharedWith: deliveries.flatMap((delivery) => sharedFields(blueprint, row, delivery)),
    checkpoint: certificate?.note ?? '',
  }
}

export async function viewInboxItem(part: Part, item: InboxItem) {
  const row = await getCaseRow(part, item.case)
  const blueprint = await part.documents.get(row.bp)
  const step = getStep(blueprint, documentStepId(blueprint, item.step))
  const receipts = await part.storage.caseReceipts(part.register, item.case)
  return {
    case: item.case,
    blueprint: row.bp,
    step: step.id,
    title: inEnglish(step.title),
    role: item.role,
    since: item.since,
    ready: receipts.every(({ role, state }) => role !== item.role || state !== 'awaited'),
  }
}

/** A leaf with its inclusion proof in the tree of `size` leaves. */
export async function proveLeaf(
  part: Part,
  index: number,
  size: number,
): Promise<{ index: number; leaf: string; proof: string[] }> {
  const [leaf = ''] = await part.storage.readLeaves(part.register, index, 1)
  return { index, leaf, proof: (await part.ordering.log.inclusionProof(index, size)).map(toBase64url) }
}

async function viewRecord(
  part: Part,
  about: {
    blueprint: Blueprint
    record: CaseRecord
    groups: readonly StoredGroup[]
    receipts: readonly Receipt[]
    size: number
  },
): Promise<RecordView> {
  const { blueprint, record, size } = about
  const step = documentStepId(blueprint, record.step)
  const mine = about.receipts.filter((receipt) => receipt.record === record.id)
  const held = about.groups.filter((group) => group.record === record.id)
  const verdict = joinVerdicts(
    mine.flatMap((receipt) => (receipt.verdict === null ? [] : [receipt.verdict as unknown as Verdict])),
  )
  const { leaf, proof } = await proveLeaf(part, record.index, size)
  return {
    record: record.id,
    index: record.index,
    time: record.time,
    step,
    as: record.as,
    from: record.iss,
    next: record.next.map((id) => documentStepId(blueprint, id)),
    fields: await viewFields(part, blueprint, step, held),
    verdict,
    notCheckable: (verdict?.findings ?? []).flatMap((finding) =>
      finding.verdict === 'not checkable' && 'missing' in finding
        ? [{ check: finding.check, missing: finding.missing ?? [] }]
        : [],
    ),
    awaiting: mine.some(({ state }) => state === 'awaited'),
    erased:
      mine.some(({ state }) => state === 'erased') ||
      (held.length === 0 && (record.iss === part.member || mine.some(({ state }) => state === 'opened'))),
    leaf,
    proof,
  }
}

/** A field that this member holds under two of its roles is one field. */
async function viewFields(
  part: Part,
  blueprint: Blueprint,
  step: string,
  held: readonly StoredGroup[],
): Promise<FieldView[]> {
  const groups = groupsOf(blueprint, step)
  const fields = new Map<string, FieldView>()
  const shown = held.filter(({ index }) => index > 0)
  for (const [i, opened] of (await part.vault.open(shown)).entries()) {
    const group = groups[shown[i]!.index]
    if (opened === undefined || group === undefined) continue
    const to = [...new Set(group.audience.map(([role]) => role))].sort()
    for (const { name, value } of opened.disclosures) fields.set(name, { name, value, subject: group.subject, to })
  }
  return [...fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What a role could not check when one grant came may be checked when a later one comes: the newest finding counts. */
function joinVerdicts(verdicts: readonly Verdict[]): Verdict | null {
  const last = verdicts.at(-1)
  if (last === undefined) return null
  const against = verdicts.flatMap(({ findings }) => findings.filter(({ verdict }) => verdict === 'contradicts'))
  return against.length > 0 && last.verdict !== 'contradicts' ? { verdict: 'contradicts', findings: against } : last
}

function sharedFields(blueprint: Blueprint, row: CaseRow, delivery: Delivery) {
  const record = row.records.find(({ id }) => id === delivery.record)
  if (record === undefined) return []
  const groups = groupsOf(blueprint, documentStepId(blueprint, record.step))
  const fields = delivery.groups.flatMap((index) => groups[index]?.fields ?? [])
  const { member, role, state } = delivery
  return [{ record: delivery.record, fields, member, role, state }]
}

function inEnglish(text: Text): string {
  return typeof text === 'string' ? text : text.en
}
