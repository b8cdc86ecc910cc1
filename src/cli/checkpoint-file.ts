import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { CheckpointMemory, KnownCheckpoint } from '../client/checkpoint-memory.ts'
import { isDigest } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'

/** What earlier commands verified, so that a later one notices a register that shrank or forked. Replaced as a whole, never torn. */
export class CheckpointFile implements CheckpointMemory {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async find(register: string): Promise<KnownCheckpoint | undefined> {
    return this.#read()[register]
  }

  async save(register: string, checkpoint: KnownCheckpoint): Promise<void> {
    const known = { ...this.#read(), [register]: checkpoint }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const fresh = `${this.#path}.${process.pid}`
    writeFileSync(fresh, `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 })
    renameSync(fresh, this.#path)
  }

  #read(): Record<string, KnownCheckpoint> {
    if (!existsSync(this.#path)) return {}
    try {
      const known = JSON.parse(readFileSync(this.#path, 'utf8')) as Record<string, KnownCheckpoint>
      if (Object.values(known).every(({ size, root }) => Number.isSafeInteger(size) && isDigest(root))) return known
    } catch {}
    // Forgetting what was seen would let an older register pass, so a person decides.
    throw new ConcordatError({
      code: 'FILE_UNREADABLE',
      expected: 'the checkpoints that earlier commands verified',
      got: 'a file that does not hold them: delete it to begin anew',
      file: this.#path,
    })
  }
}
