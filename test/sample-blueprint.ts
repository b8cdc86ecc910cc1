import type { Blueprint, Disclosure, Step } from '../src/core/blueprint/blueprint.ts'
import type { JsonObject } from '../src/core/canonical-json.ts'

/** Member ids of the sample's fixed roles and of one member that accedes to the open one. */
export const SAMPLE_MEMBERS = {
  council: `C${'A'.repeat(42)}`,
  registry: `R${'A'.repeat(42)}`,
  inspector: `I${'A'.repeat(42)}`,
} as const

const TOLD = { purpose: 'Decide the application', basis: 'Public task', retention: 'file' }

/**
 * A small process: a loop (assess sends back to apply), a withdrawal, a role bound at run time, calculations, the disclosure of
 * an earlier step's data, and a review of the inspection. It has no errors and no warnings. Each call gives a copy.
 *
 *   apply (applicant) -> assess (council) -> inspect (inspector) -> end, then ask (applicant) -> rehear (registry) -> end
 *        ^------------------|                withdraw (applicant), always open
 */
export function sampleBlueprint(): Blueprint {
  return structuredClone(SAMPLE)
}

/** Data of one action at each step that the blueprint accepts, without the calculated fields. */
export function sampleData(): Record<'apply' | 'assess' | 'inspect' | 'withdraw' | 'ask' | 'rehear', JsonObject> {
  return {
    apply: {
      name: { given: 'Ada', family: 'Sample' },
      born: '1990-02-28',
      income: '12345.67',
      people: 3,
      partner: { name: 'Bo Sample' },
      health: 'none',
    },
    assess: { verdict: 'inspect', inspector: SAMPLE_MEMBERS.inspector },
    inspect: { passed: 'no', reason: 'The stair is too narrow', hours: 1.5 },
    withdraw: { why: 'Moved away' },
    ask: { grounds: 'The stair was measured at its narrowest' },
    rehear: { upheld: 'yes', why: 'The stair is too narrow at every step' },
  }
}

const APPLY: Step = {
  id: 'apply',
  title: { en: 'Apply', gd: 'Cuir a-steach' },
  role: 'applicant',
  subject: 'applicant',
  subjects: { '/partner/name': 'partner' },
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'born', 'income', 'people', 'health', 'age', 'share'],
    properties: {
      name: {
        type: 'object',
        additionalProperties: false,
        required: ['given', 'family'],
        properties: { given: { $ref: '#/$defs/Name' }, family: { $ref: '#/$defs/Name' } },
      },
      born: { type: 'string', format: 'date' },
      income: { type: 'string', format: 'decimal', minimum: 0, multipleOf: 0.01 },
      people: { type: 'integer', minimum: 1, maximum: 20 },
      partner: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: { name: { $ref: '#/$defs/Name' } },
      },
      health: { type: 'string', maxLength: 500 },
      age: { type: 'integer', minimum: 16 },
      share: { type: 'string', format: 'decimal' },
    },
    if: { properties: { people: { const: 1 } }, required: ['people'] },
    // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword.
    then: { not: { required: ['partner'] } },
    $defs: { Name: { type: 'string', minLength: 1, maxLength: 60 } },
  },
  form: [{ field: '/born', label: { en: 'Date of birth', gd: 'Ceann-là breith' }, hint: 'As on your passport' }],
  calculations: [
    { field: '/age', rule: { 'date.age': [{ var: 'apply.born' }, { var: '$meta.asOf' }] } },
    {
      field: '/share',
      rule: { 'dec.round': [{ '/': [{ var: 'apply.income' }, { var: 'apply.people' }] }, 2, 'half-even'] },
    },
  ],
  special: { '/health': { category: 'health', condition: 'Substantial public interest' } },
  disclosures: [
    {
      to: 'council',
      fields: ['/name/given', '/name/family', '/born', '/income', '/people', '/partner/name', '/age', '/share'],
      ...TOLD,
    },
    { to: 'council', fields: ['/health'], ...TOLD, condition: 'Substantial public interest' },
  ],
  routes: [{ to: ['assess'] }],
}

const ASSESS: Step = {
  id: 'assess',
  title: 'Assess',
  role: 'council',
  subject: 'applicant',
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['verdict', 'inspector', 'fee'],
    properties: {
      verdict: { type: 'string', enum: ['back', 'inspect'] },
      note: { type: 'string', maxLength: 1_000 },
      inspector: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
      fee: { type: 'number', minimum: 0 },
    },
  },
  calculations: [{ field: '/fee', rule: { if: [{ '<': [{ var: 'apply.share' }, 5_000] }, 0, 12.5] } }],
  bind: [{ role: 'inspector', field: '/inspector' }],
  disclosures: [
    { to: 'applicant', fields: ['/verdict', '/note', '/inspector', '/fee'], ...TOLD },
    { to: 'inspector', step: 'apply', fields: ['/name/given', '/name/family', '/people'], ...TOLD },
  ],
  routes: [
    { to: ['apply'], when: { '===': [{ var: 'assess.verdict' }, 'back'] } },
    { to: ['inspect'], when: { '===': [{ var: 'assess.verdict' }, 'inspect'] } },
  ],
  dispute: {
    window: { count: 336, unit: 'hours', calendar: null },
    resolver: 'registry',
    deadline: { count: 240, unit: 'hours', calendar: null },
    default: 'reject',
  },
}

