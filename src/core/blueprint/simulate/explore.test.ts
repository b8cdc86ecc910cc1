import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBlueprint } from '../../../../test/sample-blueprint.ts'
import type { Blueprint } from '../blueprint.ts'
import { describeGoal } from './coverage.ts'
import { type Bounds, type Explored, explore } from './explore.ts'

const STARTS_AT = Date.parse('2026-11-02T12:00:00Z') / 1000
const BOUNDS: Bounds = { depth: 8, states: 300 }

function explored(
  change: (blueprint: Blueprint) => void = () => {},
  bounds = BOUNDS,
): Explored & { missing: string[] } {
  const blueprint = sampleBlueprint()
  change(blueprint)
  const found = explore(blueprint, STARTS_AT, bounds)
  const missing = found.coverage.filter(({ path }) => path === null).map(({ goal }) => describeGoal(blueprint, goal))
  return { ...found, missing }
}

/** The applicant, whom the council serves, is the only one whom the assessment is shown to: no other member can dispute it. */
const NOBODY_DISPUTES = ['dispute:assess upheld', 'dispute:assess rejected']

test('every step, route and end of the sample is come to that can be, and nothing gets stuck', () => {
  const { missing, stuck, contradictions } = explored()
  assert.deepEqual([missing, stuck, contradictions], [NOBODY_DISPUTES, [], []])
})

test('a route that no data opens is named', () => {
  const { missing } = explored(({ steps }) => {
    const assess = steps.find(({ id }) => id === 'assess')!
    assess.routes.unshift({ to: [], when: { '===': [{ var: 'assess.verdict' }, 'never so'] } })
  })
  assert.deepEqual(missing, ['assess -> end (route 1)', ...NOBODY_DISPUTES])
})

test('it keeps to its bounds, and says when there would be more', () => {
  const shallow = explored(undefined, { depth: 1, states: 300 })
  assert.ok(shallow.coverage.every(({ path }) => path === null || path.length <= 1))
  const few = explored(undefined, { depth: 8, states: 3 })
  assert.deepEqual([few.states, few.bounded], [3, true])
})

test('the same document gives the same paths', () => {
  assert.deepEqual(explored().coverage, explored().coverage)
})
