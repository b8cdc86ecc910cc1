import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBlueprint, stepOf } from '../../../test/sample-blueprint.ts'
import type { JsonObject } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { advance } from './advance.ts'
import type { Blueprint, FormItem } from './blueprint.ts'
import { checkBlueprint } from './check/check-blueprint.ts'
import { type Finding, recheck } from './recheck.ts'
import type { View } from './view.ts'

const AS_OF = 1_771_934_400
const EMPTY: View = { values: {}, sees: {}, bound: {} }

const TEXT = { type: 'string', maxLength: 100 }
const FIELDS = ['/moved', '/why', '/where', '/country', '/fee', '/children']

const MOVED = { '===': [{ var: 'withdraw.moved' }, true] }
const FORM: FormItem[] = [
  { field: '/moved', label: 'Have you moved?' },
  { field: '/why', label: 'Why do you withdraw?', when: { '!==': [{ var: 'withdraw.moved' }, true] } },
  {
    group: 'Your new home',
    when: MOVED,
    items: [
      { field: '/where', label: 'Where do you live?' },
      { field: '/country', label: 'Which country?', when: { '===': [{ var: 'withdraw.where' }, 'abroad'] } },
      { field: '/fee', label: 'Fee' },
    ],
  },
  {
    field: '/children',
    label: 'Children',
    items: [
      { field: '/name', label: 'Name' },
      { group: 'School', when: MOVED, items: [{ field: '/school/name', label: 'New school' }] },
    ],
  },
]

/** The sample, with a withdrawal whose page asks by what has been answered. The council is shown `shown`. */
function conditional(shown: readonly string[] = FIELDS): Blueprint {
  const blueprint = sampleBlueprint()
  const step = stepOf(blueprint, 'withdraw')
  const school = { type: 'object', additionalProperties: false, properties: { name: TEXT } }
  step.schema = {
    type: 'object',
    additionalProperties: false,
    required: ['moved'],
    properties: {
      moved: { type: 'boolean' },
      why: TEXT,
      where: TEXT,
      country: TEXT,
      fee: { type: 'number' },
      children: {
        type: 'array',
        items: { type: 'object', additionalProperties: false, required: ['name'], properties: { name: TEXT, school } },
      },
    },
  }
  step.form = FORM
  step.calculations = [{ field: '/fee', rule: 3 }]
  step.disclosures[0]!.fields = [...shown]
  return blueprint
}

test('the form of these tests is one that checkBlueprint takes', () => {
  assert.deepEqual(checkBlueprint(conditional()).errors, [])
})

const CASES: [why: string, data: JsonObject, refused: string[]][] = [
  ['what is asked', { moved: false, why: 'Too late' }, []],
  ['what a group asks', { moved: true, where: 'here' }, []],
  ['a condition within a group', { moved: true, where: 'abroad', country: 'France' }, []],
  ['nothing of what may be left out', { moved: true }, []],
  ['a list that is always asked', { moved: true, children: [{ name: 'Ada', school: { name: 'High' } }] }, []],
  ['a field that is not asked', { moved: true, why: 'Too late' }, ['/why']],
  ['fields of a group that is not asked', { moved: false, where: 'here' }, ['/where']],
  ['a field whose own condition fails', { moved: true, where: 'here', country: 'France' }, ['/country']],
  ['a field whose condition reads an empty field', { moved: true, country: 'France' }, ['/country']],
  ['a field within a group, which both fail', { moved: false, country: 'France' }, ['/country']],
  [
    'a field of the objects of a list',
    { moved: false, children: [{ name: 'Bo' }, { name: 'Ada', school: { name: 'High' } }] },
    ['/children/1/school/name'],
  ],
]

for (const [why, data, refused] of CASES) {
  test(`a conditional form ${refused.length === 0 ? 'takes' : 'refuses'} ${why}`, () => {
    assert.deepEqual(refusedFields(conditional(), data), refused)
    // A recipient of the same fields finds the same.
    const findings = received(conditional(), data, FIELDS)
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict === 'contradicts').map(({ field }) => field),
      refused,
    )
    assert.ok(findings.every(({ check, keyword }) => check === 'schema' && keyword === 'when'))
  })
}

test('a calculated field is nobody’s answer, and may be given where its group is not asked', () => {
  assert.deepEqual(refusedFields(conditional(), { moved: false, fee: 3 }), [])
})

test('a field that stands in the form twice is asked where one place is', () => {
  const blueprint = conditional()
  stepOf(blueprint, 'withdraw').form = [
    ...FORM,
    { field: '/where', label: 'Or here', when: { '===': [{ var: 'withdraw.why' }, 'x'] } },
  ]
  assert.deepEqual(refusedFields(blueprint, { moved: false, why: 'x', where: 'here' }), [])
  assert.deepEqual(refusedFields(blueprint, { moved: false, why: 'y', where: 'here' }), ['/where'])
})

test('a refusal names so many fields at most', () => {
  const children = Array.from({ length: 300 }, () => ({ name: 'Ada', school: { name: 'High' } }))
  assert.equal(refusedFields(conditional(), { moved: false, children }).length, 100)
})

test('a recipient that is not shown what a condition reads cannot check it, and says what is missing', () => {
  const seen = ['/why', '/country', '/fee']
  assert.deepEqual(received(conditional(seen), { why: 'Too late', country: 'France' }, seen), [
    { check: 'schema', field: '/why', keyword: 'when', verdict: 'not checkable', missing: ['withdraw.moved'] },
    {
      check: 'schema',
      field: '/country',
      keyword: 'when',
      verdict: 'not checkable',
      missing: ['withdraw.moved', 'withdraw.where'],
    },
  ])
  // One condition that fails for certain is enough.
  const more = ['/moved', '/country']
  assert.deepEqual(
    received(conditional(more), { moved: false, country: 'France' }, more).map(({ verdict }) => verdict),
    ['contradicts'],
  )
})

function refusedFields(blueprint: Blueprint, data: JsonObject): string[] {
  try {
    advance(blueprint, EMPTY, { step: 'withdraw', role: 'applicant', data }, AS_OF)
    return []
  } catch (error) {
    assert.ok(error instanceof ConcordatError && error.detail.code === 'FIELD_INVALID', String(error))
    assert.ok(error.detail.fields.every(({ keyword }) => keyword === 'when'))
    return error.detail.fields.map(({ at }) => at)
  }
}

/** What the council finds about the fields that were asked. */
function received(blueprint: Blueprint, data: JsonObject, sees: readonly string[]): Finding[] {
  const visible = sees.includes('/fee') ? { ...data, fee: 3 } : data
  const record = { next: [], bind: {} }
  const { findings } = recheck(blueprint, {
    ...{ step: 'withdraw', record, role: 'council', visible, sees, view: EMPTY, asOf: AS_OF },
  })
  return findings.filter(({ keyword }) => keyword === 'when')
}
