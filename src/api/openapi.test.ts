import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import { openApiDocument } from './openapi.ts'
import { type Route, SCOPES } from './route.ts'
import { type RouteName, routes } from './routes.ts'

interface Operation {
  operationId: string
  security: Record<string, string[]>[]
  parameters: { name: string; in: string; required: boolean; schema: JsonObject }[]
  requestBody?: { content: Record<string, { schema?: JsonObject }> }
  responses: Record<string, { description: string; content?: Record<string, { schema?: JsonObject }> }>
}

const document = openApiDocument()
const operations = Object.entries(document.paths as Record<string, Record<string, unknown>>).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation: operation as Operation })),
)
const table = Object.entries(routes) as [RouteName, Route][]

/** Every schema within a schema. */
function* schemasIn(value: JsonValue): Generator<JsonObject> {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) yield* schemasIn(item)
    return
  }
  yield value
  for (const item of Object.values(value)) yield* schemasIn(item)
}

describe('OpenAPI document', () => {
  it('is OpenAPI 3.1 and plain JSON', () => {
    assert.match(String(document.openapi), /^3\.1\.\d+$/)
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document)
  })
  it('has every route once, by its name', () => {
    assert.deepEqual(
      operations.map(({ operation }) => operation.operationId).sort(),
      table.map(([name]) => name).sort(),
    )
    for (const [, { method, path }] of table) {
      assert.equal(table.filter(([, other]) => other.method === method && other.path === path).length, 1)
    }
  })
  it('declares exactly the parameters of each path, all required', () => {
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path')
      assert.deepEqual(declared.map(({ name }) => name).sort(), named, path)
      assert.ok(declared.every(({ required }) => required))
    }
  })
  it('documents a success and a problem for each', () => {
    for (const { path, operation } of operations) {
      const statuses = Object.keys(operation.responses)
      assert.equal(statuses.filter((status) => status.startsWith('2')).length, 1, path)
      assert.ok(operation.responses.default?.content?.['application/problem+json'], path)
    }
  })
  it('opens nothing by accident', () => {
    const open = operations.filter(({ operation }) => operation.security.length === 0)
    assert.deepEqual(open.map(({ operation }) => operation.operationId).sort(), [
      'addCheckpoint',
      'getHealth',
      'getOpenApi',
      'readCheckpoint',
      'readTile',
    ])
    for (const { operation } of operations) {
      for (const scope of operation.security.flatMap(({ token }) => token ?? [])) {
        assert.ok(SCOPES.some((known) => known === scope))
      }
    }
  })
  it('puts the operations between nodes, and only them, below a node', () => {
    for (const [name, { path, access }] of table) {
      const server = name === 'getHealth' || name === 'getOpenApi'
      assert.equal(path.startsWith('/nodes/{member}/'), !server && (access === 'open' || access === 'signed'), name)
    }
  })
  it('asks for an idempotency key on every submission', () => {
    const asking = table.filter(([, { idempotent }]) => idempotent === true).map(([name]) => name)
    assert.deepEqual(asking.sort(), [
      'approve',
      'confirmRecord',
      'enterLapse',
      'extendDeadline',
      'propose',
      'raiseDispute',
      'recallRecord',
      'resolveDispute',
      'revokeKey',
      'rotateKeys',
      'startCase',
      'submitAction',
      'suspendRoles',
    ])
  })
  it('limits every string, array and object that a caller sends', () => {
    for (const { operation } of operations) {
      const sent = [
        ...operation.parameters.map(({ schema }) => schema),
        ...Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) =>
          schema === undefined ? [] : [schema],
        ),
      ]
      for (const schema of sent.flatMap((one) => [...schemasIn(one)])) {
        const at = `${operation.operationId}: ${JSON.stringify(schema).slice(0, 80)}`
        // A whole body of text is limited by its bytes.
        if (schema.type === 'string' && schema !== sent.at(-1))
          assert.ok('maxLength' in schema || 'const' in schema, at)
        if (schema.type === 'array') assert.ok('maxItems' in schema, at)
        if (schema.type === 'object' && 'properties' in schema) assert.equal(schema.additionalProperties, false, at)
        if (typeof schema.additionalProperties === 'object')
          assert.ok('maxProperties' in schema && 'propertyNames' in schema, at)
      }
    }
  })
  it('has schemas that a JSON Schema 2020-12 validator takes', () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false })
    for (const { operation } of operations) {
      const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((part) =>
        Object.values(part?.content ?? {}),
      )
      for (const { schema } of contents) {
        if (schema !== undefined && schema.$ref === undefined) assert.ok(ajv.compile(schema))
      }
    }
    const { Problem } = (document.components as { schemas: { Problem: JsonObject } }).schemas
    assert.ok(ajv.compile(Problem))
  })
})
