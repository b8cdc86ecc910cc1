import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { parseScenario, pathOf, timesOf, withMemberIds } from './scenario.ts'

function scenario(changes: JsonObject = {}): JsonObject {
  const actor = { kind: 'person', name: 'Ann Other', signIn: 'test' }
  const expect = { next: ['b'], calculated: {} }
  return {
    name: 'two-steps',
    title: 'Two steps',
    about: 'Two steps.',
    startsAt: '2026-11-02T09:05:00Z',
    members: { r: 'm' },
    steps: [
      { step: 'a', by: 'r', actor, data: { x: 1 }, expect },
      { step: 'b', by: 'r', actor, minutesLater: 2, data: {}, expect: { next: [], calculated: {} } },
    ],
    expected: { path: ['a', 'b'], ended: true, values: {}, seen: { r: [] } },
    ...changes,
  }
}

test('the time of a step adds up from the start', () => {
  const start = Date.UTC(2026, 10, 2, 9, 5) / 1000
  assert.deepEqual(timesOf(parseScenario(scenario())), [start, start + 120])
})

const invalid: [title: string, changes: JsonObject, at: string][] = [
  ['an unknown key', { extra: 1 }, '/extra'],
  ['a start that is no time', { startsAt: '2026-13-02T09:05:00Z' }, '/startsAt'],
  ['a role that no member plays', { members: { other: 'm' } }, '/steps/0/by'],
  ['a path other than the steps', { expected: { path: ['a'], ended: true, values: {}, seen: {} } }, '/expected/path'],
  [
    'a field in another form',
    { expected: { path: ['a', 'b'], ended: true, values: {}, seen: { r: ['/a/x'] } } },
    '/expected/seen/r/0',
  ],
]
for (const [title, changes, at] of invalid) {
  test(`a scenario with ${title} is refused`, () => {
    assert.throws(
      () => parseScenario(scenario(changes)),
      (error) => error instanceof ConcordatError && error.detail.code === 'INPUT_INVALID' && error.detail.at === at,
    )
  })
}

const actor = { kind: 'person', name: 'Ann Other', signIn: 'test' }

/** The scenario with one more step. */
function withStep(step: JsonObject, path: string): JsonObject {
  const { steps, expected } = scenario() as { steps: JsonObject[]; expected: JsonObject }
  return scenario({ steps: [...steps, step], expected: { ...expected, path: ['a', 'b', path] } })
}

const kinds: [step: JsonObject, path: string, parsed: object][] = [
  [
    { step: 'b', by: 'r', actor, data: {}, corrects: true, expect: { next: [], calculated: {} } },
    'b',
    { kind: 'action', step: 'b', corrects: true },
  ],
  [
    { confirm: 'b', by: 'r', actor, accept: false, expect: { next: ['b'] } },
    'confirm:b',
    { kind: 'confirm', step: 'b', accept: false, expect: { next: ['b'] } },
  ],
  [
    { dispute: 'b', by: 'r', actor, reason: 'other', explanation: 'Why.', expect: { waits: ['c'] } },
    'dispute:b',
    { kind: 'dispute', step: 'b', reason: 'other', expect: { waits: ['c'] } },
  ],
  [
    { resolve: 'b', by: 'r', actor, outcome: 'settled', expect: { next: [] } },
    'resolve:b',
    { kind: 'resolve', step: 'b', outcome: 'settled' },
  ],
  [{ lapse: 'b', by: 'r', expect: { next: [] } }, 'lapse:b', { kind: 'lapse', step: 'b', of: 'opening' }],
  [{ lapse: 'b', of: 'confirm', by: 'r', expect: { next: [] } }, 'lapse:b', { kind: 'lapse', of: 'confirm' }],
  [
    { extend: 'b', by: 'r', actor, until: '2026-12-24T16:00:00Z', expect: {} },
    'extend:b',
    { kind: 'extend', step: 'b', until: Date.UTC(2026, 11, 24, 16) / 1000 },
  ],
]
for (const [step, path, expected] of kinds) {
  test(`a step of the kind ${path}, ${JSON.stringify(expected)}`, () => {
    const parsed = parseScenario(withStep(step, path)).steps.at(-1)!
    assert.partialDeepStrictEqual(parsed, { by: 'r', minutesLater: 0, ...expected })
    assert.equal(pathOf(parsed), path)
  })
}

const wrongSteps: [title: string, step: JsonObject, at: string][] = [
  ['no kind', { by: 'r', expect: { next: [] } }, '/steps/2'],
  ['two kinds', { lapse: 'b', confirm: 'b', by: 'r', expect: { next: [] } }, '/steps/2'],
  ['an actor for a lapse', { lapse: 'b', by: 'r', actor, expect: { next: [] } }, '/steps/2/actor'],
  ['a lapse of something else', { lapse: 'b', of: 'opening', by: 'r', expect: { next: [] } }, '/steps/2/of'],
  ['no actor', { confirm: 'b', by: 'r', accept: true, expect: { next: [] } }, '/steps/2/actor'],
]
for (const [title, step, at] of wrongSteps) {
  test(`a step with ${title} is refused`, () => {
    assert.throws(
      () => parseScenario(withStep(step, 'lapse:b')),
      (error) => error instanceof ConcordatError && error.detail.code === 'INPUT_INVALID' && error.detail.at === at,
    )
  })
}

test('member ids take the place of $member at any depth, and an unknown one is refused', () => {
  const data = { a: [{ $member: 'm' }], b: { c: { $member: 'm' }, d: 'm' } }
  assert.deepEqual(withMemberIds(data, { m: 'id' }), { a: ['id'], b: { c: 'id', d: 'm' } })
  assert.throws(() => withMemberIds({ $member: 'x' }, { m: 'id' }), { code: 'INPUT_INVALID' })
  assert.throws(() => withMemberIds({ $member: 'constructor' }, { m: 'id' }), { code: 'INPUT_INVALID' })
})
