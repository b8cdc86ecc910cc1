import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedVector, sharedVectorsAbsent } from '../../../../test/vectors/shared-vectors.ts'
import { type JsonObject, type JsonValue, parseJson } from '../../canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../../error.ts'
import { checkBlueprint } from '../check/check-blueprint.ts'
import { importSiccar } from './import-siccar.ts'
import { importSorcha } from './import-sorcha.ts'

const PERMIT = 'blueprints/sorcha/walkthroughs/ConstructionPermit/construction-permit-template.json'

/** Generous, since other tests run beside this one: what it guards against would take minutes. */
const BOUND_MS = 15_000

test('a truncated file is refused with the offset, wherever it ends', { skip: sharedVectorsAbsent }, () => {
  const text = readSharedVector(PERMIT).toString()
  for (let end = 0; end < text.length - 1; end += 997) {
    assert.throws(() => importSorcha(parseJson(text.slice(0, end))), { code: 'JSON_INVALID' })
  }
})

test('a permit with any one value replaced is imported or refused, never a fault', {
  skip: sharedVectorsAbsent,
}, () => {
  const document = parseJson(readSharedVector(PERMIT)) as JsonObject
  const places = placesOf(document.template!, ['template'])
  const others: JsonValue[] = [null, 7, 'other', [], {}, [{}], { $ref: '#' }, { var: 'x' }]
  for (const [i, path] of places.entries()) {
    const changed = structuredClone(document)
    replace(changed, path, others[i % others.length]!)
    let code: string | undefined
    try {
      checkBlueprint(importSorcha(changed).blueprint)
    } catch (error) {
      assert.ok(error instanceof ConcordatError, `${path.join('/')}: ${String(error)}`)
      code = error.code
      assert.ok('at' in error.detail, code)
    }
  }
})

test('foreign documents and versions are refused with their place', () => {
  refused({ ...sample(), format: 'concordat-blueprint/1' }, 'IMPORT_FORMAT_UNKNOWN', '/format')
  refused({ title: 'x', actions: [] }, 'IMPORT_FORMAT_UNKNOWN', '')
  refused({ template: { title: 'x' } }, 'IMPORT_FORMAT_UNKNOWN', '/template')
  refused({ template: [] }, 'IMPORT_INVALID', '/template')
  refused([], 'IMPORT_INVALID', '')
  refused({ ...sample(), version: '2.0' }, 'IMPORT_INVALID', '/version')
  refused({ ...sample(), title: '' }, 'IMPORT_INVALID', '/title')
  refused({ ...sample(), participants: [{ id: 'a' }, { id: 'a' }] }, 'IMPORT_INVALID', '/participants/1/id')
  refused({ ...sample(), actions: [] }, 'IMPORT_INVALID', '/actions')
  refused(withAction({ sender: 'nobody' }), 'IMPORT_INVALID', '/actions/0/sender')
  refused(withAction({ routes: [{ nextActionIds: [9] }] }), 'IMPORT_INVALID', '/actions/0/routes/0/nextActionIds/0')
  refused(
    withAction({ rejectionConfig: { targetActionId: 9 } }),
    'IMPORT_INVALID',
    '/actions/0/rejectionConfig/targetActionId',
  )
  const participants = Array.from({ length: 33 }, (_, i) => ({ id: `p${i}` }))
  refused({ ...sample(), participants }, 'IMPORT_TOO_LARGE', '/participants')
  const actions = Array.from({ length: 101 }, (_, id) => ({ id, title: 'x', sender: 'a' }))
  refused({ ...sample(), actions }, 'IMPORT_TOO_LARGE', '/actions')
  refused({ ...sample(), description: 'x'.repeat(1_000_001) }, 'IMPORT_TOO_LARGE', '')
})

test('keys that reach a prototype are refused by the reader and by the import', () => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    assert.throws(() => parseJson(`{"${key}": 1}`), { code: 'JSON_KEY_FORBIDDEN' })
    const hostile = Object.fromEntries([...Object.entries(sample()), [key, { polluted: true }]])
    assert.throws(() => importSorcha(hostile), { code: 'JSON_VALUE_INVALID' })
  }
  assert.equal(({} as JsonObject).polluted, undefined)
})

test('depth is refused before it is followed', () => {
  const nested = (depth: number, wrap: (inner: JsonValue) => JsonValue): JsonValue => {
    let value: JsonValue = { type: 'string' }
    for (let i = 0; i < depth; i++) value = wrap(value)
    return value
  }
  const list = (depth: number) => withSchema({ x: nested(depth, (items) => ({ type: 'array', items })) })
  assert.throws(() => importSorcha(list(500)), { code: 'JSON_TOO_DEEP' })
  refused(list(30), 'IMPORT_TOO_LARGE', `/actions/0/dataSchemas/0/properties/x${'/items'.repeat(15)}`)
  const rule = nested(50, (inner) => ({ '!': [inner] }))
  assert.throws(() => importSorcha(withAction({ calculations: { x: rule } })), { code: 'JSON_TOO_DEEP' })
})

test('a reference to itself is refused at its place', () => {
  const at = '/actions/0/dataSchemas/0/properties/x'
  refused(withSchema({ x: { $ref: '#' } }), 'IMPORT_INVALID', `${at}/$ref`)
  const circle = { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } }
  refused(withSchema({ x: { $ref: '#/$defs/A' } }, circle), 'IMPORT_INVALID', `${at}/$ref`)
  const tree = { A: { type: 'object', properties: { left: { $ref: '#/$defs/A' } } } }
  refused(withSchema({ x: { $ref: '#/$defs/A' } }, tree), 'IMPORT_INVALID', `${at}/properties/left/$ref`)
})

