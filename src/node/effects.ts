import assert from 'node:assert'
import { caseAsOf } from '../core/ledger/case-as-of.ts'
import { type ParsedEntry, parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { grantsDue } from '../core/ledger/grants-due.ts'
import type { CaseRow } from '../core/ledger/state.ts'
import { entryId } from '../core/ledger/verify-entry.ts'
import type { OrderedBatch } from '../ordering/ordering.ts'
import type { CaseSummary, Delivery, Effects, InboxItem, Receipt } from '../storage/storage.ts'
import { findCaseRow, getBlueprintRow, type Part } from './part.ts'

/** What committed entries mean for this member: a pure reading of the register, the same after every restart. */
export async function effectsOf(part: Part, batch: OrderedBatch): Promise<Effects> {
  const end = batch.index + batch.leaves.length
  const effects = {
    cases: [] as CaseSummary[],
    inbox: [] as InboxItem[],
    deliveries: [] as Delivery[],
    receipts: [] as Receipt[],
  }
  const disputes: { id: string; entry: Extract<ParsedEntry, { kind: 'dispute' }> }[] = []
  const touched = new Set<string>()
  for (const leaf of batch.leaves) {
    const entry = parseEntry(parseLeaf(leaf).jws)
    if (entry.kind === 'action+sd-jwt' || entry.kind === 'dispute') touched.add(entry.claims.case)
    if (entry.kind === 'dispute') disputes.push({ id: entryId(entry), entry })
  }
  for (const caseId of touched) {
    const newest = await findCaseRow(part, caseId)
    assert(newest !== undefined, 'a committed action has a case')
    const { skeleton } = await getBlueprintRow(part, newest.bp)
    const row = caseAsOf(newest, skeleton, end)
    const mine = Object.keys(row.roles).filter((role) => row.roles[role]!.member === part.member)
    if (mine.length === 0) continue
    effects.cases.push(summaryOf(part, caseId, row, mine))
    effects.inbox.push(...inboxOf(part, caseId, row, skeleton.steps, mine))
    for (const due of grantsDue(skeleton, row)) {
      if (due.authorisedIndex < batch.index) continue
      const record = row.records.find(({ id }) => id === due.record)
      assert(record !== undefined)
      const grant = {
        register: part.register,
        record: due.record,
        role: due.role,
        authorisedBy: due.authorisedBy,
        case: caseId,
      }
      if (record.iss === part.member) effects.deliveries.push(newDelivery(grant, due.member, due.groups))
      if (due.member === part.member) effects.receipts.push(newReceipt(grant, record.iss, due.groups))
    }
    for (const { id, entry } of disputes) {
      if (entry.claims.case !== caseId) continue
      for (const { role, member } of explanationReaders(row, skeleton.steps, entry.claims.record)) {
        const grant = { register: part.register, record: id, role, authorisedBy: id, case: caseId }
        if (entry.claims.iss === part.member) effects.deliveries.push(newDelivery(grant, member, [1]))
        if (member === part.member) effects.receipts.push(newReceipt(grant, entry.claims.iss, [1]))
      }
    }
  }
  return { register: part.register, cursor: end, ...effects }
}

/** RULES 17: a dispute's explanation is for the record's signer and the step's resolver. */
export function explanationReaders(
  row: CaseRow,
  steps: readonly { id: string; dispute: { resolver: string | null } | null }[],
  recordId: string,
): { role: string; member: string }[] {
  const record = row.records.find(({ id }) => id === recordId)
  assert(record !== undefined, 'a committed dispute names a record of its case')
  const resolver = steps.find(({ id }) => id === record.step)?.dispute?.resolver ?? null
  const readers = [{ role: record.as, member: record.iss }]
  const bound = resolver === null ? undefined : row.roles[resolver]
  if (resolver !== null && resolver !== record.as && bound !== undefined)
    readers.push({ role: resolver, member: bound.member })
  return readers
}

function summaryOf(part: Part, caseId: string, row: CaseRow, roles: string[]): CaseSummary {
  const first = row.records[0]!
  const changedAt = Math.max(...row.records.map(({ time }) => time), ...row.disputes.map(({ time }) => time))
  return {
    register: part.register,
    case: caseId,
    blueprint: row.bp,
    roles,
    startedAt: first.time,
    changedAt,
    ended: row.ended,
  }
}

function inboxOf(
  part: Part,
  caseId: string,
  row: CaseRow,
  steps: readonly { id: string; role: string }[],
  mine: readonly string[],
): InboxItem[] {
  return row.openings.flatMap(({ step, prev }) => {
    const role = steps.find(({ id }) => id === step)?.role
    if (role === undefined || !mine.includes(role)) return []
    const since = Math.max(...row.records.filter(({ id }) => prev.includes(id)).map(({ time }) => time))
    return [{ register: part.register, case: caseId, step, role, prev, since }]
  })
}

type GrantKey = Pick<Delivery, 'register' | 'record' | 'role' | 'authorisedBy' | 'case'>

function newDelivery(grant: GrantKey, member: string, groups: readonly number[]): Delivery {
  return { ...grant, member, groups, state: 'due', attempts: 0, dueAt: 0 }
}

function newReceipt(grant: GrantKey, from: string, groups: readonly number[]): Receipt {
  return { ...grant, from, groups, state: 'awaited', verdict: null }
}
