import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What the nodes of a network keep, databases and key stores, read beside them. */
export class StoredContent {
  readonly #databases: { db: DatabaseSync; version: number; digest: string }[]

  constructor(folder: string, members: Iterable<string>) {
    this.#databases = [...members].flatMap((member) =>
      ['node.db', 'custody/keys.db'].map((file) => {
        const db = new DatabaseSync(join(folder, member, file), { readOnly: true })
        return { db, version: -1, digest: '' }
      }),
    )
  }

  /** The same text as long as no table of any of them holds anything else. */
  digest(): string {
    for (const known of this.#databases) {
      // Moves on with every commit of another connection.
      const version = Number(known.db.prepare('PRAGMA data_version').get()?.data_version)
      if (version !== known.version) Object.assign(known, { version, digest: contentOf(known.db) })
    }
    return this.#databases.map(({ digest }) => digest).join('\n')
  }

  close(): void {
    for (const { db } of this.#databases) db.close()
  }
}

/** Each table with the digest of its rows. */
function contentOf(db: DatabaseSync): string {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
  const digests = tables.map(({ name }) => {
    const hash = createHash('sha256')
    for (const row of db.prepare(`SELECT * FROM "${name}"`).iterate()) {
      hash.update(
        JSON.stringify(row, (_, value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
        ),
      )
    }
    return `${name} ${hash.digest('base64url')}`
  })
  return digests.join(', ')
}
