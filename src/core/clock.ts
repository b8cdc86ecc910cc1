/** Time as an argument: only main.ts and the sandbox hold a real one. */
export interface Clock {
  /** Whole Unix seconds. */
  now(): number
  /** Resolves after `durationMs`, or at once when `signal` aborts. */
  wait(durationMs: number, signal?: AbortSignal): Promise<void>
}
