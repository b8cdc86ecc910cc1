import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBlueprint, stepOf } from '../../../test/sample-blueprint.ts'
import { type JsonObject, type JsonValue, parseJson } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { type Blueprint, parseBlueprint } from './blueprint.ts'
import { checkBlueprint } from './check/check-blueprint.ts'

// Documents as nobody sends them by mistake. Each is refused with a code and a place, whatever its size; check-*.test.ts has what
// is wrong but sensible.

interface Bad {
  title: string
  change: (blueprint: Blueprint) => void
  code: string
  at: string
}

const BAD: Bad[] = [
  {
    title: '10 MB of schema',
    change: (b) => void Object.assign(stepOf(b, 'apply').schema, { $comment: 'x'.repeat(10_000_000) }),
    code: 'BLUEPRINT_INVALID',
    at: '',
  },
  {
    title: 'a schema of 3,000 properties',
    change: (b) => {
      const names = Array.from({ length: 3_000 }, (_, i): [string, JsonValue] => [`f${i}`, { type: 'boolean' }])
      stepOf(b, 'apply').schema.properties = Object.fromEntries(names)
      stepOf(b, 'apply').schema.required = []
    },
    code: 'SCHEMA_TOO_LARGE',
    at: '/steps/0/schema/properties/f1999',
  },
  {
    title: 'a schema that nests 2,000 deep',
    change: (b) => {
      stepOf(b, 'apply').schema = deep(2_000, (inner) => ({ type: 'array', items: inner })) as JsonObject
    },
    code: 'BLUEPRINT_INVALID',
    at: `/steps/0/schema${'/items'.repeat(61)}`,
  },
  {
    title: 'a schema that nests 20 deep',
    change: (b) => {
      const list = deep(20, (inner) => ({ type: 'array', items: inner }))
      Object.assign(stepOf(b, 'apply').schema.properties as JsonObject, { list })
    },
    code: 'SCHEMA_TOO_LARGE',
    at: `/steps/0/schema/properties/list${'/items'.repeat(16)}`,
  },
  {
    title: 'a rule that nests 2,000 deep',
    change: (b) => {
      stepOf(b, 'apply').routes[0]!.when = deep(2_000, (inner) => ({ '!': inner }))
    },
    code: 'BLUEPRINT_INVALID',
    at: `/steps/0/routes/0/when${'/!'.repeat(59)}`,
  },
  {
    title: 'form groups that nest 20 deep',
    change: (b) => {
      const form = deep(20, (inner) => ({ group: 'x', items: inner === true ? [] : [inner] }))
      Object.assign(stepOf(b, 'apply'), { form: [form] })
    },
    code: 'BLUEPRINT_INVALID',
    at: `/steps/0/form${'/0/items'.repeat(4)}`,
  },
  {
    title: 'definitions in a circle',
    change: (b) => {
      stepOf(b, 'apply').schema.$defs = { Name: { $ref: '#/$defs/Other' }, Other: { $ref: '#/$defs/Name' } }
    },
    code: 'SCHEMA_INVALID',
    at: '/steps/0/schema/properties/name/properties/given/$ref',
  },
  {
    title: 'definitions that double sixteen times',
    change: (b) => {
      const two = (name: string) => ({
        type: 'object',
        additionalProperties: false,
        properties: { a: { $ref: `#/$defs/${name}` }, b: { $ref: `#/$defs/${name}` } },
      })
      const doubling = Array.from({ length: 16 }, (_, i): [string, JsonValue] => [`D${i}`, two(`D${i + 1}`)])
      const $defs = Object.fromEntries([...doubling, ['D16', { type: 'boolean' }]])
      Object.assign(stepOf(b, 'apply').schema, { $defs, ...two('D0'), required: [] })
    },
    code: 'SCHEMA_TOO_LARGE',
    at: `/steps/0/schema${'/properties/a'.repeat(9)}`,
  },
  {
    title: 'a list of a million ones as a rule',
    change: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { '+': Array(1_000_000).fill(1) }
    },
    code: 'BLUEPRINT_INVALID',
    at: '',
  },
  {
    title: 'a rule of 400,000 parts',
    change: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { '+': Array(400_000).fill(1) }
    },
    code: 'RULE_TOO_LONG',
    at: '/steps/0/routes/0/when',
  },
  {
    title: 'a small rule of a million steps',
    change: (b) => {
      const hundred = Array(100).fill(1)
      stepOf(b, 'apply').routes[0]!.when = { map: [hundred, { map: [hundred, { map: [hundred, 1] }] }] }
    },
    code: 'RULE_TOO_LONG',
    at: '/steps/0/routes/0/when',
  },
  {
    title: 'an operator that there is not',
    change: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { constructOr: [] }
    },
    code: 'RULE_OPERATOR_UNKNOWN',
    at: '/steps/0/routes/0/when',
  },
  {
    title: 'a pointer to nowhere',
    change: (b) => {
      stepOf(b, 'apply').disclosures[0]!.fields = ['/name/given/first']
    },
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/disclosures/0/fields/0',
  },
  {
    title: 'a pointer out of the schema',
    change: (b) => {
      stepOf(b, 'apply').disclosures[0]!.fields = ['/../born']
    },
    code: 'BLUEPRINT_INVALID',
    at: '/steps/0/disclosures/0/fields/0',
  },
  {
    title: 'a step id used twice',
    change: (b) => void b.steps.push({ ...stepOf(b, 'inspect') }),
    code: 'BLUEPRINT_INVALID',
    at: '/steps/6',
  },
  {
    title: 'a calendar id used twice',
    change: (b) => {
      const calendar = { ...(b.review!.until.calendar as object), id: 'local' }
      Object.assign(b, { calendars: [calendar, calendar] })
    },
    code: 'BLUEPRINT_INVALID',
    at: '/calendars/1',
  },
  {
    title: 'an id with a Cyrillic а that looks like the Latin one',
    change: (b) => void b.steps.push({ ...stepOf(b, 'inspect'), id: '\u0430pply' }),
    code: 'BLUEPRINT_INVALID',
    at: '/steps/6/id',
  },
  {
    title: 'an id with a full-width letter',
    change: (b) => void b.roles.push({ ...b.roles[3]!, id: 'registr\uff59' }),
    code: 'BLUEPRINT_INVALID',
    at: '/roles/4/id',
  },
  {
    title: 'a field whose name looks like another',
    change: (b) => {
      Object.assign(stepOf(b, 'apply').schema.properties as JsonObject, { 'b\u043ern': { type: 'boolean' } })
    },
    code: 'SCHEMA_INVALID',
    at: '/steps/0/schema/properties',
  },
  {
    title: 'a calendar that ends before its deadlines',
    change: (b) => {
      b.review!.until.count = 90_000
    },
    code: 'CALENDAR_TOO_SHORT',
    at: '/review/until/calendar',
  },
  {
    title: '17 calendars',
    change: (b) => {
      const calendars = Array.from({ length: 17 }, (_, i) => ({ ...(b.review!.until.calendar as object), id: `c${i}` }))
      Object.assign(b, { calendars })
    },
    code: 'BLUEPRINT_INVALID',
    at: '/calendars',
  },
  {
    title: 'routes that contradict each other',
    change: (b) => {
      stepOf(b, 'inspect').routes[1]!.when = stepOf(b, 'inspect').routes[0]!.when!
    },
    code: 'ROUTE_NEVER_TAKEN',
    at: '/steps/2/routes/1',
  },
  {
    title: '60 branches that meet where they like',
    change: (b) => {
      const ids = Array.from({ length: 60 }, (_, i) => `branch${i}`)
      for (const [i, id] of ids.entries()) {
        b.steps.push({
          ...stepOf(b, 'inspect'),
          id,
          routes: [{ to: [ids[(i * 7) % 60]!] }, { to: [] }],
        })
      }
      stepOf(b, 'assess').routes = [{ to: ids }]
    },
    code: 'PROCESS_TOO_COMPLEX',
    at: '/steps',
  },
]

