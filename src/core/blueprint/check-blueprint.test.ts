import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disclosureOf, SAMPLE_MEMBERS, sampleBlueprint, stepOf } from '../../../test/sample-blueprint.ts'
import type { JsonObject } from '../canonical-json.ts'
import type { Blueprint } from './blueprint.ts'
import { parseBlueprint } from './blueprint.ts'
import { checkBlueprint } from './check-blueprint.ts'

type Change = (blueprint: Blueprint) => void

interface Case {
  code: string
  at: string
  fails: Change
  /** As close to the failure as the blueprint may come. */
  nearMiss: Change
}

const unchanged: Change = () => undefined
const properties = (blueprint: Blueprint, step: string) => stepOf(blueprint, step).schema.properties as JsonObject

const ERRORS: Case[] = [
  {
    code: 'STEP_UNREACHABLE',
    at: '/steps/3',
    fails: (b) => void delete stepOf(b, 'withdraw').withdrawal,
    nearMiss: (b) => {
      delete stepOf(b, 'withdraw').withdrawal
      stepOf(b, 'inspect').routes = [{ to: ['withdraw'] }]
    },
  },
  {
    code: 'DEAD_END',
    at: '/steps/3/routes',
    fails: (b) => {
      stepOf(b, 'withdraw').routes = []
    },
    nearMiss: (b) => {
      stepOf(b, 'withdraw').routes = [{ to: [] }]
    },
  },
  {
    code: 'LOOP_WITHOUT_EXIT',
    at: '/steps/0/routes',
    fails: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'] }]
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes = [{ to: ['apply'], when: { '===': [{ var: 'inspect.passed' }, 'no'] } }, { to: [] }]
    },
  },
  {
    code: 'RULE_READS_UNSEEN',
    at: '/steps/2/calculations/0/rule',
    fails: (b) => {
      disclosureOf(b, 'assess', 1).fields = ['/name/given', '/name/family']
    },
    nearMiss: (b) => {
      disclosureOf(b, 'assess', 1).fields = ['/people']
    },
  },
  {
    code: 'RULE_READS_LATER_STEP',
    at: '/steps/0/routes/0/when',
    fails: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { missing: ['inspect.passed'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').routes[0]!.when = { missing: ['assess.verdict'] }
    },
  },
  {
    code: 'DISPUTE_WITHOUT_RESOLVER',
    at: '/steps/1/dispute/resolver',
    fails: (b) => {
      stepOf(b, 'assess').dispute!.resolver = null
    },
    nearMiss: (b) => void delete stepOf(b, 'assess').dispute,
  },
  {
    code: 'DISPUTE_WITHOUT_DEFAULT',
    at: '/steps/1/dispute/default',
    fails: (b) => void delete stepOf(b, 'assess').dispute!.default,
    nearMiss: (b) => {
      stepOf(b, 'assess').dispute!.default = 'uphold'
    },
  },
  {
    code: 'DISPUTE_RESOLVER_IS_SIGNER',
    at: '/steps/1/dispute/resolver',
    fails: (b) => {
      stepOf(b, 'assess').dispute!.resolver = 'council'
    },
    nearMiss: (b) => {
      stepOf(b, 'assess').dispute!.resolver = 'inspector'
    },
  },
  {
    code: 'SPECIAL_WITHOUT_CONDITION',
    at: '/steps/0/disclosures/1/condition',
    fails: (b) => void delete disclosureOf(b, 'apply', 1).condition,
    nearMiss: (b) => {
      delete disclosureOf(b, 'apply', 1).condition
      delete stepOf(b, 'apply').special
    },
  },
  {
    code: 'SPECIAL_WITHOUT_CONDITION',
    at: '/steps/0/special',
    fails: (b) => {
      stepOf(b, 'apply').special!['/health']!.condition = ' '
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').special!['/health']!.condition = { en: 'Article 9(2)(g)' }
    },
  },
  {
    code: 'ADVERSE_WITHOUT_HUMAN_DECISION',
    at: '/steps/2/routes/1/outcome',
    fails: (b) => {
      stepOf(b, 'inspect').decision!.human = false
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').decision!.human = false
      delete stepOf(b, 'inspect').routes[1]!.outcome
    },
  },
  {
    code: 'ADVERSE_WITHOUT_HUMAN_DECISION',
    at: '/steps/2/routes/1/outcome',
    fails: (b) => {
      // Only what the machine calculated decides.
      const [yes, no] = stepOf(b, 'inspect').routes
      yes!.when = { '!': [{ var: 'inspect.large' }] }
      no!.when = { var: 'inspect.large' }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes[1]!.when = {
        and: [{ var: 'inspect.large' }, { '===': [{ var: 'inspect.passed' }, 'no'] }],
      }
    },
  },
  {
    code: 'ADVERSE_WITHOUT_EXPLANATION',
    at: '/steps/2/decision/explanation',
    fails: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/large']
    },
    nearMiss: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/reason']
    },
  },
  {
    code: 'ADVERSE_WITHOUT_REVIEW',
    at: '/review',
    fails: (b) => {
      b.review = null
    },
    nearMiss: (b) => {
      b.review!.ask = ['applicant', 'council']
    },
  },
  {
    code: 'JUSTIFICATION_MISSING',
    at: '/justification',
    fails: (b) => {
      b.justification = { en: '' }
    },
    nearMiss: (b) => {
      b.justification = { en: 'Two bodies decide.' }
    },
  },
  {
    code: 'PURPOSE_MISSING',
    at: '/steps/0/disclosures/0/purpose',
    fails: (b) => {
      disclosureOf(b, 'apply', 0).purpose = ''
    },
    nearMiss: (b) => {
      disclosureOf(b, 'apply', 0).purpose = 'x'
    },
  },
  {
    code: 'BASIS_MISSING',
    at: '/steps/0/disclosures/0/basis',
    fails: (b) => {
      disclosureOf(b, 'apply', 0).basis = '\n'
    },
    nearMiss: (b) => {
      disclosureOf(b, 'apply', 0).basis = 'Consent'
    },
  },
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
    code: 'RETENTION_REASON_MISSING',
    at: '/retention/0/reason',
    fails: (b) => {
      b.retention[0]!.reason = ''
    },
    nearMiss: (b) => {
      b.retention[0]!.years = 0
    },
  },
  {
    code: 'RETENTION_CONFLICT',
    at: '/steps/0',
    fails: (b) => void stepOf(b, 'apply').disclosures.push({ ...disclosureOf(b, 'apply', 0), retention: 'short' }),
    nearMiss: (b) => {
      const shortly = { ...disclosureOf(b, 'apply', 0), retention: 'short', to: 'registry' }
      stepOf(b, 'apply').disclosures.push(shortly)
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
  ...(['confirm', 'deadline', 'extend', 'join', 'lapse'] as const).map((feature) => ({
    code: 'NOT_BUILT',
    at: `/steps/1/${feature}`,
    fails: (b: Blueprint) => void Object.assign(stepOf(b, 'assess'), { [feature]: {} }),
    nearMiss: unchanged,
  })),
  {
    code: 'ROUTE_NEVER_TAKEN',
    at: '/steps/1/routes/1',
    fails: (b) => void delete stepOf(b, 'assess').routes[0]!.when,
    nearMiss: (b) => void delete stepOf(b, 'assess').routes[1]!.when,
  },
  {
    code: 'WITHDRAWAL_ROUTED',
    at: '/steps/2/routes/1/to',
    fails: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['withdraw']
    },
    nearMiss: unchanged,
  },
  {
    code: 'WITHDRAWAL_ROUTED',
    at: '/start',
    fails: (b) => {
      b.start = 'withdraw'
    },
    nearMiss: unchanged,
  },
  {
    code: 'SKELETON_INVALID',
    at: '/steps/1/next',
    fails: (b) => {
      // One step more than a skeleton's next sets may number, each a set of its own.
      const ids = Array.from({ length: 65 }, (_, i) => `end${i}`)
      const end = { ...stepOf(b, 'withdraw') }
      delete end.withdrawal
      for (const id of ids) b.steps.push({ ...end, id })
      stepOf(b, 'assess').routes.push(
        ...ids.map((id) => ({ to: [id], when: { '===': [{ var: 'assess.verdict' }, id] } })),
      )
    },
    nearMiss: (b) => {
      const ids = Array.from({ length: 62 }, (_, i) => `end${i}`)
      const end = { ...stepOf(b, 'withdraw') }
      delete end.withdrawal
      for (const id of ids) b.steps.push({ ...end, id })
      stepOf(b, 'assess').routes.push(
        ...ids.map((id) => ({ to: [id], when: { '===': [{ var: 'assess.verdict' }, id] } })),
      )
    },
  },
  {
    code: 'BIND_ROLE_UNUSED',
    at: '/steps/1/bind/1',
    fails: (b) => {
      b.roles.push({ id: 'idle', title: 'Idle', kind: 'member', open: true })
      stepOf(b, 'assess').bind!.push({ role: 'idle', field: '/note' })
    },
    nearMiss: (b) => {
      b.roles.push({ id: 'idle', title: 'Idle', kind: 'member', open: true })
      stepOf(b, 'assess').bind!.push({ role: 'idle', field: '/note' })
      stepOf(b, 'inspect').disclosures.push({ ...disclosureOf(b, 'inspect', 0), to: 'idle', fields: ['/passed'] })
    },
  },
  {
    code: 'BIND_ROLE_BOUND_ALREADY',
    at: '/steps/1/bind/0',
    fails: (b) => {
      stepOf(b, 'assess').bind![0]!.role = 'registry'
    },
    nearMiss: unchanged,
  },
  {
    code: 'BIND_FIELD_NOT_TEXT',
    at: '/steps/1/bind/0/field',
    fails: (b) => {
      properties(b, 'assess').inspector = { type: 'integer' }
    },
    nearMiss: (b) => {
      properties(b, 'assess').inspector = { type: 'string' }
    },
  },
  {
    code: 'ROLE_NEVER_BOUND',
    at: '/roles/2',
    fails: (b) => void delete stepOf(b, 'assess').bind,
    nearMiss: (b) => {
      delete stepOf(b, 'assess').bind
      b.roles[2] = { id: 'inspector', title: 'Inspector', kind: 'member', member: SAMPLE_MEMBERS.inspector }
    },
  },
  {
    code: 'ROLE_NOT_FIXED_OR_OPEN',
    at: '/roles/1',
    fails: (b) => void delete b.roles[1]!.member,
    nearMiss: (b) => {
      b.roles[1] = { id: 'council', title: 'Council', kind: 'member', fixed: true }
    },
  },
  {
    code: 'PERSON_NOT_SERVED',
    at: '/roles/0/servedBy',
    fails: (b) => {
      b.roles[0]!.servedBy = []
    },
    nearMiss: (b) => {
      b.roles[0]!.servedBy = ['council', 'inspector']
    },
  },
  {
    code: 'DISCLOSURE_TO_SIGNER',
    at: '/steps/1/disclosures/1/to',
    fails: (b) => {
      disclosureOf(b, 'assess', 1).to = 'applicant'
    },
    nearMiss: unchanged,
  },
  {
    code: 'DISCLOSURE_STEP_NEVER_BEFORE',
    at: '/steps/1/disclosures/2/step',
    fails: (b) => {
      stepOf(b, 'assess').disclosures.push({ ...disclosureOf(b, 'inspect', 0), to: 'registry', step: 'inspect' })
    },
    nearMiss: (b) => {
      const earlier = { ...disclosureOf(b, 'apply', 0), to: 'registry', step: 'apply', fields: ['/born'] }
      stepOf(b, 'assess').disclosures.push(earlier)
    },
  },
  {
    code: 'CALCULATION_ORDER',
    at: '/steps/0/calculations/0',
    fails: (b) => {
      stepOf(b, 'apply').calculations![0]!.rule = { '+': [{ var: ['apply.share', 0] }, 16] }
    },
    nearMiss: (b) => {
      stepOf(b, 'apply').calculations![1]!.rule = { '+': [{ var: 'apply.age' }, 1] }
    },
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
      properties(b, 'apply').health = { type: 'string', pattern: '^(?=.*x)y$' }
    },
    nearMiss: (b) => {
      properties(b, 'apply').health = { type: 'string', pattern: '^(x+x+)+y$' }
    },
  },
  {
    code: 'SCHEMA_KEYWORD_REFUSED',
    at: '/steps/0/schema/additionalProperties',
    fails: (b) => void delete stepOf(b, 'apply').schema.additionalProperties,
    nearMiss: unchanged,
  },
]

