/** The examples of docs/formats are the leaves and rows of register.json; `…` stands for what a page leaves out. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type JsonObject, type JsonValue, parseJson } from '../../../src/core/canonical-json.ts'
import { applyEntry, rowsNamed } from '../../../src/core/ledger/apply-entry.ts'
import { parseEntry, parseLeaf } from '../../../src/core/ledger/entry.ts'
import { verifyEntry } from '../../../src/core/ledger/verify-entry.ts'

const root = join(import.meta.dirname, '../../..')
const { leaves, ids } = JSON.parse(readFileSync(join(import.meta.dirname, 'register.json'), 'utf8')) as {
  leaves: string[]
  ids: string[]
}

/** The leaf that a page shows, as its last example. */
const PAGES: Record<string, number> = {
  genesis: 0,
  member: 1,
  approval: 5,
  action: 8,
  dispute: 9,
  resolve: 10,
  extend: 11,
  lapse: 12,
  confirm: 16,
  suspend: 19,
  proposal: 20,
}
/** state.md shows the rows after this leaf. */
const STATE = 9

for (const [page, index] of Object.entries(PAGES)) {
  test(`docs/formats/${page}.md shows leaf ${index}`, () => {
    const [header, payload] = parseLeaf(leaves[index]!).jws.split('.').slice(0, 2).map(decode)
    const examples = examplesOf(page)
    verifyShown(examples.at(-1)!, payload!)
    if (examples.length > 1) verifyShown(examples[0]!, header!)
    assert.ok(textOf(page).includes(`\`test/vectors/ledger/register.json\``), 'a page names its vectors')
  })
}

test('docs/formats/state.md shows rows of the register', async () => {
  const rows = await fold(STATE + 1)
  const [register, ...others] = examplesOf('state')
  verifyShown(register!, rows.get('register')!)
  for (const example of others) {
    const [key] = Object.keys(example as JsonObject)
    verifyShown((example as JsonObject)[key!]!, rows.get(key!) ?? assert.fail(`no row ${key}`))
  }
  assert.equal(others.length, 4)
})

test('docs/formats/skeleton.md shows that of leaf 4', () => {
  const { what } = decode(parseLeaf(leaves[4]!).jws.split('.')[1]!) as { what: { skeleton: JsonObject } }
  const { steps, ...rest } = what.skeleton as { steps: JsonObject[] }
  const { steps: shown, ...shownRest } = examplesOf('skeleton')[0] as { steps: JsonValue[] }
  assert.deepEqual(shownRest, rest)
  const items = shown.filter((item) => item !== '…') as JsonObject[]
  assert.ok(items.length > 0)
  for (const item of items) {
    assert.deepEqual(
      item,
      steps.find(({ id }) => id === item.id),
    )
  }
})

test('docs/formats/entry.md shows leaf 6', () => {
  const [shown = ''] = /(?<=^```\n)\d+\.[^`]*/m.exec(textOf('entry')) ?? []
  assert.equal(shown.replaceAll('\n', ''), leaves[6])
  assert.ok(textOf('entry').includes(`\`${ids[6]}\``))
})

async function fold(size: number): Promise<Map<string, JsonValue>> {
  const rows = new Map<string, JsonValue>()
  for (const [index, leaf] of leaves.slice(0, size).entries()) {
    const { time, jws } = parseLeaf(leaf)
    const parsed = parseEntry(jws)
    const named = new Map(rowsNamed(parsed).flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!]] : [])))
    const changes = applyEntry(named, await verifyEntry(parsed, named), { index, time })
    for (const [key, row] of changes) rows.set(key, row)
  }
  return rows
}

function verifyShown(shown: JsonValue, actual: JsonValue, at = ''): void {
  if (shown === '…') return
  if (typeof shown === 'string' && shown.endsWith('…')) {
    assert.ok(typeof actual !== 'string' || actual.startsWith(shown.slice(0, -1)), at)
  } else if (Array.isArray(shown) && Array.isArray(actual)) {
    const left = shown.indexOf('…')
    const items =
      left < 0 ? actual : [...actual.slice(0, left), '…', ...actual.slice(actual.length - (shown.length - left - 1))]
    assert.equal(shown.length, items.length, at)
    for (const [i, item] of items.entries()) verifyShown(shown[i]!, item, `${at}/${i}`)
  } else if (isObject(shown) && isObject(actual)) {
    assert.deepEqual(Object.keys(shown).sort(), Object.keys(actual).sort(), at)
    for (const [key, item] of Object.entries(shown)) verifyShown(item, actual[key]!, `${at}/${key}`)
  } else {
    assert.deepEqual(shown, actual, at)
  }
}

function examplesOf(page: string): JsonValue[] {
  return [...textOf(page).matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, body]) => parseJson(Buffer.from(body!)))
}

function textOf(page: string): string {
  return readFileSync(join(root, 'docs/formats', `${page}.md`), 'utf8')
}

function decode(part: string): JsonValue {
  return parseJson(Buffer.from(part, 'base64url'))
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
