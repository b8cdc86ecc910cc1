import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import type { Network } from '../network.ts'
import { systemClock } from '../story-clock.ts'
import { perSecond } from './measure.ts'
import { NodeProcesses } from './node-processes.ts'

const ORDERING = 'sender'
const FOLLOWING = 'first'
const POLL_MS = 50
const PATIENCE_MS = 600_000

/**
 * Entries a second at which a node that was away takes what it missed, over HTTP: every signature, rule, tile and row checked
 * again, every part durable. The node that orders serves the long register of `benchGrowth`; each is a process of its own, from its
 * start on. Nothing is certified meanwhile: two of five are no quorum. `network` has been stopped; its folders stay as they are.
 */
export async function benchCatchUp(
  network: Network,
  { folder, longRegister }: { folder: string; longRegister: string },
) {
  const { register } = network
  const place = join(folder, 'catch-up')
  for (const id of [ORDERING, FOLLOWING]) cpSync(join(folder, id), join(place, id), { recursive: true })
  const head = await giveLongRegister(join(place, ORDERING, 'node.db'), { register, longRegister })

  const storage = await openSqliteStorage({ path: join(place, FOLLOWING, 'node.db') })
  const size = async () => (await storage.findHead(register))?.size ?? 0
  const entries = head.size - (await size())
  const two = new Map([...network.members].filter(([id]) => id === ORDERING || id === FOLLOWING))
  const startMs = performance.now()
  const processes = await NodeProcesses.start({ ...network, members: two }, { folder: place, startsAt: head.time })
  try {
    while ((await size()) < head.size) {
      if (performance.now() - startMs > PATIENCE_MS) throw new Error('the follower does not catch up')
      await systemClock.wait(POLL_MS)
    }
    return { entries, perSecond: perSecond(entries, startMs), peakMemoryMiB: await processes.peakMemoryMiB(FOLLOWING) }
  } finally {
    await processes.stop()
    await storage.close()
  }
}

/** The database of a member's node, with the same register, only longer, and all else that the node knows of it. */
async function giveLongRegister(path: string, { register, longRegister }: { register: string; longRegister: string }) {
  const short = await openSqliteStorage({ path })
  const known = (await short.registers()).find((candidate) => candidate.register === register)
  const newest = await short.findCertificate(register)
  const certificates = [...(await short.boundaryCertificates(register)), ...(newest === undefined ? [] : [newest])]
  await short.close()
  cpSync(longRegister, path)
  const long = await openSqliteStorage({ path })
  await long.saveRegister(register, known?.settings ?? {})
  for (const certificate of certificates) await long.saveCertificate(register, certificate)
  const head = await long.findHead(register)
  await long.close()
  if (head === undefined) throw new Error('the long register has leaves')
  return head
}
