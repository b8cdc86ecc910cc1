import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SAMPLE_MEMBERS, sampleBlueprint, sampleData, stepOf } from '../../../test/sample-blueprint.ts'
import type { JsonObject } from '../canonical-json.ts'
import { advance } from './advance.ts'
import { type Blueprint, opaqueNext } from './blueprint.ts'
import { fieldsSeen } from './groups.ts'
import { join, split } from './pointer.ts'
import { type ReceivedRecord, recheck } from './recheck.ts'
import type { View } from './view.ts'

const AS_OF = 1_771_934_400
const EMPTY: View = { values: {}, sees: {}, bound: {} }

/** What the council gets of an application, which it sees as a whole. */
function application(change: (data: JsonObject) => JsonObject = (data) => data): ReceivedRecord {
  const blueprint = sampleBlueprint()
  const { data } = advance(blueprint, EMPTY, { step: 'apply', role: 'applicant', data: sampleData().apply }, AS_OF)
  return {
    step: 'apply',
    record: { next: ['s2'], bind: { applicant: { member: SAMPLE_MEMBERS.council } } },
    role: 'council',
    visible: change(data),
    sees: fieldsSeen(blueprint, { step: 'apply', role: 'council', disclosedBy: [] }),
    view: EMPTY,
    asOf: AS_OF,
  }
}

/** What the applicant gets of an inspection: not the hours; and of what went before, its own application and the verdict. */
function inspection(change: Partial<ReceivedRecord> = {}): ReceivedRecord {
  const blueprint = sampleBlueprint()
  return {
    step: 'inspect',
    record: { next: [], bind: {} },
    role: 'applicant',
    visible: { passed: 'no', reason: 'The stair is too narrow', large: false },
    sees: fieldsSeen(blueprint, { step: 'inspect', role: 'applicant', disclosedBy: [] }),
    view: {
      values: { apply: application().visible, assess: sampleData().assess },
      sees: {
        apply: fieldsSeen(blueprint, { step: 'apply', role: 'applicant', disclosedBy: ['assess'] }),
        assess: fieldsSeen(blueprint, { step: 'assess', role: 'applicant', disclosedBy: [] }),
      },
      bound: { inspector: SAMPLE_MEMBERS.inspector },
    },
    asOf: AS_OF,
    ...change,
  }
}

test('a recipient that sees everything agrees with an honest record', () => {
  assert.deepEqual(recheck(sampleBlueprint(), application()), {
    verdict: 'agrees',
    findings: [
      { check: 'schema', verdict: 'agrees' },
      { check: 'calculation', verdict: 'agrees', field: '/age' },
      { check: 'calculation', verdict: 'agrees', field: '/share' },
      { check: 'route', verdict: 'agrees' },
    ],
  })
})

test('a recipient that sees a part agrees as far as it can, where the rest says nothing about that part', () => {
  const { verdict, findings } = recheck(sampleBlueprint(), inspection())
  assert.equal(verdict, 'agrees', JSON.stringify(findings))
})

const CONTRADICTIONS: [why: string, received: ReceivedRecord, finding: object][] = [
  ['a field is wrong', application((data) => ({ ...data, people: 99 })), { check: 'schema', field: '/people' }],
  ['a required field is missing', application(({ born: _, ...data }) => data), { check: 'schema', field: '/born' }],
  ['fields contradict each other', application((data) => ({ ...data, people: 1 })), { check: 'schema' }],
  ['a calculation is off', application((data) => ({ ...data, age: 36 })), { check: 'calculation', field: '/age' }],
  [
    'a number is given in another form',
    application((data) => ({ ...data, share: '4115.220' })),
    { check: 'calculation', field: '/share' },
  ],
  ['another step opens', { ...application(), record: { next: ['s3'], bind: {} } }, { check: 'route' }],
  ['the branch ends too early', { ...application(), record: { next: [], bind: {} } }, { check: 'route' }],
  [
    'a role is bound that the step does not bind',
    { ...application(), record: { next: ['s2'], bind: { inspector: { member: SAMPLE_MEMBERS.inspector } } } },
    { check: 'binding' },
  ],
  [
    'a visible field of a partly seen record is wrong',
    inspection({ visible: { passed: 'perhaps', reason: 'x', large: false } }),
    { check: 'schema', field: '/passed' },
  ],
  [
    'a required field that the role is shown is missing from a partly seen record',
    inspection({ visible: { passed: 'yes', large: false } }),
    { check: 'schema', field: '/reason' },
  ],
  [
    'a field comes that the role is not shown',
    inspection({ visible: { ...inspection().visible, hours: 1 } }),
    { check: 'schema', field: '/hours' },
  ],
  [
    'a calculation from an earlier record is off',
    inspection({ visible: { ...inspection().visible, large: true } }),
    { check: 'calculation', field: '/large' },
  ],
  ['a case goes on that ends', inspection({ record: { next: ['s1'], bind: {} } }), { check: 'route' }],
]

