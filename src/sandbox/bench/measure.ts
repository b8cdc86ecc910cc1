import { setTimeout as wait } from 'node:timers/promises'

/** Operations a second of a synchronous function, run for about `durationMs`. */
export function rateOf(durationMs: number, operation: () => void): number {
  for (let i = 0; i < 20; i++) operation()
  const start = performance.now()
  let count = 0
  while (performance.now() - start < durationMs) {
    for (let i = 0; i < 20; i++) operation()
    count += 20
  }
  return perSecond(count, start)
}

/** Operations a second with `inFlight` of them under way all the time. */
export async function rateInFlight(
  { durationMs, inFlight }: { durationMs: number; inFlight: number },
  operation: (i: number) => Promise<unknown>,
): Promise<{ rate: number; latenciesMs: number[] }> {
  const start = performance.now()
  const latenciesMs: number[] = []
  let next = 0
  const worker = async () => {
    while (performance.now() - start < durationMs) {
      const began = performance.now()
      await operation(next++)
      latenciesMs.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return { rate: perSecond(latenciesMs.length, start), latenciesMs }
}

/** Operations started at a steady rate, whether or not earlier ones have ended: latency is counted from the time planned. */
export async function latenciesAtRate(
  { durationMs, rate }: { durationMs: number; rate: number },
  operation: (i: number) => Promise<unknown>,
): Promise<number[]> {
  const start = performance.now()
  const latenciesMs: number[] = []
  const running: Promise<void>[] = []
  for (let i = 0; ; i++) {
    const due = (i * 1000) / rate
    if (due > durationMs) break
    const waitMs = due - (performance.now() - start)
    if (waitMs > 0) await wait(waitMs)
    running.push(
      operation(i).then(() => {
        latenciesMs.push(performance.now() - start - due)
      }),
    )
  }
  await Promise.all(running)
  return latenciesMs
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function perSecond(count: number, startMs: number): number {
  return (count * 1000) / (performance.now() - startMs)
}
