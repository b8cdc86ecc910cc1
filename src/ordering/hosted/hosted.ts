import type { Clock } from '../../core/clock.ts'
import { ConcordatError } from '../../core/error.ts'
import { parseCheckpoint } from '../../core/ledger/checkpoint.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import { parseNote } from '../../core/ledger/note.ts'
import { encodeBundle, TILE_WIDTH } from '../../core/ledger/tile.ts'
import { entryId } from '../../core/ledger/verify-entry.ts'
import type { Storage, StoredCertificate } from '../../storage/storage.ts'
import type { OrderedBatch, Ordering } from '../ordering.ts'
import { RegisterLog } from '../register-log.ts'
import { Wakeup } from '../wakeup.ts'
import { FollowingLog, type Halt, type WitnessAnswer } from './follower.ts'
import type { CheckpointSigner, HostedPeers, SubmitOutcome } from './peers.ts'
import { Sequencer } from './sequencer.ts'

const FOLLOW_BATCH = 256

export interface HostedParts {
  storage: Storage
  register: string
  /** This node's member, and the one whose node orders the register in this term. */
  member: string
  sequencer: string
  clock: Clock
  signer: CheckpointSigner
  peers: HostedPeers
  halt: Halt | null
  /** Durable once it resolves. */
  onHalt: (halt: Halt) => Promise<void>
}

/** The hosted engine (RULES 28 to 32): one member's node orders, all others re-apply and cosign. */
export class HostedOrdering implements Ordering {
  readonly log: RegisterLog
  readonly #parts: HostedParts
  readonly #engine: { sequencer: Sequencer } | { following: FollowingLog }
  readonly #committed = new Wakeup()
  /** The newest that is durable here: what it covers is committed. */
  #certificate: StoredCertificate | undefined
  #bundle: { n: number; width: number; bytes: Uint8Array } | undefined

  private constructor(parts: HostedParts, log: RegisterLog, certificate: StoredCertificate | undefined) {
    this.#parts = parts
    this.log = log
    this.#certificate = certificate
    const shared = {
      ...parts,
      log,
      certified: certificate?.size ?? 0,
      onCertificate: (newest: StoredCertificate) => {
        this.#certificate = newest
        this.#committed.wake()
      },
    }
    this.#engine =
      parts.member === parts.sequencer ? { sequencer: new Sequencer(shared) } : { following: new FollowingLog(shared) }
  }

  static async open(parts: HostedParts): Promise<HostedOrdering> {
    const log = await RegisterLog.open(parts.storage, parts.register)
    return new HostedOrdering(parts, log, await parts.storage.findCertificate(parts.register))
  }

  start(): void {
    if ('sequencer' in this.#engine) this.#engine.sequencer.start()
    else this.#engine.following.start()
  }

  async stop(): Promise<void> {
    if ('sequencer' in this.#engine) await this.#engine.sequencer.stop()
    else await this.#engine.following.stop()
    this.#committed.wake()
  }

  get halt(): Halt | null {
    return 'following' in this.#engine ? this.#engine.following.halt : null
  }

  async submit(entry: string): Promise<{ index: number }> {
    const id = entryId(parseEntry(entry))
    const outcome = await this.#submit(entry, id).catch((error: unknown): SubmitOutcome => {
      if (!(error instanceof ConcordatError)) throw error
      // A failure of this node, not the register's answer.
      return { refusal: { code: 'ORDERING_UNAVAILABLE', expected: 'an answer of the register', got: error.code } }
    })
    if ('refusal' in outcome) throw new ConcordatError(outcome.refusal)
    return outcome
  }

  #submit(entry: string, id: string): Promise<SubmitOutcome> {
    return 'sequencer' in this.#engine ? this.#engine.sequencer.submit(entry) : this.#engine.following.submit(entry, id)
  }

  async *follow(index: number, signal: AbortSignal): AsyncIterable<OrderedBatch> {
    let at = index
    signal.addEventListener('abort', () => this.#committed.wake(), { once: true })
    while (!signal.aborted) {
      const { next } = this.#committed
      const certificate = this.#certificate
      if (certificate === undefined || certificate.size <= at) {
        await next
        continue
      }
      const count = Math.min(FOLLOW_BATCH, certificate.size - at)
      const leaves = await this.#parts.storage.readLeaves(this.#parts.register, at, count)
      yield { index: at, leaves, certificate: certificate.note }
      at += leaves.length
    }
  }

  /** The founders' first entries, at the sequencer only (RULES 4). They are committed once every founding operator has cosigned. */
  found(entries: readonly string[]): Promise<void> {
    return this.#sequencer().found(entries)
  }

  /** Entries that other members' nodes bring to the sequencer. */
  submitFromPeer(entries: readonly string[]): Promise<SubmitOutcome[]> {
    const sequencer = this.#sequencer()
    return Promise.all(entries.map((entry) => sequencer.submit(entry)))
  }

  addCheckpoint(body: string): Promise<WitnessAnswer> {
    if ('following' in this.#engine) return this.#engine.following.addCheckpoint(body)
    return Promise.resolve({ status: 404, contentType: 'text/plain; charset=utf-8', body: 'NOT_FOLLOWING\n' })
  }

  /** A node that orders has made every certificate itself. */
  async acceptCertificate(note: string): Promise<void> {
    if ('following' in this.#engine) await this.#engine.following.acceptCertificate(note)
    else parseCheckpoint(parseNote(note).text)
  }

  /** Asks the node that orders for its newest certificate. Where it does not answer, this node knows what it knew. */
  async catchUp(): Promise<void> {
    if ('following' in this.#engine) await this.#engine.following.catchUp()
  }

  get certificate(): StoredCertificate | undefined {
    return this.#certificate
  }

  /** An entry bundle; undefined where there are not so many leaves (C2SP tlog-tiles: 404). All followers ask for the newest one. */
  async findBundle(n: number, width: number): Promise<Uint8Array | undefined> {
    if (this.#bundle?.n === n && this.#bundle.width === width) return this.#bundle.bytes
    const leaves = await this.#parts.storage.readLeaves(this.#parts.register, n * TILE_WIDTH, width)
    if (leaves.length !== width) return undefined
    this.#bundle = { n, width, bytes: encodeBundle(leaves) }
    return this.#bundle.bytes
  }

  #sequencer(): Sequencer {
    if ('sequencer' in this.#engine) return this.#engine.sequencer
    throw new ConcordatError({
      code: 'NOT_THE_SEQUENCER',
      expected: 'the node that orders this register',
      got: 'one that follows',
    })
  }
}
