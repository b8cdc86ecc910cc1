import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import { parseMembers, parseScenario, timesOf, withMemberIds } from './scenario.ts'

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

test('member ids take the place of $member at any depth, and an unknown one is refused', () => {
  const data = { a: [{ $member: 'm' }], b: { c: { $member: 'm' }, d: 'm' } }
  assert.deepEqual(withMemberIds(data, { m: 'id' }), { a: ['id'], b: { c: 'id', d: 'm' } })
  assert.throws(() => withMemberIds({ $member: 'x' }, { m: 'id' }), { code: 'INPUT_INVALID' })
  assert.throws(() => withMemberIds({ $member: 'constructor' }, { m: 'id' }), { code: 'INPUT_INVALID' })
})

test('members come once each, and are run by a member', () => {
  const m = { id: 'm', name: 'M', voting: true }
  assert.deepEqual(parseMembers([m]), [m])
  assert.throws(() => parseMembers([m, m]), { code: 'INPUT_INVALID' })
  assert.throws(() => parseMembers([{ ...m, operator: 'n' }]), { code: 'INPUT_INVALID' })
})
