import { caseText } from './case-text.ts'
import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/** A case as this member sees it: every record's place is proven, values are the node's word until evidence is exported. */
export async function runCaseShow(command: { connection: Connection; case: string; output: Output }): Promise<number> {
  const { connection, output } = command
  const view = await withProgress(output, 'reading the case', () => connection.client.getCase(command.case))
  if (output.json) writeJson(output, view)
  else output.write(caseText(view))
  return EXIT.ok
}
