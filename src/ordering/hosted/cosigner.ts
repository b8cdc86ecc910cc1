import { fromBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError, type ErrorCode } from '../../core/error.ts'
import { type Checkpoint, originOf } from '../../core/ledger/checkpoint.ts'
import { cosign } from '../../core/ledger/cosignature.ts'
import { EMPTY_ROOT } from '../../core/ledger/merkle.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { formatSignatureLine, parseNote } from '../../core/ledger/note.ts'
import { termOf } from '../../core/ledger/register-certificate.ts'
import { boundaries, findRegister, findTerm, type RegisterRow } from '../../core/ledger/state.ts'
import { answerAddCheckpoint, parseAddCheckpoint } from '../../core/ledger/witness.ts'
import type { LeafBatch } from '../../storage/storage.ts'
import type { RegisterLog } from '../register-log.ts'
import type { FollowedLog, FollowingParts } from './followed-log.ts'
import { checkpointOf } from './fork-proof.ts'
import type { HeldEntries } from './held-entries.ts'
import { type BrokenLeaf, PART_LEAVES } from './leaf-source.ts'
import { readNewerTerm } from './newer-term.ts'
import { cosignerKeys, findMemberRow, findSigner, withoutCosignatures } from './operator-keys.ts'

const TEXT = 'text/plain; charset=utf-8'

export interface WitnessAnswer {
  status: number
  contentType: string
  body: string
}

/**
 * Answers a sequencer that asks for this node's cosignature. It says that the node has applied every leaf (RULES 29), holds a
 * certificate over every boundary (30), has promised no later term (31), and knows of no entry that is left out (32).
 */
export class Cosigner {
  readonly #parts: FollowingParts
  readonly #leaves: RegisterLog
  readonly #log: FollowedLog
  readonly #held: HeldEntries

  constructor(parts: FollowingParts, log: FollowedLog, held: HeldEntries) {
    this.#parts = parts
    this.#leaves = parts.log
    this.#log = log
    this.#held = held
  }

