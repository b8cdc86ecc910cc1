import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import type { ConcordatError, ErrorCode } from '../error.ts'
import { compileSchema } from './schema.ts'
import { parseSchema } from './schema-profile.ts'

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...more,
})
const deep = (depth: number): JsonObject => (depth === 0 ? { type: 'string' } : object({ a: deep(depth - 1) }))

const REFUSED: [why: string, schema: JsonObject, code: ErrorCode, at: string][] = [
  [
    'a list for unique items of any length',
    object({ a: { type: 'array', items: { type: 'string' }, uniqueItems: true } }),
    'SCHEMA_INVALID',
    '/properties/a/maxItems',
  ],
  [
    'too many unique items',
    object({ a: { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 1_000 } }),
    'SCHEMA_TOO_LARGE',
    '/properties/a/maxItems',
  ],
  [
    'a pattern that needs backtracking',
    object({ a: { type: 'string', pattern: '(a)\\1' } }),
    'SCHEMA_PATTERN_INVALID',
    '/properties/a/pattern',
  ],
  [
    'a pattern that is a program of its own',
    object({ a: { type: 'string', pattern: '(a|b|c){500}' } }),
    'SCHEMA_PATTERN_INVALID',
    '/properties/a/pattern',
  ],
  [
    'a longer pattern',
    object({ a: { type: 'string', pattern: 'a'.repeat(501) } }),
    'SCHEMA_PATTERN_INVALID',
    '/properties/a/pattern',
  ],
  ['an object that is open', { type: 'object', properties: {} }, 'SCHEMA_KEYWORD_REFUSED', '/additionalProperties'],
  [
    'an open object among the items',
    object({ a: { type: 'array', items: { type: 'object', properties: {} } } }),
    'SCHEMA_KEYWORD_REFUSED',
    '/properties/a/items/additionalProperties',
  ],
  ['a field without a type', object({ a: { enum: ['x'] } }), 'SCHEMA_INVALID', '/properties/a/type'],
  ['a field of two types', object({ a: { type: ['string', 'null'] } }), 'SCHEMA_INVALID', '/properties/a/type'],
  ['a field that reaches for the prototype', object({ constructor: { type: 'string' } }), 'JSON_VALUE_INVALID', ''],
  ['a field of the register itself', object({ $actor: { type: 'string' } }), 'SCHEMA_INVALID', '/properties'],
  ['a required field that is not declared', object({}, { required: ['a'] }), 'SCHEMA_INVALID', '/required'],
  [
    'a condition about a field that is not declared',
    object({ a: { type: 'string' } }, { if: { required: ['b'] }, else: false }),
    'SCHEMA_INVALID',
    '/if/required',
  ],
  [
    'a remote reference',
    object({ a: { $ref: 'https://example.org/schema' } }),
    'SCHEMA_KEYWORD_REFUSED',
    '/properties/a/$ref',
  ],
  [
    'a dynamic reference',
    object({ a: { type: 'string', $dynamicRef: '#a' } }),
    'SCHEMA_KEYWORD_REFUSED',
    '/properties/a/$dynamicRef',
  ],
  [
    'data references',
    object({ a: { type: 'number', minimum: { $data: '1/b' } } }),
    'SCHEMA_INVALID',
    '/properties/a/minimum',
  ],
  [
    'unevaluated properties',
    object({}, { unevaluatedProperties: false }),
    'SCHEMA_KEYWORD_REFUSED',
    '/unevaluatedProperties',
  ],
  [
    'an unknown format',
    object({ a: { type: 'string', format: 'hostname' } }),
    'SCHEMA_KEYWORD_REFUSED',
    '/properties/a/format',
  ],
  [
    'another dialect',
    { ...object({}), $schema: 'http://json-schema.org/draft-07/schema#' },
    'SCHEMA_INVALID',
    '/$schema',
  ],
  [
    'an endless definition',
    object({ a: { $ref: '#/$defs/A' } }, { $defs: { A: object({ a: { $ref: '#/$defs/A' } }) } }),
    'SCHEMA_INVALID',
    '/properties/a/properties/a/$ref',
  ],
  ['definitions that double again and again', doubling(), 'SCHEMA_TOO_LARGE', ''],
  ['nesting', deep(20), 'SCHEMA_TOO_LARGE', ''],
  [
    'too long a text',
    object({ a: { type: 'string', maxLength: 10_001 } }),
    'SCHEMA_TOO_LARGE',
    '/properties/a/maxLength',
  ],
  ['too large a schema', object({ a: { type: 'string', enum: ['x'.repeat(100_000)] } }), 'SCHEMA_TOO_LARGE', ''],
  [
    'a required object in which nothing is required',
    object({ a: object({ b: { type: 'string' } }) }, { required: ['a'] }),
    'SCHEMA_INVALID',
    '/properties/a/required',
  ],
]

