import type { ActionReceipt } from '../api/cases.ts'
import type { Client } from '../client/client.ts'
import { getStep } from '../core/blueprint/blueprint.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import type { Network } from './network.ts'
import { type Scenario, type ScenarioStep, timesOf, withMemberIds } from './scenario.ts'
import type { StoryClock } from './story-clock.ts'

/** Receipts carry proofs, so what a story's teller shows is what its member verified. */
export interface PlayedStep {
  scenario: Scenario
  step: ScenarioStep
  receipt: ActionReceipt
}

const POLL_MS = 10
const PATIENCE_MS = 30_000

/**
 * Plays scenarios over the network as their members' clients would, all at once, in the order of their times.
 * Yields each step when it is committed. `run` sets this telling apart from others on the same register.
 */
export async function* playScenarios(
  network: Network,
  scenarios: readonly Scenario[],
  { clock, run }: { clock: StoryClock; run: string },
): AsyncGenerator<PlayedStep> {
  const cases = new Map<Scenario, string>()
  const steps = scenarios.flatMap((scenario) => {
    const times = timesOf(scenario)
    return scenario.steps.map((step, i) => ({ scenario, step, place: i, time: times[i]! }))
  })
  steps.sort((a, b) => a.time - b.time)
  for (const { scenario, step, place, time } of steps) {
    clock.advanceTo(time)
    const receipt = await playStep(network, scenario, step, {
      clock,
      caseId: cases.get(scenario),
      idempotencyKey: `${run}-${scenario.name}-${place}`,
    })
    cases.set(scenario, receipt.case)
    yield { scenario, step, receipt }
  }
}

export async function playStep(
  network: Network,
  scenario: Scenario,
  { step, by, data }: ScenarioStep,
  { clock, caseId, idempotencyKey }: { clock: Clock; caseId: string | undefined; idempotencyKey: string },
): Promise<ActionReceipt> {
  const client = clientOf(network, scenario, by)
  const filled = withMemberIds(data, network.memberIds) as JsonObject
  if (caseId === undefined) {
    return client.startCase({ blueprint: network.blueprint, role: by, data: filled, idempotencyKey })
  }
  if (getStep(network.document, step).withdrawal !== true) await waitUntilReady(client, { caseId, step }, clock)
  return client.submitAction({ case: caseId, step, data: filled, idempotencyKey })
}

function clientOf(network: Network, scenario: Scenario, role: string): Client {
  const client = network.clients.get(scenario.members[role] ?? '')
  if (client === undefined) throw new TypeError(`no member of the network plays ${role}`)
  return client
}

/** Until the step waits for this member with everything that it is owed. A withdrawal waits for nobody. */
export async function waitUntilReady(
  client: Client,
  { caseId, step }: { caseId: string; step: string },
  clock: Clock,
): Promise<void> {
  await waitFor(clock, async () => {
    const items = await client.listInbox(1_000)
    return items.some((item) => item.case === caseId && item.step === step && item.ready)
  })
}

export async function waitFor(clock: Clock, condition: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    if (await condition()) return
    await clock.wait(POLL_MS)
  }
  throw new Error('what was waited for did not come about')
}
