/** What lies in a member's files, whatever its node says. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Database and journal as they lie there. */
export function copyDatabase(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const suffix of ['', '-wal', '-shm']) {
    const target = join(to, `node.db${suffix}`)
    if (existsSync(target)) rmSync(target)
    const source = join(from, `node.db${suffix}`)
    if (existsSync(source) && suffix !== '-shm') cpSync(source, target)
  }
}

/** What the key store keeps of these vault keys. */
export function vaultKeyBytes(memberFolder: string, ids: ReadonlySet<string>): Uint8Array[] {
  const path = filesUnder(join(memberFolder, 'custody')).find((file) => file.endsWith('.db'))!
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare('SELECT id, sealed FROM vault_keys').all()
  db.close()
  return rows.flatMap(({ id, sealed }) => (ids.has(String(id)) ? [(sealed as Uint8Array).slice(0, 24)] : []))
}

export function tracesFound(folder: string, traces: readonly Uint8Array[]): Set<Uint8Array> {
  const files = filesUnder(folder).map((file) => readFileSync(file))
  return new Set(traces.filter((trace) => files.some((file) => file.includes(trace))))
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
}
