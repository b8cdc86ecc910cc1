import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ConcordatError } from '../core/error.ts'
import { runBlueprintSimulate, type SimulateOptions } from './blueprint-simulate.ts'

const story = join(import.meta.dirname, '..', '..', 'examples', 'travel-card')
const file = join(story, 'blueprint.json')
const folder = mkdtempSync(join(tmpdir(), 'concordat-simulate-'))
after(() => rmSync(folder, { recursive: true }))

async function simulate(
  options: Partial<SimulateOptions> & { json?: boolean },
): Promise<{ code: number; text: string }> {
  const { json = false, ...others } = options
  let text = ''
  const output = {
    json,
    write(more: string) {
      text += more
    },
    progress() {},
  }
  const code = await runBlueprintSimulate({
    file,
    scenarios: [],
    folder: undefined,
    depth: undefined,
    output,
    ...others,
  })
  return { code, text }
}

test('scenarios as expected: their paths, what was never come to, and who would see what', async () => {
  const { code, text } = await simulate({ folder: join(story, 'scenarios') })
  assert.equal(code, 0)
  assert.match(text, /^granted: as expected\n {2}apply check-residence confirm-award decide order produce report$/m)
  assert.match(text, /^came to \d+ of \d+ steps, routes and ends$/m)
  assert.match(text, /^ {2}never: ask-review$/m)
  assert.match(text, /^who would see what in granted\n +applicant {2}council {2}agency {2}transport {2}bureau$/m)
  assert.match(text, /^ {2}order:\/card\/name +x +own +- +- +x$/m)
})

test('what is not as expected is told with its place', async () => {
  const path = join(folder, 'changed.json')
  const scenario = readFileSync(join(story, 'scenarios', '2-refused.json'), 'utf8')
  writeFileSync(path, scenario.replace('"ended": true', '"ended": false'))
  const { code, text } = await simulate({ scenarios: [path], json: true })
  assert.equal(code, 1)
  const { scenarios } = JSON.parse(text) as { scenarios: { differences: object[] }[] }
  assert.deepEqual(scenarios[0]!.differences, [{ at: '/expected/ended', expected: false, got: true }])
})

test('a step that is refused says why', async () => {
  const path = join(folder, 'impossible.json')
  const scenario = readFileSync(join(story, 'scenarios', '2-refused.json'), 'utf8')
  const [before, after] = [/"check-residence"(,\s+"by")/, /"check-residence"(,\s+"confirm-award",\s+"decide")/]
  writeFileSync(path, scenario.replace(before, '"report"$1').replace(after, '"report"$1'))
  const { code, text } = await simulate({ scenarios: [path] })
  assert.equal(code, 1)
  assert.match(text, /^refused: NOT as expected$/m)
  assert.match(
    text,
    /^ {2}\/steps\/1: expected "report", got "STEP_NOT_OPEN"\n {2}the refusal: \{"code":"STEP_NOT_OPEN"/m,
  )
})

test('what a scenario or exploring comes to is not named as missing', async () => {
  const { text } = await simulate({ folder: join(story, 'scenarios'), depth: 1, json: true })
  const { missing } = JSON.parse(text) as { missing: string[] }
  assert(!missing.includes('report'))
  assert(missing.includes('ask-review'))
})

test('nothing to simulate is a misuse', async () => {
  await assert.rejects(simulate({}), { code: 'OPTION_MISSING' })
  await assert.rejects(simulate({ folder: mkdtempSync(join(folder, 'empty-')) }), { code: 'OPTION_MISSING' })
})

test('a scenario file that is none is named, with the place', async () => {
  const path = join(folder, 'broken.json')
  const scenario = readFileSync(join(story, 'scenarios', '2-refused.json'), 'utf8')
  const broken = async (text: string, detail: object) => {
    writeFileSync(path, text)
    const simulated = simulate({ scenarios: [join(story, 'scenarios', '1-granted.json'), path] })
    await assert.rejects(simulated, (error: ConcordatError) => {
      assert.deepEqual(
        { ...error.detail, expected: '' },
        { code: 'SCENARIO_INVALID', expected: '', file: path, ...detail },
      )
      return true
    })
  }
  await broken(scenario.replace('"by": "council"', '"by": "nobody"'), { at: '/steps/1/by', got: 'a role without one' })
  await broken('{"name": }', { at: '', got: 'another character, at byte 9' })
})

test('exploring finds ways by itself', async () => {
  const { code, text } = await simulate({ depth: 3, json: true })
  assert.equal(code, 0)
  const { explored } = JSON.parse(text) as { explored: { reached: { goal: string; path: string[] }[] } }
  const withdrawn = explored.reached.find(({ goal }) => goal === 'withdraw')
  assert.equal(withdrawn?.path.at(-1), 'withdraw')
})

test('a blueprint with errors is not run', async () => {
  const path = join(folder, 'unsound.json')
  writeFileSync(path, readFileSync(file, 'utf8').replace('"start": "apply"', '"start": "nowhere"'))
  await assert.rejects(simulate({ file: path }), { code: 'BLUEPRINT_INVALID' })
})
