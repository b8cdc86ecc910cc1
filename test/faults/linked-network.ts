import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ProcessMemory } from '../../src/client/checkpoint-memory.ts'
import { Client } from '../../src/client/client.ts'
import { Http } from '../../src/client/http.ts'
import type { Clock } from '../../src/core/clock.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import type { Network } from '../../src/sandbox/network.ts'
import type { LinkedSaid } from './linked-process.ts'
import { Links } from './links.ts'
import { until } from './open-network.ts'

/** A network's nodes as processes that can be killed, paused and cut off, each reaching the others over links of its own. */
export class LinkedNetwork {
  readonly register: string
  readonly members: readonly string[]
  readonly clients: ReadonlyMap<string, Client>
  readonly #network: Network
  readonly #folder: string
  readonly #clock: Clock
  readonly #links: Links
  readonly #http: Http
  readonly #children = new Map<string, ChildProcess>()
  readonly #errors: string[] = []

  private constructor(network: Network, parts: { folder: string; clock: Clock; links: Links }) {
    this.register = network.register
    this.members = [...network.members.keys()]
    this.#network = network
    this.#folder = parts.folder
    this.#clock = parts.clock
    this.#links = parts.links
    const http = new Http({ timeoutMs: 30_000, allowInternal: true })
    this.#http = http
    this.clients = new Map(
      [...network.members].map(([id, { address, token }]) => {
        // What a node once showed as committed may never be missing again: one memory over all its lives.
        const memory = new ProcessMemory()
        return [id, new Client({ http, address, token, register: network.register, checks: nodeChecks, memory })]
      }),
    )
  }

  /** On the folders and ports of a network that has been stopped. */
  static async start(network: Network, { folder, clock }: { folder: string; clock: Clock }): Promise<LinkedNetwork> {
    const ports = new Map([...network.members].map(([id, { address }]) => [id, Number(new URL(address).port)]))
    const linked = new LinkedNetwork(network, { folder, clock, links: await Links.open(ports) })
    await Promise.all(linked.members.map((id) => linked.start(id)))
    return linked
  }

  async start(id: string): Promise<void> {
    await until(`the port of ${id} is free`, async () => (await this.#startOnce(id)) === 'ready')
  }

  async #startOnce(id: string): Promise<LinkedSaid> {
    const port = new URL(this.#network.members.get(id)!.address).port
    const links = JSON.stringify(this.#links.portsFor(id))
    const args = [join(this.#folder, id), id, port, String(this.#clock.now()), links]
    const child = fork(join(import.meta.dirname, 'linked-process.ts'), args)
    this.#children.set(id, child)
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null) =>
        reject(new Error(`the node of ${id} ended: ${code ?? signal}`))
      child.once('exit', onExit)
      child.on('message', (said: LinkedSaid) => {
        if (typeof said === 'object') {
          this.#errors.push(`${id} ${said.error}`)
          return
        }
        child.off('exit', onExit)
        resolve(said)
      })
    })
  }

  /** Resolves once it is dead. */
  async kill(id: string): Promise<void> {
    const child = this.#children.get(id)!
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  pause(id: string): void {
    this.#children.get(id)!.kill('SIGSTOP')
  }

  resume(id: string): void {
    this.#children.get(id)!.kill('SIGCONT')
  }

  /** From all other nodes, not from its own people. */
  cutOff(ids: ReadonlySet<string>): void {
    this.#links.cutOff(ids)
  }

  mendLinks(): void {
    this.#links.mend()
  }

  /** What the nodes have logged as bugs, over all lives. */
  get bugs(): string[] {
    return this.#errors.filter((error) => /"frames"|"code":"bug"/.test(error))
  }

  /** As if the power had gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((id) => this.kill(id)))
    this.#links.close()
    this.#http.close()
  }
}
