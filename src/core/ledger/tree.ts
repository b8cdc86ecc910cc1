import { sha256 } from '../crypto/hash.ts'
import { ConcordatError } from '../error.ts'
import { EMPTY_ROOT, HASH_BYTES } from './merkle.ts'
import { TILE_WIDTH } from './tile.ts'

/** The widest known tile, `width * 32` bytes; only as much of it is read as the tree in question has. */
export type ReadTile = (level: number, n: number) => Uint8Array | undefined

/**
 * Hashes of perfect subtrees by first leaf and leaf count. They never change, so whoever makes many proofs keeps them; else each
 * proof hashes most of a tile again.
 */
export interface SubtreeCache {
  get(key: string): Uint8Array | undefined
  set(key: string, hash: Uint8Array): void
}

/** A tile as it stands after an append, partial or full. */
export interface Tile {
  level: number
  n: number
  hashes: Uint8Array
}

/** Of a leaf's own bytes (RULES 1), as merkle.ts's leafInput has it; hashing the text is several times faster than copying it. */
export function leafHash(leaf: string): Uint8Array {
  return sha256(`\0${leaf}`)
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  NODE_INPUT.set(left, 1)
  NODE_INPUT.set(right, 1 + HASH_BYTES)
  return sha256(NODE_INPUT)
}

const NODE_INPUT = new Uint8Array(1 + 2 * HASH_BYTES)
NODE_INPUT[0] = 1

/** Appends leaves and returns the new size, the root, and every tile that changed. Nothing of the old tree is changed. */
export function appendToTree(
  tree: { size: number; readTile: ReadTile },
  leafHashes: readonly Uint8Array[],
): { size: number; root: Uint8Array; tiles: Tile[] } {
  const tiles: Tile[] = []
  let unit = 1
  let hashes: readonly Uint8Array[] = leafHashes
  for (let level = 0; hashes.length > 0; level++, unit *= TILE_WIDTH) {
    const changed = extendLevel(tree, level, unit, hashes)
    tiles.push(...changed)
    hashes = changed.filter((tile) => tile.hashes.length === TILE_WIDTH * HASH_BYTES).map((tile) => tileRoot(tile))
  }
  const size = tree.size + leafHashes.length
  const changedTiles = new Map(tiles.map((tile) => [`${tile.level}/${tile.n}`, tile.hashes]))
  const readTile: ReadTile = (level, n) => changedTiles.get(`${level}/${n}`) ?? tree.readTile(level, n)
  return { size, root: rootOf(size, readTile), tiles }
}

export function rootOf(size: number, readTile: ReadTile): Uint8Array {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, readTile)
}

/** RFC 6962 section 2.1.1: from the leaf's sibling up to the root's child. */
export function inclusionProof(index: number, size: number, readTile: ReadTile, known?: SubtreeCache): Uint8Array[] {
  const proof: Uint8Array[] = []
  let start = 0
  let length = size
  while (length > 1) {
    const left = largestPowerBelow(length)
    if (index < start + left) {
      proof.push(rangeHash(start + left, length - left, readTile, known))
      length = left
    } else {
      proof.push(rangeHash(start, left, readTile, known))
      start += left
      length -= left
    }
  }
  return proof.reverse()
}

/** RFC 6962 section 2.1.2. Empty from size 0 and between equal sizes, as C2SP tlog-witness wants it. */
export function consistencyProof(
  oldSize: number,
  size: number,
  readTile: ReadTile,
  known?: SubtreeCache,
): Uint8Array[] {
  if (oldSize === 0 || oldSize === size) return []
  const proof: Uint8Array[] = []
  let start = 0
  let length = size
  while (start + length !== oldSize) {
    const left = largestPowerBelow(length)
    if (oldSize <= start + left) {
      proof.push(rangeHash(start + left, length - left, readTile, known))
      length = left
    } else {
      proof.push(rangeHash(start, left, readTile, known))
      start += left
      length -= left
    }
  }
  // The old tree's own root is left out where it is a subtree of the new tree: the verifier has it.
  if (start > 0) proof.push(rangeHash(start, length, readTile, known))
  return proof.reverse()
}

/** The tiles of one level that grow by `hashes`; `unit` = leaves under one hash of this level. */
function extendLevel(
  tree: { size: number; readTile: ReadTile },
  level: number,
  unit: number,
  hashes: readonly Uint8Array[],
): Tile[] {
  const before = Math.floor(tree.size / unit)
  const tiles: Tile[] = []
  let n = Math.floor(before / TILE_WIDTH)
  let at = before % TILE_WIDTH
  let next = 0
  while (next < hashes.length) {
    const added = hashes.slice(next, next + TILE_WIDTH - at)
    const tile = { level, n, hashes: new Uint8Array((at + added.length) * HASH_BYTES) }
    if (at > 0) tile.hashes.set(getTile(level, n, at, tree.readTile).subarray(0, at * HASH_BYTES))
    for (const hash of added) tile.hashes.set(hash, HASH_BYTES * at++)
    tiles.push(tile)
    next += added.length
    n += 1
    at = 0
  }
  return tiles
}

/** The hash of leaves [start, start + length), a subtree as RFC 6962 splits them. */
function rangeHash(start: number, length: number, readTile: ReadTile, known?: SubtreeCache): Uint8Array {
  const left = largestPowerBelow(length)
  if (left * 2 === length || length === 1) return perfectHash(start, length, readTile, known)
  return nodeHash(perfectHash(start, left, readTile, known), rangeHash(start + left, length - left, readTile, known))
}

/** The hash of a perfect subtree: `length` is a power of two that divides `start`. A tile holds it, or its two halves make it. */
function perfectHash(start: number, length: number, readTile: ReadTile, known?: SubtreeCache): Uint8Array {
  let level = 0
  let unit = 1
  while (unit * TILE_WIDTH <= length) {
    level += 1
    unit *= TILE_WIDTH
  }
  if (length === unit) {
    const at = (start / unit) % TILE_WIDTH
    const tile = getTile(level, Math.floor(start / unit / TILE_WIDTH), at + 1, readTile)
    return tile.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
  }
  const key = `${start}/${length}`
  const found = known?.get(key)
  if (found !== undefined) return found
  const half = length / 2
  const hash = nodeHash(perfectHash(start, half, readTile, known), perfectHash(start + half, half, readTile, known))
  known?.set(key, hash)
  return hash
}

function tileRoot(tile: Tile): Uint8Array {
  return foldPairs(tile.hashes, 0, TILE_WIDTH)
}

/** The root over `count` (a power of two) hashes of a tile. */
function foldPairs(tile: Uint8Array, at: number, count: number): Uint8Array {
  if (count === 1) return tile.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
  const half = count / 2
  return nodeHash(foldPairs(tile, at, half), foldPairs(tile, at + half, half))
}

function getTile(level: number, n: number, width: number, readTile: ReadTile): Uint8Array {
  const tile = readTile(level, n)
  if (tile !== undefined && tile.length >= width * HASH_BYTES) return tile
  throw new ConcordatError({
    code: 'TILE_MISSING',
    expected: `a tile of ${width} hashes`,
    got: tile === undefined ? 'none' : `${tile.length} bytes`,
    level,
    n,
  })
}

function largestPowerBelow(n: number): number {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}
