import type { Skeleton } from './skeleton.ts'
import type { CaseRow, Opening } from './state.ts'

/**
 * A case as the leaves below `size` left it. A node's rows may be ahead of what is committed; only the committed part is shown,
 * delivered or served (RULES 30).
 */
export function caseAsOf(row: CaseRow, skeleton: Skeleton, size: number): CaseRow {
  const records = row.records.filter(({ index }) => index < size)
  const disputes = row.disputes.filter(({ index }) => index < size)
  if (records.length === row.records.length && disputes.length === row.disputes.length) return row
  const ids = new Set(records.map(({ id }) => id))
  const roles = Object.fromEntries(Object.entries(row.roles).filter(([, { by }]) => by === null || ids.has(by)))
  let openings: Opening[] = []
  for (const record of records) {
    const step = skeleton.steps.find(({ id }) => id === record.step)
    const closes = step?.closes ?? []
    openings = openings.filter((opening) => !isSame(opening, record) && !closes.includes(opening.step))
    openings.push(...record.next.map((next) => ({ step: next, prev: [record.id] })))
  }
  return { ...row, records, disputes, roles, openings, ended: openings.length === 0 && disputes.length === 0 }
}

function isSame(opening: Opening, record: { step: string; prev: string[] }): boolean {
  return opening.step === record.step && opening.prev.join() === record.prev.join()
}
