import { randomBytes } from 'node:crypto'
import { ProcessMemory } from '../../client/checkpoint-memory.ts'
import { Client } from '../../client/client.ts'
import { Http } from '../../client/http.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { openMemberFolder } from '../member-node.ts'
import { type Network, openNetwork } from '../network.ts'
import { systemClock } from '../story-clock.ts'
import { latenciesAtRate, percentile, perSecond, rateInFlight } from './measure.ts'
import { NodeProcesses } from './node-processes.ts'
import { benchData, benchStory } from './story.ts'

export function openBenchNetwork(folder: string): Promise<Network> {
  return openNetwork({
    folder,
    openFolder: openMemberFolder,
    story: benchStory,
    makeClock: () => systemClock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    log: { info() {}, error() {} },
    onProgress() {},
  })
}

/**
 * Whole actions a second: validated, sealed, signed, ordered, committed by a quorum of five nodes, delivered to three
 * recipients, opened and re-checked there, each receipt verified by the client. Every node is a process with a database of its
 * own; `network` founded their folders and has been stopped.
 */
export async function benchWholeAction(
  network: Network,
  { folder, durationMs, inFlight }: { folder: string; durationMs: number; inFlight: number },
) {
  const processes = await NodeProcesses.start(network, { folder, startsAt: systemClock.now() })
  const http = new Http({ timeoutMs: 60_000, allowInternal: true })
  const { address, token } = network.members.get('sender')!
  const { register, blueprint } = network
  const client = new Client({ http, address, token, register, checks: nodeChecks, memory: new ProcessMemory() })
  const run = Buffer.from(randomBytes(6)).toString('hex')
  let started = 0
  const act = (phase: string) => (i: number) => {
    started += 1
    const idempotencyKey = `bench-${run}-${phase}-${i}`
    return client.startCase({ blueprint, role: 'sender', data: benchData(i), idempotencyKey })
  }
  try {
    await rateInFlight({ durationMs: durationMs / 4, inFlight }, act('warm'))
    await processes.everythingDelivered(['sender'])

    const before = started
    const start = performance.now()
    const { rate: committed, latenciesMs } = await rateInFlight({ durationMs, inFlight }, act('full'))
    await processes.everythingDelivered(['sender'])
    const whole = perSecond(started - before, start)
    const half = await latenciesAtRate({ durationMs, rate: whole / 2 }, act('half'))
    await processes.everythingDelivered(['sender'])
    return {
      actions: started,
      inFlight,
      committedPerSecond: committed,
      wholePerSecond: whole,
      fullLoadP50Ms: percentile(latenciesMs, 0.5),
      fullLoadP99Ms: percentile(latenciesMs, 0.99),
      halfLoadP50Ms: percentile(half, 0.5),
      halfLoadP99Ms: percentile(half, 0.99),
    }
  } finally {
    http.close()
    await processes.stop()
  }
}