  /** C2SP tlog-witness. 503 while this node cannot fetch or does not agree. The caller holds the turn. */
  async answer(body: string): Promise<WitnessAnswer> {
    let note: string
    let checkpoint: Checkpoint
    try {
      note = parseAddCheckpoint(body).note
      checkpoint = checkpointOf(note)
    } catch (error) {
      if (error instanceof ConcordatError) return refused(400, error.code)
      throw error
    }
    const { head } = this.#leaves
    const term = termOf({ id: this.#leaves.register }, checkpoint.origin)
    if (term >= 0 && term < this.#parts.promised()) return refused(503, 'TERM_ENDED')
    try {
      if (head !== undefined && term > head.term) return await this.#answerNewerTerm(body, note, checkpoint)
      if (this.#log.halt !== null) return refused(503, 'REGISTER_HALTED')
      const register = await this.#leaves.findRegisterRow()
      if (register === undefined) return await this.#answerUnfounded(body, note, checkpoint)
      return await this.#answerTerm(body, note, register)
    } catch (error) {
      if (error instanceof ConcordatError) return refused(503, error.code)
      throw error
    }
  }

  async #answerTerm(body: string, note: string, register: RegisterRow): Promise<WitnessAnswer> {
    const head = this.#leaves.head!
    const key = await this.#log.termKey(register, head.term)
    const origin = originOf(register.id, head.term)
    const answer = await answerAddCheckpoint(
      body,
      async (asked) =>
        asked === origin ? { keys: [key], size: head.size, root: fromBase64url(head.root) } : undefined,
      nodeChecks,
    )
    if (answer.status === 409 || answer.status === 422) {
      if (await this.#log.findsFork(note, [this.#log.sequencer])) return refused(503, 'CHECKPOINT_FORKED')
    }
    if (answer.status === 409) return sizeAnswer(answer.size)
    if (answer.status !== 200) return refused(answer.status, answer.error.code)
    const { checkpoint } = answer
    if (!(await this.#log.boundariesCertified(checkpoint.size))) return refused(503, 'BOUNDARY_NOT_CERTIFIED')
    let batch: LeafBatch | null = null
    if (checkpoint.size > head.size) {
      const source = this.#log.source(this.#log.sequencer)
      let halt = await source.keepFar(checkpoint)
      if (halt === null) ({ batch, halt } = await source.read(checkpoint, 'within the time window'))
      if (halt !== null) return this.#refuseBroken(halt, note)
      if (batch === null) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    }
    return this.#keepAndCosign(note, checkpoint, { log: this.#leaves, batch })
  }

  /** The key that signed is stated in leaves still to be fetched: applied first, kept only if it fits. */
  async #answerUnfounded(body: string, note: string, checkpoint: Checkpoint): Promise<WitnessAnswer> {
    if (checkpoint.origin !== originOf(this.#leaves.register, 0)) return refused(404, 'ADD_CHECKPOINT_INVALID')
    if (checkpoint.size > PART_LEAVES) {
      // Only a certificate says that so much is worth reading.
      const certificate = await this.#parts.peers.findCheckpoint(this.#log.sequencer)
      if (certificate !== undefined) await this.#log.catchUp(certificate, undefined)
      return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    }
    const { batch } = await this.#log.source(this.#log.sequencer).read(checkpoint, 'within the time window')
    const register = batch === null ? undefined : findRegister(batch.rows)
    if (register === undefined) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    const key = await this.#log.termKey(register, 0)
    const answer = await answerAddCheckpoint(body, async () => ({ keys: [key], size: 0, root: EMPTY_ROOT }), nodeChecks)
    if (answer.status === 409) return sizeAnswer(answer.size)
    if (answer.status !== 200) return refused(answer.status, answer.error.code)
    return this.#keepAndCosign(note, checkpoint, { log: this.#leaves, batch })
  }

  /** RULES 31: what the handover opens is a log of its own, of which this node has cosigned nothing yet. */
  async #answerNewerTerm(body: string, note: string, checkpoint: Checkpoint): Promise<WitnessAnswer> {
    if (parseAddCheckpoint(body).oldSize !== 0) return sizeAnswer(0)
    if (checkpoint.size - this.#log.certified > PART_LEAVES) {
      await this.#catchUpWithSigner(note, checkpoint)
      return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    }
    const read = await readNewerTerm(
      this.#parts,
      { note, from: undefined, certified: this.#log.certified },
      'within the time window',
    )
    return this.#keepAndCosign(note, checkpoint, read)
  }

  async #catchUpWithSigner(note: string, checkpoint: Checkpoint): Promise<void> {
    const members = (await this.#leaves.findRegisterRow())?.members ?? []
    const signer = await findSigner(parseNote(note), checkpoint, members)
    const certificate = signer && (await this.#parts.peers.findCheckpoint(signer))
    if (certificate !== undefined) await this.#log.catchUp(certificate, signer)
  }

  /** The leaves and what is cosigned are durable before a cosignature is made (RULES 30). */
  async #keepAndCosign(
    note: string,
    checkpoint: Checkpoint,
    { log, batch }: { log: RegisterLog; batch: LeafBatch | null },
  ): Promise<WitnessAnswer> {
    const register = (batch && findRegister(batch.rows)) ?? (await log.findRegisterRow())
    // The new leaves may themselves cross one.
    if (register === undefined || this.#log.missesBoundary(register, checkpoint.size))
      return refused(503, 'BOUNDARY_NOT_CERTIFIED')
    const due = this.#isBoundaryAlone(register, checkpoint) ? [] : await this.#held.due()
    const key = await this.#log.termKey(register, register.term)
    const signed = withoutCosignatures(parseNote(note), key)
    if (batch !== null) {
      await this.#log.keep(log, { ...batch, cosigned: due.length === 0 ? signed : null }, register)
    }
    if (await this.#held.isOmitted(due, batch?.leaves ?? [])) return refused(503, 'ENTRY_OMITTED')
    if (batch === null || due.length > 0) await this.#parts.storage.saveCosigned(register.id, signed)
    const row = await findMemberRow(this.#leaves, this.#parts.member)
    if (row === undefined) return refused(503, 'LEAVES_NOT_OF_CHECKPOINT')
    // A hosted member cosigns nothing: its operator's cosignature is the one voice of both (RULES 6).
    if (row.keys.checkpoint === null) return refused(404, 'ADD_CHECKPOINT_INVALID')
    const time = this.#parts.clock.now()
    const { text } = parseNote(note)
    const lines = await Promise.all(
      (await cosignerKeys(this.#parts.member, row)).map((cosigner) =>
        cosign(text, cosigner, time, (data) =>
          this.#parts.signer.signCheckpoint(cosigner.type === 6 ? 'ML-DSA-44' : 'Ed25519', data),
        ),
      ),
    )
    return { status: 200, contentType: TEXT, body: lines.map(formatSignatureLine).join('') }
  }

  /** Exempt from RULES 32, so that nobody's entry holds up a change of operators or a handover. */
  #isBoundaryAlone(register: RegisterRow, { size }: Checkpoint): boolean {
    const reached = Math.max(this.#log.certified, findTerm(register, register.term)?.start ?? 0)
    return reached >= size - 1 && boundaries(register).includes(size)
  }

  async #refuseBroken(broken: BrokenLeaf, note: string): Promise<WitnessAnswer> {
    await this.#log.stopAt(broken, note, null)
    return refused(503, broken.code)
  }
}

function refused(status: number, code: ErrorCode): WitnessAnswer {
  return { status, contentType: TEXT, body: `${code}\n` }
}

function sizeAnswer(size: number): WitnessAnswer {
  return { status: 409, contentType: 'text/x.tlog.size', body: `${size}\n` }
}
