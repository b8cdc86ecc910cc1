import type { Clock } from '../../src/core/clock.ts'

/**
 * Virtual time and chance: everything that happens in a simulation is an event of this queue, and every choice is drawn from one seed.
 * Between two events all that the first one set off comes to rest, so a seed replays exactly.
 */
export class World {
  /** Milliseconds since the beginning. */
  nowMs = 0
  readonly #events: { atMs: number; serial: number; run: () => void }[] = []
  #serial = 0
  #state: number
  /** What happened, for a trace; a run and its replay have the same. */
  readonly trace: string[] = []

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  schedule(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), serial: this.#serial++, run }
    let [from, to] = [0, this.#events.length]
    while (from < to) {
      const middle = Math.floor((from + to) / 2)
      if (isLater(event, this.#events[middle]!)) to = middle
      else from = middle + 1
    }
    this.#events.splice(from, 0, event)
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve))
  }

  /** From 0 on, below 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!
  }

  note(text: string): void {
    this.trace.push(`${(this.nowMs / 1000).toFixed(3)} ${text}`)
  }

  /** Until the condition holds, or so much time has gone by. Answers whether it holds. */
  async run(forMs: number, until: () => boolean = () => false): Promise<boolean> {
    const endMs = this.nowMs + forMs
    for (;;) {
      await rest()
      if (until()) return true
      const next = this.#events.at(-1)
      if (next === undefined || next.atMs > endMs) break
      this.#events.pop()
      this.nowMs = next.atMs
      next.run()
    }
    this.nowMs = endMs
    return false
  }
}

/** The queue's end comes first. */
function isLater(event: { atMs: number; serial: number }, other: { atMs: number; serial: number }): boolean {
  return event.atMs > other.atMs || (event.atMs === other.atMs && event.serial > other.serial)
}

/** Signature checks are made synchronous in a simulation (source-changes.ts), so all that is left are promises. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A node's clock, wrong by so much. After `isAlive` turns false no wait ends any more: who waited is gone. */
export function skewedClock(
  world: World,
  { startsAt, skewMs, isAlive }: { startsAt: number; skewMs: number; isAlive: () => boolean },
): Clock {
  return {
    now: () => startsAt + Math.floor((world.nowMs + skewMs) / 1000),
    wait: (durationMs, signal) =>
      new Promise((resolve) => {
        const end = () => {
          signal?.removeEventListener('abort', end)
          if (isAlive()) resolve()
        }
        if (signal?.aborted) return end()
        signal?.addEventListener('abort', end, { once: true })
        world.schedule(durationMs, end)
      }),
  }
}
