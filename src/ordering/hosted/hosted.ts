import type { Clock } from '../../core/clock.ts'
import { ConcordatError } from '../../core/error.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import type { Fork } from '../../core/ledger/handover/fork.ts'
import type { OwnHandoverClaims } from '../../core/ledger/handover/handover-claims.ts'
import { termOf } from '../../core/ledger/register-certificate.ts'
import { encodeBundle, TILE_WIDTH } from '../../core/ledger/tile.ts'
import { entryId } from '../../core/ledger/verify-entry.ts'
import { parseAddCheckpoint } from '../../core/ledger/witness.ts'
import type { Storage, StoredCertificate } from '../../storage/storage.ts'
import type { OrderedBatch, Ordering } from '../ordering.ts'
import { RegisterLog } from '../register-log.ts'
import { Wakeup } from '../wakeup.ts'
import type { WitnessAnswer } from './cosigner.ts'
import type { Halt } from './followed-log.ts'
import { FollowingLog } from './follower.ts'
import { checkpointOf } from './fork-proof.ts'
import { Handover, type HandoverStatus, type Promised } from './handover.ts'
import { opensNewerTerm } from './newer-term.ts'
import { openTerm } from './open-term.ts'
import type { CheckpointSigner, HostedPeers, SentStatement, SubmitOutcome } from './peers.ts'
import { Sequencer } from './sequencer.ts'

const FOLLOW_BATCH = 256
const HANDOVER_RETRY_MS = 2_000
const WATCH_MS = 10_000

export interface HostedParts {
  storage: Storage
  register: string
  /** This node's member, and the one whose node orders the register until its leaves say who does. */
  member: string
  sequencer: string
  clock: Clock
  signer: CheckpointSigner
  peers: HostedPeers
  halt: Halt | null
  promised: Promised | null
  /** Durable once it resolves. */
  onHalt: (halt: Halt | null) => Promise<void>
  /** Durable once it resolves. */
  onPromise: (promised: Promised) => Promise<void>
  /** The handover that opens a term of this member's, signed with its governance key. */
  signHandover: (claims: OwnHandoverClaims) => Promise<string>
}

/** The hosted engine (RULES 28 to 32): one member's node orders, all others re-apply and cosign. A handover makes another one order. */
export class HostedOrdering implements Ordering {
  readonly log: RegisterLog
  readonly #parts: HostedParts
  readonly #handover: Handover
  #engine: { sequencer: Sequencer } | { following: FollowingLog }
  readonly #committed = new Wakeup()
  readonly #stop = new AbortController()
  #switching: Promise<unknown> = Promise.resolve()
  #handingOver: Promise<void> | undefined
  #watching: Promise<void> = Promise.resolve()
  readonly #statementCame = new Wakeup()
  /** The newest that is durable here: what it covers is committed. */
  #certificate: StoredCertificate | undefined
  #bundle: { n: number; width: number; bytes: Uint8Array } | undefined

