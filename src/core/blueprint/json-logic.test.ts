import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSharedJson, sharedVectorsAbsent } from '../../../test/vectors/shared-vectors.ts'
import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../error.ts'
import { evaluate, inputs, RULE_LIMITS } from './json-logic.ts'
import { toJsonValue } from './rule-value.ts'

interface VectorCase {
  rule: JsonValue
  data?: JsonValue
  result?: JsonValue
  error?: { type: string }
}

/** Operators of the suites that the profile leaves out, and why. */
const LEFT_OUT: Record<string, string> = {
  val: 'reaches out of its scope, so what a rule reads could not be told from its text',
  exists: 'missing says the same',
  '??': 'a default of var says the same',
  try: 'would turn a refusal into a result',
  throw: 'rules refuse by themselves, with a code',
  preserve: 'data belongs into data',
}

/** The cases that have such an operator, by their places in their files. A blueprint that has one is refused. */
const CASES_LEFT_OUT: Record<string, string> = {
  'arithmetic/plus.json': '23 26-27',
  'arithmetic/plus.extra.json': '0-2',
  'arithmetic/multiply.json': '24',
  'arithmetic/multiply.extra.json': '0-2',
  'arithmetic/minus.json': '19',
  'arithmetic/minus.extra.json': '0-2',
  'arithmetic/divide.json': '25',
  'arithmetic/divide.extra.json': '0-2',
  'arithmetic/modulo.json': '26',
  'arithmetic/modulo.extra.json': '0-1',
  'comparison/greaterThan.json': '2',
  'comparison/greaterThanEquals.json': '2',
  'comparison/lessThan.json': '1',
  'comparison/lessThanEquals.json': '0',
  'comparison/softEquals.json': '2',
  'comparison/softNotEquals.json': '1',
  'comparison/strictEquals.json': '2',
  'comparison/strictNotEquals.json': '1',
  'control/and.json': '22-24',
  'control/if.json': '4 40-43',
  'control/or.json': '18-20',
  'truthiness.json': '9-12',
  'additional.json': '0-3',
  'coalesce.json': '0-14',
  'chained.json': '2 4-6',
  'iterators.extra.json': '0-16',
  'exists.json': '0-7',
  'scopes.json': '0-3',
  'throw.json': '0-2',
  'try.json': '0-17',
  'try.extra.json': '0',
  'val.json': '0-12',
  'val.extra.json': '0-2',
  'val-compat.json': '0-59',
}

const MISSING = 'a missing input without a default refuses the action; the original reads it as null'

/** Every case of the suites whose rule has only the profile's operators and that still differs, by its place in its file. */
const EXCEPTIONS: Record<string, Record<number, string>> = {
  'compatible.json': Object.fromEntries(
    [191, 192, 194, 195, 199, 207, 208, 209, 246, 250].map((place) => [place, MISSING]),
  ),
  'control/not.json': { 20: MISSING, 22: MISSING },
  'control/doublebang.json': { 18: MISSING, 20: MISSING },
  'array/map.json': { 4: MISSING, 11: MISSING },
  'array/filter.json': { 4: MISSING },
  'array/reduce.json': { 5: MISSING },
}

test('the shared JSON Logic suites: every case but the listed exceptions', { skip: sharedVectorsAbsent }, (t) => {
  const count = { run: 0, leftOut: 0, exceptions: 0 }
  for (const file of readSharedJson<string[]>('json-logic/suites/index.json')) {
    const cases = readSharedJson<(VectorCase | string)[]>(`json-logic/suites/${file}`).filter(
      (item): item is VectorCase => typeof item !== 'string',
    )
    for (const [place, { rule, data = null, result, error }] of cases.entries()) {
      const name = `${file} ${place}`
      const leftOut = operatorsIn(rule).some((operator) => Object.hasOwn(LEFT_OUT, operator))
      assert.equal(leftOut, isListed(CASES_LEFT_OUT[file] ?? '', place), name)
      if (leftOut) {
        assert.throws(() => inputs(rule), ConcordatError, name)
        count.leftOut += 1
        continue
      }
      const actual = outcome(() => toJsonValue(evaluate(rule, data)))
      const expected = error ? 'refused' : { value: result }
      if (EXCEPTIONS[file]?.[place] === undefined) {
        assert.deepEqual('code' in actual ? 'refused' : actual, expected, name)
        count.run += 1
      } else {
        assert.deepEqual(actual, { code: 'RULE_INPUT_MISSING' }, name)
        count.exceptions += 1
      }
    }
  }
  t.diagnostic(
    `${count.run} as the suite says, ${count.exceptions} listed exceptions, ${count.leftOut} with operators left out`,
  )
  assert.deepEqual(count, { run: 926, leftOut: 194, exceptions: 18 })
})

