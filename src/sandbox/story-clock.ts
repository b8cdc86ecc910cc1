import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'

/** Time as a story tells it: it stands still until the story moves it on. Waiting for the network is real. */
export class StoryClock implements Clock {
  #now: number

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  wait(durationMs: number, signal?: AbortSignal): Promise<void> {
    return realWait(durationMs, signal)
  }

  /** Stories are told in order: time never goes back. */
  advanceTo(time: number): void {
    this.#now = Math.max(this.#now, time)
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
