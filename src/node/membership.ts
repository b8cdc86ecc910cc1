import type { Http } from '../client/http.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { isCaseEntry, parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { findMember } from '../core/ledger/state.ts'
import type { Custody } from '../custody/custody.ts'
import type { Halt } from '../ordering/hosted/followed-log.ts'
import type { Promised } from '../ordering/hosted/handover.ts'
import { HostedOrdering } from '../ordering/hosted/hosted.ts'
import { Wakeup } from '../ordering/wakeup.ts'
import type { Storage, Submission } from '../storage/storage.ts'
import { prepareAction, requestMacs } from './act.ts'
import { Deadlines } from './deadlines.ts'
import { Deliveries, type DeliveryItem, type DeliveryResult, type Pull } from './deliveries.ts'
import { automaticDisputeKey, prepareDispute } from './dispute.ts'
import { Documents } from './documents.ts'
import { effectsOf } from './effects.ts'
import { Erasures } from './erasures.ts'
import { KeyRotation } from './key-rotation.ts'
import { Outbox } from './outbox.ts'
import type { Part } from './part.ts'
import { Peers } from './peers.ts'
import { Pulls } from './pulls.ts'
import { closeRecalls } from './recalls.ts'
import { type Finding, Receiver } from './receive.ts'
import { mayRenewKey, renew } from './renew.ts'
import { signClaims } from './sign-entry.ts'
import type { SubmitOnce } from './submit-once.ts'
import { Successors } from './successors.ts'
import { Vault } from './vault.ts'

/** What a node keeps about a register besides its leaves. */
export interface RegisterSettings {
  /** The sequencer of the term, and where its node is until its member entry says so. */
  sequencer: string
  sequencerAddress: string | null
  halt: Halt | null
  /** The term to which this member's people have handed over (RULES 31). */
  promised: Promised | null
}

export interface MembershipParts {
  register: string
  settings: RegisterSettings
  member: string
  storage: Storage
  custody: Custody
  clock: Clock
  random: (sizeBytes: number) => Uint8Array
  http: Http
  onError: (error: unknown) => void
}

/** How long a caller waits for a node that has just started. */
const CURRENT_WITHIN_MS = 15_000
const CATCH_UP_MS = 1_000

/** This member's part in one register, running: ordering, outbox, effects of what is committed, deliveries out and in. */
export class Membership {
  readonly part: Part
  readonly keys: KeyRotation
  readonly #outbox: Outbox
  readonly #deliveries: Deliveries
  readonly #deadlines: Deadlines
  readonly #erasures: Erasures
  readonly #pulls: Pulls
  readonly #receiver: Receiver
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  /** Deliveries being taken in, or fetched by others: a node that stops finishes them, since keys and database close after it. */
  readonly #receiving = new Set<Promise<unknown>>()
  readonly #preparing = new Map<string, Promise<Submission>>()
  #effects: Promise<void> = Promise.resolve()
  #current: Promise<void> = Promise.resolve()
  /** The effects of a batch are durable. */
  readonly #applied = new Wakeup()

