import type { Clock } from '../../core/clock.ts'
import { ConcordatError, type ErrorCode } from '../../core/error.ts'
import type { Checkpoint } from '../../core/ledger/checkpoint.ts'
import { type Fork, verifySigned } from '../../core/ledger/handover/fork.ts'
import { HASH_BYTES, sameBytes } from '../../core/ledger/merkle.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { termOf, verifyRegisterCertificate } from '../../core/ledger/register-certificate.ts'
import { boundaries, findRegister, findTerm, type RegisterRow } from '../../core/ledger/state.ts'
import type { LeafBatch, Storage, StoredCertificate } from '../../storage/storage.ts'
import type { RegisterLog } from '../register-log.ts'
import { fetchBoundaryCertificates } from './boundary-certificates.ts'
import { checkpointOf, type FetchTile, findFork } from './fork-proof.ts'
import { type BrokenLeaf, LeafSource } from './leaf-source.ts'
import { readNewerTerm } from './newer-term.ts'
import { logKey } from './operator-keys.ts'
import type { CheckpointSigner, HostedPeers } from './peers.ts'

/**
 * Why this node takes nothing more of a term: its sequencer signed a leaf that breaks a rule, or two histories. A later term ends it.
 * `note` is the sequencer's signed checkpoint, `fork` the proof of two histories.
 */
export interface Halt {
  term: number
  index: number
  code: ErrorCode
  note: string
  fork: Fork | null
}

export interface FollowingParts {
  log: RegisterLog
  storage: Storage
  clock: Clock
  signer: CheckpointSigner
  peers: HostedPeers
  member: string
  /** Until the log says who it is. */
  sequencer: string
  certified: number
  halt: Halt | null
  /** The term below which this node never cosigns (RULES 31). */
  promised: () => number
  onCertificate: (certificate: StoredCertificate) => void
  /** Leaves have given way to those of a later term. */
  onReplaced: () => void
  /** Durable once it resolves. */
  onHalt: (halt: Halt | null) => Promise<void>
}

/**
 * A register as a node that does not order it holds it: which term, how far it is certified, why it stands still. One call at a time,
 * but for reading.
 */
export class FollowedLog {
  readonly #parts: FollowingParts
  readonly #log: RegisterLog
  readonly #storage: Storage
  #sequencer: string
  #certified: number
  #halt: Halt | null

  constructor(parts: FollowingParts) {
    this.#parts = parts
    this.#log = parts.log
    this.#storage = parts.storage
    this.#sequencer = parts.sequencer
    this.#certified = parts.certified
    this.#halt = parts.halt
  }

  get sequencer(): string {
    return this.#sequencer
  }

  /** Leaves that a certificate held here covers. */
  get certified(): number {
    return this.#certified
  }

  get halt(): Halt | null {
    return this.#halt
  }

  async keep(log: RegisterLog, batch: LeafBatch, register: RegisterRow): Promise<void> {
    const term = this.#log.head?.term ?? 0
    await log.commit(batch)
    if (log !== this.#log) {
      await this.#log.reload()
      this.#parts.onReplaced()
    }
    this.#sequencer = register.sequencer
    if (register.term > term && this.#halt !== null) {
      await this.#parts.onHalt(null)
      this.#halt = null
    }
  }

