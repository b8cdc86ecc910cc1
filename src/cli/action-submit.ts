import { writeReceipt } from './case-start.ts'
import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { readDataFile } from './files.ts'
import { type Output, withProgress } from './output.ts'

/** Takes an open step of a case. The key makes the command safe to repeat. */
export async function runActionSubmit(command: {
  connection: Connection
  case: string
  step: string
  data: string
  key: string
  output: Output
}): Promise<number> {
  const { connection, step, key, output } = command
  const data = readDataFile(command.data)
  const receipt = await withProgress(output, 'waiting for the other members to check it', () =>
    connection.client.submitAction({ case: command.case, step, data, idempotencyKey: key }),
  )
  writeReceipt(output, receipt, key)
  return EXIT.ok
}