const RESULTS: [rule: JsonValue, result: JsonValue][] = [
  [{ '+': [0.1, 0.2] }, 0.3],
  [{ '===': [{ '+': [0.1, 0.2] }, 0.3] }, true],
  [{ '==': ['0.30', 0.3] }, true],
  // Amounts travel as texts.
  [{ '<': ['9000.25', '16000.00'] }, true],
  [{ '==': ['16000.00', '16000'] }, true],
  [{ '===': ['16000.00', '16000'] }, false],
  [{ '==': ['007', '7'] }, false],
  [{ '<': ['2025-12-31', '2026-01-01'] }, true],
  [{ '/': [1, 3] }, '0.3333333333333333333333333333'],
  [{ '*': [{ '/': [1, 3] }, 3] }, '0.9999999999999999999999999999'],
  // Ties go to the even neighbour at the 28th digit.
  [{ '+': ['1000000000000000000000000000', '0.5'] }, 1e27],
  [{ '+': ['1000000000000000000000000001', '0.5'] }, '1000000000000000000000000002'],
  [{ '+': ['9007199254740993', 0] }, '9007199254740993'],
  [{ '%': [-7, 3] }, -1],
  [{ 'dec.round': [2.5, 0, 'half-even'] }, 2],
  [{ 'dec.round': [2.5, 0, 'half-up'] }, 3],
  [{ 'dec.round': [-2.5, 0, 'half-up'] }, -3],
  [{ 'dec.round': [-2.1, 0, 'floor'] }, -3],
  [{ 'dec.round': [-2.1, 0, 'ceiling'] }, -2],
  [{ 'dec.round': [2.1, 0, 'up'] }, 3],
  [{ 'dec.round': ['2.675', 2, 'half-up'] }, 2.68],
  [{ 'dec.round': [2.19, 1, 'down'] }, 2.1],
  [{ 'date.age': ['2008-02-29', '2026-02-28'] }, 17],
  [{ 'date.age': ['2008-02-29', '2026-03-01'] }, 18],
  [{ 'date.age': ['1970-01-01', 1_767_225_599] }, 55],
  [{ 'date.age': ['1970-01-01', 1_767_225_600] }, 56],
  [{ 'date.diff': ['2026-01-31', '2026-03-01', 'days'] }, 29],
  [{ 'date.diff': ['2026-01-31', '2026-02-28', 'months'] }, 0],
  [{ 'date.diff': ['2026-03-01', '2024-03-02', 'years'] }, -1],
  [{ 'date.add': ['2024-01-31', 1, 'months'] }, '2024-02-29'],
  [{ 'date.add': ['2024-02-29', 1, 'years'] }, '2025-02-28'],
  [{ 'date.add': ['2024-03-01', -1, 'days'] }, '2024-02-29'],
  [{ missing: ['a.x', 'a.y'] }, ['a.y']],
  [{ reduce: [{ var: 'list' }, { '+': [{ var: 'accumulator' }, { var: 'current' }] }, 0] }, 0.6],
  [{ substr: ['jsonlogic', -5, -2] }, 'log'],
]

for (const [rule, result] of RESULTS) {
  test(`${JSON.stringify(rule)} gives ${JSON.stringify(result)}`, () => {
    assert.deepEqual(toJsonValue(evaluate(rule, { a: { x: 1 }, list: [0.1, 0.2, 0.3] })), result)
  })
}

const nested = (depth: number): JsonValue => (depth === 0 ? true : { '!': [nested(depth - 1)] })

const REFUSALS: [why: string, rule: JsonValue, code: ErrorCode][] = [
  ['an unknown operator', { log: ['x'] }, 'RULE_OPERATOR_UNKNOWN'],
  ['an operator that only looks inherited', { toString: [] }, 'RULE_OPERATOR_UNKNOWN'],
  ['two operators in one object', { '+': [1], '-': [1] }, 'RULE_INVALID'],
  ['a missing input', { var: 'a.y' }, 'RULE_INPUT_MISSING'],
  ['an inherited property', { var: 'constructor' }, 'RULE_INPUT_MISSING'],
  ['an inherited property of a list', { var: 'list.length' }, 'RULE_INPUT_MISSING'],
  ['a text that is no number', { '+': ['abc', 1] }, 'RULE_NOT_A_NUMBER'],
  ['a hexadecimal text', { '+': ['0x10', 1] }, 'RULE_NOT_A_NUMBER'],
  ['infinity as a text', { '+': ['Infinity', 1] }, 'RULE_NOT_A_NUMBER'],
  ['division by zero', { '/': [1, 0] }, 'RULE_NOT_A_NUMBER'],
  ['an overflow', { '*': ['1e400', '1e400'] }, 'RULE_NOT_A_NUMBER'],
  ['equality of different types', { '==': ['2026-01-01', 2026] }, 'RULE_NOT_A_NUMBER'],
  ['too deep a rule', nested(40), 'RULE_TOO_DEEP'],
  ['too long a rule', { '+': Array.from({ length: 10_001 }, () => 1) }, 'RULE_TOO_LONG'],
  [
    'an iteration that multiplies',
    { map: [{ var: 'many' }, { map: [{ merge: [[1, 2, 3, 4, 5, 6, 7, 8, 9]] }, { '+': [1, 2] }] }] },
    'RULE_TOO_LONG',
  ],
  [
    'searching a long list again and again',
    { map: [{ var: 'many' }, { in: [1, { merge: [[], []] }] }] },
    'RULE_TOO_LONG',
  ],
  [
    'a text that doubles',
    { reduce: [{ var: 'many' }, { cat: [{ var: 'accumulator' }, { var: 'accumulator' }] }, 'xxxxxxxxxxxxxxxx'] },
    'RULE_RESULT_TOO_LARGE',
  ],
  ['rounding without a mode', { 'dec.round': [1.5, 0] }, 'RULE_INVALID'],
  ['a date that does not exist', { 'date.diff': ['2026-02-30', '2026-03-01', 'days'] }, 'RULE_TYPE_WRONG'],
  ['a birth after the date', { 'date.age': ['2026-02-03', '2026-02-01'] }, 'RULE_INVALID'],
  ['a date past the calendar', { 'date.add': ['9999-12-31', 1, 'days'] }, 'RULE_INVALID'],
]

