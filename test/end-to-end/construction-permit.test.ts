/** A process that others wrote, imported and run by five organisations over real HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixRoles } from '../../src/core/blueprint/fix-roles.ts'
import { playScenario } from '../../src/core/blueprint/simulate/play-scenario.ts'
import type { Scenario } from '../../src/core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../../src/core/blueprint/simulate/simulated-register.ts'
import type { JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import { findDifferences, readHoldings } from '../../src/sandbox/holdings.ts'
import { findUnexpected, type PlayedStep, playScenarios } from '../../src/sandbox/play.ts'
import type { Story } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { importPermit, PERMIT_SCENARIOS, readPermitScenario } from '../construction-permit.ts'
import { openTestNetwork, storyStart } from '../faults/open-network.ts'
import { sharedVectorsAbsent } from '../vectors/shared-vectors.ts'
import { checkNetwork } from '../whole-register.ts'

const STARTS_AT = '2026-11-02T09:00:00Z'

test('the construction permit over a network of five', { skip: sharedVectorsAbsent }, async (t) => {
  const story = permitStory()
  const clock = new StoryClock(storyStart(story) - 600)
  const { network, errors } = await openTestNetwork(t, story, { around: (folder) => folder, clock })
  const played = new Map<Scenario, PlayedStep[]>(story.scenarios.map((scenario) => [scenario, []]))
  for await (const step of playScenarios(network, story.scenarios, { clock, run: 'test' })) {
    played.get(step.scenario)!.push(step)
  }
  for (const [scenario, steps] of played) {
    await t.test(scenario.title, async () => {
      assert.deepEqual(findUnexpected(steps), [])
      const holdings = await readHoldings(network, { scenario, caseId: steps[0]!.case, clock })
      assert.deepEqual(findDifferences(scenario, holdings), [])
    })
  }
  await t.test('every node holds the same register, and an audit of each passes', async () => {
    await checkNetwork(network.members, network.register)
  })
  assert.deepEqual(errors, [])
})

/** What the vectors say of paths and values; what each step opens and who sees what is the simulator's word, checked below. */
function permitStory(): Story {
  const imported = importPermit()
  const roles = imported.blueprint.roles.map(({ id }) => id)
  const memberIds = Object.fromEntries(roles.map((id) => [id, digest(`member ${id}`)]))
  const register = simulateRegister(fixRoles(imported.blueprint, memberIds), [])
  const scenarios = PERMIT_SCENARIOS.map((file): Scenario => {
    const { name, actions, riskScore, permitFee, rejected, openAtEnd } = readPermitScenario(file, imported)
    const fee = permitFee === undefined ? {} : { '/building-control-inspection/permitFee': permitFee }
    const scenario: Scenario = {
      name: file,
      title: name,
      about: name,
      startsAt: STARTS_AT,
      members: Object.fromEntries(roles.map((role) => [role, role])),
      steps: actions.map(({ step, role, data }) => ({
        kind: 'action',
        step,
        by: role,
        actor: { kind: 'staff', name: 'Somebody', signIn: 'staff sign-in' },
        minutesLater: 10,
        data,
        corrects: false,
        expect: { next: [], calculated: {} },
      })),
      expected: {
        path: actions.map(({ step }) => step),
        ended: openAtEnd.length === 0,
        values: { '/structural-assessment/riskScore': riskScore, ...fee },
        seen: {},
      },
    }
    const { simulation, refusal } = playScenario(register, scenario, memberIds)
    assert.equal(refusal, null)
    assert.deepEqual(simulation.open, openAtEnd)
    assertDisclosesEarlier(simulation.seenBy('planning-officer'), rejected)
    const steps = scenario.steps.map((step, i) => {
      const { opened: next, calculated } = simulation.events[i]!
      return step.kind === 'action' ? { ...step, expect: { next, calculated } } : step
    })
    const seen = Object.fromEntries(roles.map((role) => [role, simulation.seenBy(role)]))
    return { ...scenario, steps, expected: { ...scenario.expected, seen } }
  })
  return {
    blueprint: imported.blueprint as unknown as JsonValue,
    members: roles.map((id) => ({ id, name: id, voting: true })),
    scenarios,
  }
}

/** The engineer's step discloses what the contractor supplied; only a case that goes on tells the officer the fee. */
function assertDisclosesEarlier(seen: readonly string[], rejected: boolean): void {
  assert.ok(seen.includes('submit-application:/projectName'))
  assert.ok(!seen.includes('submit-application:/storeys'))
  assert.equal(seen.includes('building-control-inspection:/permitFee'), !rejected)
}
