import type { CaseAct, CaseDispute, CaseRecord } from './state.ts'

/** An entry about a case, as the register took it. */
export type CaseEvent = ({ kind: 'action' } & CaseRecord) | ({ kind: 'dispute' } & CaseDispute) | CaseAct

/** The entries of a case by rising index. */
export function eventsOf(row: {
  records: readonly CaseRecord[]
  disputes: readonly CaseDispute[]
  acts: readonly CaseAct[]
}): CaseEvent[] {
  const events: CaseEvent[] = [
    ...row.records.map((record) => ({ kind: 'action' as const, ...record })),
    ...row.disputes.map((dispute) => ({ kind: 'dispute' as const, ...dispute })),
    ...row.acts,
  ]
  return events.sort((a, b) => a.index - b.index)
}

/** As it was when it came, before later entries marked it. */
export function unmarked(event: CaseEvent): CaseEvent {
  if (event.kind === 'action') return { ...event, void: null, replacedBy: null }
  return event.kind === 'dispute' ? { ...event, void: null, end: null } : { ...event, void: null }
}

/** The entries that an entry builds on. */
export function causesOf(event: CaseEvent): string[] {
  switch (event.kind) {
    case 'action':
      return event.replaces === null ? event.prev : [...event.prev, event.replaces]
    case 'dispute':
    case 'confirm':
      return [event.record]
    case 'resolve':
      return [event.dispute]
    case 'extend':
      return event.prev
    case 'lapse':
      if (event.what.type === 'opening') return event.what.prev
      return [event.what.type === 'confirm' ? event.what.record : event.what.dispute]
  }
}

export function isSameOpening(a: { step: string; prev: string[] }, b: { step: string; prev: string[] }): boolean {
  return a.step === b.step && a.prev.length === b.prev.length && a.prev.every((id, i) => id === b.prev[i])
}
