import type { JsonValue } from '../canonical-json.ts'
import type { Shape } from './shape.ts'

/** How many approvals it takes: so many members, or numerator and denominator of those that may vote, rounded up. */
export type Threshold = { count: number } | { fraction: [number, number] }

const MAX_COUNT = 1000

export function parseThreshold(shape: Shape, value: JsonValue | undefined, at: string): Threshold {
  const object = shape.anyObject(value, at)
  if (Object.hasOwn(object, 'fraction')) return parseFraction(shape, value, at)
  return { count: shape.integer(shape.object(value, at, ['count']).count, `${at}/count`, 1, MAX_COUNT) }
}

export function parseFraction(shape: Shape, value: JsonValue | undefined, at: string): { fraction: [number, number] } {
  const [a, b] = shape.array(shape.object(value, at, ['fraction']).fraction, `${at}/fraction`, 2, 2)
  const denominator = shape.integer(b, `${at}/fraction/1`, 1, MAX_COUNT)
  return { fraction: [shape.integer(a, `${at}/fraction/0`, 1, denominator), denominator] }
}

/** Approvals needed of `voters` members, in whole numbers; never none. */
export function approvalsNeeded(threshold: Threshold, voters: number): number {
  if ('count' in threshold) return threshold.count
  const [a, b] = threshold.fraction
  const product = a * voters + b - 1
  return Math.max(1, (product - (product % b)) / b)
}
