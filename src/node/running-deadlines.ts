import type { Lapsed } from '../core/ledger/case-claims.ts'
import { findResolver } from '../core/ledger/kinds/resolve.ts'
import { findStep } from '../core/ledger/skeleton.ts'
import type { BlueprintRow, CaseRow } from '../core/ledger/state.ts'

/** What lapses once a leaf time is past `due`. */
export interface RunningDeadline {
  what: Lapsed
  due: number
}

/**
 * The deadlines of a case that lead somewhere by themselves and do not stand still, earliest first (RULES 15 to 17). A dispute
 * that nobody can decide is due from its beginning. `blueprint` is the version under which the row stands.
 */
export function runningDeadlines(row: CaseRow, blueprint: BlueprintRow): RunningDeadline[] {
  const running: RunningDeadline[] = []
  for (const { step, prev, due, waits } of row.openings) {
    const lapse = findStep(blueprint.skeleton, step)?.lapse ?? null
    if (lapse === null || due === null || waits !== null) continue
    running.push({ what: { type: 'opening', step, prev, next: lapse.next }, due })
  }
  for (const { record, due, waits } of row.confirmations) {
    if (waits === null) running.push({ what: { type: 'confirm', record }, due })
  }
  for (const dispute of row.disputes) {
    if (dispute.end !== null) continue
    const due = findResolver(row, blueprint, dispute) === undefined ? dispute.time : dispute.due
    running.push({ what: { type: 'dispute', dispute: dispute.id }, due })
  }
  return running.sort((a, b) => a.due - b.due)
}
