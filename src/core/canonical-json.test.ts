import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSharedVector, sharedVectorsAbsent } from '../../test/vectors/shared-vectors.ts'
import { canonicalize, type JsonValue, parseCanonicalJson, parseJson } from './canonical-json.ts'
import { ConcordatError, type ErrorCode } from './error.ts'

function refuses(run: () => unknown, code: ErrorCode): void {
  assert.throws(run, (error) => error instanceof ConcordatError && error.code === code)
}

const PAIRS = ['arrays', 'french', 'structures', 'unicode', 'values', 'weird']

test('RFC 8785 pairs', { skip: sharedVectorsAbsent }, () => {
  const files = readdirSync(join(import.meta.dirname, '../../../shared/vectors/jcs/input'))
  assert.deepEqual(
    files.sort(),
    PAIRS.map((name) => `${name}.json`),
  )
  for (const name of PAIRS) {
    const input = readSharedVector(`jcs/input/${name}.json`)
    const output = readSharedVector(`jcs/output/${name}.json`)
    const hex = readSharedVector(`jcs/outhex/${name}.txt`).toString().replaceAll(/\s/g, '')
    assert.equal(output.toString('hex'), hex)
    // JSON.parse: values.json has numbers whose digits a double loses, which our own parser refuses by design.
    const canonical = canonicalize(JSON.parse(input.toString()) as JsonValue)
    assert.equal(canonical, output.toString(), name)
    assert.deepEqual(parseCanonicalJson(canonical), JSON.parse(input.toString()), name)
  }
})

test('strict parsing of the RFC 8785 inputs', { skip: sharedVectorsAbsent }, () => {
  for (const name of PAIRS) {
    const input = readSharedVector(`jcs/input/${name}.json`)
    if (name === 'values') refuses(() => parseJson(input), 'JSON_NUMBER_LOSES_DIGITS')
    else assert.equal(canonicalize(parseJson(input)), readSharedVector(`jcs/output/${name}.json`).toString(), name)
  }
})

test('10,000 number serialisations', { skip: sharedVectorsAbsent }, () => {
  const lines = readSharedVector('jcs/es6-numbers.txt').toString().trimEnd().split('\n')
  assert.equal(lines.length, 10_000)
  const bytes = new DataView(new ArrayBuffer(8))
  for (const line of lines) {
    const [hex = '', text = ''] = line.split(',')
    bytes.setBigUint64(0, BigInt(`0x${hex}`))
    const number = bytes.getFloat64(0)
    assert.equal(canonicalize(number), text)
    assert.equal(parseCanonicalJson(text), number === 0 ? 0 : number)
    assert.equal(parseJson(text), number === 0 ? 0 : number)
  }
})

test('keys that look like numbers keep RFC 8785 order', () => {
  const value = JSON.parse('{"9":1,"10":2,"a":{"2":[],"11":{}}}') as JsonValue
  const text = '{"10":2,"9":1,"a":{"11":{},"2":[]}}'
  assert.equal(canonicalize(value), text)
  assert.deepEqual(parseCanonicalJson(text), value)
})

const REFUSED: [text: string | Uint8Array, code: ErrorCode][] = [
  ['', 'JSON_INVALID'],
  [' ', 'JSON_INVALID'],
  ['{"a":1', 'JSON_INVALID'],
  ['{"a" 1}', 'JSON_INVALID'],
  ['{a:1}', 'JSON_INVALID'],
  ["{'a':1}", 'JSON_INVALID'],
  ['{"a":1,}', 'JSON_INVALID'],
  ['[1,]', 'JSON_INVALID'],
  ['[1 2]', 'JSON_INVALID'],
  ['01', 'JSON_INVALID'],
  ['+1', 'JSON_INVALID'],
  ['1.', 'JSON_INVALID'],
  ['.5', 'JSON_INVALID'],
  ['1e', 'JSON_INVALID'],
  ['NaN', 'JSON_INVALID'],
  ['Infinity', 'JSON_INVALID'],
  ['nul', 'JSON_INVALID'],
  ['true false', 'JSON_INVALID'],
  ['"\n"', 'JSON_INVALID'],
  ['"\\x"', 'JSON_INVALID'],
  ['"\\u12g4"', 'JSON_INVALID'],
  ['"', 'JSON_INVALID'],
  ['// 1\n1', 'JSON_INVALID'],
  ['\u00a01', 'JSON_INVALID'],
  ['\ufeff1', 'JSON_INVALID'],
  [Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 'JSON_INVALID'],
  [Uint8Array.of(0x22, 0xff, 0x22), 'JSON_UTF8_INVALID'],
  [Uint8Array.of(0x22, 0xc0, 0x80, 0x22), 'JSON_UTF8_INVALID'],
  [Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'JSON_UTF8_INVALID'],
  ['{"a":1,"a":1}', 'JSON_DUPLICATE_KEY'],
  ['{"a":1,"\\u0061":2}', 'JSON_DUPLICATE_KEY'],
  ['[{"b":{"a":1,"c":2,"a":3}}]', 'JSON_DUPLICATE_KEY'],
  ['{"__proto__":1}', 'JSON_KEY_FORBIDDEN'],
  ['{"\\u005f_proto__":1}', 'JSON_KEY_FORBIDDEN'],
  ['{"constructor":1}', 'JSON_KEY_FORBIDDEN'],
  ['[{"prototype":1}]', 'JSON_KEY_FORBIDDEN'],
  ['9007199254740993', 'JSON_NUMBER_LOSES_DIGITS'],
  ['-9007199254740993', 'JSON_NUMBER_LOSES_DIGITS'],
  ['0.10000000000000000001', 'JSON_NUMBER_LOSES_DIGITS'],
  ['1e400', 'JSON_NUMBER_LOSES_DIGITS'],
  ['1e-400', 'JSON_NUMBER_LOSES_DIGITS'],
  ['1e999999999999', 'JSON_NUMBER_LOSES_DIGITS'],
  ['"\\ud800"', 'JSON_LONE_SURROGATE'],
  ['"\\udc00\\ud800"', 'JSON_LONE_SURROGATE'],
  ['{"\\udfff":1}', 'JSON_LONE_SURROGATE'],
  ['"\ud800"', 'JSON_LONE_SURROGATE'],
  ['['.repeat(65) + ']'.repeat(65), 'JSON_TOO_DEEP'],
  ['['.repeat(100_000), 'JSON_TOO_DEEP'],
  ['{"a":'.repeat(65), 'JSON_TOO_DEEP'],
]

