import { propertiesOf, testCases, unchanged } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, stepOf } from '../../../../test/sample-blueprint.ts'
import type { Calendar } from '../../ledger/deadline.ts'
import type { Blueprint, Rule } from '../blueprint.ts'

type Setting = [at: string, set: (blueprint: Blueprint, name: string) => void]

const HOURS = { count: 240, unit: 'hours', calendar: null } as const

const STEPS: Setting[] = [
  [
    '/steps/2/join/steps/1',
    (b, step) => {
      stepOf(b, 'inspect').join = { mode: 'any', steps: ['assess', step] }
    },
  ],
  [
    '/steps/2/join/closes/0',
    (b, step) => {
      stepOf(b, 'inspect').join = { mode: 'any', steps: ['assess', 'apply'], closes: [step] }
    },
  ],
  [
    '/steps/2/lapse/to/0',
    (b, step) => {
      stepOf(b, 'inspect').lapse = { to: [step] }
    },
  ],
  [
    '/steps/2/lapse/closes/0',
    (b, step) => {
      stepOf(b, 'inspect').lapse = { to: [], closes: [step] }
    },
  ],
  [
    '/steps/2/routes/1/closes/0',
    (b, step) => {
      stepOf(b, 'inspect').routes[1]!.closes = [step]
    },
  ],
  [
    '/review/of/0',
    (b, step) => {
      b.review!.of = [step]
    },
  ],
  [
    '/review/request/0',
    (b, step) => {
      b.review!.request = [step]
    },
  ],
  [
    '/review/decide',
    (b, step) => {
      b.review!.decide = step
    },
  ],
]

const ROLES: Setting[] = [
  [
    '/steps/2/extend/role',
    (b, role) => {
      stepOf(b, 'inspect').extend = { role, limit: HOURS }
    },
  ],
  [
    '/steps/2/confirm/roles/1',
    (b, role) => {
      stepOf(b, 'inspect').confirm = { roles: ['council', role], deadline: HOURS, default: 'accept' }
    },
  ],
]

