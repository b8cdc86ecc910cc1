import { type Case, type Change, testCases } from '../../../../test/blueprint-cases.ts'
import { chose, process } from '../../../../test/process-sample.ts'
import { SAMPLE_MEMBERS, stepOf } from '../../../../test/sample-blueprint.ts'
import type { Blueprint, Route, Step } from '../blueprint.ts'

const END = { routes: [{ to: [] }] }
const HOURS = { count: 24, unit: 'hours', calendar: null } as const

/** Ends the same way whatever `choice` of that step was, but reads it. */
const reads = (step: string): { routes: Route[] } => ({ routes: [{ to: [], when: chose(step, '0') }, { to: [] }] })

/** Split, two branches, and a join that reads what the left one chose. */
function joined(mode: 'all' | 'any', left: Partial<Step> = {}, more: Partial<Step> = {}) {
  return process({
    split: { routes: [{ to: ['left', 'right'] }] },
    left: { ...left, routes: [{ to: ['meet'] }] },
    right: { routes: [{ to: ['meet'] }] },
    meet: { ...more, ...reads('left'), join: { mode, steps: ['left', 'right'], closes: ['left', 'right'] } },
  })
}

/** The left branch shows the registry, which the join is for, what was chosen first; `back` is how the right one chooses anew. */
function disclosing(back: Route, left: Partial<Step> = {}): Change {
  const shown = {
    to: 'registry',
    step: 'first',
    fields: ['/choice'],
    purpose: 'Check',
    basis: 'Task',
    retention: 'file',
  }
  return process({
    first: { routes: [{ to: ['right'] }, { to: ['left', 'right'] }], disclosures: [] },
    left: { ...left, routes: [{ to: ['meet'] }], disclosures: [shown] },
    right: { routes: [back, { to: ['meet'] }] },
    meet: { ...reads('first'), role: 'registry', disclosures: [], join: { mode: 'all', steps: ['left', 'right'] } },
  })
}

function binding(by: 'left' | 'right', mode: 'all' | 'any', left: Partial<Step> = {}) {
  return (blueprint: Blueprint) => {
    joined(mode, left, { role: 'inspector', disclosures: [] })(blueprint)
    stepOf(blueprint, 'meet').routes = [{ to: [] }]
    const step = stepOf(blueprint, by)
    const member = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' }
    Object.assign(step.schema.properties as object, { member })
    step.schema.required = ['choice', 'member']
    step.bind = [{ role: 'inspector', field: '/member' }]
  }
}

const MISSING: Case[] = [
  {
    code: 'RULE_INPUT_MAY_BE_MISSING',
    at: '/steps/3/routes/0/when',
    fails: joined('any'),
    // Every branch of an `all` join is in its history.
    nearMiss: joined('all'),
  },
  {
    code: 'RULE_INPUT_MAY_BE_MISSING',
    at: '/steps/3/routes/0/when',
    // A step that has lapsed did not happen, but what it opens does.
    fails: joined('all', { deadline: HOURS, lapse: { to: ['meet'] } }),
    nearMiss: joined('all', { deadline: HOURS }),
  },
  {
    code: 'RULE_INPUT_MAY_BE_MISSING',
    at: '/steps/5/routes/0/when',
    // A request has the record to be reviewed in its history, and of what came after it nothing for sure.
    fails: reviewed('second'),
    nearMiss: reviewed('first'),
  },
]

const HIDDEN: Case[] = [
  {
    code: 'RULE_INPUT_MAY_BE_HIDDEN',
    at: '/steps/3/routes/0/when',
    fails: disclosing({ to: [] }, { deadline: HOURS, lapse: { to: ['meet'] } }),
    // One branch shows it for both.
    nearMiss: disclosing({ to: [] }),
  },
  {
    code: 'RULE_INPUT_MAY_BE_HIDDEN',
    at: '/steps/3/routes/0/when',
    // The right branch may choose anew after the left one has shown what was chosen before.
    fails: disclosing({ to: ['first'] }),
    nearMiss: disclosing({ to: ['first'], closes: ['left', 'meet'] }),
  },
]

const UNBOUND: Case[] = [
  {
    code: 'ROLE_MAY_BE_UNBOUND',
    at: '/steps/3/role',
    fails: binding('left', 'any'),
    nearMiss: binding('left', 'all'),
  },
  {
    code: 'ROLE_MAY_BE_UNBOUND',
    at: '/steps/3/role',
    fails: binding('left', 'all', { deadline: HOURS, lapse: { to: ['meet'] } }),
    nearMiss: binding('right', 'all', { deadline: HOURS, lapse: { to: ['meet'] } }),
  },
  {
    code: 'ROLE_MAY_BE_UNBOUND',
    at: '/steps/1/confirm/roles/0',
    fails: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['inspector'], deadline: HOURS, default: 'accept' }
      stepOf(b, 'assess').schema.required = ['verdict', 'fee']
      b.roles[2] = { id: 'inspector', title: 'Inspector', kind: 'member', open: true }
    },
    // The record that binds the role may be the one that it confirms.
    nearMiss: (b) => {
      stepOf(b, 'assess').confirm = { roles: ['inspector'], deadline: HOURS, default: 'accept' }
    },
  },
  {
    code: 'ROLE_NEVER_BOUND',
    at: '/roles/2',
    fails: (b) => {
      delete stepOf(b, 'assess').bind
      stepOf(b, 'apply').confirm = { roles: ['inspector'], deadline: HOURS, default: 'accept' }
    },
    nearMiss: (b) => {
      b.roles[2] = { id: 'inspector', title: 'Inspector', kind: 'member', member: SAMPLE_MEMBERS.inspector }
      delete stepOf(b, 'assess').bind
      stepOf(b, 'apply').confirm = { roles: ['inspector'], deadline: HOURS, default: 'accept' }
    },
  },
]

testCases('errors', [...MISSING, ...HIDDEN, ...UNBOUND])

function reviewed(read: 'first' | 'second') {
  return (blueprint: Blueprint) => {
    process({
      first: { routes: [{ to: ['second'] }] },
      second: { routes: [{ to: ['third'] }] },
      third: END,
      withdraw: { ...END, withdrawal: true },
      ask: { routes: [{ to: ['again'] }] },
      again: { ...reads(read), role: 'registry', disclosures: [] },
    })(blueprint)
    blueprint.review = { of: ['first', 'second'], request: ['ask'], decide: 'again', until: HOURS }
  }
}
