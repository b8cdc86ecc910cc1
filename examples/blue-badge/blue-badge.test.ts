import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlueprint } from '../../src/core/blueprint/check/check-blueprint.ts'
import { fixRoles } from '../../src/core/blueprint/fix-roles.ts'
import { groupsOf } from '../../src/core/blueprint/groups.ts'
import { parseBlueprint } from '../../src/core/blueprint/parse-blueprint.ts'
import { setAt } from '../../src/core/blueprint/pointer.ts'
import { compileSchema } from '../../src/core/blueprint/schema.ts'
import { Coverage, describeGoal } from '../../src/core/blueprint/simulate/coverage.ts'
import { explore } from '../../src/core/blueprint/simulate/explore.ts'
import { actOf, playScenario, seenByAll, startScenario } from '../../src/core/blueprint/simulate/play-scenario.ts'
import { pathOf, type Scenario, timesOf } from '../../src/core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../../src/core/blueprint/simulate/simulated-register.ts'
import type { Simulation } from '../../src/core/blueprint/simulate/simulation.ts'
import { skeletonOf } from '../../src/core/blueprint/skeleton.ts'
import type { JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import type { ErrorCode } from '../../src/core/error.ts'
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
  assert(steps.length >= 12 && fields >= 40, `${steps.length} steps, ${fields} fields`)
  const parts = ['join', 'deadline', 'lapse', 'extend', 'confirm', 'dispute', 'bind', 'withdrawal', 'decision'] as const
  for (const part of parts) assert(steps.some((step) => step[part] !== undefined) && part, part)
  assert.deepEqual(new Set(steps.flatMap(({ join }) => join?.mode ?? [])), new Set(['all', 'any']))
  assert.equal(review?.decide, 'decide-review')
  assert.deepEqual(
    persons.map(({ id }) => id),
    ['child', 'holder', 'professional'],
  )
})

