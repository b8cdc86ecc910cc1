import type { ActionReceipt } from '../api/cases.ts'
import { blueprintOf, type Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { readDataFile } from './files.ts'
import { formatTime, type Output, withProgress, writeJson } from './output.ts'

/** Starts a case with a blueprint's first action. The key makes the command safe to repeat. */
export async function runCaseStart(command: {
  connection: Connection
  blueprint: string | undefined
  role: string
  data: string
  key: string
  output: Output
}): Promise<number> {
  const { connection, role, key, output } = command
  const blueprint = blueprintOf(connection, command.blueprint)
  const data = readDataFile(command.data)
  const receipt = await withProgress(output, 'waiting for the other members to check it', () =>
    connection.client.startCase({ blueprint, role, data, idempotencyKey: key }),
  )
  writeReceipt(output, receipt, key)
  return EXIT.ok
}

export function writeReceipt(output: Output, receipt: ActionReceipt, key: string): void {
  if (output.json) {
    writeJson(output, { ...receipt, idempotencyKey: key })
    return
  }
  const { record, index, time, next, ended, calculated } = receipt
  output.write(`case    ${receipt.case}\n`)
  output.write(`record  ${record}, entry ${index} of the register, ${formatTime(time)}, proof verified\n`)
  for (const [name, value] of Object.entries(calculated)) output.write(`        ${name}: ${JSON.stringify(value)}\n`)
  output.write(ended ? 'The case has ended.\n' : `next    ${next.join(', ') || 'nothing here'}\n`)
  output.write(`key     ${key}\n`)
}
