import { blueprintHash, parseBlueprint } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import { EXIT } from './exit-code.ts'
import { readJsonFile } from './files.ts'
import { type Output, writeJson } from './output.ts'

/** Checks a blueprint as a node does before it proposes one. Warnings are for those who approve it to accept by name. */
export async function runBlueprintCheck({ file, output }: { file: string; output: Output }): Promise<number> {
  const document = readJsonFile(file)
  const blueprint = parseBlueprint(document)
  const hash = blueprintHash(document)
  const { errors, warnings } = checkBlueprint(blueprint)
  const { name, version } = blueprint
  if (output.json) {
    writeJson(output, { name, version, hash, errors, warnings })
  } else {
    output.write(`${name} ${version}, ${hash}\n`)
    for (const { code, at, message } of errors) output.write(`  error   ${code} at ${at || '/'}: ${message}\n`)
    for (const { code, at, message } of warnings) output.write(`  warning ${code} at ${at || '/'}: ${message}\n`)
    output.write(`  ${errors.length} errors, ${warnings.length} warnings\n`)
  }
  return errors.length === 0 ? EXIT.ok : EXIT.refused
}