test('what the strict parser refuses', () => {
  for (const [text, code] of REFUSED) {
    refuses(() => parseJson(text), code)
    if (typeof text === 'string') refuses(() => parseCanonicalJson(text), code)
  }
})

test('numbers in other spellings keep their value', () => {
  for (const [text, value] of [
    ['1.0', 1],
    ['1E2', 100],
    ['-0', 0],
    ['0e999', 0],
    ['0.00100', 0.001],
    ['123456789012345680000', 123456789012345680000],
    ['9007199254740992', 2 ** 53],
  ] as const) {
    assert.ok(Object.is(parseJson(text), value), text)
  }
})

test('limits of depth and size', () => {
  assert.deepEqual(parseJson('[[1]]', { maxDepth: 2 }), [[1]])
  refuses(() => parseJson('[[[1]]]', { maxDepth: 2 }), 'JSON_TOO_DEEP')
  assert.ok(parseJson('['.repeat(64) + ']'.repeat(64)))
  assert.equal(parseJson('"é"', { maxBytes: 4 }), 'é')
  refuses(() => parseJson('"éé"', { maxBytes: 5 }), 'JSON_TOO_LARGE')
  refuses(() => parseJson(Buffer.from('"éé"'), { maxBytes: 5 }), 'JSON_TOO_LARGE')
  refuses(() => parseJson('      ', { maxBytes: 5 }), 'JSON_TOO_LARGE')
})

test('canonical text is the only text', () => {
  for (const text of ['{ }', '{"b":1,"a":2}', '1.0', '-0', '1e2', '"\\u0061"', '"\\/"', '"\\u001F"', '[1, 2]', '1\n']) {
    parseJson(text)
    refuses(() => parseCanonicalJson(text), 'JSON_NOT_CANONICAL')
  }
})

test('values without a canonical text', () => {
  class Person {
    name = ''
  }
  const deep = JSON.parse('['.repeat(65) + ']'.repeat(65)) as JsonValue
  refuses(() => canonicalize(deep), 'JSON_TOO_DEEP')
  const values: unknown[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    undefined,
    1n,
    () => 1,
    new Date(0),
    new Person(),
    { a: undefined },
    { toJSON: () => 1 },
    [undefined],
    new Array(1),
    '\ud800',
    { '\ud800': 1 },
    JSON.parse('{"__proto__":1}'),
  ]
  for (const value of values) refuses(() => canonicalize(value as JsonValue), 'JSON_VALUE_INVALID')
})

const FORBIDDEN = ['__proto__', 'constructor', 'prototype']
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc
        .oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.nat(20).map(String))
        .filter((key) => !FORBIDDEN.includes(key)),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value

test('a value survives its canonical text, and both parsers agree with JSON.parse', () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = canonicalize(value)
      assert.deepEqual(parseCanonicalJson(text), value)
      assert.deepEqual(JSON.parse(text), value)
      assert.equal(canonicalize(parseJson(JSON.stringify(value, null, indent))), text)
      assert.deepEqual(parseJson(Buffer.from(text)), value)
    }),
    { numRuns: 1000 },
  )
})

test('whatever the strict parser accepts, JSON.parse reads alike; it never throws anything but refusals', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '"',
    '1',
    '-0',
    '1e5',
    '.',
    'true',
    'null',
    ' ',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
      const text = parts.join('')
      let value: JsonValue
      try {
        value = parseJson(text)
      } catch (error) {
        assert.ok(error instanceof ConcordatError)
        if (error.code === 'JSON_INVALID') assert.throws(() => JSON.parse(text), SyntaxError)
        return
      }
      assert.equal(canonicalize(value), canonicalize(JSON.parse(text) as JsonValue))
    }),
    { numRuns: 1000 },
  )
})
