import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/sandbox/story-clock.ts'

/**
 * Time that runs `rate` times as fast as outside, waits included: what a node does "in a second" it does at once. Processes that
 * are given the same numbers tell the same time, before and after a restart.
 */
export class FastClock implements Clock {
  #startsAt: number
  readonly #originMs: number
  readonly #rate: number

  /** It is `startsAt` (Unix seconds) when the machine's clock shows `originMs`. */
  constructor({ startsAt, originMs, rate }: { startsAt: number; originMs: number; rate: number }) {
    this.#startsAt = startsAt
    this.#originMs = originMs
    this.#rate = rate
  }

  now(): number {
    return this.#startsAt + Math.floor(((Date.now() - this.#originMs) * this.#rate) / 1000)
  }

  skip(seconds: number): void {
    this.#startsAt += seconds
  }

  wait(durationMs: number, signal?: AbortSignal): Promise<void> {
    return systemClock.wait(durationMs / this.#rate, signal)
  }
}
