import { toBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError } from '../../core/error.ts'
import { originOf, signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { type Fork, forkOrigin, verifyFork } from '../../core/ledger/handover/fork.ts'
import { type Place, parseStatement, signStatement, verifyStatement } from '../../core/ledger/handover/statement.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { termOf } from '../../core/ledger/register-certificate.ts'
import { findTerm, type RegisterRow } from '../../core/ledger/state.ts'
import type { Storage } from '../../storage/storage.ts'
import type { RegisterLog } from '../register-log.ts'
import { checkpointOf } from './fork-proof.ts'
import { logKey } from './operator-keys.ts'
import type { CheckpointSigner, SentStatement } from './peers.ts'

/** A term to which this operator's people hand over: it never cosigns below it. `statement` is what it says to the others (RULES 31). */
export interface Promised {
  term: number
  sequencer: string
  statement: string
}

/** Where a handover stands, as this node knows. */
export interface HandoverStatus {
  term: number
  sequencer: string
  /** Operators whose statements have come: at the node that is to order the term only its own is not the whole of it. */
  signed: string[]
}

/** This node's part in handing a register over (RULES 31): its promise, its statement, and the others' where it is to order the term. */
export class Handover {
  readonly #log: RegisterLog
  readonly #storage: Storage
  readonly #signer: CheckpointSigner
  readonly #member: string
  readonly #onPromise: (promised: Promised) => Promise<void>
  #promised: Promised | null
  /** By term and member. Who has not been heard sends again, until the term has begun. */
  readonly #statements = new Map<string, { member: string; term: number; note: string }>()
  #forks: Fork[]

  constructor(parts: {
    log: RegisterLog
    storage: Storage
    signer: CheckpointSigner
    member: string
    promised: Promised | null
    fork: Fork | null
    /** Durable once it resolves. */
    onPromise: (promised: Promised) => Promise<void>
  }) {
    this.#log = parts.log
    this.#storage = parts.storage
    this.#signer = parts.signer
    this.#member = parts.member
    this.#promised = parts.promised
    this.#onPromise = parts.onPromise
    this.#forks = parts.fork === null ? [] : [parts.fork]
  }

  get promised(): Promised | null {
    return this.#promised
  }

  /** Not begun yet. */
  get pending(): Promised | null {
    return this.#promised !== null && this.#promised.term > (this.#log.head?.term ?? 0) ? this.#promised : null
  }

  get status(): HandoverStatus | null {
    const { pending } = this
    if (pending === null) return null
    const { term, sequencer } = pending
    return {
      term,
      sequencer,
      signed: [...new Set([this.#member, ...this.statements(term).map(({ member }) => member)])].sort(),
    }
  }

  get forks(): readonly Fork[] {
    return this.#forks
  }

  /** Throws HANDOVER_NOT_POSSIBLE, and changes nothing, where the rules would not take it, or another promise forbids it. */
  async verifyPossible({ term, sequencer }: { term: number; sequencer: string }): Promise<RegisterRow> {
    const register = await this.#log.findRegisterRow()
    const operators = register?.configurations.at(-1)?.operators.map(({ member }) => member) ?? []
    if (register === undefined || !operators.includes(this.#member))
      throw notPossible('an operator of a founded register', 'another')
    if (!operators.includes(sequencer)) throw notPossible('an operator as the next sequencer', 'another')
    const lowest = Math.max(register.term, this.#promised?.term ?? 0)
    const same = this.#promised?.term === term && this.#promised.sequencer === sequencer
    if (term > lowest || (same && term > register.term)) return register
    throw notPossible(`a term above ${lowest}, or the one and the sequencer that were promised`, `${term}`)
  }

  /** The caller holds the turn: nothing is cosigned meanwhile, nor after it below the term. */
  async promise(wanted: { term: number; sequencer: string }): Promise<Promised> {
    const register = await this.verifyPossible(wanted)
    if (this.#promised?.term === wanted.term) return this.#promised
    const certificate = await this.#storage.findCertificate(register.id)
    const keyOf = (id: string) => register.members.find((member) => member.id === id)!.checkpoint!.ed25519
    const statement = await signStatement(
      {
        register: register.id,
        ...wanted,
        key: keyOf(wanted.sequencer),
        checkpoint: await this.#highestCosigned(register),
        certificate: certificate === undefined ? null : placeOf(register, certificate.note),
      },
      { member: this.#member, key: keyOf(this.#member) },
      { sign: (data) => this.#signer.signCheckpoint('Ed25519', data), checks: nodeChecks },
    )
    const promised = { ...wanted, statement }
    await this.#onPromise(promised)
    this.#promised = promised
    return promised
  }

  /** A sequencer has cosigned its whole log. */
  async #highestCosigned(register: RegisterRow): Promise<string | null> {
    const cosigned = await this.#storage.findCosigned(register.id)
    const { head } = this.#log
    if (register.sequencer !== this.#member || head === undefined || head.size < register.founding) return cosigned
    return this.signHead()
  }

  /** The log's head as this node, its sequencer, signs it. */
  async signHead(): Promise<string> {
    const { register, head } = { register: await this.#log.findRegisterRow(), head: this.#log.head }
    const term = register && findTerm(register, register.term)
    if (register === undefined || head === undefined || term?.key == null) throw new TypeError('a sequencer has a log')
    const key = await logKey(register.id, term.term, term.key)
    const checkpoint = {
      origin: originOf(register.id, term.term),
      size: head.size,
      root: await this.#log.rootAt(head.size),
    }
    return signCheckpoint(checkpoint, key, (data) => this.#signer.signCheckpoint('Ed25519', data))
  }

  /** What another operator sends to this one, which is to order the term. */
  async accept({ statement: note, forks }: SentStatement): Promise<void> {
    const register = await this.#log.findRegisterRow()
    const { signer, statement } = parseStatement(note)
    const key = register?.members.find(({ id }) => id === signer)?.checkpoint?.ed25519
    if (
      register === undefined ||
      key === undefined ||
      statement.sequencer !== this.#member ||
      statement.term <= register.term
    ) {
      throw new ConcordatError({
        code: 'STATEMENT_INVALID',
        expected: "an operator's statement for a term that this member is to order",
        got: 'another',
      })
    }
    await verifyStatement(note, { member: signer, key }, nodeChecks)
    // One of each operator: the newest term that it has promised.
    for (const [id, { member, term }] of this.#statements)
      if (member === signer && term <= statement.term) this.#statements.delete(id)
    this.#statements.set(`${statement.term}/${signer}`, { member: signer, term: statement.term, note })
    for (const fork of forks) await this.addFork(fork, register)
  }

  statements(term: number): { member: string; note: string }[] {
    const own = this.#promised?.term === term ? [{ member: this.#member, note: this.#promised.statement }] : []
    const others = [...this.#statements.values()].filter((kept) => kept.term === term && kept.member !== this.#member)
    return [...own, ...others]
  }

  /** Proofs that hold, one of each term. */
  async addFork(fork: Fork, register: RegisterRow): Promise<void> {
    const origin = forkOrigin(fork)
    const key = findTerm(register, termOf(register, origin))?.key
    if (key == null || this.#forks.some((kept) => forkOrigin(kept) === origin)) return
    await verifyFork(fork, key, nodeChecks)
    this.#forks = [...this.#forks, fork]
  }
}

/** What a note of this register is of. */
export function placeOf(register: Pick<RegisterRow, 'id'>, note: string): Place {
  const { origin, size, root } = checkpointOf(note)
  return { term: termOf(register, origin), size, root: toBase64url(root) }
}

function notPossible(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'HANDOVER_NOT_POSSIBLE', expected, got })
}
