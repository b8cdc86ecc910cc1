import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SAMPLE_MEMBERS, sampleBlueprint, stepOf } from '../../../test/sample-blueprint.ts'
import { type JsonValue, parseJson } from '../canonical-json.ts'
import type { ConcordatError } from '../error.ts'
import {
  type Blueprint,
  blueprintHash,
  documentStepId,
  getStep,
  opaqueNext,
  opaqueStepId,
  parseBlueprint,
  textIn,
} from './blueprint.ts'
import { checkBlueprint } from './check/check-blueprint.ts'
import { fixRoles } from './fix-roles.ts'

test('a blueprint keeps its hash through parsing and formatting, and changes it with any word', () => {
  const document = sampleBlueprint()
  const parsed = parseBlueprint(JSON.parse(JSON.stringify(document, null, 4)))
  assert.deepEqual(parsed, document)
  assert.equal(blueprintHash(parsed), blueprintHash(document))
  document.steps[0]!.title = 'Apply now'
  assert.notEqual(blueprintHash(document), blueprintHash(parsed))
})

const HOURS = { count: 240, unit: 'hours', calendar: null }
const LOCAL = { from: '2026-01-01', to: '2026-12-31', weekdays: [1], nonWorking: [] }

const BAD: [why: string, change: (blueprint: Blueprint) => void, at: string][] = [
  ['another format', (b) => Object.assign(b, { format: 'concordat-blueprint/2' }), '/format'],
  ['an unknown key', (b) => Object.assign(b, { extra: 1 }), ''],
  ['a missing key', (b) => Reflect.deleteProperty(b, 'retention'), '/retention'],
  ['an id of another form', (b) => Object.assign(b.steps[0]!, { id: '1st' }), '/steps/0/id'],
  ['an id twice', (b) => Object.assign(b.steps[1]!, { id: 'apply' }), '/steps/1'],
  ['a version that is none', (b) => Object.assign(b, { version: 'latest' }), '/version'],
  ['words in no language that it knows', (b) => Object.assign(b, { title: { en: 'x', fr: 'y' } }), '/title'],
  ['words without English', (b) => Object.assign(b, { title: { cy: 'y' } }), '/title/en'],
  [
    'a pointer that is none',
    (b) => Object.assign(b.steps[0]!.disclosures[0]!, { fields: ['born'] }),
    '/steps/0/disclosures/0/fields/0',
  ],
  [
    'a field that is disclosed twice at once',
    (b) => b.steps[0]!.disclosures[0]!.fields.push('/born'),
    '/steps/0/disclosures/0/fields/8',
  ],
  ['a person with a member', (b) => Object.assign(b.roles[0]!, { member: SAMPLE_MEMBERS.council }), '/roles/0'],
  ['a member id that is none', (b) => Object.assign(b.roles[1]!, { member: 'council' }), '/roles/1/member'],
  [
    'more than everybody as threshold',
    (b) => Object.assign(b, { threshold: { fraction: [3, 2] } }),
    '/threshold/fraction',
  ],
  ['a route that is none', (b) => Object.assign(b.steps[0]!.routes[0]!, { to: 'assess' }), '/steps/0/routes/0/to'],
  ['days without a calendar', (b) => Object.assign(b.review!.until, { calendar: null }), '/review/until/calendar'],
  ['a review of the old form', (b) => Object.assign(b, { review: { ask: ['applicant'] } }), '/review/of'],
  ['a review of nothing', (b) => Object.assign(b.review!, { of: [] }), '/review/of'],
  ['a review that nobody may ask for', (b) => Object.assign(b.review!, { request: [] }), '/review/request'],
  [
    'a calendar without its clock',
    (b) => Object.assign(b, { calendars: [{ ...LOCAL, id: 'x' }] }),
    '/calendars/0/offsets',
  ],
  ['a day that there is not', (b) => Object.assign(b.dpia, { date: '2026-02-30' }), '/dpia/date'],
  [
    'a join of one step',
    (b) => Object.assign(b.steps[2]!, { join: { mode: 'all', steps: ['assess'] } }),
    '/steps/2/join/steps',
  ],
  [
    'a join of some steps',
    (b) => Object.assign(b.steps[2]!, { join: { mode: 'some', steps: ['a', 'b'] } }),
    '/steps/2/join/mode',
  ],
  [
    'a deadline in minutes',
    (b) => Object.assign(b.steps[2]!, { deadline: { count: 5, unit: 'minutes', calendar: null } }),
    '/steps/2/deadline/unit',
  ],
  ['a lapse under a condition', (b) => Object.assign(b.steps[2]!, { lapse: { to: [], when: true } }), '/steps/2/lapse'],
  [
    'a lapse that is adverse to a degree',
    (b) => Object.assign(b.steps[2]!, { lapse: { to: [], outcome: { adverse: 1 } } }),
    '/steps/2/lapse/outcome/adverse',
  ],
  [
    'an extension without limit',
    (b) => Object.assign(b.steps[2]!, { extend: { role: 'council' } }),
    '/steps/2/extend/limit',
  ],
  [
    'a confirmation by nobody',
    (b) => Object.assign(b.steps[2]!, { confirm: { roles: [], deadline: HOURS } }),
    '/steps/2/confirm/roles',
  ],
  [
    'a confirmation that may do otherwise',
    (b) => Object.assign(b.steps[2]!, { confirm: { roles: ['council'], deadline: HOURS, default: 'uphold' } }),
    '/steps/2/confirm/default',
  ],
  [
    'a route that closes one step twice',
    (b) => Object.assign(b.steps[2]!.routes[0]!, { closes: ['apply', 'apply'] }),
    '/steps/2/routes/0/closes/1',
  ],
  [
    'a control that no page has',
    (b) => Object.assign(b.steps[0]!.form![0]!, { control: 'slider' }),
    '/steps/0/form/0/control',
  ],
  [
    'a group with a field of its own',
    (b) => Object.assign(b.steps[0]!.form![0]!, { group: 'You', items: [] }),
    '/steps/0/form/0',
  ],
  ['a group without items', (b) => Object.assign(b.steps[0]!, { form: [{ group: 'You' }] }), '/steps/0/form/0/items'],
  ['too long a text', (b) => Object.assign(b, { justification: 'x'.repeat(4_001) }), '/justification'],
  [
    'too many steps',
    (b) => b.steps.push(...Array.from({ length: 100 }, (_, i) => ({ ...b.steps[3]!, id: `x${i}` }))),
    '/steps',
  ],
]

