/**
 * The permit story's network in a process of its own, all three nodes, that a test may have killed. Arguments: the network's
 * folder, then the clock's origin in ms. The parent arms it by message; it dies with SIGKILL, as if the power had gone.
 */
import { randomBytes } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { openNetwork } from '../../src/sandbox/network.ts'
import { checkedServers } from '../openapi-check.ts'
import { FastClock } from './fast-clock.ts'
import { type Fault, withFaults } from './faulty-folder.ts'
import { storyStart } from './open-network.ts'
import { permitStory } from './permit-story.ts'

/** Kill at the `at`-th external write from now on (1 is the next): before it begins, or once it has ended. */
export interface Arm {
  at: number
  moment: 'before' | 'after'
}

/** What the child says: that it serves, that a port of its members is taken just now, that it is armed, what the nodes log. */
export type Said =
  | {
      ready: true
      register: string
      blueprint: string
      members: { id: string; member: string; address: string; token: string }[]
    }
  | { portTaken: true }
  | { armed: true }
  | { errors: string[] }

const CLOCK_RATE = 10

const [folder = '', originMs = ''] = process.argv.slice(2)
let left = Number.POSITIVE_INFINITY
let moment: Arm['moment'] = 'before'

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

const fault: Fault = async (_name, write) => {
  const mine = --left === 0
  if (mine && moment === 'before') await die()
  const result = await write()
  if (mine) await die()
  return result
}

// Children never outlive the test that started them.
process.on('disconnect', () => process.exit(1))

const story = permitStory()
const clock = new FastClock({ startsAt: storyStart(story), originMs: Number(originMs), rate: CLOCK_RATE })
const say = (said: Said) => process.send?.(said)
const network = await openNetwork({
  folder,
  openFolder: async (path, at) => withFaults(await openMemberFolder(path, at), fault),
  story,
  makeClock: () => clock,
  random: (sizeBytes) => randomBytes(sizeBytes),
  log: { info() {}, error: (facts: object) => say({ errors: [JSON.stringify(facts)] }) },
  // An answer that the OpenAPI document does not allow becomes a 500, which no test here takes.
  makeServer: checkedServers().makeServer,
  onProgress: () => {},
}).catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error
  // The ports are those of the member entries; between two lives another program may have one for a moment.
  process.send?.({ portTaken: true } satisfies Said, () => process.exit(1))
  return new Promise<never>(() => {})
})
process.on('message', (arm: Arm) => {
  left = arm.at
  moment = arm.moment
  say({ armed: true })
})
// A killed process leaves no cache behind.
flushCompileCache()
say({
  ready: true,
  register: network.register,
  blueprint: network.blueprint,
  members: [...network.members].map(([id, { member, address, token }]) => ({ id, member, address, token })),
})
