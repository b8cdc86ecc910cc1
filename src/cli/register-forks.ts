import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { writeNewFile } from './files.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/** Writes the proofs that a sequencer signed two histories, one file each, which `verify` takes offline. */
export async function runRegisterForks(command: {
  connection: Connection
  /** Never overwritten; from the second proof on with a number. */
  out: string
  output: Output
}): Promise<number> {
  const { connection, out, output } = command
  const forks = await withProgress(output, 'collecting proofs', () => connection.client.listForks())
  const files = forks.map((_, i) => (i === 0 ? out : `${out}.${i + 1}`))
  for (const [i, fork] of forks.entries()) writeNewFile(files[i]!, `${JSON.stringify(fork, null, 2)}\n`)
  if (output.json) writeJson(output, { files })
  else if (files.length === 0) output.write('This node knows of no sequencer that signed two histories.\n')
  else for (const file of files) output.write(`${file}: proves that a sequencer signed two histories\n`)
  return EXIT.ok
}
