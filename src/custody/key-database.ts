import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConcordatError } from '../core/error.ts'

/** "CcKs" */
const applicationId = 0x43634b73
const schemaVersion = 1
const busyTimeoutMs = 5_000
/** Shorter, because the caller can come again and nothing else runs meanwhile. */
const journalTimeoutMs = 250
const SQLITE_BUSY = 5

const schema = `
  CREATE TABLE custody (
    argon2_memory_kib INTEGER NOT NULL,
    argon2_passes INTEGER NOT NULL,
    argon2_parallelism INTEGER NOT NULL,
    argon2_nonce BLOB NOT NULL,
    verifier BLOB NOT NULL
  ) STRICT;
  CREATE TABLE keys (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE vault_keys (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE destroyed_vault_keys (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/**
 * Makes the folder (0700) and its keys.db (0600). Schema and what `fill` writes appear together, so a creation that was
 * cut off leaves nothing that could be opened, and may be repeated. Throws CUSTODY_EXISTS, and touches nothing, otherwise.
 */
export function createKeyDatabase(folder: string, fill: (db: DatabaseSync) => void): DatabaseSync {
  return mapFailures(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    // Made here, so that it never exists with wider rights; SQLite gives -wal and -shm the rights of the file.
    closeSync(openSync(join(folder, 'keys.db'), 'a', 0o600))
    return connect(folder, (db) => {
      inTransaction(db, () => {
        if (!isEmpty(db))
          throw new ConcordatError({ code: 'CUSTODY_EXISTS', expected: 'a folder without a key store', got: 'one' })
        db.exec(schema)
        fill(db)
      })
    })
  })
}

/** Throws CUSTODY_MISSING where no key store was made, CUSTODY_INVALID for a file that is not one of this version. */
export function openKeyDatabase(folder: string): DatabaseSync {
  return mapFailures(() => {
    try {
      chmodSync(join(folder, 'keys.db'), 0o600)
      chmodSync(folder, 0o700)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      throw missing()
    }
    return connect(folder, (db) => {
      if (isEmpty(db)) throw missing()
      if (pragma(db, 'application_id') !== applicationId || pragma(db, 'user_version') !== schemaVersion)
        throw new ConcordatError({
          code: 'CUSTODY_INVALID',
          expected: `a key store of schema version ${schemaVersion}`,
          got: `schema version ${pragma(db, 'user_version')}`,
        })
    })
  })
}

function connect(folder: string, prepare: (db: DatabaseSync) => void): DatabaseSync {
  const db = new DatabaseSync(join(folder, 'keys.db'), { timeout: busyTimeoutMs, defensive: true })
  try {
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA secure_delete = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
    `)
    prepare(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return pragma(db, 'user_version') === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

function missing(): ConcordatError {
  return new ConcordatError({ code: 'CUSTODY_MISSING', expected: 'a folder with a key store', got: 'none' })
}

/** On disk once it returns, whole or not at all. */
export function inTransaction(db: DatabaseSync, work: () => void): void {
  mapFailures(() => {
    db.exec('BEGIN IMMEDIATE')
    try {
      work()
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  })
}

/** Moves the whole journal into the file and empties it, so that no destroyed key is left in it. */
export function emptyJournal(db: DatabaseSync): void {
  const result = mapFailures(() => {
    db.exec(`PRAGMA busy_timeout = ${journalTimeoutMs}`)
    const row = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    return row
  })
  if (result?.busy !== 0)
    throw new ConcordatError({
      code: 'CUSTODY_FAILED',
      expected: 'the journal of the key store emptied',
      got: 'a reader that keeps it busy',
      sqlite: SQLITE_BUSY,
    })
}

/** A failure of the database or its disk becomes CUSTODY_FAILED; every other error passes. */
export function mapFailures<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if ('errcode' in error && 'errstr' in error)
      throw new ConcordatError(
        {
          code: 'CUSTODY_FAILED',
          expected: 'a working key store',
          got: String(error.errstr),
          sqlite: Number(error.errcode),
        },
        { cause: error },
      )
    if ('syscall' in error && 'code' in error)
      throw new ConcordatError(
        {
          code: 'CUSTODY_FAILED',
          expected: 'a folder for keys that can be used',
          got: String(error.code),
          sqlite: null,
        },
        { cause: error },
      )
    throw error
  }
}