test('exploring comes to all that can happen, and nothing gets stuck or is disputed at once', () => {
  const startsAt = Date.parse('2026-11-02T09:05:00Z') / 1000
  const { coverage, stuck, contradictions } = explore(blueprint, startsAt, { depth: 14, states: 800 })
  const missing = coverage.flatMap(({ goal, path }) => (path === null ? [goal] : []))
  assert.deepEqual([missing, stuck, contradictions], [[], [], []])
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

test('the scenarios come to every step and every route, and to all else but six ways', () => {
  const coverage = new Coverage(blueprint)
  for (const scenario of story.scenarios) coverage.addCase(play(scenario).simulation)
  const { goals, missing } = coverage
  for (const kind of ['step', 'route', 'extend', 'confirm'] as const) {
    assert(goals.some((covered) => covered.goal.kind === kind))
    assert(!missing.some((goal) => goal.kind === kind), kind)
  }
  assert.deepEqual(
    missing.map((goal) => describeGoal(blueprint, goal)),
    [
      'dispute:check-award rejected',
      'dispute:check-duplicate upheld',
      'dispute:check-duplicate rejected',
      'lapse:more-evidence',
      'lapse:assess',
      'dispute:assess upheld',
    ],
  )
})

test('the parking team sees the number of a badge and its last day, and of a refusal nothing', () => {
  const granted = ['automatic', 'assessed', 'overturned', 'sent-back', 'child', 'dispute-upheld', 'dispute-rejected']
  for (const scenario of story.scenarios) {
    const fields = granted.includes(scenario.name) ? ['issue:/badge/expires', 'issue:/badge/number'] : []
    assert.deepEqual(play(scenario).simulation.seenBy('parking'), fields, scenario.name)
  }
  const disclosed = blueprint.steps.flatMap(({ disclosures = [] }) => disclosures.filter(({ to }) => to === 'parking'))
  assert.deepEqual(
    disclosed.map(({ fields }) => fields),
    [['/badge/number', '/badge/expires']],
  )
})

test('the register of badges is asked for yes or no and has no field for anything else', () => {
  const { schema } = blueprint.steps.find(({ id }) => id === 'check-duplicate')!
  assert.deepEqual(
    compileSchema(schema).fields.map(({ pointer }) => pointer),
    ['/holdsBadge'],
  )
})

test('the National Insurance number is for the agency alone', () => {
  const field = '/applicant/nationalInsuranceNumber'
  const group = groupsOf(blueprint, 'apply').find(({ fields }) => fields.includes(field))
  assert.deepEqual(
    group?.audience.map(([role]) => role),
    ['agency'],
  )
})

test('the council never sees what somebody says about their health, the papers, or what the assessor found', () => {
  for (const name of ['assessed', 'overturned', 'child', 'dispute-rejected']) {
    const seen = play(scenarioNamed(name)).simulation.seenBy('council')
    for (const field of ['apply:/mobility/description', 'send-evidence:/document/digest', 'assess:/explanation']) {
      assert(!seen.includes(field), `${name}: ${field}`)
    }
    assert(seen.includes('assess:/eligible'), name)
  }
})

test('of a child the register of badges and the assessor learn who it is, of the mother nothing but how to reach her', () => {
  const { simulation } = play(scenarioNamed('child'))
  for (const role of ['badge-register', 'assessor']) {
    const seen = simulation.seenBy(role)
    assert(seen.includes('check-application:/holder/dateOfBirth'))
    assert(!seen.some((field) => /^apply:\/(applicant|address|child)\//.test(field)), role)
  }
  assert.deepEqual(
    new Set(simulation.seenBy('badge-register').map((field) => field.split(':')[0])),
    new Set(['check-application']),
  )
  const child = groupsOf(blueprint, 'apply').filter(({ subject }) => subject === 'child')
  assert(child.flatMap(({ fields }) => fields).includes('/child/dateOfBirth'))
})

test('a grant and a refusal have the same path, so the register does not tell them apart, on review neither', () => {
  const records = (name: string) => {
    const { row } = play(scenarioNamed(name)).simulation
    return row!.records.map(({ step, as, next, bind }) => ({ step, as, next, bound: Object.keys(bind) }))
  }
  const sorted = (list: ReturnType<typeof records>) => list.toSorted((a, b) => (a.step < b.step ? -1 : 1))
  // The two answers come in either order.
  assert.deepEqual(sorted(records('automatic')), sorted(records('second-badge').slice(0, 6)))
  assert.deepEqual(records('overturned').slice(-3), records('second-badge').slice(-3))
})

test('an answer that is void takes the decision that rested on it with it', () => {
  const { simulation } = play(scenarioNamed('dispute-upheld'))
  const isVoid = (step: string) => {
    return simulation.events.flatMap(({ act, id }) => {
      if (act.kind !== 'action' || act.step !== step) return []
      return [simulation.row!.records.find((record) => record.id === id)!.void !== null]
    })
  }
  assert.deepEqual(isVoid('check-award'), [true, false])
  assert.deepEqual(isVoid('decide'), [true, false])
  assert.deepEqual(isVoid('check-duplicate'), [false])
})

const lastMoments: { title: string; scenario: string; entry: string; at: string }[] = [
  {
    title: 'ten working days over the change of the clocks end at midnight in winter time',
    scenario: 'dispute-rejected',
    entry: 'lapse:check-award',
    at: '2026-10-31T00:00:00Z',
  },
  {
    title: "five working days over a weekend and St Andrew's Day",
    scenario: 'lapsed',
    entry: 'lapse:check-duplicate',
    at: '2026-12-02T00:00:00Z',
  },
  {
    title: '28 days over Christmas count every day',
    scenario: 'lapsed',
    entry: 'lapse:send-evidence',
    at: '2026-12-31T00:00:00Z',
  },
  {
    title: 'five working days to countersign',
    scenario: 'overturned',
    entry: 'lapse:assess',
    at: '2026-11-27T00:00:00Z',
  },
]

for (const { title, scenario: name, entry, at } of lastMoments) {
  test(`deadline: ${title}`, () => {
    const scenario = scenarioNamed(name)
    const before = playUntil(scenario, entry)
    const act = actOf(scenario.steps.find((step) => pathOf(step) === entry)!, memberIds)
    const time = Date.parse(at) / 1000
    assert.throws(() => before.enter(act, time), { code: 'LAPSE_TOO_EARLY' })
    before.enter(act, time + 1)
  })
}

test("St Andrew's Day gives the council a day more to countersign", () => {
  const before = playUntil(scenarioNamed('assessed'), 'confirm:assess', 2)
  const lapse = { kind: 'lapse', step: 'assess', by: 'council', of: 'confirm' } as const
  const lastDay = Date.parse('2026-12-04T00:00:00Z') / 1000
  assert.throws(() => before.enter(lapse, lastDay), { code: 'LAPSE_TOO_EARLY' })
  assert.deepEqual(before.enter(lapse, lastDay + 1).open, ['decide'])
})

const refusals: { title: string; scenario: string; step: string; field: string; value: JsonValue; code: ErrorCode }[] =
  [
    {
      title: 'an answer that says how many points the award has',
      scenario: 'automatic',
      step: 'check-award',
      field: '/points',
      value: 12,
      code: 'FIELD_INVALID',
    },
    {
      title: 'an answer that qualifies under no code',
      scenario: 'automatic',
      step: 'check-award',
      field: '/code',
      value: 'NONE',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'an answer that says which council issued the other badge',
      scenario: 'second-badge',
      step: 'check-duplicate',
      field: '/council',
      value: 'Aberluthie',
      code: 'FIELD_INVALID',
    },
    {
      title: 'a refusal as not entitled that no assessor has looked at',
      scenario: 'second-badge',
      step: 'decide',
      field: '/ground',
      value: 'not-entitled',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a refusal as not resident of somebody whom the records show',
      scenario: 'second-badge',
      step: 'decide',
      field: '/ground',
      value: 'not-resident',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a refusal without its reason',
      scenario: 'second-badge',
      step: 'decide',
      field: '/reason',
      value: ' ',
      code: 'FIELD_INVALID',
    },
    {
      title: 'the council as its own assessor',
      scenario: 'assessed',
      step: 'arrange-assessment',
      field: '/assessor',
      value: memberIds.council!,
      code: 'BIND_MEMBERS_NOT_DISTINCT',
    },
    {
      title: 'a badge that lasts longer than decided',
      scenario: 'child',
      step: 'issue',
      field: '/badge/expires',
      value: '2029-12-18',
      code: 'ROUTE_NOT_FOUND',
    },
    {
      title: 'a badge for somebody who was refused',
      scenario: 'lapsed',
      step: 'issue',
      field: '/badge/number',
      value: '6AB3CD',
      code: 'ROUTE_NOT_FOUND',
    },
  ]

for (const { title, scenario, step, field, value, code } of refusals) {
  test(`refused: ${title}`, () => {
    const changed = scenarioNamed(scenario)
    const place = changed.steps.findIndex((entry) => entry.kind === 'action' && entry.step === step)
    const act = actOf(changed.steps[place]!, memberIds)
    assert(act.kind === 'action')
    const before = playUntil(changed, step)
    const altered = { ...act, data: setAt(act.data, field, value) }
    assert.throws(() => before.enter(altered, timesOf(changed)[place]!), { code })
  })
}

test('refused: a grant while a badge of another council is valid', () => {
  const scenario = scenarioNamed('automatic')
  const [duplicate, , decide] = scenario.steps.slice(2).map((step) => actOf(step, memberIds))
  assert(duplicate?.kind === 'action' && decide?.kind === 'action')
  const times = timesOf(scenario)
  const answered = playUntil(scenario, 'check-duplicate')
    .enter({ ...duplicate, data: { holdsBadge: true } }, times[2]!)
    .enter(actOf(scenario.steps[3]!, memberIds), times[3]!)
  assert.throws(() => answered.enter(decide, times[4]!), { code: 'ROUTE_NOT_FOUND' })
  const returned = { ...decide, data: { ...decide.data, otherBadgeReturned: true } }
  assert.deepEqual(answered.enter(returned, times[4]!).open, ['issue'])
})

function scenarioNamed(name: string): Scenario {
  const scenario = story.scenarios.find((candidate) => candidate.name === name)
  assert(scenario)
  return scenario
}

function play(scenario: Scenario) {
  return playScenario(register, scenario, memberIds)
}

/** The case before its first, or later, entry of this name. */
function playUntil(scenario: Scenario, entry: string, time = 1): Simulation {
  const times = timesOf(scenario)
  const places = scenario.steps.flatMap((step, place) => (pathOf(step) === entry ? [place] : []))
  const until = places[time - 1]
  assert(until !== undefined, entry)
  return scenario.steps.slice(0, until).reduce(
    (simulation, step, place) => {
      return simulation.enter(actOf(step, memberIds), times[place]!)
    },
    startScenario(register, scenario, memberIds),
  )
}
