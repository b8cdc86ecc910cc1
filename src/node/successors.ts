import type { BlueprintRow } from '../core/ledger/state.ts'
import type { Storage } from '../storage/storage.ts'

/** Which version running cases go on under, by the version that it replaces (RULES 12). */
export class Successors {
  readonly #storage: Storage
  readonly #register: string
  #newest: Promise<Map<string, string>> | undefined

  constructor(storage: Storage, register: string) {
    this.#storage = storage
    this.#register = register
  }

  /** The hash of the newest live version that cases of `bp` move to. */
  async find(bp: string): Promise<string | undefined> {
    this.#newest ??= this.#read()
    try {
      return (await this.#newest).get(bp)
    } catch (error) {
      this.#newest = undefined
      throw error
    }
  }

  /** Members have approved something: what was read may not hold any more. */
  forget(): void {
    this.#newest = undefined
  }

  async #read(): Promise<Map<string, string>> {
    const rows = [...(await this.#storage.rowsUnder(this.#register, 'blueprint/'))].map(
      ([key, value]) => [key.slice('blueprint/'.length), value as unknown as BlueprintRow] as const,
    )
    rows.sort(([, a], [, b]) => a.since - b.since)
    return new Map(rows.flatMap(([hash, { live, moves }]) => (live && moves !== null ? [[moves.bp, hash]] : [])))
  }
}