const INSPECT: Step = {
  id: 'inspect',
  title: 'Inspect',
  role: 'inspector',
  subject: 'applicant',
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['passed', 'reason', 'hours', 'large'],
    properties: {
      passed: { type: 'string', enum: ['yes', 'no'] },
      reason: { type: 'string', minLength: 1, maxLength: 1_000 },
      hours: { type: 'number', minimum: 0, multipleOf: 0.1 },
      large: { type: 'boolean' },
    },
  },
  calculations: [{ field: '/large', rule: { '>': [{ var: 'apply.people' }, 5] } }],
  decision: { human: true, explanation: '/reason' },
  disclosures: [
    { to: 'applicant', fields: ['/passed', '/reason', '/large'], ...TOLD },
    { to: 'council', fields: ['/passed', '/reason', '/hours', '/large'], ...TOLD },
  ],
  routes: [
    { to: [], when: { '===': [{ var: 'inspect.passed' }, 'yes'] }, outcome: { adverse: false } },
    { to: [], when: { '===': [{ var: 'inspect.passed' }, 'no'] }, outcome: { adverse: true } },
  ],
}

const WITHDRAW: Step = {
  id: 'withdraw',
  title: 'Withdraw',
  role: 'applicant',
  subject: 'applicant',
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: [],
    properties: { why: { type: 'string', maxLength: 500 } },
  },
  disclosures: [{ to: 'council', fields: ['/why'], ...TOLD }],
  routes: [{ to: [] }],
  withdrawal: true,
}

const ASK: Step = {
  id: 'ask',
  title: 'Ask for a review',
  role: 'applicant',
  subject: 'applicant',
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['grounds'],
    properties: { grounds: { type: 'string', minLength: 1, maxLength: 1_000 } },
  },
  disclosures: [{ to: 'registry', fields: ['/grounds'], ...TOLD }],
  routes: [{ to: ['rehear'] }],
}

const REHEAR: Step = {
  id: 'rehear',
  title: 'Decide the review',
  role: 'registry',
  subject: 'applicant',
  retention: 'file',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['upheld', 'why'],
    properties: {
      upheld: { type: 'string', enum: ['yes', 'no'] },
      why: { type: 'string', minLength: 1, maxLength: 1_000 },
    },
  },
  decision: { human: true, explanation: '/why' },
  disclosures: [
    { to: 'applicant', fields: ['/upheld', '/why'], ...TOLD },
    { to: 'council', fields: ['/upheld'], ...TOLD },
  ],
  routes: [
    { to: [], when: { '===': [{ var: 'rehear.upheld' }, 'no'] }, outcome: { adverse: false } },
    { to: [], when: { '===': [{ var: 'rehear.upheld' }, 'yes'] }, outcome: { adverse: true } },
  ],
}

const SAMPLE: Blueprint = {
  format: 'concordat-blueprint/1',
  name: 'sample',
  version: '1.0.0',
  title: { en: 'Sample permit', cy: 'Trwydded enghreifftiol' },
  justification: 'Three bodies decide about one permit, and none takes orders from another.',
  dpia: { reference: 'DPIA-1', date: '2026-01-31' },
  roles: [
    { id: 'applicant', title: 'Applicant', kind: 'person', servedBy: ['council'] },
    { id: 'council', title: 'Council', kind: 'member', member: SAMPLE_MEMBERS.council },
    { id: 'inspector', title: 'Inspector', kind: 'member', open: true },
    { id: 'registry', title: 'Registry', kind: 'member', member: SAMPLE_MEMBERS.registry },
  ],
  persons: [{ id: 'partner', title: 'Partner' }],
  distinct: [['council', 'inspector']],
  retention: [
    { id: 'file', years: 6, reason: 'A decision may be challenged for five years' },
    { id: 'short', years: 1, reason: 'Not needed after the first year' },
  ],
  threshold: { fraction: [2, 3] },
  review: {
    of: ['inspect'],
    request: ['ask'],
    decide: 'rehear',
    until: {
      count: 28,
      unit: 'days',
      calendar: { from: '2026-01-01', to: '2036-12-31', weekdays: [1, 2, 3, 4, 5], nonWorking: [], offsets: [[0, 0]] },
    },
  },
  start: 'apply',
  steps: [APPLY, ASSESS, INSPECT, WITHDRAW, ASK, REHEAR],
}

/** The step of a document that a test changes. */
export function stepOf(blueprint: Blueprint, id: string): Step {
  const step = blueprint.steps.find((candidate) => candidate.id === id)
  if (!step) throw new TypeError(`the sample has no step ${id}`)
  return step
}

export function disclosureOf(blueprint: Blueprint, stepId: string, index: number): Disclosure {
  const disclosure = stepOf(blueprint, stepId).disclosures[index]
  if (!disclosure) throw new TypeError(`the step ${stepId} has no disclosure ${index}`)
  return disclosure
}
