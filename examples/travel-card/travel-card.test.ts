import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlueprint } from '../../src/core/blueprint/check/check-blueprint.ts'
import { fixRoles } from '../../src/core/blueprint/fix-roles.ts'
import { groupsOf } from '../../src/core/blueprint/groups.ts'
import { parseBlueprint } from '../../src/core/blueprint/parse-blueprint.ts'
import { setAt } from '../../src/core/blueprint/pointer.ts'
import { describeGoal } from '../../src/core/blueprint/simulate/coverage.ts'
import { explore } from '../../src/core/blueprint/simulate/explore.ts'
import { actOf, playScenario, seenByAll, startScenario } from '../../src/core/blueprint/simulate/play-scenario.ts'
import { type Scenario, timesOf } from '../../src/core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../../src/core/blueprint/simulate/simulated-register.ts'
import type { Simulation } from '../../src/core/blueprint/simulate/simulation.ts'
import { skeletonOf } from '../../src/core/blueprint/skeleton.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { readStory } from '../../src/sandbox/scenario.ts'

const story = readStory(import.meta.dirname)
const memberIds = Object.fromEntries(story.members.map(({ id }) => [id, digest(`member ${id}`)]))
const fixed = ['council', 'agency', 'transport'].map((id) => [id, memberIds[id]!])
const blueprint = fixRoles(parseBlueprint(story.blueprint), Object.fromEntries(fixed))
const register = simulateRegister(blueprint, Object.values(memberIds))

test('the blueprint has no errors, and nothing that its approvers would be warned of', () => {
  assert.deepEqual(checkBlueprint(blueprint), { errors: [], warnings: [] })
})

test('the skeleton that goes on the register names steps by number and tells no field', () => {
  const skeleton = skeletonOf(blueprint)
  assert.deepEqual(
    skeleton.steps.map(({ id }) => id),
    blueprint.steps.map((_, place) => `s${place + 1}`),
  )
  const fields = blueprint.steps.flatMap(({ id }) => groupsOf(blueprint, id).flatMap((group) => group.fields))
  const text = JSON.stringify(skeleton)
  for (const field of fields) assert(!text.includes(field), field)
})

for (const scenario of story.scenarios) {
  test(`${scenario.name}: path, values, who saw what, and no recipient that finds a contradiction`, () => {
    const { differences, simulation } = play(scenario)
    assert.deepEqual(differences, [])
    const members = story.members.map(({ id }) => id)
    assert.deepEqual(seenByAll(simulation, scenario, members), scenario.expected.seen)
  })
}

test('exploring comes to all that can happen, and nothing gets stuck or is disputed at once', () => {
  const startsAt = Date.parse('2026-11-02T09:05:00Z') / 1000
  const { coverage, stuck, contradictions } = explore(blueprint, startsAt, { depth: 12, states: 600 })
  const missing = coverage.filter(({ path }) => path === null).map(({ goal }) => describeGoal(blueprint, goal))
  // Of other members only Transport Scotland is shown a decision, and it cannot decide its own dispute.
  assert.deepEqual([missing, stuck, contradictions], [['dispute:decide rejected'], [], []])
})

test('a grant and a refusal have the same path, bindings and groups, so the register does not tell them apart', () => {
  const [granted, refused] = ['granted', 'refused'].map((name) => {
    return recordsOf(play(scenarioNamed(name)).simulation).map(({ step, as, next, bind }) => {
      return { step, as, next, bound: Object.keys(bind) }
    })
  })
  assert.deepEqual(granted, refused)
})

test('the National Insurance number is for the agency alone', () => {
  const group = groupsOf(blueprint, 'apply').find(({ fields }) => fields.includes('/claim/nationalInsuranceNumber'))
  assert.deepEqual(
    group?.audience.map(([role]) => role),
    ['agency'],
  )
  assert.deepEqual(group?.fields, ['/claim/nationalInsuranceNumber'])
})

test('Transport Scotland checks that the card follows from the answers, without knowing whose card it is', () => {
  const { simulation } = play(scenarioNamed('granted'))
  const verdicts = (step: string) => {
    const { findings } = simulation.recheck('transport', recordAt(simulation, step))
    return Object.fromEntries(findings.map(({ check, field, verdict }) => [field ?? check, verdict]))
  }
  const decide = verdicts('decide')
  assert.equal(decide.route, 'agrees')
  assert.equal(decide['/companion'], 'agrees')
  assert.equal(decide['/validUntil'], 'agrees')
  assert.equal(decide['/age'], 'not checkable')
  assert.equal(verdicts('order')['/card/expires'], 'agrees')
  assert.equal(simulation.recheck('transport', recordAt(simulation, 'report')).verdict, 'agrees')
})