test('references that multiply, and schemas that take long to try, end in time', () => {
  const doubling: JsonObject = { D0: { type: 'string' } }
  for (let i = 1; i <= 14; i++) {
    const $ref = `#/$defs/D${i - 1}`
    doubling[`D${i}`] = { type: 'object', properties: { a: { $ref }, b: { $ref } } }
  }
  bounded(() => refusedSomewhere(withSchema({ x: { $ref: '#/$defs/D14' } }, doubling), 'IMPORT_TOO_LARGE'))
  const pattern = `^(${'a?'.repeat(100)})$`
  let wide: JsonObject = { type: 'object', properties: {} }
  for (let i = 0; i < 500; i++) (wide.properties as JsonObject)[`p${i}`] = { type: 'string', pattern }
  for (let i = 0; i < 10; i++) wide = { type: 'array', items: wide, minItems: 1, maxItems: 5, uniqueItems: true }
  bounded(() => importSorcha(withSchema({ x: wide })))
})

test('rules with very many inputs, and pointers to everything again and again, end in time', () => {
  const vars = Array.from({ length: 400 }, (_, i) => ({ var: `p${i % 50}` }))
  const properties = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, { type: 'number' }]))
  const action = (id: number): JsonObject => ({
    id,
    title: 'x',
    sender: 'a',
    dataSchemas: [{ type: 'object', properties }],
    calculations: { sum: { '+': vars } },
    disclosures: Array.from({ length: 20 }, () => ({ participantAddress: 'b', dataPointers: ['/*', '/p1'] })),
    routes: [{ nextActionIds: [(id + 1) % 60], isDefault: true }],
  })
  const actions = Array.from({ length: 60 }, (_, id) => action(id))
  bounded(() => refusedSomewhere({ ...sample(), actions }, 'IMPORT_TOO_LARGE'))
})

test('a template’s endless loop and an unknown operator are refused with their place', () => {
  const thousand = Array.from({ length: 1_000 }, (_, i) => i)
  const loop = { $map: thousand, 'each(x)': { $map: thousand, 'each(y)': { $map: thousand, 'each(z)': 1 } } }
  bounded(() => refusedSomewhere({ template: { ...sample(), metadata: loop } }, 'IMPORT_TOO_LARGE'))
  const sorted = { template: { ...sample(), metadata: { $sort: [] } } }
  refused(sorted, 'IMPORT_TEMPLATE_OPERATOR_UNKNOWN', '/template/metadata')
  const wrong = {
    template: sample(),
    parameterSchema: { properties: { n: { type: 'number' } } },
    defaultParameters: { n: 'x' },
  }
  refused(wrong, 'IMPORT_TEMPLATE_INVALID', '/defaultParameters/n')
})

test('a rule that has no counterpart is a loss', () => {
  const { blueprint, losses } = importSorcha(
    withAction({
      calculations: { x: { '+': [{ log: 1 }, 1] }, y: { log: 1 } },
      routes: [{ nextActionIds: [], condition: { log: 1 } }],
    }),
  )
  assert.deepEqual(blueprint.steps[0]!.calculations, undefined)
  assert.deepEqual(blueprint.steps[0]!.routes, [{ to: [] }])
  const lost = losses.map(({ kind, at }) => `${kind} ${at}`)
  assert.ok(lost.includes('CALCULATION_DROPPED /actions/0/calculations/x'))
  assert.ok(lost.includes('CALCULATION_DROPPED /actions/0/calculations/y'))
})

function sample(): JsonObject {
  return { title: 'A sample', participants: [{ id: 'a' }, { id: 'b' }], actions: [{ id: 0, title: 'x', sender: 'a' }] }
}

function withAction(more: JsonObject): JsonObject {
  return { ...sample(), actions: [{ id: 0, title: 'x', sender: 'a', ...more }] }
}

function withSchema(properties: JsonObject, $defs: JsonObject = {}): JsonObject {
  return withAction({ dataSchemas: [{ type: 'object', properties, $defs }] })
}

function refused(value: JsonValue, code: ErrorCode, at: string): void {
  assert.throws(
    () => importSorcha(value),
    (error: ConcordatError) => {
      assert.deepEqual({ code: error.code, at: 'at' in error.detail ? error.detail.at : undefined }, { code, at })
      return true
    },
  )
}

function refusedSomewhere(value: JsonObject, code: ErrorCode): void {
  assert.throws(() => importSorcha(value), { code })
  if (value.template === undefined && !JSON.stringify(value).includes('"routes"')) {
    assert.throws(() => importSiccar(value), { code })
  }
}

function bounded(run: () => void): void {
  const start = performance.now()
  run()
  const took = performance.now() - start
  assert.ok(took < BOUND_MS, `took ${Math.round(took)} ms`)
}

function placesOf(value: JsonValue, path: string[]): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))]
}

function replace(document: JsonObject, path: readonly string[], other: JsonValue): void {
  let parent: JsonObject = document
  for (const key of path.slice(0, -1)) parent = parent[key] as JsonObject
  parent[path.at(-1)!] = other
}
