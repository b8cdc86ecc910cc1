import type { RegisterHistory } from '../api/registers.ts'
import type { Proven } from '../api/scalars.ts'
import { fromBase64urlOfSize, toBase64url } from '../core/crypto/base64url.ts'
import { sha256 } from '../core/crypto/hash.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { verifyCertificate } from '../core/ledger/certificate.ts'
import { type Checkpoint, parseCheckpoint } from '../core/ledger/checkpoint.ts'
import type { Checks } from '../core/ledger/checks.ts'
import { findConfiguration } from '../core/ledger/configuration.ts'
import { type VerifiedHistory, verifyBoundaries, verifyHistory, verifyTermOf } from '../core/ledger/evidence-history.ts'
import { verifyConsistencySync, verifyInclusionSync } from '../core/ledger/merkle.ts'
import { parseNote } from '../core/ledger/note.ts'
import { consistencyProof, inclusionProof, leafHash, type ReadTile } from '../core/ledger/tree.ts'
import type { CheckpointMemory, KnownCheckpoint } from './checkpoint-memory.ts'

export interface RegisterSource {
  getHistory(): Promise<RegisterHistory>
  /** Hash tile of the given width, from anyone: it is checked against roots. */
  readTile(place: { level: number; n: number; size: number }): Promise<Uint8Array>
}

/**
 * One register as a reader sees it who trusts nothing but its id: every checkpoint must be a certificate (RULES 30) by the
 * operators of its size, and extend all that were seen before. So neither a proxy nor the node itself can show a leaf that
 * is not committed, or two histories.
 */
export class RegisterVerifier {
  readonly register: string
  readonly #source: RegisterSource
  readonly #checks: Checks
  readonly #memory: CheckpointMemory
  #history: VerifiedHistory | undefined
  /** Checkpoints are compared with the memory one after the other. */
  #comparing: Promise<void> = Promise.resolve()

  constructor(parts: { register: string; source: RegisterSource; checks: Checks; memory: CheckpointMemory }) {
    this.register = parts.register
    this.#source = parts.source
    this.#checks = parts.checks
    this.#memory = parts.memory
  }

  /** Read it before a request and give it to `verifyCheckpoint` after: answers may overtake each other, but none may be older than its question. */
  async findKnown(): Promise<KnownCheckpoint | undefined> {
    return this.#memory.find(this.register)
  }

  async verifyCheckpoint(note: string, knownBefore: KnownCheckpoint | undefined): Promise<Checkpoint> {
    const checkpoint = await this.#verifyCertificate(note)
    if (knownBefore !== undefined && checkpoint.size < knownBefore.size) throw older(checkpoint.size, knownBefore.size)
    const compared = this.#comparing.then(() => this.#compare(checkpoint))
    this.#comparing = compared.catch(() => undefined)
    await compared
    return checkpoint
  }

  /** For answers that state only how many entries are committed. */
  refuseOlder(size: number, knownBefore: KnownCheckpoint | undefined): void {
    if (knownBefore !== undefined && size < knownBefore.size) throw older(size, knownBefore.size)
  }

