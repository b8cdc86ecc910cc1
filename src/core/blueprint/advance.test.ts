import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SAMPLE_MEMBERS, sampleBlueprint, sampleData, stepOf } from '../../../test/sample-blueprint.ts'
import type { JsonObject } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { type Advanced, advance } from './advance.ts'
import type { Blueprint } from './blueprint.ts'
import { fieldsSeen } from './groups.ts'
import type { View } from './view.ts'

const AS_OF = 1_771_934_400 // 2026-02-24
const EMPTY: View = { values: {}, sees: {}, bound: {} }

test('the sample runs from start to end, with its calculations, binding and later disclosure', () => {
  const blueprint = sampleBlueprint()
  const applied = act(blueprint, EMPTY, 'apply')
  assert.deepEqual(applied.next, ['assess'])
  // The day before the birthday; 12345.67 / 3 = 4115.2233...
  assert.deepEqual([applied.data.age, applied.data.share], [35, '4115.22'])
  assert.deepEqual(applied.bind, {})

  const council = { ...EMPTY, values: { apply: applied.data }, sees: { apply: seen('apply', 'council') } }
  const assessed = act(blueprint, council, 'assess')
  assert.deepEqual(assessed.data.fee, 0)
  assert.deepEqual(assessed.next, ['inspect'])
  assert.deepEqual(assessed.bind, { inspector: SAMPLE_MEMBERS.inspector })

  const inspector: View = {
    values: { apply: { people: 3, name: { given: 'Ada', family: 'Sample' } }, assess: {} },
    sees: { apply: seen('apply', 'inspector', ['assess']), assess: seen('assess', 'inspector') },
    bound: { inspector: SAMPLE_MEMBERS.inspector },
  }
  const inspected = act(blueprint, inspector, 'inspect')
  assert.deepEqual(inspected.data.large, false)
  assert.deepEqual([inspected.next, inspected.outcome], [[], { adverse: true }])

  assert.deepEqual(act(blueprint, EMPTY, 'withdraw').next, [])
})

test('a loop reads the newest data, and a role that is bound already is not bound again', () => {
  const blueprint = sampleBlueprint()
  const view = councilView(blueprint)
  const back = advance(
    blueprint,
    view,
    { step: 'assess', role: 'council', data: { ...sampleData().assess, verdict: 'back' } },
    AS_OF,
  )
  assert.deepEqual(back.next, ['apply'])
  const again = {
    ...view,
    values: { ...view.values, apply: { ...view.values.apply, share: '6000' } },
    bound: back.bind,
  }
  const second = act(blueprint, again, 'assess')
  assert.deepEqual([second.data.fee, second.bind], [12.5, {}])
  const other = { ...sampleData().assess, inspector: `X${'A'.repeat(42)}` }
  refused('BIND_ROLE_TAKEN', () => advance(blueprint, again, { step: 'assess', role: 'council', data: other }, AS_OF))
})

test('distinct roles go to different members', () => {
  const data = { ...sampleData().assess, inspector: SAMPLE_MEMBERS.council }
  const blueprint = sampleBlueprint()
  const detail = refused('BIND_MEMBERS_NOT_DISTINCT', () => {
    advance(blueprint, councilView(blueprint), { step: 'assess', role: 'council', data }, AS_OF)
  })
  assert.ok('other' in detail && detail.other === 'council')
})

test('a set of next steps is in the order of the register, whatever the document says', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'apply').routes = [{ to: ['inspect', 'assess'] }]
  assert.deepEqual(act(blueprint, EMPTY, 'apply').next, ['assess', 'inspect'])
})

const REFUSALS: [why: string, code: string, change: (data: JsonObject) => JsonObject, at?: string][] = [
  ['a wrong field', 'FIELD_INVALID', (data) => ({ ...data, people: 0 }), '/people'],
  ['a missing field', 'FIELD_INVALID', ({ born: _, ...data }) => data, '/born'],
  ['an unknown field', 'FIELD_INVALID', (data) => ({ ...data, extra: 1 }), ''],
  ['a condition between fields', 'FIELD_INVALID', (data) => ({ ...data, people: 1 }), ''],
  ['a date in words', 'FIELD_INVALID', (data) => ({ ...data, born: 'yesterday' }), '/born'],
  ['a person who is too young', 'FIELD_INVALID', (data) => ({ ...data, born: '2020-01-01' }), '/age'],
  ['a birth in the future', 'RULE_INVALID', (data) => ({ ...data, born: '2030-01-01' })],
  ['a calculated field of another value', 'CALCULATION_DIFFERS', (data) => ({ ...data, age: 36 }), '/age'],
  ['an empty object', 'FIELD_INVALID', (data) => ({ ...data, partner: {} }), '/partner'],
  ['a name that is no field name', 'FIELD_INVALID', (data) => ({ ...data, $actor: 'x' }), ''],
]

for (const [why, code, change, at] of REFUSALS) {
  test(`an action is refused for ${why}`, () => {
    const action = { step: 'apply', role: 'applicant', data: change(sampleData().apply) }
    const detail = refused(code, () => advance(sampleBlueprint(), EMPTY, action, AS_OF))
    if (at !== undefined) assert.equal('at' in detail && detail.at, at)
    assert.ok(!JSON.stringify(detail).includes('Ada'))
  })
}

test('a calculated field may be given if it is right', () => {
  const data = { ...sampleData().apply, age: 35, share: '4115.22' }
  assert.deepEqual(advance(sampleBlueprint(), EMPTY, { step: 'apply', role: 'applicant', data }, AS_OF).data, data)
})

