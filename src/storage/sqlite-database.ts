import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ConcordatError } from '../core/error.ts'
import { applicationId, schema, schemaVersion } from './sqlite-schema.ts'

const busyTimeoutMs = 5_000
/** Shorter, because the caller can come again and nothing else runs meanwhile. */
const journalTimeoutMs = 250
const SQLITE_BUSY = 5

/**
 * Opens a node's database, made when the file is new: readable by its owner only, every commit on disk before it returns,
 * deleted content overwritten. Throws STORAGE_VERSION_UNKNOWN rather than touch a file that it does not know.
 */
export function openDatabase(path: string): DatabaseSync {
  return mapFailures(() => {
    // Made here, so that it never exists with wider rights; SQLite gives -wal and -shm the rights of the file.
    closeSync(openSync(path, 'a', 0o600))
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs, defensive: true })
    try {
      refuseUnknownVersion(db)
      chmodSync(path, 0o600)
      db.exec(`
        PRAGMA page_size = 8192;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA fullfsync = ON;
        PRAGMA checkpoint_fullfsync = ON;
        PRAGMA secure_delete = ON;
        PRAGMA foreign_keys = ON;
        PRAGMA trusted_schema = OFF;
        PRAGMA temp_store = MEMORY;
        PRAGMA cache_size = -32000;
        PRAGMA wal_autocheckpoint = 2000;
      `)
      createSchema(db)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

/** Opens a node's database at one moment, for reading. Makes and changes nothing. */
export function openDatabaseSnapshot(path: string): DatabaseSync {
  return mapFailures(() => {
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs, defensive: true, readOnly: true })
    try {
      db.exec('PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000; BEGIN')
      // The transaction's moment is that of its first read.
      refuseUnknownVersion(db)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function refuseUnknownVersion(db: DatabaseSync): void {
  const version = pragma(db, 'user_version')
  if (isEmpty(db) || (version === schemaVersion && pragma(db, 'application_id') === applicationId)) return
  throw new ConcordatError({
    code: 'STORAGE_VERSION_UNKNOWN',
    expected: `a node's database of schema version ${schemaVersion}`,
    got: `another file, or schema version ${version}`,
    version,
  })
}

/** Two processes may come here with one new file: the second finds the schema. */
function createSchema(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    if (isEmpty(db)) db.exec(schema)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return pragma(db, 'user_version') === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** Moves the whole journal into the file and empties it, so that nothing deleted is left in it. */
export function emptyJournal(db: DatabaseSync): void {
  mapFailures(() => {
    db.exec(`PRAGMA busy_timeout = ${journalTimeoutMs}`)
    const result = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    if (result?.busy !== 0)
      throw new ConcordatError({
        code: 'STORAGE_FAILED',
        expected: 'the journal emptied',
        got: 'a reader that keeps it busy',
        sqlite: SQLITE_BUSY,
      })
  })
}

/** A failure of the database or its disk becomes STORAGE_FAILED; every other error passes. */
export function mapFailures<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storageError(error)
  }
}

export function storageError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error && 'errstr' in error)
    return new ConcordatError(
      {
        code: 'STORAGE_FAILED',
        expected: 'a working database',
        got: String(error.errstr),
        sqlite: Number(error.errcode),
      },
      { cause: error },
    )
  if ('syscall' in error)
    return new ConcordatError(
      { code: 'STORAGE_FAILED', expected: 'a database file that can be opened', got: String(error.code), sqlite: null },
      { cause: error },
    )
  return error
}