  private constructor(parts: MembershipParts, part: Part, peers: Peers) {
    this.part = part
    this.#onError = parts.onError
    this.#outbox = new Outbox({
      register: parts.register,
      storage: parts.storage,
      ordering: part.ordering,
      clock: parts.clock,
      renew: (refused, code) => this.#renew(refused, code),
    })
    this.#receiver = new Receiver({ part, dispute: (record) => this.#disputeContradiction(record) })
    this.#deliveries = new Deliveries({ part, peers, receive: (items) => this.#receiver.receive(parts.member, items) })
    const entering: ConstructorParameters<typeof Deadlines>[0] = {
      part,
      submitOnce: (key, request, prepare) => this.submitOnce(key, request, prepare),
      onError: parts.onError,
    }
    this.#deadlines = new Deadlines(entering)
    this.#erasures = new Erasures(entering)
    this.keys = new KeyRotation({ ...entering, settled: (pending) => this.#outbox.outcomeOf(pending) })
    this.#pulls = new Pulls({
      part,
      peers,
      receive: (from, items) => this.receive(from, items),
      onError: parts.onError,
    })
  }

  static async open(parts: MembershipParts): Promise<Membership> {
    const { register, storage, custody, clock, member } = parts
    const settings = { ...parts.settings }
    const findAddress = async (_register: string, other: string): Promise<string | null> => {
      const row = findMember(await storage.readRows(register, [`member/${other}`]), other)
      return row?.address ?? (other === settings.sequencer ? settings.sequencerAddress : null)
    }
    const requestKeys = async () =>
      findMember(await storage.readRows(register, [`member/${member}`]), member)?.keys.request ?? []
    const peers = new Peers({
      member,
      custody,
      clock,
      random: parts.random,
      http: parts.http,
      findAddress,
      requestKeys,
    })
    const ordering = await HostedOrdering.open({
      storage,
      register,
      member,
      sequencer: settings.sequencer,
      clock,
      signer: custody,
      peers: peers.hosted(register),
      halt: settings.halt,
      promised: settings.promised,
      onHalt: async (halt) => {
        if (halt !== null)
          parts.onError(
            new ConcordatError({
              code: 'REGISTER_HALTED',
              expected: 'leaves that keep the rules',
              got: halt.code,
              index: halt.index,
            }),
          )
        settings.halt = halt
        await storage.saveRegister(register, settingsValue(settings))
      },
      onPromise: async (promised) => {
        settings.promised = promised
        await storage.saveRegister(register, settingsValue(settings))
      },
      signHandover: (claims) =>
        signClaims(
          { member, register, custody, clock, random: parts.random },
          'handover',
          thumbprint(custody.publicKeys().governance),
          claims,
        ),
    })
    const fetchDocument = async (hash: string): Promise<string | undefined> => {
      const members = (await ordering.log.findRegisterRow())?.members ?? []
      for (const { id } of members) {
        if (id === member) continue
        const text = await peers
          .get(register, id)
          .then((peer) => peer.findDocument(register, hash))
          .catch(() => undefined)
        if (text !== undefined) return text
      }
      return undefined
    }
    const part: Part = {
      register,
      member,
      storage,
      custody,
      clock,
      random: parts.random,
      ordering,
      documents: new Documents(storage, fetchDocument),
      vault: new Vault(custody),
      successors: new Successors(storage, register),
    }
    return new Membership(parts, part, peers)
  }

  async start(): Promise<void> {
    this.part.ordering.start()
    this.#effects = this.#followEffects()
    this.#deliveries.start()
    this.#deadlines.start()
    this.#erasures.start()
    this.keys.start()
    this.#pulls.start()
    this.#current = this.#becomeCurrent()
    await this.#outbox.start()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#applied.wake()
    // Together: what is on its way waits for the register, which may never answer.
    await Promise.all([
      this.part.ordering.stop(),
      this.#outbox.stop(),
      this.#deliveries.stop(),
      this.#deadlines.stop(),
      this.#erasures.stop(),
      this.keys.stop(),
      this.#pulls.stop(),
      Promise.allSettled([...this.#preparing.values(), ...this.#receiving]),
    ])
    await Promise.all([this.#effects, this.#current])
  }

  /**
   * Resolves once this node has heard from the node that orders since it started, and every recall in what that had committed is
   * closed here: a node that was off, or comes from a backup, shows no recalled field (RULES 25). Rejects while it cannot know.
   */
  async current(): Promise<void> {
    this.#refuseIfStopping()
    const answered = new AbortController()
    const late = this.part.clock.wait(CURRENT_WITHIN_MS, answered.signal).then((): never => {
      throw new ConcordatError({
        code: 'ORDERING_UNAVAILABLE',
        expected: 'a node that knows what was recalled while it was off',
        got: 'one that has not reached the register since it started',
      })
    })
    await Promise.race([this.#current, late]).finally(() => answered.abort())
    this.#refuseIfStopping()
  }

  /**
   * Signs and submits once per idempotency key: whoever comes again with the same key and request gets the same answer, after a
   * restart too; the same key with another request is refused.
   */
  async submitOnce(...[idempotencyKey, request, prepare]: Parameters<SubmitOnce>): Promise<Submission> {
    this.#refuseIfStopping()
    const macs = await requestMacs(this.part, idempotencyKey, request)
    const preparing = this.#preparing.get(macs.idempotency)
    if (preparing !== undefined) await preparing.catch(() => undefined)
    const earlier = await this.part.storage.findSubmission(this.part.register, macs.idempotency)
    if (earlier !== undefined) {
      if (earlier.request !== macs.request) {
        throw new ConcordatError({
          code: 'IDEMPOTENCY_KEY_REUSED',
          expected: 'a new idempotency key for another request',
          got: 'one that was used',
        })
      }
      return this.#outbox.outcomeOf(earlier)
    }
    if (this.#preparing.has(macs.idempotency)) return this.submitOnce(idempotencyKey, request, prepare)
    const submitted = prepare(macs).then(({ submission, groups }) => this.#outbox.submit(submission, groups))
    this.#preparing.set(macs.idempotency, submitted)
    return submitted.finally(() => this.#preparing.delete(macs.idempotency))
  }

  submitAction(action: Parameters<typeof prepareAction>[1]): Promise<Submission> {
    const { idempotencyKey, caller: _, ...request } = action
    return this.submitOnce(idempotencyKey, { action: request }, async (macs) => {
      await this.current()
      return prepareAction(this.part, action, macs)
    })
  }

  receive(from: string, items: readonly DeliveryItem[]): Promise<DeliveryResult[]> {
    this.#refuseIfStopping()
    const received = this.#receiver.receive(from, items).finally(() => this.#receiving.delete(received))
    this.#receiving.add(received)
    return received
  }

  async #becomeCurrent(): Promise<void> {
    const { ordering, storage, register, clock } = this.part
    while (!this.#stop.signal.aborted && !(await ordering.catchUp())) await clock.wait(CATCH_UP_MS, this.#stop.signal)
    const size = ordering.certificate?.size ?? 0
    while (!this.#stop.signal.aborted) {
      const { next } = this.#applied
      const cursor = await storage.effectsCursor(register).catch((error: unknown) => {
        this.#onError(error)
        return 0
      })
      if (cursor >= size) return
      await Promise.race([next, clock.wait(CATCH_UP_MS, this.#stop.signal)])
    }
  }

  async servePull(from: string, pull: Pull): Promise<{ checkpoint: string; items: DeliveryItem[] }> {
    this.#refuseIfStopping()
    const served = this.#deliveries.serve(from, pull).finally(() => this.#receiving.delete(served))
    this.#receiving.add(served)
    return served
  }

  /** What begins after `stop` would find keys and database closed. */
  #refuseIfStopping(): void {
    if (!this.#stop.signal.aborted) return
    throw new ConcordatError({ code: 'ORDERING_UNAVAILABLE', expected: 'a running node', got: 'one that stops' })
  }

  /** Every committed entry has its effects once, in order, in the transaction that moves the cursor. */
  async #followEffects(): Promise<void> {
    const { register, storage, ordering } = this.part
    while (!this.#stop.signal.aborted) {
      try {
        for await (const batch of ordering.follow(await storage.effectsCursor(register), this.#stop.signal)) {
          await closeRecalls(this.part, batch)
          await storage.saveEffects(await effectsOf(this.part, batch))
          this.#applied.wake()
          // Members may have approved the version that cases move to.
          if (!batch.leaves.every((leaf) => isCaseEntry(parseEntry(parseLeaf(leaf).jws)))) this.part.successors.forget()
          this.#deliveries.wake()
        }
      } catch (error) {
        this.#onError(error)
        await this.part.clock.wait(1_000, this.#stop.signal)
      }
    }
  }

  async #renew(refused: Submission, code: 'ENTRY_EXPIRED' | 'KEY_NOT_VALID'): Promise<Submission | undefined> {
    if (code === 'KEY_NOT_VALID' && !(await mayRenewKey(this.part, refused))) return undefined
    const renewed = await renew(this.part, refused)
    if (renewed === undefined) return undefined
    const { submission, groups } = renewed
    await this.part.storage.replaceSubmission(refused.id, submission, groups)
    return submission
  }

  async #disputeContradiction(contradicted: {
    case: string
    record: string
    role: string
    findings: Finding[]
  }): Promise<void> {
    const { case: caseId, record, role, findings } = contradicted
    const explanation = findings
      .map((finding) => [finding.check, 'field' in finding ? finding.field : undefined].filter(Boolean).join(' '))
      .join('; ')
      .slice(0, 2_000)
    const request = { case: caseId, record, role, reason: 'contradicts' as const, explanation }
    try {
      await this.submitOnce(automaticDisputeKey(record, role), { dispute: [record, role] }, (macs) =>
        prepareDispute(this.part, request, macs),
      )
    } catch (error) {
      // The finding stays in the verdict, also where the rules allow no dispute of this record.
      if (!(error instanceof ConcordatError) || NOT_KEPT.includes(error.code)) throw error
      this.#onError(error)
    }
  }
}

/** This node failed before the dispute was kept: it is raised when the delivery comes again. */
const NOT_KEPT: readonly ErrorCode[] = ['STORAGE_FAILED', 'CUSTODY_FAILED']

export function settingsValue(settings: RegisterSettings): JsonObject {
  return JSON.parse(canonicalize(settings as unknown as JsonValue)) as JsonObject
}
