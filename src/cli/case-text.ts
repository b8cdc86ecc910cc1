import type { ActView, CaseView, DisputeView, RecordView } from '../api/cases.ts'
import { formatTime } from './output.ts'

type Act<K extends ActView['kind']> = Extract<ActView, { kind: K }>

/** A case in lines for a person: each record with all that was said of it, then what happens next. */
export function caseText(view: CaseView): string {
  const lines = [
    `case ${view.case}  ${view.name}  ${view.ended ? 'ended' : 'open'}, started ${formatTime(view.startedAt)}`,
    ...view.movedFrom.map((blueprint) => `moved from version ${blueprint}`),
  ]
  for (const record of view.records) lines.push('', ...recordLines(record, view))
  lines.push('', ...deadlineLines(view), ...view.open.map(openLine))
  for (const { step, from } of view.waiting) lines.push(`waits: ${step}, for other steps than ${from}`)
  for (const { member, time } of view.erasures) lines.push(`erased by ${member}, ${formatTime(time)}`)
  if (view.review !== null) lines.push(`review asked for: of record ${view.review.record}`)
  return `${lines.join('\n').trimEnd()}\n`
}

function recordLines(record: RecordView, view: CaseView): string[] {
  const lines = [`${record.step} (${record.as})  ${formatTime(record.time)}  record ${record.record}`]
  if (record.void) lines.push(`  void, it no longer counts: ${reasonOfVoid(record, view)}`)
  const older = view.records.find(({ record: id }) => id === record.replaces)
  if (older !== undefined) {
    const correction = older.replacedBy === record.record ? 'corrects' : 'offered as a correction of'
    lines.push(`  ${older.step === record.step ? correction : 'decides anew'}: ${older.record}`)
  }
  const newer = view.records.find(({ record: id }) => id === record.replacedBy)
  if (newer !== undefined)
    lines.push(`  ${newer.step === record.step ? 'corrected by' : 'decided anew by'}: ${newer.record}`)
  for (const { name, value, to } of record.fields) {
    lines.push(`  ${name}: ${JSON.stringify(value)}${to.length > 0 ? `  [for ${to.join(', ')}]` : ''}`)
  }
  if (record.awaiting) lines.push('  fields are on their way')
  if (record.erased) lines.push('  erased here')
  lines.push(...recallLines(record, view))
  if (record.verdict !== null) lines.push(`  checked here: ${record.verdict.verdict}`)
  for (const { check, field, verdict } of record.verdict?.findings ?? []) {
    if (verdict === 'contradicts') lines.push(`  contradicts: ${check}${field === undefined ? '' : ` ${field}`}`)
  }
  for (const { check, missing } of record.notCheckable) {
    lines.push(`  not checkable: ${check}, without ${missing.join(', ')}`)
  }
  for (const shared of view.sharedWith.filter((item) => item.record === record.record)) {
    lines.push(`  shared with ${shared.role}: ${shared.fields.join(', ')} (${shared.state})`)
  }
  return [...lines, ...confirmationLines(record, view), ...disputeLines(record, view)]
}

/** What was taken back, and who has not said yet that it is gone. */
function recallLines({ record }: RecordView, view: CaseView): string[] {
  return view.recalls.flatMap((recall) => {
    const fields = recall.records.flatMap((taken) => (taken.record === record ? taken.fields : []))
    if (fields.length === 0) return []
    const answers = recall.answers.map(({ member, erased }) => {
      if (erased === null) return `    ${member}: not answered yet`
      return `    ${member}: erased, ${erased.opened ? 'had been opened' : 'never opened'}, ${formatTime(erased.time)}`
    })
    return [`  recalled by ${who(recall)}, ${recall.reason}: ${fields.join(', ')}  recall ${recall.recall}`, ...answers]
  })
}

function confirmationLines({ record, confirmation }: RecordView, view: CaseView): string[] {
  const lines = actsOf(view, 'confirm')
    .filter((act) => act.record === record)
    .map(({ accept, as, time }) => `  ${accept ? 'countersigned' : 'refused'} by ${as}, ${formatTime(time)}`)
  const lapse = lapseOf(view, 'confirm', record)
  if (lapse !== undefined) lines.push(`  lapsed: not all countersigned in time, entered by ${who(lapse)}`)
  if (confirmation !== null) {
    const { waitingFor, due } = confirmation
    lines.push(`  waits for the countersignature of ${waitingFor.join(', ')}, due ${formatTime(due)}`)
  }
  return lines
}

function disputeLines({ record }: RecordView, view: CaseView): string[] {
  return view.disputes
    .filter((dispute) => dispute.record === record)
    .map((dispute) => `  disputed by ${who(dispute)}, ${stateOf(dispute, view)}  dispute ${dispute.dispute}`)
}

function stateOf({ dispute, due, end }: DisputeView, view: CaseView): string {
  if (end === null) return `to be decided by ${formatTime(due)}`
  if (end.outcome === 'void') return 'ended: the record is void'
  const lapse = lapseOf(view, 'dispute', dispute)
  if (lapse !== undefined) return `lapsed: ${end.outcome} by default, entered by ${who(lapse)}`
  const by = actsOf(view, 'resolve').find(({ id }) => id === end.by)
  return by === undefined ? end.outcome : `${end.outcome} by ${who(by)}`
}

/** As far as the case itself says. */
function reasonOfVoid({ record, replaces }: RecordView, view: CaseView): string {
  const ended = view.disputes.find((dispute) => dispute.record === record && dispute.end?.outcome === 'upheld')
  if (ended !== undefined) return 'a dispute about it was upheld'
  if (actsOf(view, 'confirm').some((act) => act.record === record && !act.accept))
    return 'its countersignature was refused'
  if (lapseOf(view, 'confirm', record) !== undefined) return 'not all countersigned it in time'
  const corrected = view.records.find((other) => other.record === replaces)
  if (corrected !== undefined && !corrected.void && corrected.replacedBy !== record) {
    return 'the dispute that it was to settle ended otherwise'
  }
  return 'it followed from a record that is void'
}

/** What was moved or missed, in the order of the register. */
function deadlineLines(view: CaseView): string[] {
  return view.acts.flatMap((act) => {
    if (act.kind === 'extend') return [`extended: ${act.step} until ${formatTime(act.until)}, by ${who(act)}`]
    if (act.kind === 'lapse' && act.what.type === 'opening') return [`lapsed: ${act.what.step}, entered by ${who(act)}`]
    return []
  })
}

function openLine({ step, role, waits, due }: CaseView['open'][number]): string {
  const until = due === null ? '' : `, due ${formatTime(due)}`
  if (!waits) return `open: ${step} (${role})${until}`
  return `open: ${step} (${role}), waits for a dispute${due === null ? '' : '; its deadline stands still'}`
}

function actsOf<K extends ActView['kind']>(view: CaseView, kind: K): Act<K>[] {
  return view.acts.filter((act): act is Act<K> => act.kind === kind)
}

function lapseOf(view: CaseView, type: 'confirm' | 'dispute', id: string): Act<'lapse'> | undefined {
  return actsOf(view, 'lapse').find(({ what }) => {
    if (what.type === 'opening' || what.type !== type) return false
    return (what.type === 'confirm' ? what.record : what.dispute) === id
  })
}

function who({ as, time }: { as: string; time: number }): string {
  return `${as}, ${formatTime(time)}`
}
