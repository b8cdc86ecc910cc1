import { toBase64url } from '../core/crypto/base64url.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import { type Grant, sealGrant } from '../core/record/grant.ts'
import type { Delivery, GrantKey } from '../storage/storage.ts'
import { getCertificate } from './evidence.ts'
import { findCaseRow, getMemberRow, type Part } from './part.ts'
import type { Peers } from './peers.ts'
import { notRecalled, recallsOf } from './recalls.ts'

const MAX_ITEMS = 256
/** Of sealed groups in one request, well below what a node accepts. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024
const FIRST_RETRY_SECONDS = 1
const LONGEST_RETRY_SECONDS = 60 * 60
const POLL_MS = 1_000

/** A grant with its sealed groups on the way to one recipient, or the answer that they are erased. */
export type DeliveryItem = GrantKey & ({ grant: Grant; groups: { index: number; sealed: string }[] } | { erased: true })

export type DeliveryResult = { state: 'acknowledged' | 'erased' } | { refusal: ErrorDetail }

/** What a recipient asks for, and what became of what it got by an earlier answer. */
export interface Pull {
  wanted: readonly GrantKey[]
  taken: readonly (GrantKey & { state: 'acknowledged' | 'erased' })[]
}

/**
 * Takes what this member's records owe to their recipients' nodes, until each acknowledges (RULES 23, 26). Only what a committed
 * entry authorises is ever due, and recipients wait for none but themselves.
 */
