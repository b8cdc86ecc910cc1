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
  readonly #children: readonly ChildProcess[]

  private constructor(network: Network, folder: string, children: readonly ChildProcess[]) {
    this.#network = network
    this.#folder = folder
    this.#children = children
  }

  /** `startsAt`: what their clocks say at the start, in Unix seconds; they go on from there by themselves. */
  static async start(
    network: Network,
    { folder, startsAt }: { folder: string; startsAt: number },
  ): Promise<NodeProcesses> {
    const children = [...network.members].map(([id, { address }]) => {
      const args = [join(folder, id), id, new URL(address).port, String(startsAt)]
      return { id, child: fork(join(import.meta.dirname, 'member-process.ts'), args) }
    })
    await Promise.all(
      children.map(({ id, child }) =>
        Promise.race([
          once(child, 'message'),
          once(child, 'exit').then(() => {
            throw new Error(`the node of ${id} did not start`)
          }),
        ]),
      ),
    )
    return new NodeProcesses(
      network,
      folder,
      children.map(({ child }) => child),
    )
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

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null) return
        const ended = once(child, 'exit')
        child.disconnect()
        await ended
      }),
    )
  }
}
