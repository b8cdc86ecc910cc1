import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { writeNewFile } from './files.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/** Writes a file that proves a record and the chosen fields offline. It stays readable after an erasure. */
export async function runEvidenceExport(command: {
  connection: Connection
  record: string
  /** Pointers, or all that this member holds. */
  fields: string[] | 'all'
  /** Never overwritten. */
  out: string
  output: Output
}): Promise<number> {
  const { connection, record, fields, out, output } = command
  const { file, verified } = await withProgress(output, 'collecting proofs', () =>
    connection.client.exportEvidence({ record, fields }),
  )
  writeNewFile(out, `${JSON.stringify(file, null, 2)}\n`)
  const names = verified.fields.map(({ name }) => name)
  if (output.json) writeJson(output, { out, record, fields: names })
  else output.write(`${out}: ${names.length} fields of the record, verified. It stays readable after an erasure.\n`)
  return EXIT.ok
}