for (const [why, received, finding] of CONTRADICTIONS) {
  test(`recheck contradicts when ${why}`, () => {
    const result = recheck(sampleBlueprint(), received)
    assert.equal(result.verdict, 'contradicts')
    const found = result.findings.filter(({ verdict }) => verdict === 'contradicts')
    assert.ok(
      found.some((item) => Object.entries(finding).every(([key, value]) => item[key as never] === value)),
      JSON.stringify(found),
    )
  })
}

test('an adverse outcome without its reason contradicts', () => {
  const blueprint = sampleBlueprint()
  const properties = stepOf(blueprint, 'inspect').schema.properties as JsonObject
  properties.reason = { type: 'string' }
  const received = inspection({ visible: { passed: 'no', reason: ' ', large: false } })
  assert.deepEqual(
    recheck(blueprint, received).findings.filter(({ verdict }) => verdict === 'contradicts'),
    [{ check: 'route', verdict: 'contradicts', field: '/reason' }],
  )
})

test('what the role is not shown is not checkable, and is named', () => {
  const blueprint = sampleBlueprint()
  // The council does not see the income any more: its share cannot be checked, nor the condition between the fields.
  const shown = stepOf(blueprint, 'apply').disclosures[0]!
  shown.fields = shown.fields.filter((field) => field !== '/income')
  const { income: _, ...visible } = application().visible
  const sees = fieldsSeen(blueprint, { step: 'apply', role: 'council', disclosedBy: [] })
  assert.deepEqual(recheck(blueprint, { ...application(), visible, sees }), {
    verdict: 'not checkable',
    findings: [
      { check: 'schema', verdict: 'not checkable', missing: ['apply.income'] },
      { check: 'calculation', verdict: 'agrees', field: '/age' },
      { check: 'calculation', verdict: 'not checkable', field: '/share', missing: ['apply.income'] },
      { check: 'route', verdict: 'agrees' },
    ],
  })
})

test('a default never stands in for what a role is not shown', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'inspect').calculations![0]!.rule = { '>': [{ var: ['apply.people', 99] }, 5] }
  const { apply: _, ...values } = inspection().view.values
  const erased = {
    ...inspection().view,
    values: { ...values, apply: {} },
    sees: { ...inspection().view.sees, apply: [] },
  }
  const { findings } = recheck(blueprint, inspection({ view: erased }))
  assert.deepEqual(
    findings.find(({ check }) => check === 'calculation'),
    { check: 'calculation', verdict: 'not checkable', field: '/large', missing: ['apply.people'] },
  )
  // Nor for a field that the role is never shown, though its node may know nothing of that step.
  const partner = recheck(blueprint, { ...inspection(), role: 'registry', visible: {}, sees: [], view: EMPTY })
  assert.equal(partner.verdict, 'not checkable')
})