for (const { title, change, code, at } of BAD) {
  test(`refused with a place: ${title}`, () => {
    const blueprint = sampleBlueprint()
    change(blueprint)
    const problems = problemsOf(blueprint)
    assert.ok(
      problems.some((problem) => problem.code === code && problem.at === at),
      JSON.stringify(problems.slice(0, 5)),
    )
  })
}

for (const [title, text, code] of [
  ['an array that nests 2,000 deep', `${'['.repeat(2_000)}${']'.repeat(2_000)}`, 'JSON_TOO_DEEP'],
  ['the same key twice', '{"format":"concordat-blueprint/1","format":"x"}', 'JSON_DUPLICATE_KEY'],
  ['10 MB of spaces', ' '.repeat(10_000_000), 'JSON_TOO_LARGE'],
] as const) {
  test(`refused before it is a document: ${title}`, () => {
    assert.throws(() => parseBlueprint(parseJson(text)), { code })
  })
}

function problemsOf(blueprint: Blueprint): { code: string; at: string }[] {
  try {
    const { errors } = checkBlueprint(parseBlueprint(blueprint as unknown as JsonValue))
    return errors.map(({ code, at }) => ({ code, at }))
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    return [{ code: error.code, at: 'at' in error.detail ? error.detail.at : 'no place' }]
  }
}

/** From the inside out, so that making it needs no stack. */
function deep(levels: number, wrap: (inner: JsonValue) => JsonValue): JsonValue {
  let value: JsonValue = true
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}