  private constructor(
    parts: HostedParts,
    log: RegisterLog,
    opened: { sequencer: string; certificate: StoredCertificate | undefined },
  ) {
    this.#parts = parts
    this.log = log
    this.#certificate = opened.certificate
    this.#handover = new Handover({ ...parts, log, fork: parts.halt?.fork ?? null })
    this.#engine =
      opened.sequencer === parts.member && this.#handover.pending === null
        ? { sequencer: this.#newSequencer() }
        : { following: this.#newFollowing(opened.sequencer) }
  }

  static async open(parts: HostedParts): Promise<HostedOrdering> {
    const log = await RegisterLog.open(parts.storage, parts.register)
    const sequencer = (await log.findRegisterRow())?.sequencer ?? parts.sequencer
    return new HostedOrdering(parts, log, {
      sequencer,
      certificate: await parts.storage.findCertificate(parts.register),
    })
  }

  start(): void {
    this.#startEngine()
    this.#watching = this.#watchForTerms()
    if (this.#handover.pending !== null) this.#handingOver = this.#handOverLoop()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#statementCame.wake()
    await this.#stopEngine()
    await Promise.all([this.#handingOver, this.#watching])
    this.#committed.wake()
  }

  get halt(): Halt | null {
    return 'following' in this.#engine ? this.#engine.following.halt : null
  }

  /** A handover that this node's people have asked for and that has not happened yet. */
  get handover(): HandoverStatus | null {
    return this.#handover.status
  }

  get forks(): readonly Fork[] {
    return this.#handover.forks
  }

  /**
   * This operator's people hand over to a term (RULES 31): from now on it never cosigns below it, and says so to the member that is to order
   * it until the term has begun. Throws HANDOVER_NOT_POSSIBLE, and promises nothing, where that member may not.
   */
  async handOver(wanted: { term: number; sequencer: string }): Promise<HandoverStatus | null> {
    await this.#handover.verifyPossible(wanted)
    const following = await this.#follow()
    await following.inTurn(() => this.#handover.promise(wanted))
    this.#handingOver ??= this.#handOverLoop()
    return this.#handover.status
  }

  async acceptStatement(sent: SentStatement): Promise<void> {
    await this.#handover.accept(sent)
    this.#statementCame.wake()
  }

  async #handOverLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { pending } = this.#handover
      if (pending === null) break
      const { next } = this.#statementCame
      try {
        if (pending.sequencer === this.#parts.member) {
          if (await this.#openTerm(pending.term)) break
        } else {
          const { fork } = this.halt ?? { fork: null }
          const forks = fork === null ? [] : [fork]
          await this.#parts.peers.sendStatement(pending.sequencer, { statement: pending.statement, forks })
        }
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
      }
      const pause = new AbortController()
      await Promise.race([
        next,
        this.#parts.clock.wait(HANDOVER_RETRY_MS, AbortSignal.any([pause.signal, this.#stop.signal])),
      ])
      pause.abort()
    }
    this.#handingOver = undefined
  }

  async #findCheckpoint(member: string): Promise<string | undefined> {
    try {
      return await this.#parts.peers.findCheckpoint(member)
    } catch (error) {
      if (error instanceof ConcordatError) return undefined
      throw error
    }
  }

  /** A node that orders, and was away, may have been replaced meanwhile: it asks the other operators in turn. */
  async #watchForTerms(): Promise<void> {
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      if ('sequencer' in this.#engine) {
        const members = (await this.log.findRegisterRow())?.members ?? []
        const others = members.filter(({ id, operator }) => id === operator && id !== this.#parts.member)
        const other = others[turn % Math.max(1, others.length)]
        const note = other && (await this.#parts.peers.findCheckpoint(other.id).catch(() => undefined))
        if (note !== undefined) await this.acceptCertificate(note, other!.id).catch(() => undefined)
      }
      await this.#parts.clock.wait(WATCH_MS, this.#stop.signal)
    }
  }

  async #openTerm(term: number): Promise<boolean> {
    const following = await this.#follow()
    const register = await this.log.findRegisterRow()
    const configuration = register?.configurations.at(-1)
    if (configuration === undefined || this.#handover.statements(term).length < configuration.quorum) return false
    // Whoever holds a certificate saves what it covers (RULES 31).
    const others = register!.members.filter(({ id }) => id !== this.#parts.member)
    await Promise.all(others.map(({ id }) => following.catchUpWith(id)))
    const shown = await Promise.all(
      others.map(async ({ id }) => ({ holder: id, note: await this.#findCheckpoint(id) })),
    )
    const { storage, clock, peers, member, signHandover } = this.#parts
    const parts = { log: this.log, storage, clock, peers, member, signHandover, handover: this.#handover }
    const certified = () => this.#certificate?.size ?? 0
    if (!(await following.inTurn(() => openTerm({ ...parts, certified, shown }, term)))) return false
    this.#bundle = undefined
    await following.stop()
    this.#switchTo({ sequencer: this.#newSequencer() })
    return true
  }

  /** The engine of a node that does not order, or does no longer. */
  #follow(): Promise<FollowingLog> {
    const following = this.#switching.then(() => this.#stopOrdering())
    this.#switching = following.catch(() => undefined)
    return following
  }

  async #stopOrdering(): Promise<FollowingLog> {
    if ('following' in this.#engine) return this.#engine.following
    await this.#engine.sequencer.stop()
    await this.#parts.storage.saveCosigned(this.#parts.register, await this.#handover.signHead())
    const following = this.#newFollowing(this.#parts.member)
    this.#switchTo({ following })
    return following
  }

  #newSequencer(): Sequencer {
    return new Sequencer(this.#shared())
  }

  #newFollowing(sequencer: string): FollowingLog {
    return new FollowingLog({
      ...this.#shared(),
      sequencer,
      promised: () => this.#handover.promised?.term ?? 0,
      onReplaced: () => {
        this.#bundle = undefined
      },
      onHalt: async (halt) => {
        await this.#parts.onHalt(halt)
        const register = await this.log.findRegisterRow()
        if (halt?.fork != null && register !== undefined) await this.#handover.addFork(halt.fork, register)
      },
    })
  }

  #shared() {
    return {
      ...this.#parts,
      log: this.log,
      certified: this.#certificate?.size ?? 0,
      onCertificate: (newest: StoredCertificate) => {
        this.#certificate = newest
        this.#committed.wake()
      },
    }
  }

  /** A node that stops starts nothing any more. */
  #switchTo(engine: { sequencer: Sequencer } | { following: FollowingLog }): void {
    this.#engine = engine
    if (!this.#stop.signal.aborted) this.#startEngine()
  }

  #startEngine(): void {
    if ('sequencer' in this.#engine) this.#engine.sequencer.start()
    else this.#engine.following.start()
  }

  #stopEngine(): Promise<void> {
    return 'sequencer' in this.#engine ? this.#engine.sequencer.stop() : this.#engine.following.stop()
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

  /** Entries that other members' nodes bring: to the sequencer, or to others where they find them withheld. */
  submitFromPeer(entries: readonly string[]): Promise<SubmitOutcome[]> {
    const engine = this.#engine
    return Promise.all(
      entries.map((entry) =>
        'sequencer' in engine ? engine.sequencer.submit(entry) : engine.following.submitFromPeer(entry),
      ),
    )
  }

  async addCheckpoint(body: string): Promise<WitnessAnswer> {
    if ('sequencer' in this.#engine && !(await this.#isReplacedBy(parseAddCheckpoint(body).note))) {
      return { status: 404, contentType: 'text/plain; charset=utf-8', body: 'NOT_FOLLOWING\n' }
    }
    return (await this.#follow()).addCheckpoint(body)
  }

  /** From whoever shows one. A node that orders has made every certificate of its own term itself. */
  async acceptCertificate(note: string, from: string): Promise<void> {
    if ('sequencer' in this.#engine && !(await this.#isReplacedBy(note))) return
    await (await this.#follow()).acceptCertificate(note, from)
  }

  /** Whether a later term has begun, by a handover that holds: only then does a node that orders stop. */
  async #isReplacedBy(note: string): Promise<boolean> {
    const { origin } = checkpointOf(note)
    const register = await this.log.findRegisterRow()
    try {
      if (register === undefined || termOf(register, origin) <= register.term) return false
      return await opensNewerTerm({ ...this.#parts, log: this.log }, note, this.#certificate?.size ?? 0)
    } catch (error) {
      if (error instanceof ConcordatError) return false
      throw error
    }
  }

  /** Asks the node that orders for its newest certificate. False where it does not answer: then this node knows what it knew. */
  async catchUp(): Promise<boolean> {
    return 'following' in this.#engine ? this.#engine.following.catchUp() : true
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
