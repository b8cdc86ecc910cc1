import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../canonical-json.ts'
import { parseSchema } from '../schema-profile.ts'
import { Losses } from './losses.ts'
import { translateSchemas } from './translate-schema.ts'

test('what the profile has is kept', () => {
  const properties = {
    name: { type: 'string', title: 'Name', minLength: 1, maxLength: 50, pattern: '^[A-Z]' },
    kind: { type: 'string', enum: ['a', 'b'] },
    sum: { type: 'number', minimum: 0, exclusiveMaximum: 10, multipleOf: 0.5 },
    day: { type: 'string', format: 'date' },
    tags: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 5, uniqueItems: true },
  }
  const source = {
    type: 'object',
    properties,
    required: ['name'],
    anyOf: [{ required: ['kind'] }, { required: ['sum'] }],
  }
  const { schema, lost } = translated(source)
  assert.deepEqual(schema, { ...source, additionalProperties: false })
  assert.deepEqual(lost, [])
})

test('what it lacks is dropped or changed, each with a reason', () => {
  const { schema, lost } = translated({
    type: 'object',
    additionalProperties: true,
    patternProperties: {},
    required: ['nothing', 'inner'],
    properties: {
      a: { type: ['string', 'null'], format: 'date-time', pattern: '(?=x)', default: 'x', maxLength: 50_000 },
      b: { enum: [1, 2] },
      c: { type: 'array' },
      d: { type: 'array', items: { type: 'integer' }, uniqueItems: true },
      inner: { type: 'object', properties: { x: { type: 'string', readOnly: true } } },
      far: { $ref: 'https://example.org/schema' },
    },
    if: { required: ['elsewhere'] },
  })
  assert.deepEqual(schema, {
    type: 'object',
    additionalProperties: false,
    properties: {
      a: { type: 'string', maxLength: 10_000 },
      b: { type: 'number', enum: [1, 2] },
      c: { type: 'array', items: { type: 'string' } },
      d: { type: 'array', items: { type: 'integer' }, maxItems: 200, uniqueItems: true },
      inner: { type: 'object', additionalProperties: false, properties: { x: { type: 'string' } } },
      far: { type: 'string' },
    },
  })
  parseSchema(schema)
  assert.deepEqual(lost, [
    'SCHEMA_CHANGED /properties/a/maxLength',
    'SCHEMA_CHANGED /properties/a/type',
    'SCHEMA_CHANGED /properties/b',
    'SCHEMA_CHANGED /properties/c/items',
    'SCHEMA_CHANGED /properties/d/uniqueItems',
    'SCHEMA_CHANGED /properties/far',
    'SCHEMA_CHANGED /required',
    'SCHEMA_CHANGED /required',
    'SCHEMA_KEYWORD_DROPPED /additionalProperties',
    'SCHEMA_KEYWORD_DROPPED /if',
    'SCHEMA_KEYWORD_DROPPED /patternProperties',
    'SCHEMA_KEYWORD_DROPPED /properties/a/default',
    'SCHEMA_KEYWORD_DROPPED /properties/a/format',
    'SCHEMA_KEYWORD_DROPPED /properties/a/pattern',
    'SCHEMA_KEYWORD_DROPPED /properties/far/$ref',
    'SCHEMA_KEYWORD_DROPPED /properties/inner/properties/x/readOnly',
  ])
})

test('local references are inlined, and names that are no fields are changed', () => {
  const { schema, pointers } = translated({
    type: 'object',
    $defs: { Money: { type: 'number', minimum: 0 } },
    definitions: { Address: { type: 'object', properties: { 'post code': { type: 'string' } } } },
    properties: {
      'first name': { type: 'string' },
      fee: { $ref: '#/$defs/Money' },
      home: { $ref: '#/definitions/Address' },
    },
    required: ['first name'],
  })
  assert.deepEqual(schema.required, ['first_name'])
  assert.deepEqual((schema.properties as JsonObject).fee, { type: 'number', minimum: 0 })
  assert.deepEqual(Object.fromEntries(pointers), {
    'first name': '/first_name',
    fee: '/fee',
    home: '/home',
    'home/post code': '/home/post_code',
  })
})

test('several schemas become one, and the first says what a property is', () => {
  const losses = new Losses()
  const one = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
  const two = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['b'] }
  const { schema } = translateSchemas(
    [one, two].map((value, i) => ({ at: `/${i}`, value })),
    losses,
  )
  assert.deepEqual(schema, {
    type: 'object',
    additionalProperties: false,
    properties: { a: { type: 'string' }, b: { type: 'number' } },
    required: ['a', 'b'],
  })
  assert.deepEqual(
    losses.list().map(({ kind, at }) => `${kind} ${at}`),
    ['SCHEMA_CHANGED /1/properties/a'],
  )
})

function translated(value: JsonObject): { schema: JsonObject; pointers: Map<string, string>; lost: string[] } {
  const losses = new Losses()
  const { schema, pointers } = translateSchemas([{ at: '', value }], losses)
  return {
    schema,
    pointers,
    lost: losses
      .list()
      .map(({ kind, at }) => `${kind} ${at}`)
      .sort(),
  }
}