  /** RULES 30: nobody cosigns past a boundary without holding a certificate over it. */
  async boundariesCertified(size: number): Promise<boolean> {
    const register = await this.#log.findRegisterRow()
    if (register === undefined || !this.missesBoundary(register, size)) return true
    const note = await this.#parts.peers.findCheckpoint(this.#sequencer)
    if (note !== undefined) await this.catchUp(note, this.#sequencer)
    return !this.missesBoundary(register, size)
  }

  /** A term's own start counts as certified. */
  missesBoundary(register: RegisterRow, size: number): boolean {
    const reached = Math.max(this.#certified, findTerm(register, register.term)?.start ?? 0)
    return boundaries(register).some((boundary) => boundary < size && boundary > reached)
  }

  async catchUp(note: string, shownBy: string | undefined): Promise<void> {
    const checkpoint = checkpointOf(note)
    const term = termOf({ id: this.#log.register }, checkpoint.origin)
    // Before anything is fetched for it.
    if (term < 0) {
      throw new ConcordatError({
        code: 'CERTIFICATE_ORIGIN_MISMATCH',
        expected: 'a checkpoint of this register',
        got: 'one of another log',
      })
    }
    const { head } = this.#log
    const newer = head !== undefined && term > head.term
    if (!newer && (this.#halt !== null || checkpoint.size <= this.#certified)) return
    const read = newer
      ? {
          ...(await readNewerTerm(this.#parts, { note, from: shownBy, certified: this.#certified }, 'any')),
          broken: null,
        }
      : await this.#readOn(note, checkpoint, shownBy === undefined ? [this.#sequencer] : [this.#sequencer, shownBy])
    if (read === undefined) return
    const { log, batch, broken } = read
    const register = (batch && findRegister(batch.rows)) ?? (await log.findRegisterRow())
    if (register === undefined) return
    if (broken !== null) {
      // Whoever cosigned it: the signature of the term's sequencer is what proves it.
      await this.#verifySequencers(note, register, term)
      return this.stopAt(broken, note, null)
    }
    await verifyRegisterCertificate(note, register, nodeChecks)
    if (batch !== null) await this.keep(log, batch, register)
    else if (!sameBytes(await this.#log.rootAt(checkpoint.size), checkpoint.root)) {
      if (!(await this.findsFork(note, [this.#sequencer])))
        await this.stopAt({ index: checkpoint.size, code: 'CHECKPOINT_FORKED' }, note, null)
      return
    }
    const { size } = checkpoint
    // Before: whoever sees the newest certificate here finds those over the boundaries too.
    const from = [...(shownBy === undefined ? [] : [shownBy]), this.#sequencer, ...(await this.others())]
    await fetchBoundaryCertificates(this.#parts, { register, certified: size, from })
    await this.#saveCertificate({ size, note, boundary: boundaries(register).includes(size) })
  }

  /**
   * Leaves of the terms that this node knows, from the first of some members that has them. A null batch: it has them already. Undefined:
   * they are not to be had. `broken`: a leaf that breaks a rule; who signed is not checked yet.
   */
  async #readOn(
    note: string,
    checkpoint: Checkpoint,
    sources: readonly string[],
  ): Promise<{ log: RegisterLog; batch: LeafBatch | null; broken: BrokenLeaf | null } | undefined> {
    const have = { log: this.#log, batch: null, broken: null }
    if (checkpoint.size <= (this.#log.head?.size ?? 0)) return have
    let failure: ConcordatError | undefined
    for (const from of sources) {
      try {
        const read = await this.#readFrom(from, note, checkpoint)
        if (read !== undefined) return { log: this.#log, ...read }
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
        failure ??= error
      }
    }
    if (!(await this.findsFork(note, sources)) && failure !== undefined) throw failure
    return undefined
  }

  async #readFrom(
    from: string,
    note: string,
    checkpoint: Checkpoint,
  ): Promise<{ batch: LeafBatch | null; broken: BrokenLeaf | null } | undefined> {
    const source = this.source(from)
    if (source.isFar(checkpoint)) {
      // Nothing is kept before it is all there, but of what the term's sequencer has signed.
      const register = (await this.#log.findRegisterRow()) ?? (await source.findFirstRegister(checkpoint))
      if (register === undefined) return undefined
      await this.#verifySequencers(note, register, termOf(register, checkpoint.origin))
      const broken = await source.keepFar(checkpoint)
      if (broken !== null) return { batch: null, broken }
    }
    // Leaves under a shown certificate are exempt from the time window (RULES 32).
    const { batch, halt } = await source.read(checkpoint, 'any')
    return batch === null && halt === null ? undefined : { batch, broken: halt }
  }

  async #verifySequencers(note: string, register: RegisterRow, term: number): Promise<void> {
    const key = findTerm(register, term)?.key
    if (key != null) await verifySigned(note, key, nodeChecks)
    else throw new ConcordatError({ code: 'NOTE_SIGNER_UNKNOWN', expected: "a known term's sequencer", got: 'another' })
  }

  async #saveCertificate(certificate: StoredCertificate): Promise<void> {
    await this.#storage.saveCertificate(this.#log.register, certificate)
    if (certificate.size <= this.#certified) return
    this.#certified = certificate.size
    this.#parts.onCertificate(certificate)
  }

  /**
   * Keeps the proof where the term's sequencer has signed this checkpoint and another one that contradicts it. `from`: members that may
   * have the tiles of its tree.
   */
  async findsFork(note: string, from: readonly string[]): Promise<boolean> {
    const { log, storage, peers } = this.#parts
    const register = await log.findRegisterRow()
    const term = register && findTerm(register, register.term)
    const signed = [await storage.findCosigned(log.register), (await storage.findCertificate(log.register))?.note]
    const own = signed.find((mine) => mine != null && checkpointOf(mine).origin === checkpointOf(note).origin)
    if (term === undefined || own == null) return false
    const { size } = checkpointOf(note)
    const held: FetchTile = async ({ level, n, width }) =>
      (await storage.findTile(log.register, level, n))?.subarray(0, width * HASH_BYTES)
    const isLarger = size > checkpointOf(own).size
    const trees = isLarger
      ? from.map(
          (member): FetchTile =>
            (tile) =>
              peers.readTile(member, tile),
        )
      : [held]
    for (const tiles of trees) {
      const fork = await findFork(term, isLarger ? [own, note] : [note, own], tiles)
      if (fork === undefined) continue
      await this.stopAt({ index: size, code: 'CHECKPOINT_FORKED' }, note, fork)
      return true
    }
    return false
  }

  async stopAt({ index, code }: BrokenLeaf, note: string, fork: Fork | null): Promise<void> {
    this.#halt = { term: this.#log.head?.term ?? 0, index, code, note, fork }
    await this.#parts.onHalt(this.#halt)
  }

  /** The other operators, but the sequencer. */
  async others(): Promise<string[]> {
    const members = (await this.#log.findRegisterRow())?.members ?? []
    return members.flatMap(({ id, operator }) =>
      id === operator && id !== this.#parts.member && id !== this.#sequencer ? [id] : [],
    )
  }

  source(from: string): LeafSource {
    const { log, clock, peers } = this.#parts
    return new LeafSource({ log, clock, peers, from })
  }

  async termKey(register: RegisterRow, number: number) {
    const key = findTerm(register, number)?.key
    if (key != null) return logKey(register.id, number, key)
    throw new ConcordatError({ code: 'LEAVES_NOT_OF_CHECKPOINT', expected: "the term's key", got: 'none' })
  }
}
