import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/sandbox/story-clock.ts'

/** Time that stands still, so that a test can be one second inside or outside a window. Waits are real. */
export class StillClock implements Clock {
  readonly #time: number

  constructor(time: number) {
    this.#time = time
  }

  now(): number {
    return this.#time
  }

  wait(durationMs: number, signal?: AbortSignal): Promise<void> {
    return systemClock.wait(durationMs, signal)
  }
}
