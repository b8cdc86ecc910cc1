/** Random choices that a seed repeats. */
export class RandomSource {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!
  }

  /** Each item with this probability, in their order. */
  some<T>(items: readonly T[], probability: number): T[] {
    return items.filter(() => this.chance(probability))
  }

  /** So many different items (fewer if there are no more), in their order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const left = items.map((_, i) => i)
    const taken = Array.from({ length: Math.min(count, items.length) }, () => {
      return left.splice(this.between(0, left.length - 1), 1)[0]!
    })
    return taken.sort((a, b) => a - b).map((i) => items[i]!)
  }
}
