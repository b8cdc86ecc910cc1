import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'

// Readers of untrusted foreign documents: each refuses with IMPORT_INVALID or IMPORT_TOO_LARGE and the place (RFC 6901).

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function readObject(value: JsonValue | undefined, at: string): JsonObject {
  return isObject(value) ? value : refuse(at, 'an object', value)
}

export function readList(value: JsonValue | undefined, at: string, max: number): JsonValue[] {
  if (!Array.isArray(value)) return refuse(at, 'a list', value)
  if (value.length > max) refuseSize(at, max, 'items', value.length)
  return value
}

/** An absent list, or null as both predecessors write it, is an empty one. */
export function readOptionalList(value: JsonValue | undefined, at: string, max: number): JsonValue[] {
  return value === undefined || value === null ? [] : readList(value, at, max)
}

export function readText(value: JsonValue | undefined, at: string): string {
  return typeof value === 'string' && value.trim() !== '' ? value : refuse(at, 'a text that is not empty', value)
}

export function readInteger(value: JsonValue | undefined, at: string, min: number, max: number): number {
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  return fits ? value : refuse(at, `a whole number from ${min} to ${max}`, value)
}

/** A key or an index as the next part of a place. */
export function below(at: string, key: string | number): string {
  return `${at}/${String(key).slice(0, 256).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function refuse(at: string, expected: string, value: JsonValue | undefined): never {
  throw new ConcordatError({ code: 'IMPORT_INVALID', expected, got: kindOf(value), at })
}

export function refuseSize(at: string, limit: number, what: string, got: number | string): never {
  throw new ConcordatError({ code: 'IMPORT_TOO_LARGE', expected: `at most ${limit} ${what}`, got: `${got}`, at, limit })
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `another value of type ${typeof value}`
}
