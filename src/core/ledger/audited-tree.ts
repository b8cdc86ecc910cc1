import type { JsonValue } from '../canonical-json.ts'
import { toBase64url } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'
import { HASH_BYTES, sameBytes } from './merkle.ts'
import { TILE_WIDTH, widthInTree } from './tile.ts'
import { appendToTree, leafHash, type ReadTile, rootOf, type Tile } from './tree.ts'

/** What a node keeps of a register, as an audit reads it. */
export interface AuditedStore {
  findHead(register: string): Promise<{ term: number; size: number; root: string; time: number } | undefined>
  /** Leaves from `from` on, in order: at most `count`, fewer at the end. */
  readLeaves(register: string, from: number, count: number): Promise<string[]>
  findTile(register: string, level: number, n: number): Promise<Uint8Array | undefined>
  findCertificate(register: string): Promise<{ size: number; note: string } | undefined>
  boundaryCertificates(register: string): Promise<{ size: number; note: string }[]>
  allRows(register: string): AsyncIterable<[string, JsonValue]>
}

/**
 * The tree that the leaves give, made anew while they are read and compared with every stored tile. Where a leaf and its tile
 * differ, the tile's parent (or, at the edge, the head's root) tells which of the two was altered.
 */
export class AuditedTree {
  readonly #store: AuditedStore
  readonly #register: string
  readonly #total: number
  #size = 0
  #root: Uint8Array = new Uint8Array()
  /** The tile at the right edge of each level. */
  readonly #edge = new Map<number, Tile>()

  constructor(store: AuditedStore, register: string, total: number) {
    this.#store = store
    this.#register = register
    this.#total = total
  }

  /** The next leaves, from a multiple of 256 on; `count` is how many there must be. Throws for the first that is not stored as it was. */
  async append(leaves: readonly string[], count: number): Promise<void> {
    const hashes = leaves.map(leafHash)
    for (let at = 0; at < count; at += TILE_WIDTH) {
      await this.#compareLeaves((this.#size + at) / TILE_WIDTH, hashes.slice(at, at + TILE_WIDTH))
    }
    const readTile: ReadTile = (level, n) => {
      const tile = this.#edge.get(level)
      return tile?.n === n ? tile.hashes : undefined
    }
    const grown = appendToTree({ size: this.#size, readTile }, hashes)
    this.#size = grown.size
    this.#root = grown.root
    for (const tile of grown.tiles) {
      this.#edge.set(tile.level, tile)
      if (tile.level > 0 && tile.hashes.length === TILE_WIDTH * HASH_BYTES) await this.#compareTile(tile)
    }
  }

  /** Compares the tiles of the right edge too. */
  async finish(): Promise<{ root: Uint8Array }> {
    for (const tile of this.#edge.values()) await this.#compareTile(tile)
    const [extra] = await this.#store.readLeaves(this.#register, this.#total, 1)
    if (extra !== undefined) {
      throw new ConcordatError({
        code: 'AUDIT_HEAD_DIFFERS',
        expected: 'no leaf after the last',
        got: 'a leaf that the head does not count',
        size: this.#total,
      })
    }
    return { root: this.#root }
  }

  async #compareTile({ level, n, hashes }: Tile): Promise<void> {
    const stored = await this.#store.findTile(this.#register, level, n)
    if (stored === undefined || !sameBytes(stored, hashes)) throw tileAltered(level, n)
  }

  async #compareLeaves(n: number, hashes: readonly Uint8Array[]): Promise<void> {
    const stored = await this.#store.findTile(this.#register, 0, n)
    const width = widthInTree(0, n, this.#total)
    if (stored?.length !== width * HASH_BYTES) throw tileAltered(0, n)
    for (let i = 0; i < width; i++) {
      const hash = hashes[i]
      if (hash !== undefined && sameBytes(hash, hashAt(stored, i))) continue
      const index = n * TILE_WIDTH + i
      if (hash === undefined) throw leafMissing(index)
      if (await this.#isTileSound(n, stored)) {
        throw i + 1 < width && sameBytes(hash, hashAt(stored, i + 1)) ? leafMissing(index) : leafAltered(index)
      }
      throw hashes.length === width && (await this.#isTileSound(n, joined(hashes)))
        ? tileAltered(0, n)
        : leafAltered(index)
    }
  }

  /** Whether these leaf hashes are the ones under the tile above or, where there is none yet, under the head's root. */
  async #isTileSound(n: number, hashes: Uint8Array): Promise<boolean> {
    if (hashes.length === TILE_WIDTH * HASH_BYTES) {
      const { root } = appendToTree({ size: 0, readTile: () => undefined }, split(hashes))
      const above = await this.#store.findTile(this.#register, 1, Math.floor(n / TILE_WIDTH))
      const at = n % TILE_WIDTH
      return above !== undefined && above.length >= (at + 1) * HASH_BYTES && sameBytes(root, hashAt(above, at))
    }
    const head = await this.#store.findHead(this.#register)
    const path = await loadPath(this.#store, this.#register, this.#total)
    const root = rootOf(this.#total, (level, place) => (level === 0 ? hashes : path(level, place)))
    return head?.root === toBase64url(root)
  }
}

/** The stored tiles that the root of this size is made of. */
export async function loadPath(store: AuditedStore, register: string, size: number): Promise<ReadTile> {
  const tiles = new Map<string, Uint8Array>()
  for (let level = 0, width = size; width > 0; level++, width = Math.floor(width / TILE_WIDTH)) {
    const n = Math.floor((width - 1) / TILE_WIDTH)
    const hashes = await store.findTile(register, level, n)
    if (hashes !== undefined) tiles.set(`${level}/${n}`, hashes)
  }
  return (level, n) => tiles.get(`${level}/${n}`)
}

function hashAt(tile: Uint8Array, at: number): Uint8Array {
  return tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)
}

function split(tile: Uint8Array): Uint8Array[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, at) => hashAt(tile, at))
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const tile = new Uint8Array(hashes.length * HASH_BYTES)
  for (const [at, hash] of hashes.entries()) tile.set(hash, at * HASH_BYTES)
  return tile
}

export function leafMissing(index: number): ConcordatError {
  return new ConcordatError({ code: 'AUDIT_LEAF_MISSING', expected: 'a leaf', got: 'none', index })
}

function leafAltered(index: number): ConcordatError {
  const expected = 'the leaf whose hash is in the tree'
  return new ConcordatError({ code: 'AUDIT_LEAF_ALTERED', expected, got: 'another leaf', index })
}

function tileAltered(level: number, n: number): ConcordatError {
  const expected = 'the tile that the leaves give'
  return new ConcordatError({ code: 'AUDIT_TILE_ALTERED', expected, got: 'another one, or none', level, n })
}
