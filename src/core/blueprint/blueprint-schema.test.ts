/** docs/blueprint.schema.json, with which editors complete and explain blueprints, against what the project itself takes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 as Validator } from 'ajv/dist/2020.js'
import { readGuide } from '../../../test/blueprint-guide.ts'
import { sampleBlueprint } from '../../../test/sample-blueprint.ts'
import { type JsonObject, type JsonValue, parseJson } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { parseBlueprint } from './blueprint.ts'
import { checkBlueprint } from './check/check-blueprint.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string): JsonValue => parseJson(readFileSync(join(root, path)))
const accepts = new Validator({ strictSchema: true, strictTypes: false, formats: { date: true } }).compile<JsonValue>(
  read('docs/blueprint.schema.json') as JsonObject,
)

const DOCUMENTS: [name: string, document: JsonValue][] = [
  ['the sample', sampleBlueprint() as unknown as JsonValue],
  ...readGuide().map(({ title, blueprint }): [string, JsonValue] => [title, blueprint as unknown as JsonValue]),
]

/** What the parser alone refuses, by what it expects, and why JSON Schema cannot say it. */
const PARSER_ALONE: Record<string, string> = {
  'an id used once': 'items of a list that differ in one key',
  'numerator and denominator, at most 1': 'one number of a list that is no greater than another',
  'a date such as 2026-01-31': 'a day that the month has',
}

for (const path of ['travel-card', 'blue-badge'].map((name) => `examples/${name}/blueprint.json`)) {
  test(`the schema for editors takes ${path}`, () => {
    assert.ok(accepts(read(path)), JSON.stringify(accepts.errors))
  })
}

test('the schema for editors takes what the parser takes, on every change of one value', (t) => {
  const count = { both: 0, neither: 0, parserAlone: 0, checkedLater: 0 }
  const seen = new Set<string>()
  const tried = new Set<string>()
  for (const [name, document] of DOCUMENTS) {
    assert.ok(accepts(document), `${name}: ${JSON.stringify(accepts.errors)}`)
    for (const { place, changed } of changes(document, tried)) {
      const refusal = refusalOf(changed)
      const accepted = accepts(changed)
      if (accepted && refusal === undefined) count.both += 1
      else if (!accepted && refusal !== undefined) count.neither += 1
      else if (refusal !== undefined) {
        assert.ok(Object.hasOwn(PARSER_ALONE, refusal), `${name}, ${place}: only the parser expects ${refusal}`)
        seen.add(refusal)
        count.parserAlone += 1
      } else {
        // Schemas, rules and calendars are looked into once the document's parts are all there; a definition that nothing names never.
        if (place.endsWith('/$defs')) continue
        assert.notDeepEqual(errorsOf(changed), [], `${name}, ${place}: ${JSON.stringify(accepts.errors)}`)
        count.checkedLater += 1
      }
    }
  }
  t.diagnostic(JSON.stringify(count))
  assert.deepEqual([...seen].sort(), Object.keys(PARSER_ALONE).sort())
  assert.ok(Object.values(count).every((number) => number > 0))
})

test('the schema for editors knows every operator of a rule, and no other', () => {
  const { $defs } = read('docs/blueprint.schema.json') as { $defs: { rule: { anyOf: JsonObject[] } } }
  const listed = Object.keys($defs.rule.anyOf.at(-1)!.properties as JsonObject)
  const blueprint = sampleBlueprint()
  blueprint.steps[0]!.calculations![0]!.rule = { unknown: [] }
  const [error] = checkBlueprint(blueprint).errors
  const known = /one of (.*?)(?:[;,]|\. |$)/
    .exec(error?.message ?? '')?.[1]
    ?.trim()
    .replace(/\.$/, '')
    .split(' ')
  assert.deepEqual([...listed].sort(), known?.sort())
})

/** Every change of one value, but of those that another document has at the same place. */
function* changes(document: JsonValue, tried: Set<string>): Generator<{ place: string; changed: JsonValue }> {
  for (const { place, path, value } of placesOf(document, '')) {
    const key = `${place.replaceAll(/\/\d+/g, '/*')} ${JSON.stringify(value)}`
    if (tried.has(key)) continue
    tried.add(key)
    for (const other of othersOf(value)) yield { place, changed: withValue(document, path, other) }
    if (path.length > 0) yield { place, changed: withValue(document, path, undefined) }
  }
  yield { place: 'a day that is none', changed: withValue(document, ['dpia', 'date'], '2026-02-30') }
  yield { place: 'more than all', changed: withValue(document, ['threshold', 'fraction'], [3, 2]) }
}

/** Values of every other type, and what is wrong in one of the same. */
function othersOf(value: JsonValue): JsonValue[] {
  const others: JsonValue[] = [null, true, -1, 1.5, 1_000_000, 'no name', 'x'.repeat(4_001), [], {}]
  if (Array.isArray(value)) return [...others, [...value, ...value.slice(0, 1)], [{}], [null]]
  return typeof value === 'object' && value !== null ? [...others, { ...value, unknown: 1 }] : others
}

function placesOf(
  value: JsonValue,
  place: string,
  path: string[] = [],
): { place: string; path: string[]; value: JsonValue }[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return [{ place, path, value }, ...inner.flatMap(([key, item]) => placesOf(item, `${place}/${key}`, [...path, key]))]
}

/** A copy with one value changed; undefined takes it out. */
function withValue(document: JsonValue, path: readonly string[], value: JsonValue | undefined): JsonValue {
  const [key, ...rest] = path
  if (key === undefined) return value ?? null
  if (Array.isArray(document)) {
    if (rest.length === 0 && value === undefined) return document.toSpliced(Number(key), 1)
    return document.with(Number(key), withValue(document[Number(key)]!, rest, value))
  }
  const { [key]: before, ...others } = document as JsonObject
  if (rest.length === 0 && value === undefined) return others
  return { ...(document as JsonObject), [key]: withValue(before!, rest, value) }
}

function refusalOf(document: JsonValue): string | undefined {
  try {
    parseBlueprint(document)
    return undefined
  } catch (error) {
    if (error instanceof ConcordatError && error.detail.code === 'BLUEPRINT_INVALID') return error.detail.expected
    throw error
  }
}

function errorsOf(document: JsonValue): unknown[] {
  return checkBlueprint(parseBlueprint(document)).errors
}
