import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ConcordatError } from '../core/error.ts'
import { emptyJournal, inTransaction, mapFailures } from './key-database.ts'
import { seal, unseal } from './sealed.ts'

const KEY_BYTES = 32
const MAX_UNLOCKED = 4096

interface Making {
  ids: readonly string[]
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * The keys that keep a node's groups readable, one a subject, case and retention class (RULES 25). Their rows are the
 * only place where they lie; unlocked ones are held in memory up to a bound and zeroed when they leave it.
 */
export class VaultKeys {
  readonly #db: DatabaseSync
  readonly #keyEncryptionKey: Uint8Array
  readonly #sealedKey: StatementSync
  readonly #isDestroyed: StatementSync
  readonly #dataVersion: StatementSync
  /** Least recently used first. */
  readonly #unlocked = new Map<string, Uint8Array>()
  #seenVersion: unknown
  #making: Making[] = []

  constructor(db: DatabaseSync, keyEncryptionKey: Uint8Array) {
    this.#db = db
    this.#keyEncryptionKey = keyEncryptionKey
    this.#sealedKey = db.prepare('SELECT sealed FROM vault_keys WHERE id = ?')
    this.#isDestroyed = db.prepare('SELECT 1 FROM destroyed_vault_keys WHERE id = ?')
    this.#dataVersion = db.prepare('PRAGMA data_version')
  }

  /** Makes those of `ids` that neither exist nor were destroyed. Calls of one turn of the event loop share a commit. */
  async make(ids: readonly string[]): Promise<void> {
    const absent = ids.filter((id) => this.find(id) === undefined)
    if (absent.length === 0) return
    await new Promise<void>((resolve, reject) => {
      this.#making.push({ ids: absent, resolve, reject })
      if (this.#making.length === 1) setImmediate(() => this.flush())
    })
  }

  /** Commits what `make` waits for, at once. */
  flush(): void {
    const making = this.#making
    this.#making = []
    if (making.length === 0) return
    try {
      const insert = this.#db.prepare('INSERT INTO vault_keys (id, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING')
      inTransaction(this.#db, () => {
        for (const id of new Set(making.flatMap(({ ids }) => ids))) {
          if (this.#isDestroyed.get(id) !== undefined) continue
          const key = randomBytes(KEY_BYTES)
          insert.run(id, seal(this.#keyEncryptionKey, contextOf(id), key))
          key.fill(0)
        }
      })
    } catch (error) {
      for (const { reject } of making) reject(error)
      return
    }
    for (const { resolve } of making) resolve()
  }

  /**
   * To be called before keys are used: another process may have destroyed one that is unlocked here, and `data_version` moves with
   * every commit of others.
   */
  refresh(): void {
    mapFailures(() => {
      const version = this.#dataVersion.get()?.data_version
      if (version !== this.#seenVersion) this.forgetAll()
      this.#seenVersion = version
    })
  }

  /**
   * The key, to be used before the next call: it is zeroed once it is crowded out. Undefined if never made here. As of the last
   * `refresh`.
   */
  find(id: string): Uint8Array | 'destroyed' | undefined {
    return mapFailures(() => {
      const key = this.#unlocked.get(id) ?? this.#unlock(id)
      if (key === undefined) return this.#isDestroyed.get(id) && 'destroyed'
      this.#unlocked.delete(id)
      this.#unlocked.set(id, key)
      if (this.#unlocked.size > MAX_UNLOCKED) this.#forget(this.#unlocked.keys().next().value!)
      return key
    })
  }

  destroy(ids: readonly string[]): void {
    const remove = this.#db.prepare('DELETE FROM vault_keys WHERE id = ?')
    const remember = this.#db.prepare('INSERT INTO destroyed_vault_keys (id) VALUES (?) ON CONFLICT DO NOTHING')
    inTransaction(this.#db, () => {
      for (const id of ids) {
        remove.run(id)
        remember.run(id)
      }
    })
    for (const id of ids) this.#forget(id)
    emptyJournal(this.#db)
  }

  forgetAll(): void {
    for (const id of [...this.#unlocked.keys()]) this.#forget(id)
  }

  #unlock(id: string): Uint8Array | undefined {
    const row = this.#sealedKey.get(id)
    if (row === undefined) return undefined
    const key = unseal(this.#keyEncryptionKey, contextOf(id), row.sealed as Uint8Array)
    if (key?.length === KEY_BYTES) return key
    throw new ConcordatError({ code: 'CUSTODY_INVALID', expected: 'a vault key as stored', got: 'other bytes' })
  }

  #forget(id: string): void {
    this.#unlocked.get(id)?.fill(0)
    this.#unlocked.delete(id)
  }
}

function contextOf(id: string): string {
  return `concordat-custody/1|vault|${id}`
}
