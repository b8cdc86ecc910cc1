import type { CaseView, RecordView } from '../api/cases.ts'
import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { formatTime, type Output, withProgress, writeJson } from './output.ts'

/** A case as this member sees it: every record's place is proven, values are the node's word until evidence is exported. */
export async function runCaseShow(command: { connection: Connection; case: string; output: Output }): Promise<number> {
  const { connection, output } = command
  const view = await withProgress(output, 'reading the case', () => connection.client.getCase(command.case))
  if (output.json) writeJson(output, view)
  else output.write(textOf(view))
  return EXIT.ok
}

function textOf(view: CaseView): string {
  const lines = [
    `case ${view.case}  ${view.name}  ${view.ended ? 'ended' : 'open'}, started ${formatTime(view.startedAt)}`,
  ]
  for (const record of view.records) lines.push('', ...recordLines(record, view))
  lines.push('')
  for (const { step, role, waits } of view.open)
    lines.push(`open: ${step} (${role})${waits ? ', waits for a dispute' : ''}`)
  for (const { record, as, time } of view.disputes) {
    lines.push(`disputed: ${record} by ${as}, ${formatTime(time)}`)
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function recordLines(record: RecordView, view: CaseView): string[] {
  const lines = [`${record.step} (${record.as})  ${formatTime(record.time)}  record ${record.record}`]
  for (const { name, value, to } of record.fields) {
    lines.push(`  ${name}: ${JSON.stringify(value)}${to.length > 0 ? `  [for ${to.join(', ')}]` : ''}`)
  }
  if (record.awaiting) lines.push('  fields are on their way')
  if (record.erased) lines.push('  erased here')
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
  return lines
}