const WARNINGS: Case[] = [
  {
    code: 'SELF_ASSERTED_DECISION',
    at: '/steps/0/calculations/1/rule',
    fails: (b) => {
      const shown = disclosureOf(b, 'apply', 0)
      shown.fields = shown.fields.filter((field) => field !== '/income')
    },
    // The calculated age need not be shown to anyone else for the share to be checked.
    nearMiss: unchanged,
  },
  {
    code: 'SELF_ASSERTED_DECISION',
    at: '/steps/2/calculations/0/rule',
    // Each input is seen by someone, but all of them by nobody but the signer.
    fails: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/reason']
      disclosureOf(b, 'inspect', 1).fields = ['/passed', '/reason', '/hours']
    },
    nearMiss: (b) => {
      disclosureOf(b, 'inspect', 0).fields = ['/passed', '/reason']
    },
  },
  {
    code: 'FIELD_SEEN_BY_NOBODY',
    at: '/steps/2/schema',
    fails: (b) => {
      disclosureOf(b, 'inspect', 1).fields = ['/passed', '/reason', '/large']
    },
    nearMiss: (b) => {
      disclosureOf(b, 'inspect', 1).fields = ['/hours']
    },
  },
  {
    code: 'FIELD_SEEN_BY_EVERYBODY',
    at: '/steps/2/schema',
    fails: (b) => void stepOf(b, 'inspect').disclosures.push({ ...disclosureOf(b, 'inspect', 0), to: 'registry' }),
    nearMiss: (b) => {
      const hours = { ...disclosureOf(b, 'inspect', 0), to: 'registry', fields: ['/hours'] }
      stepOf(b, 'inspect').disclosures.push(hours)
    },
  },
  {
    code: 'PATH_TELLS_OUTCOME',
    at: '/steps/2/routes',
    fails: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['apply']
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').routes[1]!.to = ['apply']
      delete stepOf(b, 'inspect').routes[0]!.outcome
    },
  },
  {
    code: 'ROLE_MAY_BE_UNBOUND',
    at: '/steps/2/role',
    fails: (b) => {
      stepOf(b, 'assess').schema.required = ['verdict', 'fee']
    },
    nearMiss: unchanged,
  },
  {
    code: 'RULE_INPUT_MAY_BE_MISSING',
    at: '/steps/3/routes/0/when',
    fails: (b) => {
      stepOf(b, 'withdraw').routes = [{ to: [], when: { '===': [{ var: 'assess.verdict' }, 'back'] } }, { to: [] }]
    },
    nearMiss: (b) => {
      stepOf(b, 'withdraw').routes = [
        { to: [], when: { '===': [{ var: ['assess.verdict', ''] }, 'back'] } },
        { to: [] },
      ]
    },
  },
  {
    code: 'RULE_INPUT_MAY_BE_HIDDEN',
    at: '/steps/2/calculations/0/rule',
    fails: (b) => {
      // Now inspect may follow a new apply directly, which no assess has disclosed.
      stepOf(b, 'apply').routes.unshift({ to: ['inspect'], when: { missing: ['assess.verdict'] } })
    },
    nearMiss: (b) => void stepOf(b, 'apply').routes.unshift({ to: ['assess'], when: { missing: ['assess.verdict'] } }),
  },
]

