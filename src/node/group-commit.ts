/**
 * Writes what arrives while a write is under way together in the next one, so that many callers share one durable commit.
 * Each caller's promise settles with the write that held its item; a failed write fails all of its items.
 */
export class GroupCommit<Item, Result> {
  readonly #write: (items: readonly Item[]) => Promise<readonly Result[]>
  #waiting: { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = []
  #writing = false

  /** `write` answers one result an item, in order. */
  constructor(write: (items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#write = write
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#writing) {
        this.#writing = true
        // What the same turn of the event loop still adds comes along.
        setImmediate(() => void this.#writeAll())
      }
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const results = await this.#write(batch.map(({ item }) => item))
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#writing = false
  }
}
