import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { openMemberFolder } from '../member-node.ts'
import type { Network } from '../network.ts'
import { waitFor } from '../play.ts'
import { systemClock } from '../story-clock.ts'

/** A network's nodes, each in a process of its own, on the folders and ports of a network that has been stopped. */
export class NodeProcesses {
  readonly #network: Network
  readonly #folder: string
  /** By the member's name in the story. */
  readonly #children: ReadonlyMap<string, ChildProcess>

  private constructor(network: Network, folder: string, children: ReadonlyMap<string, ChildProcess>) {
    this.#network = network
    this.#folder = folder
    this.#children = children
  }

  /** `startsAt`: what their clocks say at the start, in Unix seconds; they go on from there by themselves. */
  static async start(
    network: Network,
    { folder, startsAt }: { folder: string; startsAt: number },
  ): Promise<NodeProcesses> {
    const children = new Map(
      [...network.members].map(([id, { address }]) => {
        const args = [join(folder, id), id, new URL(address).port, String(startsAt)]
        return [id, fork(join(import.meta.dirname, 'member-process.ts'), args)]
      }),
    )
    await Promise.all(
      [...children].map(([id, child]) =>
        Promise.race([
          once(child, 'message'),
          once(child, 'exit').then(() => {
            throw new Error(`the node of ${id} did not start`)
          }),
        ]),
      ),
    )
    return new NodeProcesses(network, folder, children)
  }

  /** Until every recipient of these members has acknowledged, that is opened and re-checked, what it is owed. */
  async everythingDelivered(members: Iterable<string>): Promise<void> {
    const { register } = this.#network
    for (const id of members) {
      const { storage } = await openMemberFolder(join(this.#folder, id), systemClock)
      await waitFor(systemClock, async () => {
        const committed = (await storage.findCertificate(register))?.size ?? 0
        const seen = (await storage.effectsCursor(register)) === committed
        return seen && (await storage.dueRecipients(register, Number.MAX_SAFE_INTEGER)).length === 0
      })
      await storage.close()
    }
  }

  /** The most memory that a member's process has held so far. */
  async peakMemoryMiB(id: string): Promise<number> {
    const child = this.#children.get(id)
    if (child === undefined) throw new TypeError('a member of the network')
    const answered = once(child, 'message')
    child.send('peak memory')
    const [{ peakMemoryKiB }] = (await answered) as [{ peakMemoryKiB: number }]
    return peakMemoryKiB / 1024
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#children.values()].map(async (child) => {
        if (child.exitCode !== null) return
        const ended = once(child, 'exit')
        child.disconnect()
        await ended
      }),
    )
  }
}
