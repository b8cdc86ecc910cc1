import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'

export const BLUEPRINT_LIMITS = {
  bytes: 1_000_000,
  levels: 64,
  roles: 32,
  steps: 100,
  calendars: 16,
  formLevels: 4,
  listItems: 200,
  text: 4_000,
} as const

const ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const POINTER = /^(\/[A-Za-z][A-Za-z0-9_-]*)+$/

// The checks of an untrusted document's parts: each refuses with BLUEPRINT_INVALID and the place (RFC 6901).

export function fail(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'BLUEPRINT_INVALID', expected, got, at })
}

export function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
}

export function shape(
  value: JsonValue | undefined,
  at: string,
  required: readonly string[],
  optional: readonly string[],
): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(at, 'an object', kindOf(value))
  for (const key of required) if (!Object.hasOwn(value, key)) fail(`${at}/${key}`, `the key ${key}`, 'nothing')
  for (const key of Object.keys(value)) {
    if (!required.includes(key) && !optional.includes(key)) {
      fail(at, `only the keys ${[...required, ...optional].join(', ')}`, `the key ${JSON.stringify(key.slice(0, 40))}`)
    }
  }
  return value
}

export function each<T>(
  value: JsonValue | undefined,
  at: string,
  max: number,
  parse: (item: JsonValue, at: string) => T,
): T[] {
  if (!Array.isArray(value)) fail(at, 'a list', kindOf(value))
  if (value.length > max) fail(at, `at most ${max} items`, `${value.length}`)
  return value.map((item, index) => parse(item, `${at}/${index}`))
}

export function unique(names: readonly string[], at: string): void {
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (repeated >= 0) fail(`${at}/${repeated}`, 'an id used once', 'an id used before')
}

export function string(value: JsonValue | undefined, at: string, max: number): string {
  if (typeof value !== 'string') fail(at, 'a text', kindOf(value))
  if (value.length > max) fail(at, `at most ${max} characters`, `${value.length}`)
  return value
}

export function id(value: JsonValue | undefined, at: string): string {
  if (!ID.test(string(value, at, 64))) fail(at, 'a letter, then letters, digits, - and _ (at most 64)', 'another form')
  return value as string
}

export function ids(value: JsonValue | undefined, at: string, least = 0): string[] {
  const list = each(value, at, BLUEPRINT_LIMITS.listItems, id)
  if (list.length < least) fail(at, `at least ${least} ids`, `${list.length}`)
  unique(list, at)
  return list
}

export function pointer(value: JsonValue | undefined, at: string): string {
  if (!POINTER.test(string(value, at, 256))) fail(at, 'a field as a pointer such as /address/postcode', 'another form')
  return value as string
}

export function text(value: JsonValue | undefined, at: string): void {
  if (typeof value === 'string') {
    string(value, at, BLUEPRINT_LIMITS.text)
    return
  }
  const words = shape(value, at, ['en'], ['gd', 'cy'])
  for (const language of Object.keys(words)) string(words[language], `${at}/${language}`, BLUEPRINT_LIMITS.text)
}

export function record(
  value: JsonValue | undefined,
  at: string,
  check: (item: JsonValue, at: string) => void,
): string[] {
  const entries = shape(value, at, [], Object.keys((value ?? {}) as object))
  const keys = Object.keys(entries)
  if (keys.length > BLUEPRINT_LIMITS.listItems) fail(at, `at most ${BLUEPRINT_LIMITS.listItems} keys`, `${keys.length}`)
  for (const key of keys) check(entries[key]!, `${at}/${escaped(key)}`)
  return keys
}

export function integer(value: JsonValue | undefined, at: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    fail(at, `a whole number from ${min} to ${max}`, typeof value === 'number' ? 'another number' : kindOf(value))
  }
  return value
}

export function oneOf(value: JsonValue | undefined, at: string, allowed: readonly (string | boolean)[]): void {
  if (!allowed.includes(value as string)) fail(at, `one of ${allowed.join(', ')}`, kindOf(value))
}

/** What nests deeper than canonical JSON may, with its place. */
export function refuseDeep(value: JsonValue, at = '', level = 0): void {
  if (typeof value !== 'object' || value === null) return
  if (level >= BLUEPRINT_LIMITS.levels) fail(at, `at most ${BLUEPRINT_LIMITS.levels} levels`, 'more')
  for (const [key, item] of Object.entries(value)) refuseDeep(item, `${at}/${escaped(key)}`, level + 1)
}

/** A key of unknown length as a part of a place. */
function escaped(key: string): string {
  return key.slice(0, 256).replaceAll('~', '~0').replaceAll('/', '~1')
}
