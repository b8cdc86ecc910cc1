import { join } from 'node:path'
import { advance } from '../../core/blueprint/advance.ts'
import { parseBlueprint } from '../../core/blueprint/blueprint.ts'
import { fixRoles } from '../../core/blueprint/fix-roles.ts'
import { evaluate } from '../../core/blueprint/rules/json-logic.ts'
import { actOf, startScenario } from '../../core/blueprint/simulate/play-scenario.ts'
import { timesOf } from '../../core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../../core/blueprint/simulate/simulated-register.ts'
import { ruleData } from '../../core/blueprint/view.ts'
import { digest } from '../../core/crypto/hash.ts'
import { readStory } from '../scenario.ts'
import { rateOf } from './measure.ts'

const STORY = join(import.meta.dirname, '..', '..', '..', 'examples', 'travel-card')
const STEP = 'decide'

/** `advance` and rules alone, a second on one core: the decision of the travel card, with its calculations and routes. */
export function benchRules(durationMs: number) {
  const story = readStory(STORY)
  const memberIds = Object.fromEntries(story.members.map(({ id }) => [id, digest(`member ${id}`)]))
  const template = parseBlueprint(story.blueprint)
  const scenario = story.scenarios[0]!
  const fixed = template.roles.filter((role) => role.fixed === true)
  const blueprint = fixRoles(
    template,
    Object.fromEntries(fixed.map(({ id }) => [id, memberIds[scenario.members[id]!]!])),
  )
  const times = timesOf(scenario)
  const place = scenario.steps.findIndex(({ step }) => step === STEP)
  let simulation = startScenario(simulateRegister(blueprint, Object.values(memberIds)), scenario, memberIds)
  for (const [i, step] of scenario.steps.slice(0, place).entries()) {
    simulation = simulation.enter(actOf(step, memberIds), times[i]!)
  }
  const act = actOf(scenario.steps[place]!, memberIds)
  if (act.kind !== 'action') throw new TypeError('a decision is an action')
  const view = simulation.viewFor(STEP)
  const action = { step: STEP, role: act.by, data: act.data }
  const asOf = times[place]!
  const { data } = advance(blueprint, view, action, asOf)
  const { calculations = [] } = blueprint.steps.find(({ id }) => id === STEP)!
  const read = ruleData(view, STEP, data, asOf)
  return {
    advancePerSecond: rateOf(durationMs, () => advance(blueprint, view, action, asOf)),
    rulesPerSecond:
      calculations.length *
      rateOf(durationMs, () => {
        for (const { rule } of calculations) evaluate(rule, read)
      }),
  }
}
