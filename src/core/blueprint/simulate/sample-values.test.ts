import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../canonical-json.ts'
import { compileSchema } from '../schema.ts'
import { seededPick } from './sample-text.ts'
import { type Hints, valuesFor } from './sample-values.ts'

const NOON = Date.parse('2026-11-25T12:00:00Z') / 1000
const NONE: Hints = { values: [], numbers: [] }

const schemas: [title: string, schema: JsonObject][] = [
  ['a boolean', { type: 'boolean' }],
  ['an integer between bounds', { type: 'integer', minimum: 5, maximum: 7 }],
  ['a number in pence', { type: 'number', minimum: 0.01, multipleOf: 0.01 }],
  ['a decimal text', { type: 'string', format: 'decimal' }],
  ['a date', { type: 'string', format: 'date' }],
  ['a text of a length', { type: 'string', minLength: 30, maxLength: 40 }],
  ['a text of a pattern', { type: 'string', pattern: '^QQ[0-9]{6}[A-D]$' }],
  ['an address of a mailbox', { type: 'string', format: 'email' }],
  ['one of some', { type: 'string', enum: ['a', 'b'] }],
  ['a list', { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 1, maxItems: 3 }],
]
for (const [title, schema] of schemas) {
  test(`${title}: some value fits, and the same come again`, () => {
    const values = valuesFor(schema, NONE, NOON, seededPick(1))
    const wrapped = { type: 'object', properties: { field: schema }, required: ['field'], additionalProperties: false }
    const compiled = compileSchema(wrapped)
    assert.ok(values.some((field) => compiled.validate({ field }).length === 0))
    assert.deepEqual(valuesFor(schema, NONE, NOON, seededPick(1)), values)
  })
}

test('what rules compare a field with is tried, with its neighbours', () => {
  const values = valuesFor({ type: 'integer' }, { values: [16], numbers: [65] }, NOON, seededPick(1))
  for (const value of [15, 16, 17, 64, 65, 66]) assert.ok(values.includes(value), String(value))
})

test('dates lie as far from the day of the action as the rules count, to the day', () => {
  const values = valuesFor({ type: 'string', format: 'date' }, { values: [], numbers: [28] }, NOON, seededPick(1))
  for (const date of ['2026-10-28', '2026-12-23', '1998-11-25', '1998-11-24', '2054-11-26']) {
    assert.ok(values.includes(date), date)
  }
})
