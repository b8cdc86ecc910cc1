import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'

/** Time as a story tells it: it leaps when the story does, and goes on by itself in between, so that what failed is tried again. */
export class StoryClock implements Clock {
  #time: number
  #since = performance.now()

  constructor(time: number) {
    this.#time = time
  }

  now(): number {
    return this.#time + Math.floor((performance.now() - this.#since) / 1000)
  }

  wait(durationMs: number, signal?: AbortSignal): Promise<void> {
    return realWait(durationMs, signal)
  }

  /** Stories are told in order: time never goes back. */
  advanceTo(time: number): void {
    this.#time = Math.max(this.now(), time)
    this.#since = performance.now()
  }
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  wait: realWait,
}

async function realWait(durationMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await wait(durationMs, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (!signal?.aborted) throw error
  })
}
