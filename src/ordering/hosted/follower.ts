import type { Clock } from '../../core/clock.ts'
import { fromBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError, type ErrorCode } from '../../core/error.ts'
import { verifyCertificate } from '../../core/ledger/certificate.ts'
import { type Checkpoint, originOf, parseCheckpoint } from '../../core/ledger/checkpoint.ts'
import { cosign } from '../../core/ledger/cosignature.ts'
import { EMPTY_ROOT, sameBytes } from '../../core/ledger/merkle.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { formatSignatureLine, parseNote } from '../../core/ledger/note.ts'
import {
  boundaries,
  findMember,
  findRegister,
  findRegisterConfiguration,
  type RegisterRow,
} from '../../core/ledger/state.ts'
import { type AddCheckpointAnswer, answerAddCheckpoint } from '../../core/ledger/witness.ts'
import type { LeafBatch, Storage, StoredCertificate } from '../../storage/storage.ts'
import type { RegisterLog } from '../register-log.ts'
import { Wakeup } from '../wakeup.ts'
import { LeafSource, PART_LEAVES } from './leaf-source.ts'
import { cosignerKeys, findMemberRow, logKey } from './operator-keys.ts'
import type { CheckpointSigner, HostedPeers, SubmitOutcome } from './peers.ts'

const POLL_MS = 2_000
const MAX_ENTRIES_A_REQUEST = 256
const MAX_REQUESTS = 4
const SUBMIT_RETRY_MS = 500
const MAX_SUBMIT_ATTEMPTS = 20

/** Why this node accepts nothing more of a register: its sequencer signed a leaf that breaks a rule, or two histories. */
export interface Halt {
  index: number
  code: ErrorCode
  /** The sequencer's signed checkpoint, the proof of it. */
  note: string
}

export interface WitnessAnswer {
  status: number
  contentType: string
  body: string
}

/**
 * Follows a register that another node orders: fetches its leaves, applies every one, compares roots, keeps them, and only
 * then cosigns (RULES 29). What the sequencer says is believed nowhere else.
 */
