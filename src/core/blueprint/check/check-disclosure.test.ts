import { testCases, unchanged } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, stepOf } from '../../../../test/sample-blueprint.ts'

testCases('errors', [
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
])

testCases('warnings', [
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
])
