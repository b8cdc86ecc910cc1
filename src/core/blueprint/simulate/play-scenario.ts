import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { ConcordatError, type ErrorDetail } from '../../error.ts'
import { pathOf, type Scenario, type ScenarioStep, timesOf, withMemberIds } from './scenario.ts'
import type { SimulatedAct } from './simulated-entry.ts'
import type { SimulatedRegister } from './simulated-register.ts'
import { Simulation } from './simulation.ts'

/** What is not as a scenario says; `at` is a place in its file (RFC 6901). */
interface Difference {
  at: string
  expected: JsonValue
  got: JsonValue
}

export interface PlayedScenario {
  scenario: Scenario
  /** As far as it came. */
  simulation: Simulation
  /** Of the step that was refused, where one was; nothing after it was played. */
  refusal: { step: number; detail: ErrorDetail } | null
  /** None if all is as expected: paths, values, what everyone saw, and no recipient that found a contradiction. */
  differences: Difference[]
}

/**
 * Plays a scenario with all participants and holds it against what it expects. `memberIds`: the register's id of each member of
 * the story, those of the register's fixed roles included.
 */
export function playScenario(
  register: SimulatedRegister,
  scenario: Scenario,
  memberIds: Readonly<Record<string, string>>,
): PlayedScenario {
  const times = timesOf(scenario)
  let simulation = startScenario(register, scenario, memberIds)
  const differences: Difference[] = []
  for (const [place, step] of scenario.steps.entries()) {
    try {
      simulation = simulation.enter(actOf(step, memberIds), times[place]!)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      differences.push({ at: `/steps/${place}`, expected: pathOf(step), got: error.code })
      return { scenario, simulation, refusal: { step: place, detail: error.detail }, differences }
    }
    differences.push(...stepDifferences(simulation, step, place))
  }
  differences.push(...endDifferences(simulation, scenario))
  return { scenario, simulation, refusal: null, differences }
}

/** A scenario's case before its first step. */
export function startScenario(
  register: SimulatedRegister,
  scenario: Scenario,
  memberIds: Readonly<Record<string, string>>,
): Simulation {
  const players = Object.entries(scenario.members).map(([role, member]) => {
    return [role, withMemberIds({ $member: member }, memberIds) as string]
  })
  return Simulation.start(register, Object.fromEntries(players))
}

/** What a scenario's step enters. */
export function actOf(step: ScenarioStep, memberIds: Readonly<Record<string, string>>): SimulatedAct {
  if (step.kind !== 'action') return step
  return { ...step, data: withMemberIds(step.data, memberIds) as JsonObject }
}

/** What each role was shown, and each member of the story that plays none. */
export function seenByAll(simulation: Simulation, scenario: Scenario, storyMembers: readonly string[]): JsonObject {
  const playing = Object.values(scenario.members)
  return Object.fromEntries([
    ...simulation.blueprint.roles.map(({ id }) => [id, simulation.seenBy(id)]),
    ...storyMembers.filter((id) => !playing.includes(id)).map((id) => [id, []]),
  ])
}

function stepDifferences(simulation: Simulation, step: ScenarioStep, place: number): Difference[] {
  const event = simulation.events.at(-1)!
  const at = `/steps/${place}`
  const differences: Difference[] = []
  if (step.kind === 'dispute') compareSets(differences, `${at}/expect/waits`, step.expect.waits, event.waits)
  else if (step.kind !== 'extend') compareSets(differences, `${at}/expect/next`, step.expect.next, event.opened)
  if (step.kind === 'action') compare(differences, `${at}/expect/calculated`, step.expect.calculated, event.calculated)
  for (const { role, step: of, finding } of event.findings) {
    if (finding.verdict !== 'contradicts') continue
    const { check, field } = finding
    const got = `${role} finds that ${check}${field === undefined ? '' : ` ${field}`} of ${of} contradicts the rules`
    differences.push({ at, expected: 'no contradiction', got })
  }
  return differences
}

function endDifferences(simulation: Simulation, { expected }: Scenario): Difference[] {
  const differences: Difference[] = []
  compare(differences, '/expected/ended', expected.ended, simulation.ended)
  for (const [path, value] of Object.entries(expected.values)) {
    const at = `/expected/values/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`
    compare(differences, at, value, simulation.valueAt(path) ?? null)
  }
  const roles = simulation.blueprint.roles.map(({ id }) => id)
  for (const who of new Set([...roles, ...Object.keys(expected.seen)])) {
    const seen = roles.includes(who) ? simulation.seenBy(who) : []
    compareSets(differences, `/expected/seen/${who}`, expected.seen[who] ?? [], seen)
  }
  return differences
}

function compareSets(differences: Difference[], at: string, expected: readonly string[], got: readonly string[]): void {
  compare(differences, at, expected.toSorted(), got.toSorted())
}

function compare(differences: Difference[], at: string, expected: JsonValue, got: JsonValue): void {
  if (canonicalize(expected) !== canonicalize(got)) differences.push({ at, expected, got })
}
