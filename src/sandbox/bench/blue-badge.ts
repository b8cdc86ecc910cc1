import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ProcessMemory } from '../../client/checkpoint-memory.ts'
import { Client } from '../../client/client.ts'
import { Http } from '../../client/http.ts'
import { type Scenario, timesOf, withMemberIds } from '../../core/blueprint/simulate/scenario.ts'
import type { JsonObject } from '../../core/canonical-json.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { openMemberFolder } from '../member-node.ts'
import { type Network, openNetwork } from '../network.ts'
import { readStory } from '../scenario.ts'
import { StoryClock, systemClock } from '../story-clock.ts'
import { percentile, perSecond } from './measure.ts'
import { NodeProcesses } from './node-processes.ts'

const STORY = join(import.meta.dirname, '..', '..', '..', 'examples', 'blue-badge')
/** Two answers beside each other, a decision, a review: nine actions of five members, and none waits for a date. */
const SCENARIO = 'second-badge'
const POLL_MS = 100
const LISTED = 1_000

/**
 * Whole actions a second on a real process: cases of the Blue Badge played beside each other over seven nodes, each in a process of
 * its own. Every member acts as soon as its inbox says that its node has all it needs. Counted until the last recipient has
 * opened and re-checked what it was shown.
 */
export async function benchBlueBadge(options: { folder: string; durationMs: number; inFlight: number }) {
  const { folder, durationMs, inFlight } = options
  const story = readStory(STORY)
  const scenario = story.scenarios.find(({ name }) => name === SCENARIO)!
  const clock = new StoryClock(Math.max(...timesOf(scenario)))
  const network = await openNetwork({
    folder,
    openFolder: openMemberFolder,
    story,
    makeClock: () => clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    log: { info() {}, error() {} },
    onProgress() {},
  })
  await network.stop()
  const processes = await NodeProcesses.start(network, { folder, startsAt: clock.now() })
  const http = new Http({ timeoutMs: 60_000, allowInternal: true })
  const cases = new Cases(network, scenario, http)
  try {
    await cases.playMany({ run: 'warm', durationMs: durationMs / 4, inFlight })
    await processes.everythingDelivered(network.members.keys())
    const startMs = performance.now()
    const latenciesMs = await cases.playMany({ run: 'full', durationMs, inFlight })
    await processes.everythingDelivered(network.members.keys())
    return {
      processes: network.members.size,
      inFlight,
      actions: latenciesMs.length,
      wholePerSecond: perSecond(latenciesMs.length, startMs),
      casesPerSecond: perSecond(latenciesMs.length / scenario.steps.length, startMs),
      receiptP50Ms: percentile(latenciesMs, 0.5),
      receiptP99Ms: percentile(latenciesMs, 0.99),
    }
  } finally {
    cases.end()
    http.close()
    await processes.stop()
  }
}

/** What the members' clients do in cases of one scenario. */
class Cases {
  readonly #network: Network
  readonly #scenario: Scenario
  readonly #desks: ReadonlyMap<string, Desk>

  constructor(network: Network, scenario: Scenario, http: Http) {
    this.#network = network
    this.#scenario = scenario
    this.#desks = new Map([...network.members].map(([id, member]) => [id, new Desk(network.register, member, http)]))
  }

  /** So many beside each other, one after the other, until the time is over. Of each action: from the request to the verified receipt. */
  async playMany(options: { run: string; durationMs: number; inFlight: number }): Promise<number[]> {
    const { run, durationMs, inFlight } = options
    const endMs = performance.now() + durationMs
    const latenciesMs: number[] = []
    const player = async (_: unknown, name: number) => {
      for (let i = 0; performance.now() < endMs; i++) {
        for await (const latencyMs of this.#play(`bench-${run}-${name}-${i}`)) {
          latenciesMs.push(latencyMs)
          if (performance.now() >= endMs) break
        }
      }
    }
    await Promise.all(Array.from({ length: inFlight }, player))
    return latenciesMs
  }

  async *#play(run: string): AsyncGenerator<number> {
    const { blueprint, document, memberIds } = this.#network
    let caseId: string | undefined
    for (const [place, act] of this.#scenario.steps.entries()) {
      if (act.kind !== 'action') throw new TypeError('nothing but actions is measured')
      const { step, by } = act
      const desk = this.#desks.get(this.#scenario.members[by]!)!
      const data = withMemberIds(act.data, memberIds) as JsonObject
      const idempotencyKey = `${run}-${place}`
      const asks = document.review?.request.includes(step) === true
      if (caseId !== undefined && !asks) await desk.until(`${caseId} ${step}`)
      const startMs = performance.now()
      const receipt: { case: string } =
        caseId === undefined
          ? await desk.client.startCase({ blueprint, role: by, data, idempotencyKey })
          : await desk.client.submitAction({ case: caseId, step, data, idempotencyKey })
      yield performance.now() - startMs
      caseId = receipt.case
    }
  }

  end(): void {
    for (const desk of this.#desks.values()) desk.close()
  }
}

/** One member's client, which looks into its inbox as long as somebody waits for something to come in. */
class Desk {
  readonly client: Client
  readonly #waiting = new Map<string, () => void>()
  #failed: ((error: unknown) => void) | undefined
  #isLooking = false
  #isOpen = true

  constructor(register: string, { address, token }: { address: string; token: string }, http: Http) {
    this.client = new Client({ http, address, token, register, checks: nodeChecks, memory: new ProcessMemory() })
  }

  /** `<case> <step>` is in the inbox, with all that it needs. */
  async until(wanted: string): Promise<void> {
    const came = new Promise<void>((resolve, reject) => {
      this.#waiting.set(wanted, resolve)
      this.#failed = reject
    })
    if (!this.#isLooking) void this.#look()
    await came
  }

  close(): void {
    this.#isOpen = false
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    try {
      while (this.#isOpen && this.#waiting.size > 0) {
        for (const item of await this.client.listInbox(LISTED)) {
          const what = item.kind === 'act' && item.ready ? `${item.case} ${item.step}` : ''
          this.#waiting.get(what)?.()
          this.#waiting.delete(what)
        }
        await systemClock.wait(POLL_MS)
      }
    } catch (error) {
      this.#failed?.(error)
    } finally {
      this.#isLooking = false
    }
  }
}
