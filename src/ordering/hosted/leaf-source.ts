import type { Clock } from '../../core/clock.ts'
import { fromBase64url } from '../../core/crypto/base64url.ts'
import { sha256 } from '../../core/crypto/hash.ts'
import { ConcordatError, type ErrorCode } from '../../core/error.ts'
import type { Checkpoint } from '../../core/ledger/checkpoint.ts'
import { parseLeaf } from '../../core/ledger/entry.ts'
import { sameBytes } from '../../core/ledger/merkle.ts'
import { findRegister, type RegisterRow } from '../../core/ledger/state.ts'
import { parseBundle, TILE_WIDTH, widthInTree } from '../../core/ledger/tile.ts'
import { leafHash } from '../../core/ledger/tree.ts'
import type { LeafBatch } from '../../storage/storage.ts'
import type { Candidate, RegisterLog } from '../register-log.ts'
import type { HostedPeers } from './peers.ts'

/** RULES 32: a leaf's time may differ by this much from the clock of a node that cosigns it. */
const LEAF_TIME_WINDOW_SECONDS = 15 * 60
const MAX_BUNDLES_AT_ONCE = 8
/** Leaves that are read, checked and kept at once: memory does not grow with how far a node is behind. */
export const PART_LEAVES = 16 * TILE_WIDTH

/** A stretch of leaves, the last one not included. */
interface LeafRange {
  from: number
  to: number
}

/** At least one; each of at most PART_LEAVES, ending where a bundle ends but for the last. */
export function partsOf({ from, to }: LeafRange): LeafRange[] {
  const parts: LeafRange[] = []
  for (let at = from; at < to; ) {
    const end = Math.min(to, at - (at % TILE_WIDTH) + PART_LEAVES)
    parts.push({ from: at, to: end })
    at = end
  }
  return parts
}

/** Leaves as a log of `size` leaves serves them. Nothing is checked but that they are bundles. */
async function fetchLeaves(
  { from, to }: LeafRange,
  size: number,
  readBundle: (n: number, width: number) => Promise<Uint8Array>,
): Promise<string[]> {
  const first = Math.floor(from / TILE_WIDTH)
  const count = Math.ceil(to / TILE_WIDTH) - first
  const leaves: string[] = []
  for (let start = 0; start < count; start += MAX_BUNDLES_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(MAX_BUNDLES_AT_ONCE, count - start) }, (_, i) => first + start + i)
    const bundles = await Promise.all(
      numbers.map(async (n) => parseBundle(await readBundle(n, widthInTree(0, n, size)))),
    )
    for (const bundle of bundles) leaves.push(...bundle)
  }
  return leaves.slice(from - first * TILE_WIDTH, to - first * TILE_WIDTH)
}

/** What tells one part from another that has as many leaves. */
function digestOfPart(leaves: readonly string[]): Uint8Array {
  const hashes = new Uint8Array(leaves.length * 32)
  for (const [i, leaf] of leaves.entries()) hashes.set(leafHash(leaf), i * 32)
  return sha256(hashes)
}

/** A leaf that its sequencer signed and that breaks a rule. */
export interface BrokenLeaf {
  index: number
  code: ErrorCode
}

/** The leaves of a log as a member's node serves them, checked before any is kept. One call at a time, except that reading is free. */
export class LeafSource {
  readonly #log: RegisterLog
  readonly #clock: Clock
  readonly #peers: Pick<HostedPeers, 'readBundle'>
  readonly #from: string

  /** `from`: the member whose node is asked. */
  constructor(parts: {
    log: RegisterLog
    clock: Clock
    peers: Pick<HostedPeers, 'readBundle'>
    from: string
  }) {
    this.#log = parts.log
    this.#clock = parts.clock
    this.#peers = parts.peers
    this.#from = parts.from
  }

