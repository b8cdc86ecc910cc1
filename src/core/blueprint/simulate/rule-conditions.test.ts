import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBlueprint, stepOf } from '../../../../test/sample-blueprint.ts'
import type { Rule } from '../blueprint.ts'
import { comparisonsOf, conditionsOf, truths } from './rule-conditions.ts'

/** The conditions of a blueprint in which this is the only rule. */
function conditions(rule: Rule): Rule[] {
  const blueprint = sampleBlueprint()
  for (const step of blueprint.steps) Object.assign(step, { calculations: [], form: [], routes: [{ to: [] }] })
  stepOf(blueprint, 'assess').routes = [{ to: [], when: rule }]
  return conditionsOf(blueprint).map(({ rule: condition }) => condition)
}

const older: Rule = { '>': [{ val: ['apply', 'people'] }, 2] }
const there: Rule = { exists: ['apply', 'people'] }

const turnsOn: [title: string, rule: Rule, expected: Rule[]][] = [
  ['a comparison of what val reads', { if: [older, true, false] }, [older]],
  ['whether a field exists', { and: [there, older] }, [there, older]],
  ['whether a field is missing', { '!': [{ missing: ['apply.people'] }] }, [{ missing: ['apply.people'] }]],
  ['what ?? makes of a field', { '??': [{ val: ['apply', 'people'] }, 0] }, [there]],
  ['nothing inside preserve', { preserve: older }, []],
  ['no text that var reads', { if: [{ var: 'apply.people' }, 1, 2] }, []],
]
for (const [title, rule, expected] of turnsOn) {
  test(`a rule turns on ${title}`, () => assert.deepEqual(conditions(rule), expected))
}

test('only comparisons have operands to try as values', () => {
  assert.deepEqual(comparisonsOf({ and: [there, older, { missing: ['apply.people'] }] }), [
    [{ val: ['apply', 'people'] }, 2],
  ])
})

test('a condition holds, does not, or cannot be told', () => {
  const both = [older, there].map((rule) => ({ rule, reads: ['apply.people'] }))
  assert.equal(truths(both, { apply: { people: 3 } }), 'tt')
  assert.equal(truths(both, { apply: { people: 2 } }), 'ft')
  assert.equal(truths(both, { apply: {} }), '-f')
})
