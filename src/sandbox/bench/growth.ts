import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { toBase64url } from '../../core/crypto/base64url.ts'
import { formatSigningInput } from '../../core/crypto/jws.ts'
import { thumbprint } from '../../core/crypto/thumbprint.ts'
import { parseLeaf } from '../../core/ledger/entry.ts'
import { findBlueprint } from '../../core/ledger/state.ts'
import { RegisterLog } from '../../ordering/register-log.ts'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import type { Network } from '../network.ts'
import { systemClock } from '../story-clock.ts'

const BATCH = 512
/** Of the entries at each size, how many are timed. */
const TIMED_SHARE = 0.2

/**
 * What one more entry costs in a long register against a short one: the time of checking and committing the last fifth before each
 * size, a case each. Signing is not timed.
 */
export async function benchGrowth(network: Network, { sizes, folder }: { sizes: [number, number]; folder: string }) {
  const sender = network.members.get('sender')!
  const { register } = network
  const storage = await openSqliteStorage({ path: join(folder, 'growth.db') })
  let log = await RegisterLog.open(storage, register)
  const founding = await sender.storage.readLeaves(register, 0, (await sender.storage.findHead(register))?.size ?? 0)
  for (const leaf of founding) {
    const { batch } = await log.check([parseLeaf(leaf)], 'all')
    if (batch !== null) await log.commit(batch)
  }
  log = await RegisterLog.open(storage, register)
  const microseconds: number[] = []
  let written = 0
  for (const size of sizes) {
    const timedFrom = size * (1 - TIMED_SHARE)
    let spentMs = 0
    let timed = 0
    while (written < size) {
      const count = Math.min(BATCH, size - written)
      const time = Math.max(systemClock.now(), log.head?.time ?? 0)
      const jwss = await Promise.all(Array.from({ length: count }, () => signStart(network, log)))
      const start = performance.now()
      const { batch } = await log.check(
        jwss.map((jws) => ({ jws, time })),
        'all',
      )
      if (batch?.leaves.length !== count) throw new Error('the bench signs valid entries')
      await log.commit(batch)
      if (written + count > timedFrom) {
        spentMs += performance.now() - start
        timed += count
      }
      written += count
    }
    microseconds.push((spentMs * 1000) / timed)
  }
  await storage.close()
  const [short = 0, long = 0] = microseconds
  return { sizes, shortMicroseconds: short, longMicroseconds: long, ratio: long / short }
}

/** The first record of a case, with random digests in the place of those of fields: the rules see no difference. */
async function signStart({ members, register, blueprint }: Network, log: RegisterLog): Promise<string> {
  const { custody, member } = members.get('sender')!
  const { skeleton } = findBlueprint(await log.rows([`blueprint/${blueprint}`]), blueprint)!
  const [step] = skeleton.steps
  const random = (sizeBytes: number) => toBase64url(randomBytes(sizeBytes))
  const claims = {
    iss: member,
    iat: systemClock.now(),
    jti: random(16),
    reg: register,
    bp: blueprint,
    case: random(16),
    step: step!.id,
    as: step!.role,
    prev: [],
    next: [],
    bind: {},
    replaces: null,
    groups: step!.groups.map(() => random(32)),
    _sd_alg: 'sha-256',
    _sd: Array.from({ length: step!.digests }, () => random(32)).sort(),
  }
  const kid = thumbprint(custody.publicKeys().record.at(-1)!)
  const input = formatSigningInput({ alg: 'ES256', kid, typ: 'action+sd-jwt' }, claims)
  return `${input}.${toBase64url(await custody.sign(kid, new TextEncoder().encode(input)))}`
}