export class FollowingLog {
  readonly #log: RegisterLog
  readonly #leaves: LeafSource
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #signer: CheckpointSigner
  readonly #peers: HostedPeers
  readonly #member: string
  readonly #sequencer: string
  readonly #onCertificate: (certificate: StoredCertificate) => void
  readonly #onHalt: (halt: Halt) => Promise<void>
  readonly #stop = new AbortController()
  /** Appending is one at a time: an answer to add-checkpoint, or catching up with a certificate. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #queue: { jws: string; settle: (outcome: SubmitOutcome) => void }[] = []
  readonly #queued = new Wakeup()
  readonly #certifiedMore = new Wakeup()
  readonly #pollNow = new Wakeup()
  #certified: number
  #halt: Halt | null
  #loops: Promise<unknown> = Promise.resolve()

  constructor(parts: {
    log: RegisterLog
    storage: Storage
    clock: Clock
    signer: CheckpointSigner
    peers: HostedPeers
    member: string
    sequencer: string
    certified: number
    halt: Halt | null
    onCertificate: (certificate: StoredCertificate) => void
    /** Durable once it resolves. */
    onHalt: (halt: Halt) => Promise<void>
  }) {
    this.#log = parts.log
    this.#leaves = new LeafSource(parts)
    this.#storage = parts.storage
    this.#clock = parts.clock
    this.#signer = parts.signer
    this.#peers = parts.peers
    this.#member = parts.member
    this.#sequencer = parts.sequencer
    this.#certified = parts.certified
    this.#halt = parts.halt
    this.#onCertificate = parts.onCertificate
    this.#onHalt = parts.onHalt
  }

  get halt(): Halt | null {
    return this.#halt
  }

  start(): void {
    const senders = Array.from({ length: MAX_REQUESTS }, () => this.#sendLoop())
    this.#loops = Promise.all([this.#pollLoop(), ...senders])
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    for (const wakeup of [this.#queued, this.#certifiedMore, this.#pollNow]) wakeup.wake()
    await this.#loops
    await this.#turn
  }

  /** Resolves once this node itself holds the certificate over the entry: the sequencer's word is not enough. */
  async submit(jws: string, id: string): Promise<SubmitOutcome> {
    for (let attempt = 0; attempt < MAX_SUBMIT_ATTEMPTS && !this.#stop.signal.aborted; attempt++) {
      if (this.#halt !== null) return { refusal: halted(this.#halt) }
      const outcome = await new Promise<SubmitOutcome>((settle) => {
        this.#queue.push({ jws, settle })
        this.#queued.wake()
      })
      if ('index' in outcome) {
        if (await this.#holds(outcome.index, id)) return outcome
      } else if (outcome.refusal.code !== 'ORDERING_UNAVAILABLE') {
        return outcome
      }
      await this.#clock.wait(SUBMIT_RETRY_MS, this.#stop.signal)
    }
    return { refusal: { code: 'ORDERING_UNAVAILABLE', expected: 'an entry ordered and certified', got: 'no answer' } }
  }

  /** C2SP tlog-witness. 503 while this node cannot fetch or does not agree. */
  addCheckpoint(body: string): Promise<WitnessAnswer> {
    return this.#inTurn(() => this.#answer(body))
  }

  /** A certificate, from whoever: it is checked, and the leaves that it covers are fetched where they are missing. */
  acceptCertificate(note: string): Promise<void> {
    return this.#inTurn(() => this.#catchUp(note))
  }

  async catchUp(): Promise<void> {
    try {
      const note = await this.#peers.findCheckpoint(this.#sequencer)
      if (note !== undefined) await this.acceptCertificate(note)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
    }
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(action)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #answer(body: string): Promise<WitnessAnswer> {
    if (this.#halt !== null) return refused(503, halted(this.#halt).code)
    const row = await findMemberRow(this.#log, this.#sequencer)
    const head = this.#log.head
    const state = { size: head?.size ?? 0, root: head === undefined ? EMPTY_ROOT : fromBase64url(head.root) }
    const origin = originOf(this.#log.register, head?.term ?? 0)
    let pending: LeafBatch | undefined
    let answer: AddCheckpointAnswer
    if (row === undefined) {
      // The key that signed is stated in leaves still to be fetched: applied first, kept only if it fits.
      const checkpoint = parseCheckpoint(parseNote(body.slice(body.indexOf('\n\n') + 2)).text)
      if (checkpoint.origin !== origin) return refused(404, 'ADD_CHECKPOINT_INVALID')
      if (checkpoint.size > PART_LEAVES) {
        // Only a certificate says that so much is worth reading.
        const note = await this.#peers.findCheckpoint(this.#sequencer)
        if (note !== undefined) await this.#catchUp(note)
        return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
      }
      const fetched = await this.#leaves.read(checkpoint, 'within the time window')
      if (fetched.batch === null) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
      pending = fetched.batch
      const founded = findMember(pending.rows, this.#sequencer)
      if (founded === undefined) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
      const key = await logKey(this.#log.register, 0, founded)
      answer = await answerAddCheckpoint(body, async () => ({ keys: [key], ...state }), nodeChecks)
    } else {
      const key = await logKey(this.#log.register, head?.term ?? 0, row)
      answer = await answerAddCheckpoint(
        body,
        async (asked) => (asked === origin ? { keys: [key], ...state } : undefined),
        nodeChecks,
      )
    }
    if (answer.status === 409) return { status: 409, contentType: 'text/x.tlog.size', body: `${answer.size}\n` }
    if (answer.status !== 200) return refused(answer.status, answer.error.code)
    return this.#applyAndCosign(answer.checkpoint, answer.note.text, body, pending)
  }

  async #applyAndCosign(
    checkpoint: Checkpoint,
    text: string,
    request: string,
    pending: LeafBatch | undefined,
  ): Promise<WitnessAnswer> {
    if (!(await this.#boundariesCertified(checkpoint.size))) return refused(503, 'BOUNDARY_NOT_CERTIFIED')
    if (checkpoint.size > (this.#log.head?.size ?? 0)) {
      const note = request.slice(request.indexOf('\n\n') + 2)
      if (pending === undefined) {
        const halt = await this.#leaves.keepFar(checkpoint)
        if (halt !== null) {
          await this.#halted({ ...halt, note })
          return refused(503, halt.code)
        }
      }
      let batch = pending ?? null
      if (batch === null) {
        const fetched = await this.#leaves.read(checkpoint, 'within the time window')
        if (fetched.halt !== null) {
          await this.#halted({ ...fetched.halt, note })
          return refused(503, fetched.halt.code)
        }
        batch = fetched.batch
      }
      if (batch === null) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
      // The new leaves may themselves cross one.
      const register = findRegister(batch.rows)
      if (register !== undefined && this.#missesBoundary(register, checkpoint.size)) {
        return refused(503, 'BOUNDARY_NOT_CERTIFIED')
      }
      await this.#log.commit(batch)
    }
    const row = await findMemberRow(this.#log, this.#member)
    if (row === undefined) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    const time = this.#clock.now()
    const lines = await Promise.all(
      (await cosignerKeys(this.#member, row)).map((key) =>
        cosign(text, key, time, (data) => this.#signer.signCheckpoint(key.type === 6 ? 'ML-DSA-44' : 'Ed25519', data)),
      ),
    )
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: lines.map(formatSignatureLine).join('') }
  }

  /** RULES 30: nobody cosigns past a boundary without holding a certificate over it. */
  async #boundariesCertified(size: number): Promise<boolean> {
    const register = await this.#log.findRegisterRow()
    if (register === undefined || !this.#missesBoundary(register, size)) return true
    const note = await this.#peers.findCheckpoint(this.#sequencer)
    if (note !== undefined) await this.#catchUp(note)
    return !this.#missesBoundary(register, size)
  }

  #missesBoundary(register: RegisterRow, size: number): boolean {
    return boundaries(register).some((boundary) => boundary < size && boundary > this.#certified)
  }

  async #catchUp(note: string): Promise<void> {
    if (this.#halt !== null) return
    const checkpoint = parseCheckpoint(parseNote(note).text)
    // Before anything is fetched for it.
    if (!checkpoint.origin.startsWith(`${this.#log.register}/`)) {
      throw new ConcordatError({
        code: 'CERTIFICATE_ORIGIN_MISMATCH',
        expected: 'a checkpoint of this register',
        got: 'one of another log',
      })
    }
    if (checkpoint.size <= this.#certified) return
    if (await this.#leaves.isFar(note)) {
      const halt = await this.#leaves.keepFar(checkpoint)
      if (halt !== null) {
        await this.#halted({ ...halt, note })
        return
      }
    }
    const behind = checkpoint.size > (this.#log.head?.size ?? 0)
    // Leaves under a shown certificate are exempt from the time window (RULES 32).
    const fetched = behind ? await this.#leaves.read(checkpoint, 'any') : null
    const rows = new Map(await this.#storage.readRows(this.#log.register, ['register', `member/${this.#sequencer}`]))
    for (const [key, row] of fetched?.batch?.rows ?? []) rows.set(key, row)
    const register = findRegister(rows)
    const sequencer = findMember(rows, this.#sequencer)
    const configuration = register && findRegisterConfiguration(register, checkpoint.size)
    if (configuration === undefined || sequencer?.keys.checkpoint == null) return
    await verifyCertificate(
      {
        note,
        origin: originOf(this.#log.register, register?.term ?? 0),
        logKey: sequencer.keys.checkpoint.ed25519,
        configuration,
        kind: 'Ed25519',
      },
      nodeChecks,
    )
    if (fetched !== null) {
      if (fetched.halt !== null) await this.#halted({ ...fetched.halt, note })
      if (fetched.batch === null) return
      await this.#log.commit(fetched.batch)
    } else if (!(await this.#agrees(checkpoint))) {
      await this.#halted({ index: checkpoint.size, code: 'CHECKPOINT_FORKED', note })
      return
    }
    const boundary = (await this.#log.boundaries()).includes(checkpoint.size)
    const certificate = { size: checkpoint.size, note, boundary }
    await this.#storage.saveCertificate(this.#log.register, certificate)
    this.#certified = checkpoint.size
    this.#certifiedMore.wake()
    this.#onCertificate(certificate)
  }

  async #halted(halt: Halt): Promise<void> {
    this.#halt = halt
    await this.#onHalt(halt)
  }

  /** Whether this node's leaves have the checkpoint's root. */
  async #agrees(checkpoint: Checkpoint): Promise<boolean> {
    return sameBytes(await this.#log.rootAt(checkpoint.size), checkpoint.root)
  }

  async #holds(index: number, id: string): Promise<boolean> {
    for (let waits = 0; waits < 50 && !this.#stop.signal.aborted; waits++) {
      const { next } = this.#certifiedMore
      if (this.#certified > index) return (await this.#storage.findLeaf(this.#log.register, id))?.index === index
      if (waits > 0) this.#pollNow.wake()
      const pause = new AbortController()
      await Promise.race([next, this.#clock.wait(POLL_MS, pause.signal)])
      pause.abort()
    }
    return false
  }

  async #sendLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { next } = this.#queued
      const entries = this.#queue.splice(0, MAX_ENTRIES_A_REQUEST)
      if (entries.length === 0) {
        await next
        continue
      }
      const outcomes = await this.#peers
        .submitEntries(
          this.#sequencer,
          entries.map(({ jws }) => jws),
        )
        .catch((error: unknown) => entries.map((): SubmitOutcome => ({ refusal: unreachable(error) })))
      for (const [i, { settle }] of entries.entries()) settle(outcomes[i] ?? { refusal: unreachable(undefined) })
    }
    for (const { settle } of this.#queue.splice(0)) settle({ refusal: unreachable(undefined) })
  }

  /** The certificate usually comes by itself; asking covers one that was lost and a node that was away. */
  async #pollLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pause = new AbortController()
      const stop = AbortSignal.any([pause.signal, this.#stop.signal])
      await Promise.race([this.#pollNow.next, this.#clock.wait(POLL_MS, stop)])
      pause.abort()
      if (this.#stop.signal.aborted || this.#halt !== null) continue
      try {
        const note = await this.#peers.findCheckpoint(this.#sequencer)
        if (note !== undefined) await this.acceptCertificate(note)
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
      }
    }
  }
}

function refused(status: number, code: ErrorCode): WitnessAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${code}\n` }
}

function halted(halt: Halt) {
  return {
    code: 'REGISTER_HALTED' as const,
    expected: 'a register whose every leaf keeps the rules',
    got: `${halt.code} at leaf ${halt.index}`,
    index: halt.index,
  }
}

function unreachable(error: unknown) {
  const got = error instanceof ConcordatError ? error.code : 'no answer'
  return { code: 'ORDERING_UNAVAILABLE' as const, expected: 'an answer of the sequencer', got }
}
