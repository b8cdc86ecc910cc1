import type { JsonValue } from '../canonical-json.ts'

/** Rows of cases that are kept parsed; beyond it all are packed, so that a register of a million entries fits in memory. */
const MAX_PARSED = 20_000

/** The state that an audit folds. Rows of cases that were not touched for a while are kept as text. */
export class AuditedRows {
  readonly #parsed = new Map<string, JsonValue>()
  readonly #cases = new Map<string, JsonValue>()
  readonly #packed = new Map<string, string>()

  get(key: string): JsonValue | undefined {
    if (!key.startsWith('case/')) return this.#parsed.get(key)
    const row = this.#cases.get(key)
    if (row !== undefined) return row
    const text = this.#packed.get(key)
    return text === undefined ? undefined : (JSON.parse(text) as JsonValue)
  }

  /** The rows that exist among `keys`. */
  pick(keys: readonly string[]): Map<string, JsonValue> {
    const rows = new Map<string, JsonValue>()
    for (const key of keys) {
      const row = this.get(key)
      if (row !== undefined) rows.set(key, row)
    }
    return rows
  }

  set(key: string, row: JsonValue): void {
    if (!key.startsWith('case/')) {
      this.#parsed.set(key, row)
      return
    }
    this.#packed.delete(key)
    this.#cases.set(key, row)
    if (this.#cases.size > MAX_PARSED) this.#pack()
  }

  get size(): number {
    return this.#parsed.size + this.#cases.size + this.#packed.size
  }

  *keys(): Iterable<string> {
    yield* this.#parsed.keys()
    yield* this.#cases.keys()
    yield* this.#packed.keys()
  }

  /** Whether the row is this one, whatever the order of an object's keys: storage need not keep it. */
  holds(key: string, row: JsonValue): boolean {
    const text = this.#packed.get(key)
    if (text !== undefined && text === JSON.stringify(row)) return true
    const own = this.get(key)
    return own !== undefined && sameJson(own, row)
  }

  #pack(): void {
    for (const [key, row] of this.#cases) this.#packed.set(key, JSON.stringify(row))
    this.#cases.clear()
  }
}

function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, i) => sameJson(item, b[i]!))
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key]!, b[key]!))
}
