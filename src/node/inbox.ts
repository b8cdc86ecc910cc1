import assert from 'node:assert'
import { documentStepId, getStep, textIn } from '../core/blueprint/blueprint.ts'
import { stepNow, stepOfRecord } from '../core/ledger/kinds/case-entry.ts'
import { findResolver } from '../core/ledger/kinds/resolve.ts'
import { findStep } from '../core/ledger/skeleton.ts'
import type { BlueprintRow, CaseRecord, CaseRow } from '../core/ledger/state.ts'
import type { InboxItem } from '../storage/storage.ts'
import type { Part } from './part.ts'

/** All that waits for this member in a case: steps that no dispute holds up, records to confirm, disputes to decide. */
export function inboxOf(
  part: Part,
  caseId: string,
  row: CaseRow,
  { blueprint, mine }: { blueprint: BlueprintRow; mine: readonly string[] },
): InboxItem[] {
  const common = { register: part.register, case: caseId }
  const items: InboxItem[] = []
  for (const { step, prev, since, due, waits } of row.openings) {
    const role = findStep(blueprint.skeleton, step)?.role
    if (role === undefined || !mine.includes(role) || waits !== null) continue
    items.push({ ...common, kind: 'act', step, role, prev, record: null, dispute: null, since, due })
  }
  for (const { record, roles, due } of row.confirmations) {
    const { iss, time } = findRecord(row, record)
    // Nobody countersigns a record of its own (RULES 16).
    for (const role of roles.filter((candidate) => mine.includes(candidate) && iss !== part.member)) {
      const step = stepOf(row, record)
      items.push({ ...common, kind: 'confirm', step, role, prev: [], record, dispute: null, since: time, due })
    }
  }
  for (const dispute of row.disputes) {
    const { id, record, end, time, due } = dispute
    if (end !== null || findResolver(row, blueprint, dispute) !== part.member) continue
    const role = stepOfRecord(row, blueprint, findRecord(row, record)).dispute?.resolver
    if (role === undefined || role === null) continue
    const step = stepOf(row, record)
    items.push({ ...common, kind: 'resolve', step, role, prev: [], record, dispute: id, since: time, due })
  }
  return items
}

export async function viewInboxItem(part: Part, item: InboxItem) {
  const { kind, role, record, dispute, since, due } = item
  // That of the summary, which came with the item: the register's own row may be ahead of both.
  const bp = (await part.storage.findCase(part.register, item.case))?.blueprint ?? ''
  const blueprint = await part.documents.get(bp)
  const step = getStep(blueprint, documentStepId(blueprint, item.step))
  const receipts = await part.storage.caseReceipts(part.register, item.case)
  return {
    kind,
    case: item.case,
    blueprint: bp,
    step: step.id,
    title: textIn(step.title, 'en'),
    role,
    record,
    dispute,
    since,
    due,
    ready: receipts.every((receipt) => receipt.role !== role || receipt.state !== 'awaited'),
  }
}

function findRecord(row: CaseRow, id: string): CaseRecord {
  const record = row.records.find((candidate) => candidate.id === id)
  assert(record !== undefined, 'what waits is about a record of its case')
  return record
}

function stepOf(row: CaseRow, recordId: string): string {
  const step = stepNow(row, findRecord(row, recordId))
  assert(step !== undefined, 'a case moves only where its steps are mapped')
  return step
}
