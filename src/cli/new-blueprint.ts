import type { Blueprint, Disclosure, Step } from '../core/blueprint/blueprint.ts'

const BASIS = 'UK GDPR Art 6(1)(e), public task'
const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength })
const OUTCOME = { type: 'string', enum: ['granted', 'refused'] }

/**
 * A smallest complete process, to be edited: a person applies, an office decides and says why, another organisation looks at the
 * decision again if the person asks. A template: its fixed roles name no member yet.
 */
export function newBlueprint(name: string): Blueprint {
  return {
    format: 'concordat-blueprint/1',
    name,
    version: '1.0.0',
    title: { en: 'What the process is called' },
    justification: 'The office decides and the reviewer looks at it again. Neither takes orders from the other.',
    dpia: { reference: 'Your data protection impact assessment', date: '2026-01-01' },
    roles: [
      { id: 'applicant', title: { en: 'Applicant' }, kind: 'person', servedBy: ['office'] },
      { id: 'office', title: { en: 'Office' }, kind: 'member', fixed: true },
      { id: 'reviewer', title: { en: 'Reviewer' }, kind: 'member', fixed: true },
    ],
    distinct: [['office', 'reviewer']],
    retention: [{ id: 'file', years: 6, reason: 'A decision may be challenged for five years' }],
    threshold: { fraction: [2, 3] },
    review: {
      of: ['decide'],
      request: ['ask'],
      decide: 'review',
      until: { count: 672, unit: 'hours', calendar: null },
    },
    start: 'apply',
    steps: [apply(), decide(), withdraw(), ask(), review()],
  }
}

function apply(): Step {
  return step('apply', 'Apply', 'applicant', {
    schema: object(['name', 'need'], { name: text(200), need: text(2_000) }),
    form: [
      { field: '/name', label: { en: 'Your name' } },
      { field: '/need', label: { en: 'What do you need?' }, hint: { en: 'In your own words' } },
    ],
    disclosures: [told('office', ['/name', '/need'], 'Decide the application')],
    routes: [{ to: ['decide'] }],
  })
}

function decide(): Step {
  return step('decide', 'Decide', 'office', {
    schema: object(['outcome', 'explanation'], { outcome: OUTCOME, explanation: text(4_000) }),
    form: [
      { field: '/outcome', label: { en: 'Decision' }, options: { granted: 'Granted', refused: 'Refused' } },
      { field: '/explanation', label: { en: 'Why?' }, hint: { en: 'The applicant reads this' } },
    ],
    decision: { human: true, explanation: '/explanation' },
    disclosures: [told('applicant', ['/outcome', '/explanation'], 'Tell the applicant the decision and why')],
    routes: outcomes('decide'),
  })
}

function withdraw(): Step {
  return step('withdraw', 'Withdraw', 'applicant', {
    withdrawal: true,
    schema: object([], { why: text(2_000) }),
    form: [{ field: '/why', label: { en: 'Why, if you want to say' } }],
    disclosures: [told('office', ['/why'], 'Close the file')],
    routes: [{ to: [] }],
  })
}

function ask(): Step {
  return step('ask', 'Ask for a review', 'applicant', {
    schema: object(['grounds'], { grounds: text(4_000) }),
    form: [{ field: '/grounds', label: { en: 'What is wrong with the decision?' } }],
    disclosures: [
      told('reviewer', ['/grounds'], 'Decide the review'),
      { ...told('reviewer', ['/need'], 'Decide the review'), step: 'apply' },
      { ...told('reviewer', ['/outcome', '/explanation'], 'Decide the review'), step: 'decide' },
    ],
    routes: [{ to: ['review'] }],
  })
}

function review(): Step {
  return step('review', 'Decide the review', 'reviewer', {
    schema: object(['outcome', 'explanation'], { outcome: OUTCOME, explanation: text(4_000) }),
    form: [
      { field: '/outcome', label: { en: 'Decision' }, options: { granted: 'Granted', refused: 'Refused' } },
      { field: '/explanation', label: { en: 'Why?' }, hint: { en: 'The applicant reads this' } },
    ],
    decision: { human: true, explanation: '/explanation' },
    disclosures: [
      told('applicant', ['/outcome', '/explanation'], 'Tell the applicant the decision and why'),
      told('office', ['/outcome'], 'Act on the review'),
    ],
    routes: outcomes('review'),
  })
}

type Parts = Omit<Step, 'id' | 'title' | 'role' | 'subject' | 'retention'>

function step(id: string, title: string, role: string, parts: Parts): Step {
  return { id, title: { en: title }, role, subject: 'applicant', retention: 'file', ...parts }
}

function object(required: string[], properties: Step['schema']): Step['schema'] {
  return { type: 'object', additionalProperties: false, required, properties }
}

function told(to: string, fields: string[], purpose: string): Disclosure {
  return { to, fields, purpose, basis: BASIS, retention: 'file' }
}

/** Both outcomes leave by the same steps, so that the register tells nobody which it was. */
function outcomes(stepId: string): Step['routes'] {
  return ['granted', 'refused'].map((outcome) => ({
    to: [],
    when: { '===': [{ var: `${stepId}.outcome` }, outcome] },
    outcome: { adverse: outcome === 'refused' },
  }))
}
