import assert from 'node:assert'
import { eventsOf } from '../core/ledger/case-event.ts'
import { isCaseEntry, parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { grantsDue } from '../core/ledger/grants-due.ts'
import { stepOfRecord, tookPart } from '../core/ledger/kinds/case-entry.ts'
import type { BlueprintRow, CaseDispute, CaseRecall, CaseRow } from '../core/ledger/state.ts'
import type { OrderedBatch } from '../ordering/ordering.ts'
import type { CaseSummary, Delivery, Effects, Receipt } from '../storage/storage.ts'
import { inboxOf } from './inbox.ts'
import { caseAt, findCaseRow, type Part } from './part.ts'
import { notRecalled, recallsOf } from './recalls.ts'
import { runningDeadlines } from './running-deadlines.ts'

interface Collected {
  deliveries: Delivery[]
  receipts: Receipt[]
}

/** What committed entries mean for this member: a pure reading of the register, the same after every restart. */
export async function effectsOf(part: Part, batch: OrderedBatch): Promise<Effects> {
  const end = batch.index + batch.leaves.length
  const effects = {
    cases: [] as CaseSummary[],
    inbox: [] as Effects['inbox'][number][],
    deliveries: [] as Delivery[],
    receipts: [] as Receipt[],
  }
  for (const [caseId, indexes] of entriesByCase(batch)) {
    const newest = await findCaseRow(part, caseId)
    assert(newest !== undefined, 'a committed action has a case')
    const { row, blueprint } = await caseAt(part, newest, end)
    if (!tookPart(row, part.member)) continue
    const mine = Object.keys(row.roles).filter((role) => row.roles[role]!.member === part.member)
    effects.cases.push(summaryOf(part, caseId, row, { blueprint, mine }))
    effects.inbox.push(...inboxOf(part, caseId, row, { blueprint, mine }))
    const { recalls } = await recallsOf(part, caseId)
    // Each as of its own entry, so that a later one that makes it void takes nothing back, in whichever batches they come.
    for (const index of indexes) {
      const at = await caseAt(part, newest, index + 1)
      const before = recalls.filter((recall) => recall.index < index)
      collectGrants(part, caseId, index, { ...at, recalls: before }, effects)
      const dispute = at.row.disputes.find((candidate) => candidate.index === index)
      if (dispute !== undefined) collectExplanation(part, caseId, dispute, at, effects)
    }
  }
  return { register: part.register, cursor: end, ...effects }
}

/** Indexes of the batch's entries about each case. */
function entriesByCase(batch: OrderedBatch): Map<string, number[]> {
  const byCase = new Map<string, number[]>()
  for (const [i, leaf] of batch.leaves.entries()) {
    const entry = parseEntry(parseLeaf(leaf).jws)
    if (!isCaseEntry(entry)) continue
    const indexes = byCase.get(entry.claims.case) ?? []
    indexes.push(batch.index + i)
    byCase.set(entry.claims.case, indexes)
  }
  return byCase
}

function collectGrants(
  part: Part,
  caseId: string,
  index: number,
  { row, blueprint, recalls }: { row: CaseRow; blueprint: BlueprintRow; recalls: readonly CaseRecall[] },
  { deliveries, receipts }: Collected,
): void {
  for (const due of grantsDue(blueprint.skeleton, row)) {
    if (due.authorisedIndex !== index) continue
    const record = row.records.find(({ id }) => id === due.record)
    assert(record !== undefined)
    // What was recalled stays with its signer alone.
    const groups = record.iss === due.member ? due.groups : notRecalled(recalls, due)
    if (groups.length === 0) continue
    const grant = {
      register: part.register,
      record: due.record,
      role: due.role,
      authorisedBy: due.authorisedBy,
      case: caseId,
    }
    if (record.iss === part.member) deliveries.push(newDelivery(grant, due.member, groups))
    if (due.member === part.member) receipts.push(newReceipt(grant, record.iss, groups))
  }
}

function collectExplanation(
  part: Part,
  caseId: string,
  dispute: CaseDispute,
  at: { row: CaseRow; blueprint: BlueprintRow },
  { deliveries, receipts }: Collected,
): void {
  const { id, iss } = dispute
  for (const { role, member } of explanationReaders(at.row, at.blueprint, dispute)) {
    const grant = { register: part.register, record: id, role, authorisedBy: id, case: caseId }
    if (iss === part.member) deliveries.push(newDelivery(grant, member, [1]))
    if (member === part.member) receipts.push(newReceipt(grant, iss, [1]))
  }
}

/** RULES 17: a dispute's explanation is for the record's signer and the step's resolver, as the dispute found them. */
export function explanationReaders(
  row: CaseRow,
  blueprint: BlueprintRow,
  dispute: Pick<CaseDispute, 'record'>,
): { role: string; member: string }[] {
  const record = row.records.find(({ id }) => id === dispute.record)
  assert(record !== undefined, 'a committed dispute names a record of its case')
  const resolver = stepOfRecord(row, blueprint, record).dispute?.resolver ?? null
  const readers = [{ role: record.as, member: record.iss }]
  const bound = resolver === null ? undefined : row.roles[resolver]
  if (resolver !== null && resolver !== record.as && bound !== undefined)
    readers.push({ role: resolver, member: bound.member })
  return readers
}

function summaryOf(
  part: Part,
  caseId: string,
  row: CaseRow,
  { blueprint, mine }: { blueprint: BlueprintRow; mine: string[] },
): CaseSummary {
  return {
    register: part.register,
    case: caseId,
    blueprint: row.bp,
    roles: mine,
    startedAt: row.records[0]!.time,
    changedAt: eventsOf(row).at(-1)!.time,
    ended: row.ended,
    dueAt: mine.length === 0 ? null : (runningDeadlines(row, blueprint)[0]?.due ?? null),
  }
}

type GrantKey = Pick<Delivery, 'register' | 'record' | 'role' | 'authorisedBy' | 'case'>

function newDelivery(grant: GrantKey, member: string, groups: readonly number[]): Delivery {
  return { ...grant, member, groups, state: 'due', attempts: 0, dueAt: 0 }
}

function newReceipt(grant: GrantKey, from: string, groups: readonly number[]): Receipt {
  return { ...grant, from, groups, state: 'awaited', verdict: null }
}
