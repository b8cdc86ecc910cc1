import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSharedJson, sharedVectorsAbsent } from '../../../../test/vectors/shared-vectors.ts'
import type { JsonValue } from '../../canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../../error.ts'
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
  try: 'turns a refusal into a result, so a rule would no longer fail closed',
  throw: 'gives what try catches; a rule refuses by itself, with a code',
}

/** The cases that have such an operator, by their places in their files. A blueprint that has one is refused. */
const CASES_LEFT_OUT: Record<string, string> = {
  'comparison/greaterThan.json': '2',
  'comparison/greaterThanEquals.json': '2',
  'comparison/lessThan.json': '1',
  'comparison/lessThanEquals.json': '0',
  'comparison/softEquals.json': '2',
  'comparison/softNotEquals.json': '1',
  'comparison/strictEquals.json': '2',
  'comparison/strictNotEquals.json': '1',
  'control/and.json': '22-24',
  'control/if.json': '40-43',
  'control/or.json': '18-20',
  'throw.json': '0-2',
  'try.json': '0-17',
  'try.extra.json': '0',
}

/** Why a case with the profile's operators alone still differs, by the code with which it is refused. */
const DIFFERENCES: Partial<Record<ErrorCode, string>> = {
  RULE_INPUT_MISSING: 'a missing input without a default refuses the action; the original reads it as null',
  RULE_INVALID: 'val with a level reaches out of its scope, so what a rule reads could not be told from its text',
}

/** Every such case, by its places in its file. */
const CASES_DIFFERENT: Record<string, Partial<Record<ErrorCode, string>>> = {
  'compatible.json': { RULE_INPUT_MISSING: '191-192 194-195 199 207-209 246 250' },
  'control/not.json': { RULE_INPUT_MISSING: '20 22' },
  'control/doublebang.json': { RULE_INPUT_MISSING: '18 20' },
  'array/map.json': { RULE_INPUT_MISSING: '4 11' },
  'array/filter.json': { RULE_INPUT_MISSING: '4' },
  'array/reduce.json': { RULE_INPUT_MISSING: '5' },
  'val.json': { RULE_INPUT_MISSING: '9' },
  'val-compat.json': { RULE_INPUT_MISSING: '3-4 6-7 9 16-18 28 32' },
  'val.extra.json': { RULE_INVALID: '0-2' },
  'scopes.json': { RULE_INVALID: '0-3' },
}

test('the shared JSON Logic suites: every case but the listed ones', { skip: sharedVectorsAbsent }, (t) => {
  const count = { run: 0, leftOut: 0, RULE_INPUT_MISSING: 0, RULE_INVALID: 0 }
  for (const file of readSharedJson<string[]>('json-logic/suites/index.json')) {
    const cases = readSharedJson<(VectorCase | string)[]>(`json-logic/suites/${file}`).filter(
      (item): item is VectorCase => typeof item !== 'string',
    )
    for (const [place, { rule, data = null, result, error }] of cases.entries()) {
      const name = `${file} ${place}`
      const leftOut = operatorsIn(rule).some((operator) => Object.hasOwn(LEFT_OUT, operator))
      assert.equal(leftOut, isListed(CASES_LEFT_OUT[file] ?? '', place), name)
      if (leftOut) {
        assert.throws(() => inputs(rule), { code: 'RULE_OPERATOR_UNKNOWN' }, name)
        count.leftOut += 1
        continue
      }
      const actual = outcome(() => toJsonValue(evaluate(rule, data)))
      const expected = error ? 'refused' : { value: result }
      const [code] = (['RULE_INPUT_MISSING', 'RULE_INVALID'] as const).filter((candidate) => {
        return isListed(CASES_DIFFERENT[file]?.[candidate] ?? '', place)
      })
      if (code === undefined) assert.deepEqual('code' in actual ? 'refused' : actual, expected, name)
      else assert.deepEqual(actual, { code }, name)
      count[code ?? 'run'] += 1
    }
  }
  t.diagnostic(`${count.run} of 1138 as the suites say, ${count.leftOut} with try or throw`)
  for (const [code, why] of Object.entries(DIFFERENCES)) t.diagnostic(`${count[code as 'RULE_INVALID']}: ${why}`)
  assert.deepEqual(count, { run: 1_062, leftOut: 40, RULE_INPUT_MISSING: 29, RULE_INVALID: 7 })
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
  [{ val: ['a', 'x'] }, 1],
  [{ val: ['list', 2] }, 0.3],
  [{ exists: ['a', 'x'] }, true],
  [{ exists: ['a', 'y'] }, false],
  // What leads nowhere is passed over, null as well, and a default within.
  [{ '??': [{ var: 'a.y' }, { val: ['b', 'x'] }, { var: ['a.y', null] }, 'none'] }, 'none'],
  [{ '??': [{ var: 'a.x' }, { '/': [1, 0] }] }, 1],
  [{ '??': [null, null] }, null],
  [{ '+': { preserve: [7, '8'] } }, 15],
  [{ preserve: { a: 1, b: { var: 'a.y' } } }, { a: 1, b: { var: 'a.y' } }],
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
  ['a missing input of val', { val: ['a', 'y'] }, 'RULE_INPUT_MISSING'],
  ['what is missing at the end of ??', { '??': [null, { var: 'a.y' }] }, 'RULE_INPUT_MISSING'],
  ['what is missing within an argument of ??', { '??': [{ '+': [{ var: 'a.y' }, 1] }, 0] }, 'RULE_INPUT_MISSING'],
  ['val out of its scope', { map: [{ var: 'list' }, { val: [[2], 'a', 'x'] }] }, 'RULE_INVALID'],
  ['val of no name', { val: [null] }, 'RULE_INVALID'],
  ['?? without a list', { '??': { var: 'list' } }, 'RULE_INVALID'],
  ['the inside of a number', { reduce: [[1], { var: 'accumulator.e' }, { '+': [1, 1] }] }, 'RULE_INPUT_MISSING'],
  ['try', { try: [{ '/': [1, 0] }, 1] }, 'RULE_OPERATOR_UNKNOWN'],
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
      { reduce: [[], { val: ['current', 'x'] }, { var: '$meta.asOf' }] },
      { '??': [{ val: ['c', 'first'] }, { var: ['c.second', { var: 'c.default' }] }, { var: 'c.last' }] },
      { '??': [{ '+': [{ var: 'c.inside' }, 1] }, { exists: ['c', 'known'] }, { preserve: { var: 'c.text' } }] },
    ],
  }
  assert.deepEqual(inputs(rule), [
    { path: '$meta.asOf', required: true },
    { path: 'a.list', required: true },
    { path: 'b.fallback', required: false },
    { path: 'b.optional', required: false },
    { path: 'b.other', required: true },
    { path: 'c.default', required: true },
    { path: 'c.first', required: false },
    { path: 'c.inside', required: true },
    { path: 'c.known', required: false },
    { path: 'c.last', required: true },
    { path: 'c.second', required: false },
  ])
})

for (const rule of [
  { var: '' },
  { var: [] },
  { var: { var: 'a.x' } },
  { missing: [{ var: 'a.x' }] },
  { missing: { merge: ['a'] } },
  { val: [] },
  { val: { var: 'a.x' } },
  { val: ['a.x'] },
  { exists: [{ var: 'a.x' }] },
  { map: [{ var: 'a.x' }, { val: [[2], 'a', 'x'] }] },
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
    'val',
    'exists',
    '??',
    'preserve',
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
