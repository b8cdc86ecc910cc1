import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as Type from 'typebox'
import { DocumentId, mapOf, nullable, object, Pointer } from './scalars.ts'
import { explainMismatch, matches } from './validate.ts'

const schema = object({
  role: DocumentId,
  fields: Type.Union([Type.Literal('all'), Type.Array(Pointer, { maxItems: 2 })]),
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
  kind: Type.Optional(Type.Enum(['a', 'b'])),
  more: Type.Optional(nullable(object({ name: Type.String({ minLength: 1, maxLength: 3 }) }))),
  map: Type.Optional(mapOf(DocumentId, 2)),
})
const valid = { role: 'applicant', fields: 'all' }

describe('validate', () => {
  it('takes what matches', () => {
    for (const value of [
      valid,
      { ...valid, fields: ['/a', '/b/c'] },
      { ...valid, count: 9, kind: 'b', more: null, map: { a: 'b' } },
    ]) {
      assert.equal(matches(schema, value), true)
    }
  })
  const refused: [unknown, string, string][] = [
    [5, 'INPUT_TYPE_WRONG', '/body'],
    [null, 'INPUT_TYPE_WRONG', '/body'],
    [[], 'INPUT_TYPE_WRONG', '/body'],
    [{ fields: 'all' }, 'INPUT_FIELD_MISSING', '/body/role'],
    [{ ...valid, secret: 1 }, 'INPUT_FIELD_UNKNOWN', '/body'],
    [{ ...valid, role: 'a'.repeat(65) }, 'INPUT_TOO_LONG', '/body/role'],
    [{ ...valid, role: '9' }, 'INPUT_INVALID', '/body/role'],
    [{ ...valid, role: '' }, 'INPUT_INVALID', '/body/role'],
    [{ ...valid, count: '5' }, 'INPUT_TYPE_WRONG', '/body/count'],
    [{ ...valid, count: 1.5 }, 'INPUT_TYPE_WRONG', '/body/count'],
    [{ ...valid, count: 0 }, 'INPUT_INVALID', '/body/count'],
    [{ ...valid, count: 10 }, 'INPUT_INVALID', '/body/count'],
    [{ ...valid, kind: 'c' }, 'INPUT_INVALID', '/body/kind'],
    [{ ...valid, fields: 'some' }, 'INPUT_INVALID', '/body/fields'],
    [{ ...valid, fields: ['/a', '/b', '/c'] }, 'INPUT_INVALID', '/body/fields'],
    [{ ...valid, fields: Array(20).fill('a') }, 'INPUT_INVALID', '/body/fields'],
    [{ ...valid, more: { name: 'long' } }, 'INPUT_INVALID', '/body/more'],
    [{ ...valid, map: [] }, 'INPUT_TYPE_WRONG', '/body/map'],
    [{ ...valid, map: { a: 5 } }, 'INPUT_TYPE_WRONG', '/body/map'],
    [{ ...valid, map: { a: 'two words' } }, 'INPUT_INVALID', '/body/map'],
    [{ ...valid, map: { 'two words': 'a' } }, 'INPUT_INVALID', '/body/map'],
    [{ ...valid, map: { ['a'.repeat(65)]: 'a' } }, 'INPUT_TOO_LONG', '/body/map'],
    [{ ...valid, map: { a: 'a', b: 'b', c: 'c' } }, 'INPUT_TOO_LONG', '/body/map'],
  ]
  for (const [value, code, at] of refused) {
    it(`says ${code} at ${at} of ${JSON.stringify(value)?.slice(0, 60)}`, () => {
      assert.equal(matches(schema, value), false)
      const failure = explainMismatch(schema, value, '/body')
      assert.deepEqual([failure.code, failure.at], [code, at])
    })
  }
  it('never repeats a name or a value that the sender made up', () => {
    const secret = 'Xq7Secret'
    const dirty = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(secret),
        fc.double(),
        fc.constant(null),
        tie('object'),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
      object: fc.dictionary(
        fc.constantFrom('role', 'fields', 'count', 'kind', 'more', 'map', 'name', secret),
        tie('value'),
      ),
    })).object
    fc.assert(
      fc.property(dirty, (value) => {
        const plain = JSON.parse(JSON.stringify(value))
        if (matches(schema, plain)) return
        const failure = explainMismatch(schema, plain, '/body')
        assert.ok(!JSON.stringify(failure).includes(secret))
        assert.match(failure.code, /^INPUT_/)
        assert.ok(failure.expected.length > 0 && failure.got.length > 0)
      }),
      { numRuns: 1_000 },
    )
  })
})