test('another role may not act at a step', () => {
  const action = { step: 'apply', role: 'council', data: sampleData().apply }
  refused('STEP_NOT_YOUR_ROLE', () => advance(sampleBlueprint(), EMPTY, action, AS_OF))
})

test('no matching route refuses the action', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'assess').routes.pop()
  refused('ROUTE_NOT_FOUND', () => act(blueprint, councilView(blueprint), 'assess'))
})

test('an adverse outcome without its reason is refused even where the schema does not ask for one', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'inspect').schema.required = ['passed', 'hours', 'large']
  const view: View = { values: { apply: { people: 3 } }, sees: { apply: ['/people'] }, bound: {} }
  const { reason: _, ...data } = sampleData().inspect
  const inspect = (more: JsonObject) =>
    advance(blueprint, view, { step: 'inspect', role: 'inspector', data: { ...data, ...more } }, AS_OF)
  refused('EXPLANATION_MISSING', () => inspect({}))
  refused('EXPLANATION_MISSING', () => inspect({ reason: '   ' }))
  assert.deepEqual(inspect({ passed: 'yes' }).outcome, { adverse: false })
})

test('a rule that reads what has happened but was not shown refuses, even with a default', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'inspect').calculations![0]!.rule = { '>': [{ var: ['apply.people', 0] }, 5] }
  const hidden: View = { values: { apply: {} }, sees: { apply: [] }, bound: {} }
  refused('RULE_INPUT_HIDDEN', () => act(blueprint, hidden, 'inspect'))
  // What has not happened is known by all not to have happened.
  assert.equal(act(blueprint, EMPTY, 'inspect').data.large, false)
})

const RESULTS: [rule: unknown, schema: JsonObject, value: unknown][] = [
  [{ '+': [0.1, 0.2] }, { type: 'number' }, 0.3],
  [{ '+': ['0.10', 0] }, { type: 'string', format: 'decimal' }, '0.1'],
  [{ '*': ['1e20', 10] }, { type: 'string', format: 'decimal' }, '1000000000000000000000'],
  [{ '/': [1, 3] }, { type: 'number' }, 'CALCULATION_RESULT_INVALID'],
  [{ '+': ['9007199254740993', 0] }, { type: 'integer' }, 'CALCULATION_RESULT_INVALID'],
  [{ '+': [1, 0.5] }, { type: 'integer' }, 'FIELD_INVALID'],
  [{ '+': [1, 0] }, { type: 'string' }, 'CALCULATION_RESULT_INVALID'],
  [{ cat: ['a', 1] }, { type: 'string' }, 'a1'],
  ['abc', { type: 'number' }, 'CALCULATION_RESULT_INVALID'],
  [{ '!': [0] }, { type: 'boolean' }, true],
  [[1, { '+': [1, 1] }], { type: 'array', items: { type: 'integer' } }, [1, 2]],
  [null, { type: 'string' }, 'CALCULATION_RESULT_INVALID'],
]

for (const [rule, schema, value] of RESULTS) {
  test(`the calculation ${JSON.stringify(rule)} for ${JSON.stringify(schema)} gives ${JSON.stringify(value)}`, () => {
    const blueprint = sampleBlueprint()
    const step = stepOf(blueprint, 'withdraw')
    step.schema = { type: 'object', additionalProperties: false, properties: { out: schema } }
    step.calculations = [{ field: '/out', rule: rule as never }]
    const run = () => advance(blueprint, EMPTY, { step: 'withdraw', role: 'applicant', data: {} }, AS_OF).data.out
    if (typeof value === 'string' && /^[A-Z_]{5,}$/.test(value)) refused(value, run)
    else assert.deepEqual(run(), value)
  })
}

test('advance throws nothing but ConcordatError, whatever the action and the view', () => {
  const blueprint = sampleBlueprint()
  const name = fc.oneof(fc.constantFrom('apply', 'assess', 'inspect', 'withdraw', 'toString'), fc.string())
  const data = fc.oneof(
    fc.constantFrom(...Object.values(sampleData())),
    fc.dictionary(fc.constantFrom('name', 'born', 'people', 'verdict', 'inspector', 'why'), fc.jsonValue()),
    fc.dictionary(fc.string(), fc.jsonValue()),
  )
  const role = fc.oneof(fc.constantFrom('applicant', 'council', 'inspector', 'constructor'), fc.string())
  const view = fc.record({
    values: fc.dictionary(name, data),
    sees: fc.dictionary(name, fc.array(fc.constantFrom('/people', '/share', '/verdict'))),
    bound: fc.dictionary(role, fc.string()),
  })
  fc.assert(
    fc.property(view, fc.record({ step: name, role, data }), fc.integer(), (seenSoFar, action, asOf) => {
      try {
        advance(blueprint, seenSoFar as View, action as never, asOf)
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
      }
    }),
    { numRuns: 1_000 },
  )
})

function act(blueprint: Blueprint, view: View, step: keyof ReturnType<typeof sampleData>): Advanced {
  return advance(blueprint, view, { step, role: stepOf(blueprint, step).role, data: sampleData()[step] }, AS_OF)
}

function seen(step: string, role: string, disclosedBy: string[] = []): string[] {
  return fieldsSeen(sampleBlueprint(), { step, role, disclosedBy })
}

function councilView(blueprint: Blueprint): View {
  return {
    values: { apply: act(blueprint, EMPTY, 'apply').data },
    sees: { apply: seen('apply', 'council') },
    bound: {},
  }
}

function refused(code: string, run: () => unknown): ConcordatError['detail'] {
  let detail: ConcordatError['detail'] | undefined
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConcordatError, String(error))
    detail = error.detail
    return error.code === code || assert.fail(`${error.code} instead of ${code}`)
  })
  return detail!
}
