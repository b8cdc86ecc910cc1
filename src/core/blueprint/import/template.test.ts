// biome-ignore-all lint/suspicious/noThenProperty: a key of JSON-e.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: as JSON-e interpolates.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { expandTemplate } from './template.ts'

const PARAMETERS: JsonObject = { yes: true, no: false, n: 3, name: 'Ada', list: [1, 2, 3], deep: { a: { b: 'c' } } }

test('each operator expands', () => {
  const cases: [JsonValue, JsonValue][] = [
    [{ $eval: 'n' }, 3],
    [{ $eval: 'n * 2 + len(list) - 1 % 2' }, 8],
    [{ $eval: "deep.a['b'] + '!'" }, 'c!'],
    [{ $eval: 'list[-1] in [3, 4] && !(n > 3) || no' }, true],
    [{ $eval: "{x: n, 'y z': [name, null]}" }, { x: 3, 'y z': ['Ada', null] }],
    [{ $eval: 'str(n) + uppercase(name) + lowercase(name) + strip(" x ")' }, '3ADAadax'],
    [{ $eval: 'max(1, n, number("2.5")) - min(n, 1)' }, 2],
    [{ $if: 'n >= 3', then: 'a', else: 'b' }, 'a'],
    [
      [1, { $if: 'no', then: 2 }, 3],
      [1, 3],
    ],
    [{ kept: 1, left: { $if: 'no', then: 2 } }, { kept: 1 }],
    [{ $flatten: [[1, [2]], 3] }, [1, [2], 3]],
    [{ $flattenDeep: [[1, [2, [3]]], { $if: 'yes', then: [4] }] }, [1, 2, 3, 4]],
    [{ $map: { $eval: 'list' }, 'each(x, i)': { $eval: 'x + i' } }, [1, 3, 5]],
    [
      { $map: { a: 1, b: 2 }, 'each(e)': { '${e.key}2': { $eval: 'e.val' } } },
      { a2: 1, b2: 2 },
    ],
    [{ $let: { m: { $eval: 'n + 1' } }, in: { $eval: 'm * n' } }, 12],
    [{ $merge: [{ a: 1 }, { a: 2, b: 3 }] }, { a: 2, b: 3 }],
    [{ $reverse: [1, 2] }, [2, 1]],
    [{ $json: { b: 1, a: [] } }, '{"a":[],"b":1}'],
    ['Dear ${name}, ${n}; $${n}', 'Dear Ada, 3; ${n}'],
    [{ $$eval: 'n' }, { $eval: 'n' }],
    [
      { $schema: 'x', $ref: '#/$defs/A', $defs: { A: {} } },
      { $schema: 'x', $ref: '#/$defs/A', $defs: { A: {} } },
    ],
  ]
  for (const [template, expected] of cases) {
    assert.deepEqual(expandTemplate(template, PARAMETERS, ''), expected, JSON.stringify(template))
  }
})

test('what the subset lacks is refused by name and place', () => {
  const refused = (template: JsonValue, code: string, at: string, operator?: string) =>
    assert.throws(
      () => expandTemplate(template, PARAMETERS, '/template'),
      ({ detail }: ConcordatError) => {
        assert.equal(detail.code, code)
        assert.equal('at' in detail && detail.at, at)
        if (operator !== undefined) assert.equal('operator' in detail && detail.operator, operator)
        return true
      },
    )
  const unknown = 'IMPORT_TEMPLATE_OPERATOR_UNKNOWN'
  refused({ a: [{ $sort: [2, 1] }] }, unknown, '/template/a/0', '$sort')
  refused({ a: { $eval: 'fromNow("1 day")' } }, unknown, '/template/a/$eval', 'fromNow')
  const invalid = 'IMPORT_TEMPLATE_INVALID'
  refused({ a: { $eval: 'missing' } }, invalid, '/template/a/$eval')
  refused({ $eval: 'deep.constructor' }, invalid, '/template/$eval')
  refused({ $eval: 'deep["__proto__"]' }, invalid, '/template/$eval')
  refused({ $eval: '{__proto__: 1}' }, invalid, '/template/$eval')
  refused({ $eval: 'n; n' }, invalid, '/template/$eval')
  refused({ $eval: 'n n' }, invalid, '/template/$eval')
  refused({ $eval: '1 / 0' }, invalid, '/template/$eval')
  refused({ $eval: 'name * 2' }, invalid, '/template/$eval')
  refused({ $eval: 1 }, invalid, '/template/$eval')
  refused({ $eval: 'n', other: 1 }, invalid, '/template')
  refused({ $eval: 'n', $if: 'yes' }, invalid, '/template')
  refused({ '${"__proto" + "__"}': 1 }, invalid, '/template')
  refused('${list}', invalid, '/template')
  refused({ $if: 'no', then: 1 }, invalid, '/template')
})

test('a template that would grow without end stops', () => {
  const stops = (template: JsonValue, parameters: JsonObject = {}) =>
    assert.throws(() => expandTemplate(template, parameters, ''), { code: 'IMPORT_TOO_LARGE' })
  const thousand = Array.from({ length: 1_000 }, (_, i) => i)
  const each = (inner: JsonValue): JsonObject => ({ $map: thousand, 'each(x)': inner })
  stops(each(each(each(1))))
  stops(each('x'.repeat(100_000)))
  stops(each({ $eval: 'list == list' }), { list: thousand })
  // Each level doubles the text, and each nested $json the backslashes of the one inside it.
  stops(doubled(40, (inner) => ({ $let: { s: inner }, in: { $eval: 's + s' } }), 'x'.repeat(100)))
  stops(doubled(40, (inner) => ({ $json: inner }), '"'))
  stops({ $eval: 'x'.repeat(3_000) })
  stops({ $eval: `${'('.repeat(900)}1${')'.repeat(900)}` })
  stops({ $eval: `${'!'.repeat(1_000)}1` })
  stops(doubled(49, (inner) => [inner], 1))
})

test('any text is an expression or a refusal', () => {
  const sign = fc.constantFrom(
    'n',
    'name',
    'list',
    '1',
    '"',
    "'",
    '(',
    ')',
    '[',
    ']',
    '.',
    '-',
    '!',
    '&&',
    '{',
    '}',
    ',',
    ':',
    ' in ',
  )
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 12 }), (parts) => {
      try {
        expandTemplate({ $eval: parts.join('') }, PARAMETERS, '')
      } catch (error) {
        assert.ok(error instanceof ConcordatError)
      }
    }),
  )
})

function doubled(times: number, wrap: (inner: JsonValue) => JsonValue, start: JsonValue): JsonValue {
  let value = start
  for (let i = 0; i < times; i++) value = wrap(value)
  return value
}
