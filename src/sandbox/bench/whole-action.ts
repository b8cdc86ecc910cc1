import { randomBytes } from 'node:crypto'
import { openMemberFolder } from '../member-node.ts'
import { type Network, openNetwork } from '../network.ts'
import { waitFor } from '../play.ts'
import { systemClock } from '../story-clock.ts'
import { latenciesAtRate, percentile, perSecond, rateInFlight } from './measure.ts'
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
 * recipients, opened and re-checked there, each verified by the client. All five nodes and the client share this process.
 */
export async function benchWholeAction(
  network: Network,
  { durationMs, inFlight }: { durationMs: number; inFlight: number },
) {
  const client = network.clients.get('sender')!
  const run = Buffer.from(randomBytes(6)).toString('hex')
  let started = 0
  const act = (phase: string) => (i: number) => {
    started += 1
    return client.startCase({
      blueprint: network.blueprint,
      role: 'sender',
      data: benchData(i),
      idempotencyKey: `bench-${run}-${phase}-${i}`,
    })
  }
  await rateInFlight({ durationMs: durationMs / 10, inFlight: 16 }, act('warm'))
  await delivered(network)

  const before = started
  const start = performance.now()
  const { rate: committed, latenciesMs } = await rateInFlight({ durationMs, inFlight }, act('full'))
  await delivered(network)
  const whole = perSecond(started - before, start)
  const half = await latenciesAtRate({ durationMs, rate: whole / 2 }, act('half'))
  await delivered(network)
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
}

/** Until every recipient has acknowledged, that is opened and re-checked, what it is owed. */
async function delivered({ register, members }: Network): Promise<void> {
  const { storage } = members.get('sender')!
  await waitFor(systemClock, async () => {
    const committed = (await storage.findCertificate(register))?.size ?? 0
    const seen = (await storage.effectsCursor(register)) === committed
    return seen && (await storage.dueRecipients(register, Number.MAX_SAFE_INTEGER)).length === 0
  })
}
