import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprint } from '../../src/core/blueprint/blueprint.ts'
import { checkBlueprint } from '../../src/core/blueprint/check-blueprint.ts'
import { fixRoles } from '../../src/core/blueprint/fix-roles.ts'
import { groupsOf } from '../../src/core/blueprint/groups.ts'
import { playScenario, seenByAll } from '../../src/core/blueprint/play-scenario.ts'
import type { Scenario } from '../../src/core/blueprint/scenario.ts'
import { compileSchema } from '../../src/core/blueprint/schema.ts'
import { simulateRegister } from '../../src/core/blueprint/simulated-register.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import { readStory } from '../../src/sandbox/scenario.ts'

const story = readStory(import.meta.dirname)
const memberIds = Object.fromEntries(story.members.map(({ id }) => [id, digest(`member ${id}`)]))
const template = parseBlueprint(story.blueprint)
const fixed = template.roles.filter((role) => role.fixed === true).map(({ id }) => [id, memberIds[id]!])
const blueprint = fixRoles(template, Object.fromEntries(fixed))
const register = simulateRegister(blueprint, Object.values(memberIds))

test('the blueprint has no errors, and nothing that its approvers would be warned of', () => {
  assert.deepEqual(checkBlueprint(blueprint), { errors: [], warnings: [] })
})

test('it has the size of a real process and uses what a blueprint can', () => {
  const { steps, review, persons = [] } = blueprint
  const fields = steps.reduce((sum, { schema }) => sum + compileSchema(schema).fields.length, 0)
  assert.ok(steps.length >= 12 && fields >= 40, `${steps.length} steps, ${fields} fields`)
  const having = (part: keyof (typeof steps)[number]) => steps.filter((step) => step[part] !== undefined).length
  for (const part of ['join', 'deadline', 'lapse', 'extend', 'confirm', 'dispute', 'bind', 'withdrawal'] as const) {
    assert.ok(having(part) > 0, part)
  }
  assert.deepEqual(new Set(steps.flatMap(({ join }) => (join ? [join.mode] : []))), new Set(['all', 'any']))
  assert.deepEqual(review?.of, ['decide'])
  assert.ok(persons.some(({ id }) => id === 'child'))
})

for (const scenario of story.scenarios) {
  test(`${scenario.name}: path, values, who saw what, and no recipient that finds a contradiction`, () => {
    const { differences, simulation } = playScenario(register, scenario, memberIds)
    assert.deepEqual(differences, [])
    const members = story.members.map(({ id }) => id)
    assert.deepEqual(seenByAll(simulation, scenario, members), scenario.expected.seen)
  })
}

test('the parking team learns the number of a badge and until when it holds, and nothing of a refusal', () => {
  for (const { name, expected } of story.scenarios) {
    const issued = expected.values['/issue/result'] === 'badge'
    assert.deepEqual(expected.seen.parking, issued ? ['issue:/badge/expires', 'issue:/badge/number'] : [], name)
  }
})

test('the register of badges is asked for yes or no and answers nothing else', () => {
  const answer = blueprint.steps.find(({ id }) => id === 'check-duplicate')!
  assert.deepEqual(
    compileSchema(answer.schema).fields.map(({ pointer }) => pointer),
    ['/holdsBadge'],
  )
})

test('a grant and a refusal leave the decision by the same step, so the register does not tell them apart', () => {
  const next = (name: string) => {
    const { simulation } = playScenario(register, scenarioNamed(name), memberIds)
    return simulation.events.findLast(({ act }) => act.step === 'decide')?.opened
  }
  assert.deepEqual(next('automatic'), next('second-badge'))
})

test('what is about a child is a group of its own', () => {
  const child = groupsOf(blueprint, 'apply').filter(({ subject }) => subject === 'child')
  assert.ok(child.flatMap(({ fields }) => fields).includes('/child/dateOfBirth'))
})

function scenarioNamed(name: string): Scenario {
  const scenario = story.scenarios.find((candidate) => candidate.name === name)
  assert(scenario)
  return scenario
}
