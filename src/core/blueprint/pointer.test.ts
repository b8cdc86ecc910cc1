import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sampleBlueprint, sampleData, stepOf } from '../../../test/sample-blueprint.ts'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { getAt, join, setAt, split } from './pointer.ts'
import { compileSchema } from './schema.ts'

test('the fields of a schema are its properties that are no objects, definitions inlined', () => {
  const { fields } = compileSchema(stepOf(sampleBlueprint(), 'apply').schema)
  assert.deepEqual(
    fields.map(({ pointer, required }) => [pointer, required]),
    [
      ['/name/given', true],
      ['/name/family', true],
      ['/born', true],
      ['/income', true],
      ['/people', true],
      ['/partner/name', false],
      ['/health', true],
      ['/age', true],
      ['/share', true],
    ],
  )
})

test('splitting data and joining the fields in any order gives the data back', () => {
  const { tree } = fc.letrec((tie) => ({
    name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,5}$/),
    leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.oneof(fc.string(), fc.constant({ a: 1 })))),
    tree: fc.dictionary(tie('name') as fc.Arbitrary<string>, fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('tree')), {
      minKeys: 1,
      maxKeys: 4,
    }),
  }))
  fc.assert(
    fc.property(tree, fc.func(fc.integer()), (value, order) => {
      const data = JSON.parse(JSON.stringify(value)) as JsonObject
      const fields = split(data)
      const shuffled = [...fields].sort(([a], [b]) => order(a) - order(b))
      assert.deepEqual(join(shuffled), data)
      assert.deepEqual(split(join(shuffled)), fields)
      for (const [pointer, field] of fields) assert.equal(getAt(data, pointer), field)
    }),
    { numRuns: 1_000 },
  )
})

test('a field is set in a copy', () => {
  const data = sampleData().apply
  const changed = setAt(data, '/name/given', 'Bea')
  assert.equal(getAt(changed, '/name/given'), 'Bea')
  assert.equal(getAt(data, '/name/given'), 'Ada')
  assert.equal(getAt(changed, '/name/family'), 'Sample')
})

const BAD: [why: string, fields: [string, JsonValue][]][] = [
  [
    'a field twice',
    [
      ['/a', 1],
      ['/a', 2],
    ],
  ],
  [
    'a field inside another',
    [
      ['/a', 1],
      ['/a/b', 2],
    ],
  ],
  [
    'a field around another',
    [
      ['/a/b', 2],
      ['/a', 1],
    ],
  ],
  ['no pointer', [['a', 1]]],
  ['the whole data', [['', 1]]],
  ['an empty name', [['/a//b', 1]]],
  ['a prototype', [['/__proto__/polluted', true]]],
  ['a constructor', [['/constructor/prototype', true]]],
  ['an index', [['/a/0', 1]]],
  ['an escape', [['/a~1b', 1]]],
]

for (const [why, fields] of BAD) {
  test(`join refuses ${why}`, () => {
    assert.throws(() => join(fields), { code: 'FIELD_INVALID' })
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })
}
