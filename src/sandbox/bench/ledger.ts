import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Http } from '../../client/http.ts'
import { parseLeaf } from '../../core/ledger/entry.ts'
import { prepareAction } from '../../node/act.ts'
import { Membership } from '../../node/membership.ts'
import { RegisterLog } from '../../ordering/register-log.ts'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import type { Network } from '../network.ts'
import { systemClock } from '../story-clock.ts'
import { perSecond } from './measure.ts'
import { benchData } from './story.ts'

const BATCH = 512

/**
 * The ledger alone, on one node: signature and rules checked, ordered, committed with full sync, a second.
 * `entries` are signed beforehand by the bench network's sender.
 */
export async function benchLedger(network: Network, { entries, folder }: { entries: number; folder: string }) {
  const sender = network.members.get('sender')!
  const jwss = await signActions(network, entries)
  const storage = await openSqliteStorage({ path: join(folder, 'ledger.db') })
  const { register } = network
  const head = await sender.storage.findHead(register)
  const leaves = await sender.storage.readLeaves(register, 0, head?.size ?? 0)
  let log = await RegisterLog.open(storage, register)
  for (let at = 0; at < leaves.length; at += BATCH) {
    const { batch } = await log.check(leaves.slice(at, at + BATCH).map(parseLeaf), 'all')
    if (batch !== null) await log.commit(batch)
  }
  const certificate = await sender.storage.findCertificate(register)
  if (certificate !== undefined) await storage.saveCertificate(register, certificate)
  for (const boundary of await sender.storage.boundaryCertificates(register))
    await storage.saveCertificate(register, boundary)
  log = await RegisterLog.open(storage, register)

  const start = performance.now()
  const time = Math.max(systemClock.now(), log.head?.time ?? 0)
  const startChunk = (at: number) =>
    jwss.slice(at, at + BATCH).map((jws) => ({ jws, time, started: log.startVerifying(jws) }))
  let next = startChunk(0)
  for (let at = 0; at < jwss.length; at += BATCH) {
    const chunk = next
    // As a sequencer does: signatures of what waits are checked while a batch is written.
    next = startChunk(at + BATCH)
    const { outcomes, batch } = await log.check(chunk, 'all')
    if (batch === null || outcomes.some((outcome) => 'refusal' in outcome))
      throw new Error('the bench signs valid entries')
    await log.commit(batch)
  }
  const rate = perSecond(jwss.length, start)
  await storage.close()
  return { entries: jwss.length, batch: BATCH, perSecond: rate }
}

async function signActions(network: Network, count: number): Promise<string[]> {
  const sender = network.members.get('sender')!
  const [known] = await sender.storage.registers()
  const membership = await Membership.open({
    register: network.register,
    settings: known!.settings as never,
    member: sender.member,
    storage: sender.storage,
    custody: sender.custody,
    clock: systemClock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    http: new Http({ timeoutMs: 1_000, allowInternal: true }),
    onError: () => {},
  })
  const jwss: string[] = []
  for (let i = 0; i < count; i++) {
    const action = {
      case: null,
      blueprint: network.blueprint,
      step: null,
      data: benchData(i),
      idempotencyKey: '',
      caller: { kind: 'client' as const, name: 'bench' },
    }
    const { submission } = await prepareAction(membership.part, action, { idempotency: '', request: '' })
    jwss.push(submission.jws)
  }
  return jwss
}
