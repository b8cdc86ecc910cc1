import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parseBlueprint } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import { parseJson } from '../core/canonical-json.ts'
import { runBlueprintCheck } from './blueprint-check.ts'
import { runBlueprintNew } from './blueprint-new.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-new-'))
after(() => rmSync(folder, { recursive: true }))

describe('blueprint new', () => {
  it('writes a process without an error, in which what all three see is to be accepted by name', async () => {
    const written = await run({ name: 'parking', out: undefined })
    const blueprint = parseBlueprint(parseJson(written))
    assert.equal(blueprint.name, 'parking')
    const { errors, warnings } = checkBlueprint(blueprint)
    assert.deepEqual(errors, [])
    assert.deepEqual(
      warnings.map(({ code, at }) => `${code} ${at}`),
      ['/steps/0/schema', '/steps/1/schema', '/steps/4/schema'].map((at) => `FIELD_SEEN_BY_EVERYBODY ${at}`),
    )
  })

  it('writes a new file that blueprint check takes, and overwrites none', async () => {
    const out = join(folder, 'parking.json')
    assert.match(await run({ name: 'parking', out }), /blueprint check/)
    assert.equal(readFileSync(out, 'utf8'), await run({ name: 'parking', out: undefined }))
    const output = { json: false, write: () => {}, progress: () => {} }
    assert.equal(await runBlueprintCheck({ file: out, output }), 0)
    await assert.rejects(run({ name: 'parking', out }), { code: 'FILE_UNREADABLE' })
  })

  it('says in JSON where it wrote', async () => {
    const out = join(folder, 'other.json')
    assert.deepEqual(JSON.parse(await run({ name: 'other', out, json: true })), { out, name: 'other' })
  })

  it('refuses a name that a blueprint cannot have', async () => {
    for (const name of ['', '1', 'a b', 'a'.repeat(65)]) {
      await assert.rejects(run({ name, out: undefined }), { code: 'OPTION_INVALID' })
    }
  })
})

async function run({ json = false, ...command }: { name: string; out: string | undefined; json?: boolean }) {
  let written = ''
  const write = (text: string) => {
    written += text
  }
  assert.equal(await runBlueprintNew({ ...command, output: { json, write, progress: () => {} } }), 0)
  return written
}
