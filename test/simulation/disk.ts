import type { JsonValue } from '../../src/core/canonical-json.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { HASH_BYTES } from '../../src/core/ledger/merkle.ts'
import { TILE_WIDTH } from '../../src/core/ledger/tile.ts'
import type { Halt } from '../../src/ordering/hosted/followed-log.ts'
import type { Promised } from '../../src/ordering/hosted/handover.ts'
import type { Head, LeafBatch, Storage, StoredCertificate, StoredLeaf } from '../../src/storage/storage.ts'
import type { World } from './world.ts'

/** What of Storage the ordering uses. */
type OrderingStorage = Pick<
  Storage,
  | 'findHead'
  | 'appendBatch'
  | 'replaceLeaves'
  | 'droppableSizes'
  | 'rowsBefore'
  | 'findCosigned'
  | 'saveCosigned'
  | 'readLeaves'
  | 'findLeaf'
  | 'findTile'
  | 'readRows'
  | 'allRows'
  | 'findCertificate'
  | 'boundaryCertificates'
  | 'saveCertificate'
>

/** What a node keeps, in memory: it outlives a crash, but for writes that had not resolved. Values are never changed in place. */
export class Disk {
  head: Head | undefined
  leaves: StoredLeaf[] = []
  tiles = new Map<string, Uint8Array>()
  rows = new Map<string, JsonValue>()
  undo: { size: number; end: number; rows: Map<string, JsonValue | undefined> }[] = []
  certificates = new Map<number, StoredCertificate>()
  cosigned: string | null = null
  halt: Halt | null = null
  promised: Promised | null = null
  /** Nothing can be written. */
  full = false

  copy(): Disk {
    const copy = new Disk()
    Object.assign(copy, this, {
      leaves: [...this.leaves],
      tiles: new Map(this.tiles),
      rows: new Map(this.rows),
      undo: [...this.undo],
      certificates: new Map(this.certificates),
    })
    return copy
  }
}

/** A node's way to its disk until it crashes: a write that is under way then never happens, and nobody hears of it. */
export class DiskHandle implements OrderingStorage {
  readonly #world: World
  readonly #disk: Disk
  readonly #isAlive: () => boolean

  constructor(world: World, disk: Disk, isAlive: () => boolean) {
    this.#world = world
    this.#disk = disk
    this.#isAlive = isAlive
  }

  write(change: (disk: Disk) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#world.schedule(this.#world.between(1, 8), () => {
        if (!this.#isAlive()) return
        try {
          if (this.#disk.full) throw failed()
          change(this.#disk)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  async findHead(): Promise<Head | undefined> {
    return this.#disk.head
  }

  appendBatch(_register: string, batch: LeafBatch): Promise<void> {
    return this.write((disk) => {
      if (!isAt(disk, batch.expected)) throw moved()
      append(disk, batch)
    })
  }

  replaceLeaves(_register: string, head: { term: number; size: number }, batch: LeafBatch): Promise<void> {
    const size = batch.expected?.size ?? 0
    return this.write((disk) => {
      if (!isAt(disk, head) || !disk.undo.some((undo) => undo.size === size)) throw moved()
      for (const [key, row] of rowsBefore(disk, size)) {
        if (row === undefined) disk.rows.delete(key)
        else disk.rows.set(key, row)
      }
      disk.undo = disk.undo.filter((undo) => undo.size < size)
      disk.leaves.length = size
      for (const [key, hashes] of disk.tiles) {
        const [level, n] = key.split('/').map(Number) as [number, number]
        const width = Math.floor(size / TILE_WIDTH ** level) - n * TILE_WIDTH
        if (width <= 0) disk.tiles.delete(key)
        else disk.tiles.set(key, hashes.slice(0, width * HASH_BYTES))
      }
      append(disk, batch)
    })
  }

  async droppableSizes(): Promise<number[]> {
    return this.#disk.undo.map(({ size }) => size).sort((a, b) => b - a)
  }

  async rowsBefore(_register: string, size: number): Promise<Map<string, JsonValue | undefined>> {
    return rowsBefore(this.#disk, size)
  }

  async findCosigned(): Promise<string | null> {
    return this.#disk.cosigned
  }

  saveCosigned(_register: string, note: string): Promise<void> {
    return this.write((disk) => {
      disk.cosigned = note
    })
  }

  async readLeaves(_register: string, from: number, count: number): Promise<string[]> {
    return this.#disk.leaves.slice(from, from + count).map(({ leaf }) => leaf)
  }

  async findLeaf(_register: string, id: string): Promise<{ index: number; leaf: string } | undefined> {
    const index = this.#disk.leaves.findIndex((leaf) => leaf.id === id)
    return index < 0 ? undefined : { index, leaf: this.#disk.leaves[index]!.leaf }
  }

  async findTile(_register: string, level: number, n: number): Promise<Uint8Array | undefined> {
    return this.#disk.tiles.get(`${level}/${n}`)
  }

  async readRows(_register: string, keys: readonly string[]): Promise<Map<string, JsonValue>> {
    return new Map(keys.flatMap((key) => (this.#disk.rows.has(key) ? [[key, this.#disk.rows.get(key)!] as const] : [])))
  }

  async *allRows(): AsyncIterable<[string, JsonValue]> {
    yield* [...this.#disk.rows].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  async findCertificate(): Promise<StoredCertificate | undefined> {
    return [...this.#disk.certificates.values()].sort((a, b) => a.size - b.size).at(-1)
  }

  async boundaryCertificates(): Promise<StoredCertificate[]> {
    return [...this.#disk.certificates.values()].filter(({ boundary }) => boundary).sort((a, b) => a.size - b.size)
  }

  saveCertificate(_register: string, certificate: StoredCertificate): Promise<void> {
    return this.write((disk) => {
      const newest = Math.max(0, ...disk.certificates.keys())
      if (!certificate.boundary && newest >= certificate.size) return
      disk.certificates.set(certificate.size, certificate)
      for (const [size, { boundary }] of disk.certificates) {
        if (size < certificate.size && !boundary) disk.certificates.delete(size)
      }
      disk.undo = disk.undo.filter(({ end }) => end > certificate.size)
    })
  }
}

function append(disk: Disk, batch: LeafBatch): void {
  const rows = new Map([...batch.rows.keys()].map((key) => [key, disk.rows.get(key)]))
  disk.undo.push({ size: disk.leaves.length, end: batch.head.size, rows })
  disk.leaves.push(...batch.leaves)
  for (const { level, n, hashes } of batch.tiles) disk.tiles.set(`${level}/${n}`, hashes)
  for (const [key, row] of batch.rows) disk.rows.set(key, row)
  disk.head = batch.head
  if (batch.cosigned !== null) disk.cosigned = batch.cosigned
}

/** What these rows were at this size: the oldest of what was kept since. */
function rowsBefore({ undo }: Disk, size: number): Map<string, JsonValue | undefined> {
  const rows = new Map<string, JsonValue | undefined>()
  for (const kept of undo.filter((since) => since.size >= size).sort((a, b) => b.size - a.size)) {
    for (const [key, row] of kept.rows) rows.set(key, row)
  }
  return rows
}

function isAt({ head }: Disk, expected: { term: number; size: number } | null): boolean {
  return head?.term === expected?.term && head?.size === expected?.size
}

function moved(): ConcordatError {
  return new ConcordatError({ code: 'STORAGE_HEAD_MOVED', expected: 'the head of the batch', got: 'another' })
}

function failed(): ConcordatError {
  return new ConcordatError({ code: 'STORAGE_FAILED', expected: 'room on the disk', got: 'none', sqlite: 13 })
}