testCases('errors', [
  {
    code: 'RETENTION_UNKNOWN',
    at: '/steps/0/disclosures/0/retention',
    fails: (b) => {
      disclosureOf(b, 'apply', 0).retention = 'forever'
    },
    nearMiss: (b) => {
      disclosureOf(b, 'apply', 0).retention = 'short'
    },
  },
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/0/disclosures/0/fields/0',
    // An object is no field: its properties are.
    fails: (b) => {
      disclosureOf(b, 'apply', 0).fields[0] = '/name'
    },
    nearMiss: (b) => {
      disclosureOf(b, 'apply', 0).fields[0] = '/name/given'
    },
  },
  {
    code: 'FIELD_UNKNOWN',
    at: '/steps/1/calculations/0/rule',
    fails: (b) => {
      stepOf(b, 'assess').calculations![0]!.rule = { '+': [{ var: 'apply.wages' }, 1] }
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').calculations![0]!.rule = { '+': [{ var: 'apply.people' }, 1] }
    },
  },
  {
    code: 'ROLE_UNKNOWN',
    at: '/steps/1/role',
    fails: (b) => {
      stepOf(b, 'assess').role = 'assessor'
    },
    nearMiss: unchanged,
  },
  {
    code: 'STEP_UNKNOWN',
    at: '/steps/0/routes/0/to/0',
    fails: (b) => {
      stepOf(b, 'apply').routes[0]!.to = ['asses']
    },
    nearMiss: unchanged,
  },
  {
    code: 'SUBJECT_UNKNOWN',
    at: '/steps/0/subjects',
    fails: (b) => {
      stepOf(b, 'apply').subjects = { '/partner/name': 'spouse' }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').subjects = { '/partner/name': 'applicant' }
    },
  },
  {
    code: 'ID_NOT_UNIQUE',
    at: '/persons/1/id',
    fails: (b) => void b.persons!.push({ id: 'council', title: 'Somebody' }),
    nearMiss: (b) => void b.persons!.push({ id: 'somebody', title: 'Somebody' }),
  },
  {
    code: 'RULE_OPERATOR_UNKNOWN',
    at: '/steps/0/routes/0/when',
    fails: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { log: 'x' }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { '!': false }
    },
  },
  {
    code: 'RULE_INVALID',
    at: '/steps/0/routes/0/when',
    fails: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { var: { cat: ['apply.', 'born'] } }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { var: 'apply.born' }
    },
  },
  {
    code: 'SCHEMA_PATTERN_INVALID',
    at: '/steps/0/schema/properties/health/pattern',
    fails: (b) => {
      propertiesOf(b, 'apply').health = { type: 'string', pattern: '^(?=.*x)y$' }
    },
    nearMiss: (b) => {
      propertiesOf(b, 'apply').health = { type: 'string', pattern: '^(x+x+)+y$' }
    },
  },
  {
    code: 'SCHEMA_KEYWORD_REFUSED',
    at: '/steps/0/schema/additionalProperties',
    fails: (b) => void delete stepOf(b, 'apply').schema.additionalProperties,
    nearMiss: unchanged,
  },
  {
    code: 'CALENDAR_UNKNOWN',
    at: '/steps/1/dispute/window/calendar',
    fails: (b) => {
      stepOf(b, 'assess').dispute!.window = { count: 5, unit: 'days', calendar: 'lokal' }
    },
    nearMiss: (b) => {
      b.calendars = [{ id: 'local', ...(b.review!.until.calendar as Calendar) }]
      stepOf(b, 'assess').dispute!.window = { count: 5, unit: 'days', calendar: 'local' }
    },
  },
  ...STEPS.map(([at, set]) => ({
    code: 'STEP_UNKNOWN',
    at,
    fails: (b: Blueprint) => set(b, 'nowhere'),
    nearMiss: (b: Blueprint) => set(b, 'apply'),
  })),
  ...ROLES.map(([at, set]) => ({
    code: 'ROLE_UNKNOWN',
    at,
    fails: (b: Blueprint) => set(b, 'nobody'),
    nearMiss: (b: Blueprint) => set(b, 'registry'),
  })),
  {
    code: 'RULE_TOO_LONG',
    at: '/steps/0/routes/0/when',
    // A million steps: a hundred times a hundred times a hundred.
    fails: (b) => {
      const hundred = Array.from({ length: 100 }, () => 1)
      stepOf(b, 'apply').routes[0]!.when = { map: [hundred, { map: [hundred, { map: [hundred, 1] }] }] }
    },
    nearMiss: (b) => {
      const hundred = Array.from({ length: 100 }, () => 1)
      stepOf(b, 'apply').routes[0]!.when = { map: [hundred, { var: '' }] }
    },
  },
  {
    code: 'RULE_TOO_LONG',
    at: '/steps/0/calculations/0/rule',
    fails: (b) => {
      stepOf(b, 'apply').calculations![0]!.rule = { '+': [{ var: 'apply.people' }, ...Array(10_001).fill(1)] }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').calculations![0]!.rule = { '+': [{ var: 'apply.people' }, ...Array(9_000).fill(1)] }
    },
  },
  {
    code: 'RULE_TOO_DEEP',
    at: '/steps/0/routes/0/when',
    fails: (b) => {
      stepOf(b, 'apply').routes[0]!.when = nested(33)
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').routes[0]!.when = nested(31)
    },
  },
  {
    code: 'SCHEMA_INVALID',
    at: '/steps/0/schema/properties/name/properties/given/items/$ref',
    // A definition that contains itself.
    fails: (b) => {
      stepOf(b, 'apply').schema.$defs = { Name: { type: 'array', items: { $ref: '#/$defs/Name' } } }
    },
    nearMiss: (b) => {
      const $defs = { Name: { type: 'array', items: { $ref: '#/$defs/Part' } }, Part: { type: 'string' } }
      stepOf(b, 'apply').schema.$defs = $defs
    },
  },
  {
    code: 'SCHEMA_TOO_LARGE',
    at: '/steps/0/schema',
    fails: (b) => {
      stepOf(b, 'apply').schema.$comment = 'x'.repeat(100_000)
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').schema.$comment = 'x'.repeat(90_000)
    },
  },
])

function nested(levels: number): Rule {
  return levels === 0 ? { var: 'apply.people' } : { '!': nested(levels - 1) }
}
