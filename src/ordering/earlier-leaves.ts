import type { JsonValue } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'
import { parseLeaf } from '../core/ledger/entry.ts'
import { HASH_BYTES } from '../core/ledger/merkle.ts'
import { findRegister } from '../core/ledger/state.ts'
import { TILE_WIDTH } from '../core/ledger/tile.ts'
import { rootOf } from '../core/ledger/tree.ts'
import type { Head, LeafBatch, Storage } from '../storage/storage.ts'
import { type LogStorage, RegisterLog } from './register-log.ts'

/**
 * A register as it was at a droppable size (storage.ts): for entries that take the place of those after it (RULES 31). The first
 * batch that is committed to it replaces them, all in one; until then nothing is changed. Whoever holds another RegisterLog of the
 * register reloads it then.
 */
export async function openEarlier(storage: Storage, register: string, size: number): Promise<RegisterLog> {
  return RegisterLog.open(await EarlierLeaves.open(storage, register, size), register)
}

class EarlierLeaves implements LogStorage {
  readonly #storage: Storage
  readonly #present: Head
  readonly #size: number
  readonly #changed: ReadonlyMap<string, JsonValue | undefined>
  #replaced = false

  private constructor(
    storage: Storage,
    present: Head,
    size: number,
    changed: ReadonlyMap<string, JsonValue | undefined>,
  ) {
    this.#storage = storage
    this.#present = present
    this.#size = size
    this.#changed = changed
  }

  static async open(storage: Storage, register: string, size: number): Promise<EarlierLeaves> {
    const present = await storage.findHead(register)
    if (present === undefined) throw new TypeError('an earlier size of a register that has leaves')
    return new EarlierLeaves(storage, present, size, await storage.rowsBefore(register, size))
  }

  async findHead(register: string): Promise<Head | undefined> {
    if (this.#replaced) return this.#storage.findHead(register)
    if (this.#size === 0) return undefined
    const [last] = await this.#storage.readLeaves(register, this.#size - 1, 1)
    const tiles = new Map<string, Uint8Array>()
    for (let level = 0, width = this.#size; width > 0; level++, width = Math.floor(width / TILE_WIDTH)) {
      const n = Math.floor((width - 1) / TILE_WIDTH)
      const hashes = await this.findTile(register, level, n)
      if (hashes !== undefined) tiles.set(`${level}/${n}`, hashes)
    }
    const root = rootOf(this.#size, (level, n) => tiles.get(`${level}/${n}`))
    const row = findRegister(await this.readRows(register, ['register']))
    return { term: row?.term ?? 0, size: this.#size, root: toBase64url(root), time: parseLeaf(last!).time }
  }

  async findTile(register: string, level: number, n: number): Promise<Uint8Array | undefined> {
    const hashes = await this.#storage.findTile(register, level, n)
    if (this.#replaced || hashes === undefined) return hashes
    const width = Math.floor(this.#size / TILE_WIDTH ** level) - n * TILE_WIDTH
    return width <= 0 ? undefined : hashes.subarray(0, width * HASH_BYTES)
  }

  async readRows(register: string, keys: readonly string[]): Promise<Map<string, JsonValue>> {
    const rows = await this.#storage.readRows(register, keys)
    if (this.#replaced) return rows
    for (const key of keys) {
      if (!this.#changed.has(key)) continue
      const before = this.#changed.get(key)
      if (before === undefined) rows.delete(key)
      else rows.set(key, before)
    }
    return rows
  }

  async appendBatch(register: string, batch: LeafBatch): Promise<void> {
    if (this.#replaced) return this.#storage.appendBatch(register, batch)
    // Nothing but a later term may take away what this node has cosigned (RULES 31).
    if (batch.head.term <= this.#present.term) {
      const { term } = this.#present
      throw new ConcordatError({ code: 'HANDOVER_TERM_OLD', expected: `a term above ${term}`, got: 'none', term })
    }
    await this.#storage.replaceLeaves(register, this.#present, batch)
    this.#replaced = true
  }
}