test('a grant that does not follow from the answers contradicts for Transport Scotland', () => {
  const { simulation } = play(scenarioNamed('granted'))
  const answer = setAt(simulation.values['confirm-award']!, '/qualifies', false)
  const forged = simulation.forge(recordAt(simulation, 'confirm-award'), answer)
  const { findings } = forged.recheck('transport', recordAt(forged, 'decide'))
  assert(findings.some(({ check, verdict }) => check === 'route' && verdict === 'contradicts'))
})

const refusals: { title: string; scenario: string; step: string; field: string; value: JsonValue; code: ErrorCode }[] =
  [
    {
      title: 'an application without the authorisation',
      scenario: 'granted',
      step: 'apply',
      field: '/claim/enquiryAuthorised',
      value: false,
      code: 'FIELD_INVALID',
    },
    {
      title: 'an answer that says how much the award pays',
      scenario: 'granted',
      step: 'confirm-award',
      field: '/weeklyAmount',
      value: '110.40',
      code: 'FIELD_INVALID',
    },
    {
      title: 'an answer that qualifies under no code',
      scenario: 'granted',
      step: 'confirm-award',
      field: '/routeCode',
      value: 'NONE',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a grant without a qualifying award',
      scenario: 'refused',
      step: 'decide',
      field: '/outcome',
      value: 'granted',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a grant without proof of a new address',
      scenario: 'a-day-before-the-boundary',
      step: 'decide',
      field: '/addressProofSeen',
      value: false,
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a refusal without its reason',
      scenario: 'refused',
      step: 'decide',
      field: '/reason',
      value: ' ',
      code: 'FIELD_INVALID',
    },
    {
      title: 'a fee that is not the calculated one',
      scenario: 'at-the-boundary',
      step: 'decide',
      field: '/fee',
      value: 6.63,
      code: 'CALCULATION_DIFFERS',
    },
    {
      title: 'an order that names somebody who was refused',
      scenario: 'refused',
      step: 'order',
      field: '/card/name',
      value: 'CALUM RENNIE',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a photograph other than the one applied with',
      scenario: 'granted',
      step: 'order',
      field: '/card/photo',
      value: digest('another photograph'),
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'the council as its own card bureau',
      scenario: 'granted',
      step: 'order',
      field: '/bureau',
      value: memberIds.council!,
      code: 'BIND_MEMBERS_NOT_DISTINCT',
    },
    {
      title: 'a card made for a refusal',
      scenario: 'refused',
      step: 'produce',
      field: '/result',
      value: 'posted',
      code: 'ROUTE_NOT_FOUND',
    },
  ]

for (const { title, scenario, step, field, value, code } of refusals) {
  test(`refused: ${title}`, () => {
    assert.throws(() => playUntil(scenarioNamed(scenario), step, (data) => setAt(data, field, value)), { code })
  })
}

function scenarioNamed(name: string): Scenario {
  const scenario = story.scenarios.find((candidate) => candidate.name === name)
  assert(scenario)
  return scenario
}

function play(scenario: Scenario) {
  return playScenario(register, scenario, memberIds)
}

/** Plays up to the first action at a step, with its data altered. */
function playUntil(scenario: Scenario, until: string, alter: (data: JsonObject) => JsonObject): void {
  const times = timesOf(scenario)
  let simulation = startScenario(register, scenario, memberIds)
  for (const [i, step] of scenario.steps.entries()) {
    const entered = actOf(step, memberIds)
    const altered = step.step === until && entered.kind === 'action'
    simulation = simulation.enter(altered ? { ...entered, data: alter(entered.data) } : entered, times[i]!)
    if (step.step === until) break
  }
}

function recordsOf({ row }: Simulation): NonNullable<Simulation['row']>['records'] {
  assert(row !== null)
  return row.records
}

/** The id of the first record of a step. */
function recordAt(simulation: Simulation, step: string): string {
  const event = simulation.events.find(({ act }) => act.kind === 'action' && act.step === step)
  assert(event !== undefined)
  return event.id
}
