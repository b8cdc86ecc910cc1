import assert from 'node:assert/strict'
import { test } from 'node:test'
import { approvalsNeeded } from './threshold.ts'

for (const [fraction, voters, needed] of [
  [[2, 3], 1, 1],
  [[2, 3], 3, 2],
  [[2, 3], 4, 3],
  [[2, 3], 6, 4],
  [[2, 3], 7, 5],
  [[1, 2], 5, 3],
  [[1, 1], 256, 256],
  [[1, 3], 0, 1],
  [[333, 1000], 1000, 333],
] as const) {
  test(`${fraction.join('/')} of ${voters} is ${needed}`, () =>
    assert.equal(approvalsNeeded({ fraction: [...fraction] }, voters), needed))
}

test('a count is a count', () => assert.equal(approvalsNeeded({ count: 3 }, 10), 3))
