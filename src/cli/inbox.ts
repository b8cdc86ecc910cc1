import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { formatTable, formatTime, type Output, withProgress, writeJson } from './output.ts'

/** The steps that wait for this member, longest first. */
export async function runInbox(command: { connection: Connection; limit: number; output: Output }): Promise<number> {
  const { connection, limit, output } = command
  const items = await withProgress(output, 'reading the inbox', () => connection.client.listInbox(limit))
  if (output.json) {
    writeJson(output, items)
  } else if (items.length === 0) {
    output.write('Nothing waits for this member.\n')
  } else {
    const rows = items.map(({ case: id, step, role, since, ready }) => [
      id,
      step,
      role,
      formatTime(since),
      ready ? 'ready' : 'waits for fields',
    ])
    output.write(formatTable([['CASE', 'STEP', 'ROLE', 'SINCE', ''], ...rows]))
  }
  return EXIT.ok
}