export class Deliveries {
  readonly #part: Part
  readonly #peers: Peers
  /** The member's own node receives what its own records owe to its other roles. */
  readonly #receive: (items: readonly DeliveryItem[]) => Promise<DeliveryResult[]>
  readonly #stop = new AbortController()
  readonly #busy = new Map<string, Promise<void>>()
  #wake: () => void = () => {}
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: {
    part: Part
    peers: Peers
    receive: (items: readonly DeliveryItem[]) => Promise<DeliveryResult[]>
  }) {
    this.#part = parts.part
    this.#peers = parts.peers
    this.#receive = parts.receive
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#loop
    await Promise.allSettled(this.#busy.values())
  }

  /** Something new may be due. */
  wake(): void {
    this.#wake()
  }

  /**
   * Answers a recipient that asks by itself: because its node has no address, or nothing came. It gets what it is owed, whatever it
   * names besides; it is acknowledged by the next request, so an answer that is lost is given again.
   */
  async serve(member: string, { wanted, taken }: Pull): Promise<{ checkpoint: string; items: DeliveryItem[] }> {
    const { storage } = this.#part
    const acknowledged = await this.#owed(member, taken)
    await storage.updateDeliveries(acknowledged.map(({ delivery, key }) => ({ ...delivery, state: key.state })))
    const owed = await this.#owed(member, wanted)
    const left = await Promise.all(owed.map(({ delivery }) => this.#withoutRecalled(delivery)))
    // The register that this covers holds what was left out as recalled.
    const { note } = await getCertificate(this.#part)
    const gone = left.filter(isEmpty).map(({ record, role, authorisedBy }) => {
      return { record, role, authorisedBy, erased: true as const }
    })
    const there = left.filter((delivery) => !isEmpty(delivery))
    if (there.length === 0) return { checkpoint: note, items: gone }
    return { checkpoint: note, items: [...gone, ...(await this.#message(member, there)).items] }
  }

  async #owed<K extends GrantKey>(member: string, keys: readonly K[]): Promise<{ delivery: Delivery; key: K }[]> {
    const { register, storage } = this.#part
    const found = keys.map(async (key) => ({ key, delivery: await storage.findDelivery(register, key) }))
    return (await Promise.all(found)).flatMap(({ key, delivery }) => {
      return delivery?.member === member ? [{ key, delivery }] : []
    })
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await this.#sendDue().catch(ignoreFailure)
      const pause = new AbortController()
      const stop = AbortSignal.any([pause.signal, this.#stop.signal])
      await Promise.race([woken, this.#part.clock.wait(POLL_MS, stop)])
      pause.abort()
    }
  }

  async #sendDue(): Promise<void> {
    const { register, clock, storage } = this.#part
    const now = clock.now()
    for (const member of await storage.dueRecipients(register, now)) {
      if (this.#busy.has(member) || this.#stop.signal.aborted) continue
      const sending = storage
        .dueDeliveries(register, { member, now, limit: MAX_ITEMS })
        .then((due) => this.#send(member, due))
        .then(() => true, ignoreFailure)
        .finally(() => this.#busy.delete(member))
        .then((done) => {
          if (done) this.wake()
        })
      this.#busy.set(member, sending)
    }
  }

  async #send(member: string, deliveries: readonly Delivery[]): Promise<void> {
    const { clock, storage } = this.#part
    const now = clock.now()
    const left = await Promise.all(deliveries.map((delivery) => this.#withoutRecalled(delivery)))
    const wanted = left.filter((delivery) => !isEmpty(delivery))
    const settled: Delivery[] = left.filter(isEmpty).map((delivery) => ({ ...delivery, state: 'erased' }))
    if (wanted.length === 0) return storage.updateDeliveries(settled)
    try {
      const { items, sent } = await this.#message(member, wanted)
      const results = await this.#deliver(member, items)
      for (const [i, delivery] of sent.entries()) {
        const result = results[i]
        settled.push(
          result !== undefined && 'state' in result ? { ...delivery, state: result.state } : later(delivery, now),
        )
      }
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      settled.push(...wanted.map((delivery) => later(delivery, now)))
    }
    await storage.updateDeliveries(settled)
  }

  /** RULES 19: what has been recalled by now is never delivered. What was due of it before is as good as erased. */
  async #withoutRecalled(delivery: Delivery): Promise<Delivery> {
    if (delivery.member === this.#part.member) return delivery
    const { recalls } = await recallsOf(this.#part, delivery.case)
    return { ...delivery, groups: notRecalled(recalls, delivery) }
  }

  async #deliver(member: string, items: readonly DeliveryItem[]): Promise<DeliveryResult[]> {
    const { register, ordering } = this.#part
    if (member === this.#part.member) return this.#receive(items)
    const certificate = ordering.certificate
    if (certificate === undefined) return []
    const peer = await this.#peers.get(register, member)
    return (await peer.deliver(register, { checkpoint: certificate.note, items: [...items] })) as DeliveryResult[]
  }

  /** As many as fit one request, in order. */
  async #message(
    member: string,
    deliveries: readonly Delivery[],
  ): Promise<{ items: DeliveryItem[]; sent: Delivery[] }> {
    const items: DeliveryItem[] = []
    const sent: Delivery[] = []
    const publicKey = await this.#epochKey(member)
    let sizeBytes = 0
    for (const delivery of deliveries) {
      const { record, role, authorisedBy } = delivery
      const signerRole = await this.#signerRole(delivery)
      const stored = (await this.#part.storage.recordGroups(this.#part.register, record, signerRole)).filter(
        ({ index }) => delivery.groups.includes(index),
      )
      const keys = await this.#part.vault.groupKeys(stored)
      const grantKeys = new Map(
        stored.flatMap(({ index }, i) => (keys[i] === undefined ? [] : [[index, keys[i]] as const])),
      )
      sizeBytes += stored.reduce((sum, { sealed }) => sum + sealed.length, 0)
      if (sizeBytes > MAX_MESSAGE_BYTES && items.length > 0) break
      sent.push(delivery)
      if (grantKeys.size < delivery.groups.length) {
        items.push({ record, role, authorisedBy, erased: true })
        continue
      }
      const grant = await sealGrant({ publicKey, recordId: record, authorisedBy, role, keys: grantKeys })
      const groups = stored.map(({ index, sealed }) => ({ index, sealed: toBase64url(sealed) }))
      items.push({ record, role, authorisedBy, grant, groups })
    }
    return { items, sent }
  }

  /** The role under which this member signed the record and keeps its groups; a dispute's is the disputer's. */
  async #signerRole(delivery: Delivery): Promise<string> {
    const row = await findCaseRow(this.#part, delivery.case)
    const signed = [...(row?.records ?? []), ...(row?.disputes ?? [])].find(({ id }) => id === delivery.record)
    if (signed === undefined) throw new TypeError('a delivery is of a committed record')
    return signed.as
  }

  /** RULES 23: the recipient's newest epoch key. Without one there is no delivery. */
  async #epochKey(member: string) {
    const now = this.#part.clock.now()
    const { epochs } = await getMemberRow(this.#part, member)
    const epoch = epochs.filter(({ from }) => from <= now).at(-1)
    if (epoch !== undefined) return epoch.jwk
    throw new ConcordatError({
      code: 'EPOCH_KEY_MISSING',
      expected: 'a recipient with an encryption key in force',
      got: 'none',
    })
  }
}

/** Of this node's own database: the next look finds the same deliveries due. */
function ignoreFailure(error: unknown): false {
  if (error instanceof ConcordatError) return false
  throw error
}

function isEmpty({ groups }: Delivery): boolean {
  return groups.length === 0
}

function later(delivery: Delivery, now: number): Delivery {
  const wait = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(delivery.attempts, 20))
  return { ...delivery, attempts: delivery.attempts + 1, dueAt: now + wait }
}
