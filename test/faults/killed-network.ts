/**
 * The permit story's network in a process of its own, all three nodes, that a test may have killed. Arguments: the network's
 * folder, then the clock's origin in ms. The parent arms it by message; it dies with SIGKILL, as if the power had gone.
 */
import { randomBytes } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { openNetwork } from '../../src/sandbox/network.ts'
import { FastClock } from './fast-clock.ts'
import { type Fault, withFaults } from './faulty-folder.ts'
import { storyStart } from './open-network.ts'
import { permitStory } from './permit-story.ts'

/** Kill at the `at`-th external write from now on (1 is the next): before it begins, or once it has ended. */
export interface Arm {
  at: number
  moment: 'before' | 'after'
}

/** What the child says: that it serves, that it is armed, how many writes it has counted since. */
export type Said =
  | {
      ready: true
      register: string
      blueprint: string
      members: { id: string; member: string; address: string; token: string }[]
    }
  | { armed: true }
  | { errors: string[] }

export const CLOCK_RATE = 10

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

const story = permitStory()
const clock = new FastClock({ startsAt: storyStart(story), originMs: Number(originMs), rate: CLOCK_RATE })
const say = (said: Said) => process.send?.(said)
const network = await openNetwork({
  folder,
  openFolder: async (path, at) => withFaults(await openMemberFolder(path, at), fault),
  story,
  makeClock: () => clock,
  random: (sizeBytes) => randomBytes(sizeBytes),
  log: { info() {}, error: (facts) => say({ errors: [JSON.stringify(facts)] }) },
  onProgress: () => {},
})
process.on('message', (arm: Arm) => {
  left = arm.at
  moment = arm.moment
  say({ armed: true })
})
// A killed process leaves no cache behind.
flushCompileCache()
// Children never outlive the test that started them.
process.on('disconnect', () => process.exit(1))
say({
  ready: true,
  register: network.register,
  blueprint: network.blueprint,
  members: [...network.members].map(([id, { member, address, token }]) => ({ id, member, address, token })),
})