  /** Throws LEAF_ALTERED or PROOF_INCLUSION_INVALID: which of the two was changed is told by the log's own tiles. */
  async verifyInclusion({ index, leaf, proof }: Proven, { size, root }: Checkpoint): Promise<void> {
    const hash = leafHash(leaf)
    try {
      verifyInclusionSync({ index, size, root, leafHash: hash, proof: proof.map(hashBytes) }, sha256)
    } catch (error) {
      if (!(error instanceof ConcordatError) || index >= size || (await this.#holds(index, hash, { size, root })))
        throw error
      throw new ConcordatError(
        { code: 'LEAF_ALTERED', expected: "the leaf at this index of the checkpoint's tree", got: 'another', index },
        { cause: error },
      )
    }
  }

  async #verifyCertificate(note: string): Promise<Checkpoint> {
    const known = this.#history
    if (known !== undefined) {
      try {
        return await this.#verifyUnder(known, note)
      } catch (error) {
        // Operators may have changed since; whoever hides that gains nothing, for then this same refusal stands.
        if (!(error instanceof ConcordatError) || !OUTDATED.includes(error.code)) throw error
      }
    }
    this.#history = await this.#fetchHistory()
    return this.#verifyUnder(this.#history, note)
  }

  async #verifyUnder(history: VerifiedHistory, note: string): Promise<Checkpoint> {
    const { size } = parseCheckpoint(parseNote(note).text)
    const configuration = findConfiguration(history.configurations, size)
    if (configuration === undefined) throw older(size, history.founding)
    const { operators } = configuration
    const quorum = size === history.founding ? operators.length : configuration.quorum
    const { origin, key: logKey } = verifyTermOf(note, history)
    const claim = { note, origin, logKey, configuration: { operators, quorum }, kind: 'Ed25519' } as const
    return (await verifyCertificate(claim, this.#checks)).checkpoint
  }

  async #fetchHistory(): Promise<VerifiedHistory> {
    const answer = await this.#source.getHistory()
    const checkpoint = parseCheckpoint(parseNote(answer.checkpoint).text)
    const against = { register: this.register, checkpoint, checks: this.#checks }
    const history = await verifyHistory(answer.history, against)
    await verifyBoundaries(answer.certificates, history, ['Ed25519'], against)
    await this.#verifyUnder(history, answer.checkpoint)
    return history
  }

  /** In one tree with the newest checkpoint known, which it then may replace. */
  async #compare(checkpoint: Checkpoint): Promise<void> {
    const known = await this.#memory.find(this.register)
    const here = { size: checkpoint.size, root: toBase64url(checkpoint.root) }
    if (known === undefined) return this.#memory.save(this.register, here)
    if (here.size === known.size) {
      if (here.root === known.root) return
      throw new ConcordatError({ code: 'CHECKPOINT_FORKED', expected: 'the root known for this size', got: 'another' })
    }
    const [before, after] = here.size < known.size ? [here, known] : [known, here]
    await this.#verifyConsistency(before, after)
    if (after === here) await this.#memory.save(this.register, here)
  }

  async #verifyConsistency(before: KnownCheckpoint, after: KnownCheckpoint): Promise<void> {
    const proof = await this.#withTiles(after.size, (readTile) => consistencyProof(before.size, after.size, readTile))
    const { size } = after
    const roots = { oldRoot: hashBytes(before.root), root: hashBytes(after.root) }
    verifyConsistencySync({ oldSize: before.size, size, ...roots, proof }, sha256)
  }

  /** Whether the tree has this leaf hash at this index, by a proof made from the log's tiles. */
  async #holds(index: number, hash: Uint8Array, { size, root }: Pick<Checkpoint, 'size' | 'root'>): Promise<boolean> {
    const proof = await this.#withTiles(size, (readTile) => inclusionProof(index, size, readTile))
    try {
      verifyInclusionSync({ index, size, root, leafHash: hash, proof }, sha256)
      return true
    } catch (error) {
      if (error instanceof ConcordatError) return false
      throw error
    }
  }

  /** Runs `compute` again with each tile that it misses. A tree of 2^53 leaves has 7 levels: it never takes many. */
  async #withTiles<T>(size: number, compute: (readTile: ReadTile) => T): Promise<T> {
    const tiles = new Map<string, Uint8Array>()
    for (;;) {
      try {
        return compute((level, n) => tiles.get(`${level}/${n}`))
      } catch (error) {
        if (!(error instanceof ConcordatError) || error.detail.code !== 'TILE_MISSING') throw error
        const { level, n } = error.detail
        // A tile that came and is too short will not get longer.
        if (tiles.has(`${level}/${n}`)) throw error
        tiles.set(`${level}/${n}`, await this.#source.readTile({ level, n, size }))
      }
    }
  }
}

/** What a certificate is refused with by whoever does not know of a newer term or change of operators. */
const OUTDATED: readonly ErrorCode[] = ['CERTIFICATE_QUORUM_MISSING', 'EVIDENCE_TERM_UNKNOWN']

function hashBytes(text: string): Uint8Array {
  return fromBase64urlOfSize(text, 32)
}

function older(size: number, knownSize: number): ConcordatError {
  return new ConcordatError({
    code: 'CHECKPOINT_OLDER',
    expected: `a checkpoint of at least ${knownSize} entries, as known before`,
    got: `${size}`,
    size,
    knownSize,
  })
}
