import type { DatabaseSync } from 'node:sqlite'
import { mapFailures, storageError } from './sqlite-database.ts'

interface Write {
  work: () => void
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Group commit: the writes called in one turn of the event loop share a transaction, each in a savepoint of its own, so
 * one that throws changes nothing and takes no other with it. A write resolves once the transaction is on disk.
 * BEGIN IMMEDIATE takes the write lock before the first read: what a write compares cannot move before it commits.
 */
export class SqliteWriter {
  readonly #db: DatabaseSync
  #waiting: Write[] = []

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  write(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.flush())
    })
  }

  /** Commits what waits, at once. */
  flush(): void {
    const writes = this.#waiting
    this.#waiting = []
    if (writes.length === 0) return
    const outcomes: (() => void)[] = []
    try {
      mapFailures(() => {
        this.#db.exec('BEGIN IMMEDIATE')
        for (const write of writes) outcomes.push(this.#run(write))
        this.#db.exec('COMMIT')
      })
    } catch (error) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('ROLLBACK')
      for (const write of writes) write.reject(error)
      return
    }
    for (const tell of outcomes) tell()
  }

  #run(write: Write): () => void {
    this.#db.exec('SAVEPOINT write')
    try {
      write.work()
      this.#db.exec('RELEASE write')
      return write.resolve
    } catch (error) {
      // A full disk or an I/O error ends the whole transaction, earlier writes included.
      if (!this.#db.isTransaction) throw error
      this.#db.exec('ROLLBACK TO write; RELEASE write')
      const mapped = storageError(error)
      return () => write.reject(mapped)
    }
  }
}
