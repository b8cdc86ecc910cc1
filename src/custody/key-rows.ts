import type { DatabaseSync } from 'node:sqlite'
import { ConcordatError } from '../core/error.ts'
import { mapFailures } from './key-database.ts'
import { seal, unseal } from './sealed.ts'

/** Rows of `keys`: one private key each, sealed together with its id. */
export class KeyRows {
  readonly #db: DatabaseSync
  readonly #keyEncryptionKey: Uint8Array

  constructor(db: DatabaseSync, keyEncryptionKey: Uint8Array) {
    this.#db = db
    this.#keyEncryptionKey = keyEncryptionKey
  }

  /** `bytes` are zeroed. */
  save(id: string, bytes: Uint8Array): void {
    const sealed = seal(this.#keyEncryptionKey, contextOf(id), bytes)
    mapFailures(() => this.#db.prepare('INSERT INTO keys (id, sealed) VALUES (?, ?)').run(id, sealed))
    bytes.fill(0)
  }

  load(id: string): Uint8Array {
    const row = mapFailures(() => this.#db.prepare('SELECT sealed FROM keys WHERE id = ?').get(id))
    const bytes = row && unseal(this.#keyEncryptionKey, contextOf(id), row.sealed as Uint8Array)
    if (bytes === undefined) throw invalidKeys('every private key as stored', 'a missing or altered one')
    return bytes
  }

  remove(id: string): void {
    mapFailures(() => this.#db.prepare('DELETE FROM keys WHERE id = ?').run(id))
  }

  ids(): string[] {
    return mapFailures(() => this.#db.prepare('SELECT id FROM keys').all()).map(({ id }) => id as string)
  }
}

export function invalidKeys(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'CUSTODY_INVALID', expected, got })
}

function contextOf(id: string): string {
  return `concordat-custody/1|key|${id}`
}