  /** So far that its leaves are taken in parts. */
  isFar({ size }: Checkpoint): boolean {
    return size - (this.#log.head?.size ?? 0) > PART_LEAVES
  }

  /**
   * The leaves up to a checkpoint, checked. `batch` is null where the bytes that came are not the ones that it is of: somebody in
   * between, or a lie that signs nothing. `halt` names a leaf that is and that breaks a rule. Never more than one part: what is left
   * beyond that `keepFar` did not take, and a note that nobody signed must not make a node read for as long as it says.
   */
  async read(
    checkpoint: Checkpoint,
    times: 'within the time window' | 'any',
  ): Promise<{ batch: LeafBatch | null; halt: BrokenLeaf | null }> {
    const from = this.#log.head?.size ?? 0
    if (checkpoint.size - from > PART_LEAVES) return { batch: null, halt: null }
    const leaves = await this.fetch({ from, to: checkpoint.size }, checkpoint.size)
    const { batch, halt, lastTime } = await this.#check(from, leaves)
    const root = halt === null ? batch && fromBase64url(batch.head.root) : this.#log.rootWith(leaves)
    if (root === null || !sameBytes(root, checkpoint.root)) return { batch: null, halt: null }
    if (halt !== null) return { batch: null, halt }
    const apart = lastTime === undefined ? 0 : Math.abs(lastTime - this.#clock.now())
    // Judged at the checkpoint's end (RULES 32): what a crash left uncertified goes with the next entry.
    if (times !== 'any' && apart > LEAF_TIME_WINDOW_SECONDS) {
      throw new ConcordatError({
        code: 'LEAF_TIME_OUTSIDE_WINDOW',
        expected: `leaf times within ${LEAF_TIME_WINDOW_SECONDS} s of this node's clock`,
        got: `${apart} s`,
      })
    }
    return { batch, halt: null }
  }

  /** These leaves as the next ones. `halt`: the first that breaks a rule; `batch` is null then, and where none was given. */
  async #check(from: number, leaves: readonly string[]) {
    const candidates = parseUntilMalformed(leaves)
    const { outcomes, batch } = await this.#log.check(candidates, 'all')
    const refused = outcomes.findIndex((outcome) => 'refusal' in outcome)
    const bad = refused >= 0 ? refused : candidates.length
    const lastTime = candidates.at(-1)?.time
    if (bad < leaves.length) {
      const outcome = outcomes[bad]
      const code: ErrorCode = outcome !== undefined && 'refusal' in outcome ? outcome.refusal.code : 'LEAF_INVALID'
      return { batch: null, halt: { index: from + bad, code }, lastTime }
    }
    // Under this id there is one register: that of the genesis which it names (RULES 4).
    const isOther = from === 0 && batch !== null && findRegister(batch.rows)?.id !== this.#log.register
    return { batch: isOther ? null : batch, halt: null, lastTime }
  }

  /**
   * Applies and keeps all but the last part of the leaves up to a checkpoint that the sequencer signed, if there are many: first all are
   * read and hashed, so that nothing is kept that is not of the checkpoint, then each is read again.
   */
  async keepFar(checkpoint: Checkpoint): Promise<BrokenLeaf | null> {
    const from = this.#log.head?.size ?? 0
    if (checkpoint.size - from <= PART_LEAVES) return null
    const parts = partsOf({ from, to: checkpoint.size })
    const digests: Uint8Array[] = []
    const read = async function* (this: LeafSource) {
      for (const part of parts) {
        const leaves = await this.fetch(part, checkpoint.size)
        digests.push(digestOfPart(leaves))
        yield leaves
      }
    }
    if (!sameBytes(await this.#log.rootAfter(read.call(this)), checkpoint.root)) return null
    for (const [i, part] of parts.slice(0, -1).entries()) {
      const leaves = await this.fetch(part, checkpoint.size)
      if (!sameBytes(digestOfPart(leaves), digests[i]!)) return null
      const { batch, halt } = await this.#check(part.from, leaves)
      if (batch === null) return halt
      await this.#log.commit(batch)
    }
    return null
  }

  /** For an empty log: what its first leaves would make of it. */
  async findFirstRegister({ size }: Checkpoint): Promise<RegisterRow | undefined> {
    const { batch } = await this.#check(0, await this.fetch({ from: 0, to: Math.min(size, PART_LEAVES) }, size))
    return batch === null ? undefined : findRegister(batch.rows)
  }

  /** As a log of `size` leaves has them; nothing is checked but their form as bundles. */
  fetch(range: LeafRange, size: number): Promise<string[]> {
    return fetchLeaves(range, size, (n, width) => this.#peers.readBundle(this.#from, n, width))
  }
}

/** The leaves before the first that is none. */
function parseUntilMalformed(leaves: readonly string[]): Candidate[] {
  const candidates: Candidate[] = []
  for (const leaf of leaves) {
    try {
      candidates.push(parseLeaf(leaf))
    } catch (error) {
      if (error instanceof ConcordatError) break
      throw error
    }
  }
  return candidates
}