test('a route is checked as far as the unseen inputs leave it open', () => {
  const blueprint = sampleBlueprint()
  const step = stepOf(blueprint, 'assess')
  step.disclosures[0]!.fields = ['/note', '/inspector', '/fee']
  const sees = ['/note', '/inspector', '/fee']
  const visible = { inspector: SAMPLE_MEMBERS.inspector, fee: 0 }
  const bind = { inspector: { member: SAMPLE_MEMBERS.inspector } }
  const received = { ...inspection(), step: 'assess', visible, sees, view: { ...inspection().view, bound: {} } }
  const route = (next: string[]) => {
    return recheck(blueprint, { ...received, record: { next, bind } }).findings.find(({ check }) => check === 'route')
  }
  assert.deepEqual(route(['s3']), { check: 'route', verdict: 'not checkable', missing: ['assess.verdict'] })
  assert.deepEqual(route(['s1']), { check: 'route', verdict: 'not checkable', missing: ['assess.verdict'] })
  assert.deepEqual(route(['s4']), { check: 'route', verdict: 'contradicts' })
})

test('a binding is the one that the field names, once', () => {
  const blueprint = sampleBlueprint()
  const view = inspection().view
  const binding = (bound: View['bound'], bind: ReceivedRecord['record']['bind']) => {
    const visible = { ...sampleData().assess, fee: 0 }
    const sees = fieldsSeen(blueprint, { step: 'assess', role: 'applicant', disclosedBy: [] })
    const received = {
      ...inspection(),
      step: 'assess',
      visible,
      sees,
      view: { ...view, bound },
      record: { next: ['s3'], bind },
    }
    return recheck(blueprint, received).findings.find(({ check }) => check === 'binding')?.verdict
  }
  const named = { inspector: { member: SAMPLE_MEMBERS.inspector } }
  const other = { inspector: { member: SAMPLE_MEMBERS.registry } }
  assert.equal(binding({}, named), 'agrees')
  assert.equal(binding({}, other), 'contradicts')
  assert.equal(binding({}, {}), 'contradicts')
  assert.equal(binding({ inspector: SAMPLE_MEMBERS.inspector }, {}), 'agrees')
  assert.equal(binding({ inspector: SAMPLE_MEMBERS.registry }, {}), 'contradicts')
})

test('no recipient ever contradicts what advance has made, whatever part of it and of the past it holds', () => {
  const blueprint = sampleBlueprint()
  const applied = fc.record({
    people: fc.integer({ min: 2, max: 20 }),
    income: fc.integer({ min: 0, max: 10_000_000 }).map((pence) => (pence / 100).toFixed(2)),
  })
  const assessed = fc.record({ verdict: fc.constantFrom('back', 'inspect') })
  const share = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(applied, assessed, share, share, (application_, assessment, keepsNow, keepsEarlier) => {
      const first = { ...sampleData().apply, ...application_ }
      const apply = advance(blueprint, EMPTY, { step: 'apply', role: 'applicant', data: first }, AS_OF)
      const signer: View = {
        values: { apply: apply.data },
        sees: { apply: fieldsSeen(blueprint, { step: 'apply', role: 'council', disclosedBy: [] }) },
        bound: {},
      }
      const data = { ...sampleData().assess, ...assessment }
      const assess = advance(blueprint, signer, { step: 'assess', role: 'council', data }, AS_OF)
      const now = part(blueprint, 'assess', assess.data, keepsNow)
      const earlier = part(blueprint, 'apply', apply.data, keepsEarlier)
      const result = recheck(blueprint, {
        step: 'assess',
        record: {
          next: opaqueNext(blueprint, assess.next),
          bind: Object.fromEntries(Object.entries(assess.bind).map(([role, member]) => [role, { member }])),
        },
        role: 'applicant',
        ...now,
        view: { values: { apply: earlier.visible }, sees: { apply: earlier.sees }, bound: {} },
        asOf: AS_OF,
      })
      assert.notEqual(result.verdict, 'contradicts', JSON.stringify(result))
      for (const finding of result.findings) {
        assert.equal(finding.verdict === 'not checkable', (finding.missing ?? []).length > 0)
      }
    }),
    { numRuns: 1_000 },
  )
})

function part(blueprint: Blueprint, step: string, data: JsonObject, keeps: readonly boolean[]) {
  const role = stepOf(blueprint, step).role
  const sees = fieldsSeen(blueprint, { step, role, disclosedBy: [] }).filter((_, index) => keeps[index])
  return { sees, visible: join(split(data).filter(([pointer]) => sees.includes(pointer))) }
}