test('the sample blueprint has neither errors nor warnings, and says nothing twice over', () => {
  assert.deepEqual(checkBlueprint(parseBlueprint(sampleBlueprint() as never)), { errors: [], warnings: [] })
})

for (const [kind, cases] of [
  ['errors', ERRORS],
  ['warnings', WARNINGS],
] as const) {
  for (const { code, at, fails, nearMiss } of cases) {
    test(`checkBlueprint finds ${code} at ${at}, and not in the near miss`, () => {
      const report = checkBlueprint(changed(fails))
      const found = report[kind].find((problem) => problem.code === code && problem.at === at)
      assert.ok(found, `among ${JSON.stringify(report, null, 1)}`)
      assert.ok(found.message.length > 20 && /[.]$/.test(found.message))
      assert.ok(!checkBlueprint(changed(nearMiss))[kind].some((problem) => problem.code === code))
    })
  }
}

test('the report tells all errors of a kind at once', () => {
  const report = checkBlueprint(
    changed((b) => {
      b.justification = ''
      disclosureOf(b, 'apply', 0).purpose = ''
      disclosureOf(b, 'apply', 1).basis = ''
    }),
  )
  assert.deepEqual(
    report.errors.map(({ code }) => code),
    ['JUSTIFICATION_MISSING', 'PURPOSE_MISSING', 'BASIS_MISSING'],
  )
})

function changed(change: Change): Blueprint {
  const blueprint = sampleBlueprint()
  change(blueprint)
  return parseBlueprint(JSON.parse(JSON.stringify(blueprint)))
}
