import { ConcordatError } from '../core/error.ts'
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
  /** A record of this step, in dispute, that this one corrects. */
  corrects: string | undefined
  /** The record that a review is asked for. */
  reviews: string | undefined
  key: string
  output: Output
}): Promise<number> {
  const { connection, step, corrects, reviews, key, output } = command
  if (corrects !== undefined && reviews !== undefined) {
    const expected = 'at most one of --corrects and --reviews'
    throw new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'both', option: '--corrects' })
  }
  const data = readDataFile(command.data)
  const about = { ...(corrects === undefined ? {} : { corrects }), ...(reviews === undefined ? {} : { reviews }) }
  const receipt = await withProgress(output, 'waiting for the other members to check it', () =>
    connection.client.submitAction({ case: command.case, step, data, ...about, idempotencyKey: key }),
  )
  writeReceipt(output, receipt, key)
  return EXIT.ok
}