for (const [why, change, at] of BAD) {
  test(`parseBlueprint refuses ${why}`, () => {
    const blueprint = sampleBlueprint()
    change(blueprint)
    assert.throws(
      () => parseBlueprint(JSON.parse(JSON.stringify(blueprint))),
      ({ detail }: ConcordatError) => {
        assert.equal(detail.code, 'BLUEPRINT_INVALID')
        const place = 'at' in detail ? detail.at : ''
        return place === at || place.startsWith(`${at}/`) || assert.fail(place)
      },
    )
  })
}

for (const value of [null, [], 'x', 1, {}] as JsonValue[]) {
  test(`parseBlueprint refuses ${JSON.stringify(value)}`, () => {
    assert.throws(() => parseBlueprint(value), { code: 'BLUEPRINT_INVALID' })
  })
}

test('steps have the names that the register knows them by', () => {
  const blueprint = sampleBlueprint()
  assert.equal(opaqueStepId(blueprint, 'inspect'), 's3')
  assert.equal(documentStepId(blueprint, 's3'), 'inspect')
  assert.deepEqual(opaqueNext(blueprint, ['inspect', 'apply', 'inspect']), ['s1', 's3'])
  for (const unknown of ['s0', 's7', 's01', 'apply', 'constructor']) {
    assert.throws(() => documentStepId(blueprint, unknown), { code: 'BLUEPRINT_REFERENCE_UNKNOWN' })
  }
  assert.throws(() => getStep(blueprint, 's1'), { code: 'BLUEPRINT_REFERENCE_UNKNOWN' })
})

test('the example of docs/formats/blueprint.md is a blueprint without errors or warnings', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/formats/blueprint.md'), 'utf8')
  const example = page.split('```json\n')[1]!.split('```')[0]!
  assert.deepEqual(checkBlueprint(parseBlueprint(parseJson(example))), { errors: [], warnings: [] })
})

test('every part of a step that the format has is taken as it is', () => {
  const document = sampleBlueprint()
  document.calendars = [{ id: 'local', ...LOCAL, offsets: [[0, 0]] }]
  Object.assign(stepOf(document, 'inspect'), {
    join: { mode: 'any', steps: ['assess', 'apply'], closes: ['withdraw'] },
    deadline: { count: 5, unit: 'workingDays', calendar: 'local' },
    lapse: { to: ['assess'], closes: ['apply'], outcome: { adverse: false } },
    extend: { role: 'council', limit: HOURS },
    confirm: { roles: ['council'], deadline: HOURS },
    form: [
      {
        group: { en: 'Visit' },
        when: { var: 'inspect.large' },
        items: [{ field: '/hours', label: 'Hours', hint: 'Of work', control: 'number', options: {}, items: [] }],
      },
    ],
  })
  stepOf(document, 'inspect').routes[0]!.closes = ['assess']
  assert.deepEqual(parseBlueprint(JSON.parse(JSON.stringify(document))), document)
})

test('words fall back to English', () => {
  assert.equal(textIn(stepOf(sampleBlueprint(), 'apply').title, 'gd'), 'Cuir a-steach')
  assert.equal(textIn(stepOf(sampleBlueprint(), 'apply').title, 'cy'), 'Apply')
  assert.equal(textIn('Plain', 'gd'), 'Plain')
})

test('a template becomes a document once each of its fixed roles has a member', () => {
  const template = sampleBlueprint()
  template.roles[1] = { id: 'council', title: 'Council', kind: 'member', fixed: true }
  const fixed = fixRoles(template, { council: SAMPLE_MEMBERS.council })
  assert.equal(fixed.roles[1]!.member, SAMPLE_MEMBERS.council)
  assert.equal(template.roles[1]!.member, undefined)
  assert.throws(() => fixRoles(template, {}), { code: 'BLUEPRINT_IS_TEMPLATE' })
  assert.throws(() => fixRoles(template, { inspector: SAMPLE_MEMBERS.inspector }), { code: 'BLUEPRINT_IS_TEMPLATE' })
  assert.throws(() => fixRoles(template, { nobody: SAMPLE_MEMBERS.inspector }), { code: 'BLUEPRINT_REFERENCE_UNKNOWN' })
})
