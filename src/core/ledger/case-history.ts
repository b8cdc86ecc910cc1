import { causesOf, eventsOf } from './case-event.ts'
import type { CaseRecord, CaseRow } from './state.ts'

/**
 * The records that lead to `prev`, themselves included, by rising index: the same for everyone who looks from the same opening,
 * whatever else has been ordered meanwhile. A step that was done again does not lead to its own second time; a record that was
 * corrected leads there with its correction. `before` is the index of the entry that looks: what came later does not count.
 */
export function historyOf(row: CaseRow, prev: readonly string[], before: number): CaseRecord[] {
  const events = eventsOf(row).filter(({ index }) => index < before)
  const byId = new Map(events.map((event) => [event.id, event]))
  const records = new Map(row.records.map((record) => [record.id, record]))
  const settled = new Map(
    events.flatMap((event) => {
      if (event.kind !== 'resolve' || event.correction === null) return []
      return [[records.get(event.correction)!.replaces!, event.correction] as const]
    }),
  )
  const found = new Set<string>()
  const waiting = [...prev]
  const leadsTo = (id: string): string[] => {
    const event = byId.get(id)
    if (event === undefined) return []
    if (event.kind === 'action') {
      const correction = settled.get(id)
      return correction === undefined ? causesOf(event) : [...causesOf(event), correction]
    }
    if (event.kind === 'lapse' && event.what.type === 'opening') return event.what.prev
    // It made a record void, whose step opened anew: what led to that record leads here.
    const [cause] = causesOf(event)
    const disputed = byId.get(cause ?? '')
    const record = disputed?.kind === 'dispute' ? records.get(disputed.record) : records.get(cause ?? '')
    return record?.prev ?? []
  }
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue
    found.add(id)
    waiting.push(...leadsTo(id))
  }
  return row.records.filter((record) => {
    return found.has(record.id) && record.index < before && (record.void === null || record.void >= before)
  })
}
