import { type Blueprint, documentStepId, getStep } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import type { JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import type { CaseRecall, CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { Delivery, Receipt, StoredGroup } from '../storage/storage.ts'
import { viewAct } from './act-view.ts'
import { caseAt, getCaseRow, type Part } from './part.ts'
import { recalledFields, viewRecalls } from './recall-view.ts'
import { notRecalled, recallsOf } from './recalls.ts'
import type { Verdict } from './receive.ts'
import { type DocumentVersion, documentsOf, stepNameIn } from './versions.ts'

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
  void: boolean
  replaces: string | null
  replacedBy: string | null
  confirmation: { waitingFor: string[]; due: number } | null
  fields: FieldView[]
  verdict: Verdict | null
  notCheckable: { check: string; missing: string[] }[]
  awaiting: boolean
  erased: boolean
  /** Fields that its signer has taken back from everyone else. */
  recalled: string[]
  leaf: string
  proof: string[]
}

/** A case as this member's roles see it, up to what is committed, each record with its proof. Steps are the present version's. */
export async function viewCase(part: Part, caseId: string) {
  const certificate = part.ordering.certificate
  const size = certificate?.size ?? 0
  const { row } = await caseAt(part, await getCaseRow(part, caseId), size)
  const documents = await documentsOf(part, row)
  const blueprint = documents.get(row.bp)!
  const version = { bp: row.bp, blueprint }
  const nameOf = (step: string) => documentStepId(blueprint, step)
  const groups = await part.storage.caseGroups(part.register, caseId)
  const receipts = await part.storage.caseReceipts(part.register, caseId)
  const deliveries = await part.storage.caseDeliveries(part.register, caseId)
  const taken = await recallsOf(part, caseId)
  const about = { row, version, documents, groups, receipts, recalls: taken.recalls, size }
  return {
    case: caseId,
    blueprint: row.bp,
    name: blueprint.name,
    startedAt: row.records[0]?.time ?? 0,
    ended: row.ended,
    roles: Object.fromEntries(Object.entries(row.roles).map(([role, { member }]) => [role, member])),
    records: await Promise.all(row.records.map((record) => viewRecord(part, about, record))),
    open: row.openings.map(({ step, since, due, waits }) => ({
      step: nameOf(step),
      role: getStep(blueprint, nameOf(step)).role,
      waits: waits !== null,
      since,
      due,
    })),
    waiting: row.arrivals.map(({ step, from }) => ({ step: nameOf(step), from: nameOf(from) })),
    disputes: row.disputes.map(({ id, record, as, index, time, due, end }) => ({
      dispute: id,
      record,
      as,
      index,
      time,
      due,
      end: end === null ? null : { outcome: end.outcome, by: end.by },
    })),
    acts: row.acts.map((act) => viewAct(act, documents.get(versionAt(row, act.index))!)),
    review: row.review,
    movedFrom: row.versions.map(({ bp }) => bp),
    sharedWith: deliveries.flatMap((delivery) => sharedFields(documents, row, delivery)),
    recalls: viewRecalls(taken, row, documents),
    erasures: taken.erasures
      .filter(({ recall }) => recall === null)
      .map(({ id, iss, index, time }) => ({ erased: id, member: iss, index, time })),
    checkpoint: certificate?.note ?? '',
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

/** The version under which the entry of this index came: records alone move a case. */
function versionAt(row: CaseRow, index: number): string {
  return row.records.findLast((record) => record.index < index)?.bp ?? row.bp
}

interface About {
  row: CaseRow
  version: DocumentVersion
  documents: ReadonlyMap<string, Blueprint>
  groups: readonly StoredGroup[]
  receipts: readonly Receipt[]
  recalls: readonly CaseRecall[]
  size: number
}

async function viewRecord(part: Part, about: About, record: CaseRecord): Promise<RecordView> {
  const { row, version, documents, size } = about
  const own = documents.get(record.bp)!
  const nameOf = (step: string) => stepNameIn(row, { bp: record.bp, step }, version) ?? documentStepId(own, step)
  const mine = about.receipts.filter((receipt) => receipt.record === record.id)
  const held = about.groups.filter((group) => group.record === record.id)
  // What is gone because it was recalled is shown as that.
  const left = mine.filter((receipt) => notRecalled(about.recalls, receipt).length > 0)
  const hadSome = record.iss === part.member || left.some(({ state }) => state === 'opened')
  const verdict = joinVerdicts(
    mine.flatMap((receipt) => (receipt.verdict === null ? [] : [receipt.verdict as unknown as Verdict])),
  )
  const confirmation = row.confirmations.find((waiting) => waiting.record === record.id)
  const { leaf, proof } = await proveLeaf(part, record.index, size)
  return {
    record: record.id,
    index: record.index,
    time: record.time,
    step: nameOf(record.step),
    as: record.as,
    from: record.iss,
    next: record.next.map(nameOf),
    void: record.void !== null,
    replaces: record.replaces,
    replacedBy: record.replacedBy,
    confirmation: confirmation === undefined ? null : { waitingFor: confirmation.roles, due: confirmation.due },
    fields: await viewFields(part, own, documentStepId(own, record.step), held),
    verdict,
    notCheckable: (verdict?.findings ?? []).flatMap((finding) =>
      finding.verdict === 'not checkable' && 'missing' in finding
        ? [{ check: finding.check, missing: finding.missing ?? [] }]
        : [],
    ),
    awaiting: mine.some(({ state }) => state === 'awaited'),
    erased: left.some(({ state }) => state === 'erased') || (held.length === 0 && hadSome),
    recalled: recalledFields(about.recalls, row, documents, record.id),
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

function sharedFields(documents: ReadonlyMap<string, Blueprint>, row: CaseRow, delivery: Delivery) {
  const record = row.records.find(({ id }) => id === delivery.record)
  const blueprint = record && documents.get(record.bp)
  if (record === undefined || blueprint === undefined) return []
  const groups = groupsOf(blueprint, documentStepId(blueprint, record.step))
  const fields = delivery.groups.flatMap((index) => groups[index]?.fields ?? [])
  const { member, role, state } = delivery
  return [{ record: delivery.record, fields, member, role, state }]
}
