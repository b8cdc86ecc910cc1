import { toBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError } from '../../core/error.ts'
import { type Checkpoint, parseCheckpoint } from '../../core/ledger/checkpoint.ts'
import { type Fork, verifyFork } from '../../core/ledger/handover/fork.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { noteKey, parseNote } from '../../core/ledger/note.ts'
import type { Term } from '../../core/ledger/state.ts'
import { widthInTree } from '../../core/ledger/tile.ts'
import { consistencyProof, type ReadTile, rootOf } from '../../core/ledger/tree.ts'
import { withoutCosignatures } from './operator-keys.ts'

/** A hash tile of a log of `size` leaves, from anyone: it is checked against roots. */
export type FetchTile = (tile: { level: number; n: number; width: number }) => Promise<Uint8Array | undefined>

/**
 * The proof that a term's sequencer signed two checkpoints that contradict each other, made with tiles of the larger one's tree, and
 * of the second one's where they are of one size. Undefined where they agree, where one is not signed by the term's key, or where the tiles are not to be had.
 */
export async function findFork(
  term: Term,
  [one, other]: readonly [string, string],
  fetchTile: FetchTile,
): Promise<Fork | undefined> {
  if (term.key === null) return undefined
  const key = await noteKey(checkpointOf(one).origin, { type: 1, jwk: term.key }, nodeChecks.sha256)
  const [first, second] = checkpointOf(one).size <= checkpointOf(other).size ? [one, other] : [other, one]
  const [smaller, larger] = [first, second].map((note) => withoutCosignatures(parseNote(note), key)) as [string, string]
  const { size } = checkpointOf(first)
  const whole = checkpointOf(second).size
  try {
    const { root, path } = await withTiles(whole, fetchTile, (readTile) => ({
      root: toBase64url(rootOf(size, readTile)),
      path: consistencyProof(size, whole, readTile).map(toBase64url),
    }))
    const fork = { smaller, larger, root, path }
    await verifyFork(fork, term.key, nodeChecks)
    return fork
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}

/** Runs `compute` again with each tile that it misses. */
async function withTiles<T>(size: number, fetchTile: FetchTile, compute: (readTile: ReadTile) => T): Promise<T> {
  const tiles = new Map<string, Uint8Array>()
  for (;;) {
    try {
      return compute((level, n) => tiles.get(`${level}/${n}`))
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.detail.code !== 'TILE_MISSING') throw error
      const { level, n } = error.detail
      const hashes = await fetchTile({ level, n, width: widthInTree(level, n, size) })
      if (hashes === undefined || tiles.has(`${level}/${n}`)) throw error
      tiles.set(`${level}/${n}`, hashes)
    }
  }
}

export function checkpointOf(note: string): Checkpoint {
  return parseCheckpoint(parseNote(note).text)
}
