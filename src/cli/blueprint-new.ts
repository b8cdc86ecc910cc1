import { ConcordatError } from '../core/error.ts'
import { EXIT } from './exit-code.ts'
import { writeNewFile } from './files.ts'
import { newBlueprint } from './new-blueprint.ts'
import { type Output, writeJson } from './output.ts'

/** Writes a small process to begin from, to a new file or to standard output. `blueprint check` finds no error in it. */
export async function runBlueprintNew(command: {
  name: string
  /** Never overwritten. */
  out: string | undefined
  output: Output
}): Promise<number> {
  const { name, out, output } = command
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    const expected = 'a letter, then letters, digits, - and _ (at most 64)'
    throw new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'something else', option: 'NAME' })
  }
  const document = newBlueprint(name)
  if (out === undefined) {
    writeJson(output, document)
    return EXIT.ok
  }
  writeNewFile(out, `${JSON.stringify(document, null, 2)}\n`)
  if (output.json) writeJson(output, { out, name })
  else output.write(`${out}: edit it, then run blueprint check ${out}.\n`)
  return EXIT.ok
}
