import type { InboxItem } from '../api/cases.ts'
import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { formatTable, formatTime, type Output, withProgress, writeJson } from './output.ts'

/** What waits for this member, longest first. */
export async function runInbox(command: { connection: Connection; limit: number; output: Output }): Promise<number> {
  const { connection, limit, output } = command
  const items = await withProgress(output, 'reading the inbox', () => connection.client.listInbox(limit))
  if (output.json) {
    writeJson(output, items)
  } else if (items.length === 0) {
    output.write('Nothing waits for this member.\n')
  } else {
    const rows = items.map((item) => [
      item.case,
      item.step,
      item.role,
      formatTime(item.since),
      item.due === null ? '' : formatTime(item.due),
      item.ready ? waitingFor(item) : 'waits for fields',
    ])
    output.write(formatTable([['CASE', 'STEP', 'ROLE', 'SINCE', 'DUE', ''], ...rows]))
  }
  return EXIT.ok
}

function waitingFor({ kind, record, dispute }: InboxItem): string {
  if (kind === 'confirm') return `countersign record ${record}`
  return kind === 'resolve' ? `decide dispute ${dispute} about record ${record}` : 'ready'
}