for (const [why, schema, code, at] of REFUSED) {
  test(`the profile refuses ${why}`, () => {
    assert.throws(
      () => parseSchema(schema),
      (error: ConcordatError) => {
        assert.equal(error.code, code)
        const place = 'at' in error.detail ? error.detail.at : ''
        assert.ok(at === '' || place === at, `at ${place}`)
        return true
      },
    )
  })
}

const VALUES: [schema: JsonObject, good: JsonValue[], bad: JsonValue[]][] = [
  [{ type: 'number', multipleOf: 0.1 }, [0.3, 1.1, -0.7], [0.35]],
  [{ type: 'number', multipleOf: 0.01, maximum: 19.99 }, [19.99, 4.35], [20, 4.355]],
  [
    { type: 'string', format: 'decimal', minimum: '0.1', multipleOf: '0.1' },
    ['0.3', '9007199254740993.1'],
    ['0.05', '0', '1e3', '01', '+1', '.5', ''],
  ],
  [
    { type: 'string', format: 'decimal', exclusiveMaximum: '9007199254740993' },
    ['9007199254740992.9'],
    ['9007199254740993'],
  ],
  [
    { type: 'string', format: 'date' },
    ['2024-02-29'],
    ['2026-02-29', '2026-2-1', '0000-01-01', '2026-01-01T00:00:00Z'],
  ],
  [{ type: 'string', format: 'email' }, ['a.b+c@example.org'], ['a@b', 'a b@example.org', '@example.org']],
  [{ type: 'string', format: 'uuid' }, ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567e89b12d3a456426614174000']],
  // A second pattern must not be answered by the first one compiled.
  [{ type: 'string', pattern: '^a+$' }, ['aaa'], ['b', '']],
  [{ type: 'string', pattern: '^b+$' }, ['bbb'], ['a', '']],
  [{ type: 'string' }, ['x'.repeat(10_000)], ['x'.repeat(10_001)]],
  [{ type: 'integer' }, [1, -0, 1e15], [1.5, '1']],
  [
    { type: 'array', items: { type: 'integer' }, uniqueItems: true, maxItems: 3 },
    [[1, 2]],
    [[1, 1], [1, 2, 3, 4], ['1']],
  ],
]

for (const [schema, good, bad] of VALUES) {
  test(`${JSON.stringify(schema)} takes what it says and nothing else`, () => {
    const { validate } = compileSchema(object({ field: schema }))
    for (const value of good) assert.deepEqual(validate({ field: value }), [])
    for (const value of bad) assert.notDeepEqual(validate({ field: value }), [], 'a bad value was accepted')
  })
}

test('every wrong field is told with its pointer and keyword, without its value', () => {
  const schema = object({
    a: { type: 'string', maxLength: 3 },
    b: object({ c: { type: 'integer' } }, { required: ['c'] }),
  })
  const errors = compileSchema({ ...schema, required: ['a', 'b'] }).validate({ a: 'secret', b: {}, z: 1 } as JsonObject)
  assert.deepEqual(errors.map(({ at, keyword }) => [at, keyword]).sort(), [
    ['', 'additionalProperties'],
    ['/a', 'maxLength'],
    ['/b/c', 'required'],
  ])
  assert.ok(!JSON.stringify(errors).includes('secret'))
})

test('a hostile pattern on hostile text costs linear time, and long texts are refused before any pattern runs', () => {
  const { validate } = compileSchema(object({ a: { type: 'string', pattern: '^(x+x+)+y$' } }))
  assert.equal(validate({ a: 'x'.repeat(10_000) })[0]?.keyword, 'pattern')
  assert.throws(() => validate({ a: 'x'.repeat(300_000) }), { code: 'DATA_TOO_LARGE' })
})

test('data beyond the caps is refused', () => {
  const { validate } = compileSchema(object({ a: { type: 'array', items: { type: 'boolean' } } }))
  assert.throws(() => validate({ a: Array.from({ length: 1_001 }, () => true) }), { code: 'DATA_TOO_LARGE' })
  let nested: JsonValue = true
  for (let depth = 0; depth < 40; depth++) nested = [nested]
  assert.throws(() => validate({ a: nested }), { code: 'DATA_TOO_LARGE' })
})

function doubling(): JsonObject {
  const $defs: JsonObject = { A0: { type: 'string' } }
  for (let level = 1; level <= 12; level++) {
    $defs[`A${level}`] = object({ a: { $ref: `#/$defs/A${level - 1}` }, b: { $ref: `#/$defs/A${level - 1}` } })
  }
  return object({ a: { $ref: '#/$defs/A12' } }, { $defs })
}
