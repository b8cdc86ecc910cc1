import { type Blueprint, documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import type { RecallReason } from '../core/ledger/case-claims.ts'
import type { CaseRecall, CaseRow, RecallsRow } from '../core/ledger/state.ts'

interface RecallView {
  recall: string
  as: string
  from: string
  index: number
  time: number
  reason: RecallReason
  records: { record: string; fields: string[] }[]
  /** One for each member that it reaches; null where it has not answered yet. */
  answers: { member: string; erased: { entry: string; opened: boolean; time: number } | null }[]
}

/** Each recall with what it took back, who has answered and who has not (RULES 19). */
export function viewRecalls(
  { recalls, erasures }: RecallsRow,
  row: CaseRow,
  documents: ReadonlyMap<string, Blueprint>,
): RecallView[] {
  return recalls.map((recall) => {
    const { id, as, iss, index, time, reason, records, recipients } = recall
    const answers = recipients.map((member) => {
      const answer = erasures.find((erasure) => erasure.recall === id && erasure.iss === member)
      if (answer === undefined) return { member, erased: null }
      return { member, erased: { entry: answer.id, opened: answer.opened === true, time: answer.time } }
    })
    const taken = Object.keys(records).map((record) => ({
      record,
      fields: recalledFields([recall], row, documents, record),
    }))
    return { recall: id, as, from: iss, index, time, reason, records: taken, answers }
  })
}

/** Pointers of a record's fields that these recalls took back. */
export function recalledFields(
  recalls: readonly CaseRecall[],
  row: CaseRow,
  documents: ReadonlyMap<string, Blueprint>,
  recordId: string,
): string[] {
  const record = row.records.find(({ id }) => id === recordId)
  const blueprint = record && documents.get(record.bp)
  if (record === undefined || blueprint === undefined) return []
  const recalled = recalls.flatMap(({ records }) => records[recordId] ?? [])
  return groupsOf(blueprint, documentStepId(blueprint, record.step))
    .flatMap(({ index, fields }) => (recalled.includes(index) ? fields : []))
    .sort()
}
