import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprint } from '../../src/core/blueprint/blueprint.ts'
import { checkBlueprint } from '../../src/core/blueprint/check-blueprint.ts'
import { fixRoles } from '../../src/core/blueprint/fix-roles.ts'
import { groupsOf } from '../../src/core/blueprint/groups.ts'
import { getAt, setAt } from '../../src/core/blueprint/pointer.ts'
import { skeletonOf } from '../../src/core/blueprint/skeleton.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { readStory, type Scenario, timesOf, withMemberIds } from '../../src/sandbox/scenario.ts'
import { act, type Case, fieldsShown, playScenario, recheckAs, startCase, valueAt } from '../play.ts'

const story = readStory(import.meta.dirname)
const memberIds = Object.fromEntries(story.members.map(({ id }) => [id, digest(`member ${id}`)]))
const fixed = ['council', 'agency', 'transport'].map((id) => [id, memberIds[id]!])
const blueprint = fixRoles(parseBlueprint(story.blueprint), Object.fromEntries(fixed))

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
  test(`${scenario.name}: path, values, and who saw what`, () => {
    const played = playScenario(blueprint, scenario, memberIds)
    for (const [i, { expect }] of scenario.steps.entries()) {
      const record = played.records[i]!
      assert.deepEqual(record.next, expect.next, `what ${record.step} opens`)
      const calculated = Object.keys(expect.calculated).map((field) => [field, getAt(record.data, field)])
      assert.deepEqual(Object.fromEntries(calculated), expect.calculated, `what ${record.step} calculates`)
    }
    assert.equal(played.openings.length === 0, scenario.expected.ended)
    const values = Object.keys(scenario.expected.values).map((path) => [path, valueAt(played, path)])
    assert.deepEqual(Object.fromEntries(values), scenario.expected.values)
    assert.deepEqual(whoSawWhat(scenario, played), scenario.expected.seen)
  })

  test(`${scenario.name}: no recipient that re-runs the rules finds a contradiction`, () => {
    const played = playScenario(blueprint, scenario, memberIds)
    for (const [index, record] of played.records.entries()) {
      for (const { id } of blueprint.roles.filter((role) => role.id !== record.role)) {
        const { findings } = recheckAs(blueprint, played, id, index)
        const contradictions = findings.filter(({ verdict }) => verdict === 'contradicts')
        assert.deepEqual(contradictions, [], `${id} on ${record.step}`)
      }
    }
  })
}

test('a grant and a refusal have the same path, bindings and groups, so the register does not tell them apart', () => {
  const [granted, refused] = ['granted', 'refused'].map((name) => {
    return playScenario(blueprint, scenarioNamed(name), memberIds).records.map(({ step, role, next, bind }) => {
      return { step, role, next, bound: Object.keys(bind), groups: groupsOf(blueprint, step).length }
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
  const played = playScenario(blueprint, scenarioNamed('granted'), memberIds)
  const verdicts = (step: string) => {
    const { findings } = recheckAs(blueprint, played, 'transport', indexOf(played, step))
    return Object.fromEntries(findings.map(({ check, field, verdict }) => [field ?? check, verdict]))
  }
  const decide = verdicts('decide')
  assert.equal(decide.route, 'agrees')
  assert.equal(decide['/companion'], 'agrees')
  assert.equal(decide['/validUntil'], 'agrees')
  assert.equal(decide['/age'], 'not checkable')
  assert.equal(verdicts('order')['/card/expires'], 'agrees')
  assert.equal(recheckAs(blueprint, played, 'transport', indexOf(played, 'report')).verdict, 'agrees')
})

test('a grant that does not follow from the answers contradicts for Transport Scotland', () => {
  const played = playScenario(blueprint, scenarioNamed('granted'), memberIds)
  const forged = withField(played, 'confirm-award', '/qualifies', false)
  const { findings } = recheckAs(blueprint, forged, 'transport', indexOf(forged, 'decide'))
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

/** By role, and by member for those without one: a member is shown what the roles that it plays are shown. */
function whoSawWhat(scenario: Scenario, played: Case): Record<string, string[]> {
  const roles = blueprint.roles.map(({ id }) => id)
  const withoutRole = story.members.map(({ id }) => id).filter((id) => !Object.values(scenario.members).includes(id))
  return Object.fromEntries([
    ...roles.map((role) => [role, fieldsShown(blueprint, played, role)]),
    ...withoutRole.map((member) => [member, []]),
  ])
}

/** Plays up to the first action at a step, with its data altered. */
function playUntil(scenario: Scenario, until: string, alter: (data: JsonObject) => JsonObject): Case {
  const times = timesOf(scenario)
  let played = startCase(blueprint, scenario, memberIds)
  for (const [i, { step, by, data }] of scenario.steps.entries()) {
    const entered = withMemberIds(data, memberIds) as JsonObject
    played = act(blueprint, played, { step, role: by, data: step === until ? alter(entered) : entered }, times[i]!)
    if (step === until) break
  }
  return played
}

function withField(played: Case, step: string, field: string, value: JsonValue): Case {
  const records = played.records.map((record) => {
    return record.step === step ? { ...record, data: setAt(record.data, field, value) } : record
  })
  return { ...played, records }
}

function indexOf(played: Case, step: string): number {
  return played.records.findIndex((record) => record.step === step)
}
