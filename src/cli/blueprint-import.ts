import { type BlueprintReport, checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import type { Imported } from '../core/blueprint/import/build-blueprint.ts'
import { importSiccar } from '../core/blueprint/import/import-siccar.ts'
import { importSorcha } from '../core/blueprint/import/import-sorcha.ts'
import type { Loss } from '../core/blueprint/import/losses.ts'
import { ConcordatError } from '../core/error.ts'
import { EXIT } from './exit-code.ts'
import { readDataFile, readJsonFile, writeNewFile } from './files.ts'
import { type Output, writeJson } from './output.ts'

interface ImportCommand {
  file: string
  from: string
  /** A template's parameters, over its defaults. */
  parameters: string | undefined
  out: string | undefined
  output: Output
  /** Where the report goes when the blueprint takes standard output. */
  report: (text: string) => void
}

/**
 * Puts a predecessor's blueprint into Concordat's format and says what was lost. What is still wrong with the result is a
 * finding and no failure: an import is where the work on it begins.
 */
export async function runBlueprintImport(command: ImportCommand): Promise<number> {
  const { out, output } = command
  const { blueprint, losses } = importFrom(command)
  const findings = checkBlueprint(blueprint)
  const text = `${JSON.stringify(blueprint, null, 2)}\n`
  if (out !== undefined) writeNewFile(out, text)
  if (output.json) writeJson(output, { blueprint, losses, findings })
  else if (out !== undefined) output.write(reportOf(losses, findings))
  else {
    output.write(text)
    command.report(reportOf(losses, findings))
  }
  return EXIT.ok
}

function importFrom({ file, from, parameters }: ImportCommand): Imported {
  if (from === 'sorcha') {
    return importSorcha(readJsonFile(file), parameters === undefined ? {} : readDataFile(parameters))
  }
  if (from === 'siccar' && parameters === undefined) return importSiccar(readJsonFile(file))
  const option = from === 'siccar' ? '--parameters' : '--from'
  const expected = from === 'siccar' ? 'no parameters, as SICCAR has no templates' : 'sorcha or siccar'
  throw new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'something else', option })
}

function reportOf(losses: readonly Loss[], { errors, warnings }: BlueprintReport): string {
  const lines = losses.map(({ kind, at, what, why, count }) => {
    return `  loss    ${kind} at ${at || '/'}${count > 1 ? ` and ${count - 1} more` : ''}: ${what}: ${why}\n`
  })
  for (const { code, at, message } of errors) lines.push(`  error   ${code} at ${at || '/'}: ${message}\n`)
  for (const { code, at, message } of warnings) lines.push(`  warning ${code} at ${at || '/'}: ${message}\n`)
  lines.push(`  ${losses.length} losses, ${errors.length} errors, ${warnings.length} warnings\n`)
  return lines.join('')
}