for (const [why, rule, code] of REFUSALS) {
  test(`a rule refuses ${why}`, () => {
    const data = { a: { x: 1 }, list: [1], many: Array.from({ length: 2_000 }, (_, i) => i) }
    assert.deepEqual(
      outcome(() => evaluate(rule, data)),
      { code },
    )
  })
}

test('a refusal names no value', () => {
  assert.throws(
    () => evaluate({ '+': [{ var: 'secret' }, 1] }, { secret: 'QQ123456C' }),
    (error: Error) => !error.message.includes('QQ123456C') && !JSON.stringify(error).includes('QQ123456C'),
  )
})

test('inputs are the paths of the outer data, required unless something stands in for them', () => {
  const rule = {
    if: [
      { missing: ['b.optional'] },
      { var: ['b.fallback', { var: 'b.other' }] },
      { map: [{ var: 'a.list' }, { '+': [{ var: 'price' }, 1] }] },
      { reduce: [[], { var: 'current' }, { var: '$meta.asOf' }] },
    ],
  }
  assert.deepEqual(inputs(rule), [
    { path: '$meta.asOf', required: true },
    { path: 'a.list', required: true },
    { path: 'b.fallback', required: false },
    { path: 'b.optional', required: false },
    { path: 'b.other', required: true },
  ])
})

for (const rule of [
  { var: '' },
  { var: [] },
  { var: { var: 'a.x' } },
  { missing: [{ var: 'a.x' }] },
  { missing: { merge: ['a'] } },
]) {
  test(`inputs refuse ${JSON.stringify(rule)}, whose paths are not known before it runs`, () => {
    assert.throws(() => inputs(rule), { code: 'RULE_INVALID' })
  })
}

test('any JSON as a rule gives a value or a refusal, always the same, within its limits', () => {
  const operators = [
    'var',
    'if',
    '+',
    '-',
    '*',
    '/',
    '%',
    '<',
    '==',
    'map',
    'reduce',
    'cat',
    'substr',
    'in',
    'merge',
    'date.add',
  ]
  const { rule } = fc.letrec((tie) => ({
    rule: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc
        .tuple(fc.constantFrom(...operators), fc.array(tie('rule'), { maxLength: 3 }))
        .map(([name, args]) => ({ [name]: args })),
    ),
  }))
  fc.assert(
    fc.property(rule, fc.jsonValue({ maxDepth: 2 }), (value, data) => {
      const run = () => outcome(() => toJsonValue(evaluate(value as JsonValue, data as JsonValue)))
      assert.deepEqual(run(), run())
    }),
    { numRuns: 1_000 },
  )
})

test('decimal sums do not depend on their order', () => {
  const cents = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 100)
  fc.assert(
    fc.property(fc.array(cents, { minLength: 1, maxLength: 20 }), (amounts) => {
      const total = amounts.reduce((sum, amount) => sum + Math.round(amount * 100), 0)
      const rule = { '==': [{ '*': [{ '+': amounts }, 100] }, total] }
      assert.equal(evaluate(rule, null), true)
      assert.equal(evaluate({ '==': [{ '+': amounts }, { '+': [...amounts].reverse() }] }, null), true)
    }),
    { numRuns: 1_000 },
  )
})

test('the limits are those that docs/formats/json-logic.md states', () => {
  assert.deepEqual(RULE_LIMITS, { steps: 10_000, depth: 32, path: 256 })
})

function operatorsIn(rule: JsonValue): string[] {
  if (typeof rule !== 'object' || rule === null) return []
  if (Array.isArray(rule)) return rule.flatMap(operatorsIn)
  const names = Object.keys(rule)
  return [...(names.length === 1 ? names : []), ...Object.values(rule).flatMap(operatorsIn)]
}

/** Whether a list such as `0-3 7` holds a place. */
function isListed(list: string, place: number): boolean {
  return list.split(' ').some((item) => {
    const [first = '', last = first] = item.split('-')
    return first !== '' && place >= Number(first) && place <= Number(last)
  })
}

function outcome(run: () => unknown): { value: unknown } | { code: ErrorCode } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof ConcordatError) return { code: error.code }
    throw error
  }
}
