import { ConcordatError } from '../core/error.ts'
import { findMember } from '../core/ledger/state.ts'
import type { GrantKey } from '../storage/storage.ts'
import type { DeliveryItem, DeliveryResult, Pull } from './deliveries.ts'
import type { Part } from './part.ts'
import type { Peers } from './peers.ts'

const POLL_MS = 5_000
const MAX_WANTED = 256
/** How long a sender is given to deliver by itself, where this node can be reached. */
const PATIENCE_SECONDS = 60
const LONGEST_RETRY_SECONDS = 60 * 60
const FIRST_RETRY_SECONDS = 5

/**
 * Asks the signers' nodes for what entries authorise and nobody has delivered (RULES 23): a node without an address gets everything
 * this way, one that comes from a backup what it lost. No sender's silence delays another's answer.
 */
export class Pulls {
  readonly #part: Part
  readonly #peers: Peers
  readonly #receive: (from: string, items: readonly DeliveryItem[]) => Promise<DeliveryResult[]>
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  /** By sender, while something is awaited. */
  readonly #asked = new Map<string, { failed: number; notBefore: number }>()
  readonly #busy = new Map<string, Promise<void>>()
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: {
    part: Part
    peers: Peers
    receive: (from: string, items: readonly DeliveryItem[]) => Promise<DeliveryResult[]>
    onError: (error: unknown) => void
  }) {
    this.#part = parts.part
    this.#peers = parts.peers
    this.#receive = parts.receive
    this.#onError = parts.onError
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await Promise.all(this.#busy.values())
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#askAll().catch((error: unknown) => this.#report(error))
      await this.#part.clock.wait(POLL_MS, this.#stop.signal)
    }
  }

  async #askAll(): Promise<void> {
    const { clock, storage, register, member } = this.#part
    const senders = (await storage.awaitedSenders(register)).filter((sender) => sender !== member)
    for (const sender of this.#asked.keys()) if (!senders.includes(sender)) this.#asked.delete(sender)
    const now = clock.now()
    const patience = (await this.#hasAddress()) ? PATIENCE_SECONDS : 0
    for (const sender of senders) {
      const asked = this.#asked.get(sender) ?? { failed: 0, notBefore: now + patience }
      this.#asked.set(sender, asked)
      if (asked.notBefore > now || this.#busy.has(sender)) continue
      const asking = this.#ask(sender, asked.failed).finally(() => this.#busy.delete(sender))
      this.#busy.set(sender, asking)
    }
  }

  async #hasAddress(): Promise<boolean> {
    const rows = await this.#part.ordering.log.rows([`member/${this.#part.member}`])
    return findMember(rows, this.#part.member)?.address !== null
  }

  async #ask(sender: string, failed: number): Promise<void> {
    const came = await this.#pullAll(sender).catch((error: unknown) => {
      this.#report(error)
      return 0
    })
    const wait = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(failed, 20))
    const next =
      came > 0 ? { failed: 0, notBefore: 0 } : { failed: failed + 1, notBefore: this.#part.clock.now() + wait }
    this.#asked.set(sender, next)
  }

  /** How many receipts were settled. What is taken is acknowledged only once it is durable here. */
  async #pullAll(sender: string): Promise<number> {
    const { storage, register, ordering } = this.#part
    const wanted = (await storage.awaitedReceipts(register, { from: sender, limit: MAX_WANTED })).map(keyOf)
    if (wanted.length === 0) return 0
    const peer = await this.#peers.get(register, sender)
    const { checkpoint, items } = await peer.pullDeliveries(register, { wanted, taken: [] })
    await ordering.acceptCertificate(checkpoint, sender)
    const asked = (items as DeliveryItem[]).filter((item) => wanted.some((key) => isSame(key, item)))
    const results = await this.#receive(sender, asked)
    const taken: Pull['taken'][number][] = asked.flatMap((item, i) => {
      const result = results[i]
      return result !== undefined && 'state' in result ? [{ ...keyOf(item), state: result.state }] : []
    })
    if (taken.length > 0) await peer.pullDeliveries(register, { wanted: [], taken })
    return taken.length
  }

  #report(error: unknown): void {
    // A sender that is away, or a node of its own that fails for a moment: asked again.
    if (!(error instanceof ConcordatError)) this.#onError(error)
  }
}

function keyOf({ record, role, authorisedBy }: GrantKey): GrantKey {
  return { record, role, authorisedBy }
}

function isSame(a: GrantKey, b: GrantKey): boolean {
  return a.record === b.record && a.role === b.role && a.authorisedBy === b.authorisedBy
}
