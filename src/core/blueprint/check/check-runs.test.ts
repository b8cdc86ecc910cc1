import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Case, changed, testCases } from '../../../../test/blueprint-cases.ts'
import { process } from '../../../../test/process-sample.ts'
import { stepOf } from '../../../../test/sample-blueprint.ts'
import type { Blueprint } from '../blueprint.ts'
import { checkBlueprint } from './check-blueprint.ts'

const END = { routes: [{ to: [] }] }
const HOURS = { count: 24, unit: 'hours', calendar: null } as const

const STARVING: Case[] = [
  {
    code: 'JOIN_MAY_STARVE',
    at: '/steps/3/join',
    // One of two branches may end without the other.
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: [] }, { to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      // A branch that ends takes the other with it.
      left: { routes: [{ to: [], closes: ['right', 'meet'] }, { to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
  },
  {
    code: 'JOIN_MAY_STARVE',
    at: '/steps/3/join',
    // The two steps never happen in one run.
    fails: process({
      either: { routes: [{ to: ['left'] }, { to: ['right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
    nearMiss: process({
      either: { routes: [{ to: ['left'] }, { to: ['right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'any', steps: ['left', 'right'] } },
    }),
  },
  {
    code: 'JOIN_MAY_STARVE',
    at: '/steps/3/join',
    // If its deadline passes, one branch goes elsewhere.
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }], deadline: HOURS, lapse: { to: ['late'] } },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
      late: END,
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }], deadline: HOURS, lapse: { to: ['meet', 'late'] } },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
      late: END,
    }),
  },
]

const TWICE: Case[] = [
  {
    code: 'STEP_OPEN_TWICE',
    at: '/steps/3',
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: END,
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
  },
  {
    code: 'STEP_OPEN_TWICE',
    at: '/steps/3',
    // The other branch may arrive late.
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'any', steps: ['left', 'right'] } },
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'any', steps: ['left', 'right'], closes: ['left', 'right'] } },
    }),
  },
  {
    code: 'STEP_OPEN_TWICE',
    at: '/steps/2',
    // A send-back out of one branch opens both again.
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['split'] }, { to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: { routes: [{ to: ['split'], closes: ['right', 'meet'] }, { to: ['meet'] }] },
      right: { routes: [{ to: ['meet'] }] },
      meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    }),
  },
  {
    code: 'STEP_OPEN_TWICE',
    at: '/steps/1',
    // What waits to be confirmed is not closed, and a second record comes to wait beside it.
    fails: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: {
        routes: [{ to: [] }],
        confirm: { roles: ['registry'], deadline: HOURS, default: 'accept' },
      },
      right: { routes: [{ to: ['split'] }, { to: [] }] },
    }),
    nearMiss: process({
      split: { routes: [{ to: ['left', 'right'] }] },
      left: {
        routes: [{ to: [] }],
        confirm: { roles: ['registry'], deadline: HOURS, default: 'accept' },
      },
      right: { routes: [{ to: ['split'], closes: ['left'] }, { to: [] }] },
    }),
  },
]

const COMPLEX: Case[] = [
  {
    code: 'PROCESS_TOO_COMPLEX',
    at: '/steps',
    fails: branches(16),
    nearMiss: branches(10),
  },
  {
    code: 'SKELETON_INVALID',
    at: '/steps/1/next',
    // One step more than a skeleton's next sets may number, each a set of its own.
    fails: (b) => addEnds(b, 65),
    nearMiss: (b) => addEnds(b, 62),
  },
]

testCases('errors', [...STARVING, ...TWICE, ...COMPLEX])

test('a fault is told with the shortest run that leads to it', () => {
  const [error] = checkBlueprint(changed(TWICE[2]!.fails)).errors
  assert.match(error!.message, /^After split, left, split, right would be open twice at once[.] /)
})

test('a withdrawal ends every branch, and a review runs once the case has ended', () => {
  const sound = process({
    split: { routes: [{ to: ['left', 'right'] }] },
    left: { routes: [{ to: ['meet'] }] },
    right: { routes: [{ to: ['meet'] }] },
    meet: { ...END, join: { mode: 'all', steps: ['left', 'right'] } },
    withdraw: { routes: [{ to: ['file'] }], withdrawal: true },
    file: END,
    ask: { routes: [{ to: ['again'] }] },
    again: { ...END, role: 'registry', disclosures: [] },
  })
  const reviewed = (b: Blueprint) => {
    sound(b)
    b.review = { of: ['left'], request: ['ask'], decide: 'again', until: HOURS }
  }
  assert.deepEqual(checkBlueprint(changed(reviewed)).errors, [])
  const { errors } = checkBlueprint(
    changed((b) => {
      reviewed(b)
      stepOf(b, 'ask').routes = [{ to: ['again', 'file'] }]
      stepOf(b, 'file').routes = [{ to: ['again'] }]
    }),
  )
  assert.deepEqual(
    errors.map(({ code, at }) => [code, at]),
    [['STEP_OPEN_TWICE', '/steps/7']],
  )
})

/** So many branches of two steps each, side by side. */
function branches(count: number) {
  const ids = Array.from({ length: count }, (_, i) => `branch${i}`)
  return process({
    split: { routes: [{ to: ids }] },
    ...Object.fromEntries(ids.map((id) => [id, { routes: [{ to: ['meet'] }] }])),
    meet: { ...END, join: { mode: 'all', steps: ids } },
  })
}

function addEnds(blueprint: Blueprint, count: number): void {
  const ids = Array.from({ length: count }, (_, i) => `end${i}`)
  const end = { ...stepOf(blueprint, 'withdraw') }
  delete end.withdrawal
  for (const id of ids) blueprint.steps.push({ ...end, id })
  stepOf(blueprint, 'assess').routes.push(
    ...ids.map((id) => ({ to: [id], when: { '===': [{ var: 'assess.verdict' }, id] } })),
  )
}
