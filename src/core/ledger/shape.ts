import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { isDigest, isRandomId } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'

/** Whole Unix seconds of at most ten digits. */
export const MAX_TIME = 9_999_999_999

type ShapeCode = 'CLAIM_INVALID' | 'SKELETON_INVALID' | 'EVIDENCE_FORMAT_INVALID' | 'INPUT_INVALID'

const STEP_ID = /^s[1-9][0-9]{0,2}$/
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const FORBIDDEN_NAMES = new Set(['constructor', 'prototype'])
// No control characters; line feeds are allowed where a text may have several lines.
const ONE_LINE = /^\P{Cc}+$/u
const LINES = /^[\n\P{Cc}]+$/u

/**
 * Checks of untrusted JSON, each of which returns the value with its type or refuses it with `code` and the place.
 * `at` is the RFC 6901 pointer of the value. Names of unexpected members and values never get into a message.
 */
export class Shape {
  readonly #code: ShapeCode

  constructor(code: ShapeCode) {
    this.#code = code
  }

  fail(at: string, expected: string, got: string): never {
    throw new ConcordatError({ code: this.#code, expected, got, at })
  }

  /** An object with exactly these members. */
  object(value: JsonValue | undefined, at: string, keys: readonly string[]): JsonObject {
    const object = this.anyObject(value, at)
    if (Object.keys(object).length !== keys.length || !keys.every((key) => Object.hasOwn(object, key))) {
      this.fail(at, `an object with exactly ${keys.join(', ')}`, 'other members')
    }
    return object
  }

  anyObject(value: JsonValue | undefined, at: string): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.fail(at, 'an object', 'another type')
    return value
  }

  array(value: JsonValue | undefined, at: string, min: number, max: number): JsonValue[] {
    if (!Array.isArray(value)) return this.fail(at, 'a list', 'another type')
    if (value.length < min || value.length > max) this.fail(at, `${min} to ${max} items`, String(value.length))
    return value
  }

  integer(value: JsonValue | undefined, at: string, min: number, max: number): number {
    if (typeof value !== 'number' || !Number.isInteger(value)) return this.fail(at, 'a whole number', 'something else')
    if (value < min || value > max) this.fail(at, `${min} to ${max}`, 'a number outside')
    return value
  }

  time(value: JsonValue | undefined, at: string): number {
    return this.integer(value, at, 0, MAX_TIME)
  }

  boolean(value: JsonValue | undefined, at: string): boolean {
    return typeof value === 'boolean' ? value : this.fail(at, 'true or false', 'something else')
  }

  oneOf<T extends string>(value: JsonValue | undefined, at: string, allowed: readonly T[]): T {
    const found = allowed.find((item) => item === value)
    return found === undefined ? this.fail(at, allowed.join(' or '), 'something else') : found
  }

  /** One line of at most `max` UTF-16 units. */
  line(value: JsonValue | undefined, at: string, max: number): string {
    return this.matching(value, at, ONE_LINE, max, 'a line of text')
  }

  text(value: JsonValue | undefined, at: string, max: number): string {
    return this.matching(value, at, LINES, max, 'a text')
  }

  matching(value: JsonValue | undefined, at: string, pattern: RegExp, max: number, what: string): string {
    if (typeof value !== 'string') return this.fail(at, what, 'another type')
    if (value.length > max) this.fail(at, `${what} of at most ${max} characters`, String(value.length))
    return pattern.test(value) ? value : this.fail(at, what, 'another text')
  }

  digest(value: JsonValue | undefined, at: string): string {
    return isDigest(value) ? value : this.fail(at, 'a SHA-256 digest in base64url', 'something else')
  }

  randomId(value: JsonValue | undefined, at: string): string {
    return isRandomId(value) ? value : this.fail(at, '128 bits in base64url', 'something else')
  }

  stepId(value: JsonValue | undefined, at: string): string {
    return isStepId(value) ? value : this.fail(at, 'a step id, s1 to s999', 'something else')
  }

  /** A role or a retention class. */
  name(value: JsonValue | undefined, at: string): string {
    return isName(value) ? value : this.fail(at, 'a name of letters, digits, - and _', 'something else')
  }

  /** Texts that `accepts` takes, each greater than the one before (by UTF-16 units, as RFC 8785 sorts). */
  sorted(
    value: JsonValue | undefined,
    at: string,
    max: number,
    accepts: (item: JsonValue) => item is string,
    what: string,
  ): string[] {
    const items = this.array(value, at, 0, max)
    for (let i = 0; i < items.length; i++) {
      if (!accepts(items[i]!)) this.fail(`${at}/${i}`, what, 'something else')
      if (i > 0 && items[i]! <= items[i - 1]!)
        this.fail(`${at}/${i}`, 'a sorted list without repetitions', 'another order')
    }
    return items as string[]
  }
}

export function isStepId(value: unknown): value is string {
  return typeof value === 'string' && STEP_ID.test(value)
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value) && !FORBIDDEN_NAMES.has(value)
}
