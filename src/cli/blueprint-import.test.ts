import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseBlueprint } from '../core/blueprint/blueprint.ts'
import { type JsonValue, parseJson } from '../core/canonical-json.ts'
import { runBlueprintImport } from './blueprint-import.ts'

const TEMPLATE = {
  template: {
    title: { $eval: 'title' },
    participants: [{ id: 'a' }, { id: 'b' }],
    actions: [{ id: 0, title: 'Begin', sender: 'a', isStartingAction: true }],
  },
  defaultParameters: { title: 'A template' },
}

test('the blueprint goes to standard output and the report beside it', async () => {
  const { code, written, reported } = await run({})
  assert.equal(code, 0)
  assert.equal(parseBlueprint(parseJson(written)).title, 'A template')
  assert.match(reported, /loss {4}TO_BE_WRITTEN at \/: \/justification/)
  assert.match(reported, /losses, 0 errors, 0 warnings\n$/)
})

test('with a file for the blueprint the report goes to standard output', async () => {
  const { code, written, reported, out } = await run({ out: true })
  assert.equal(code, 0)
  assert.equal(parseBlueprint(parseJson(out)).title, 'A template')
  assert.match(written, /losses, 0 errors, 0 warnings\n$/)
  assert.equal(reported, '')
})

test('one JSON value holds blueprint, losses and findings; parameters go over the defaults', async () => {
  const { written, reported } = await run({ json: true, parameters: { title: 'Mine' } })
  const { blueprint, losses, findings } = JSON.parse(written) as Record<string, JsonValue>
  assert.equal(parseBlueprint(blueprint!).title, 'Mine')
  assert.ok(Array.isArray(losses) && losses.length > 0)
  assert.deepEqual(findings, { errors: [], warnings: [] })
  assert.equal(reported, '')
})

test('another product, or parameters for one that has none, is a wrong call', async () => {
  await assert.rejects(run({ from: 'camunda' }), { code: 'OPTION_INVALID' })
  await assert.rejects(run({ from: 'siccar', parameters: {} }), { code: 'OPTION_INVALID' })
  await assert.rejects(run({ from: 'siccar' }), { code: 'IMPORT_FORMAT_UNKNOWN' })
})

async function run(given: { from?: string; json?: boolean; out?: boolean; parameters?: JsonValue }) {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-import-'))
  const path = (name: string, value: JsonValue) => {
    writeFileSync(join(folder, name), JSON.stringify(value))
    return join(folder, name)
  }
  let written = ''
  let reported = ''
  const write = (text: string) => {
    written += text
  }
  const report = (text: string) => {
    reported += text
  }
  const out = given.out ? join(folder, 'blueprint.json') : undefined
  try {
    const code = await runBlueprintImport({
      file: path('template.json', TEMPLATE),
      from: given.from ?? 'sorcha',
      parameters: given.parameters === undefined ? undefined : path('parameters.json', given.parameters),
      out,
      output: { json: given.json ?? false, write, progress: () => {} },
      report,
    })
    return { code, written, reported, out: out === undefined ? '' : readFileSync(out, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
