import { ConcordatError } from './error.ts'

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

/** `maxBytes` counts UTF-8. A scalar has depth 0, `[]` depth 1. */
export interface JsonLimits {
  maxDepth: number
  maxBytes: number
}

const JSON_LIMITS: Readonly<JsonLimits> = { maxDepth: 64, maxBytes: 4 * 1024 * 1024 }

/**
 * Parses untrusted JSON more strictly than JSON.parse, so that two readers can never see two values in one text:
 * UTF-8 must be valid, keys unique, strings well-formed, and every number must keep all its digits as a double
 * (RULES 20). Keys that reach an object's prototype are refused.
 */
export function parseJson(text: string | Uint8Array, limits: Partial<JsonLimits> = JSON_LIMITS): JsonValue {
  const { maxDepth, maxBytes } = { ...JSON_LIMITS, ...limits }
  const source = typeof text === 'string' ? text : decodeUtf8(text, maxBytes)
  if (typeof text === 'string') refuseLong(text, maxBytes)
  if (!source.isWellFormed()) {
    throw new ConcordatError({
      code: 'JSON_LONE_SURROGATE',
      expected: 'well-formed Unicode',
      got: 'a lone surrogate',
      offset: 0,
    })
  }
  const reader = new Reader(source, maxDepth)
  const value = reader.value(0)
  reader.end()
  return value
}

/**
 * RFC 8785. Refuses what has no canonical text or must not be signed: lone surrogates, non-finite numbers, forbidden keys,
 * more than 64 levels. A value that is no JSON at all (undefined, a Date) is refused too, since callers may be untyped.
 */
export function canonicalize(value: JsonValue): string {
  // ECMAScript writes strings and numbers exactly as RFC 8785 3.2.2 asks; only the order of keys may differ.
  return inspect(value, 0) ? JSON.stringify(value) : write(value)
}

/** Parses untrusted JSON that must be its own canonical form, as everything signed or hashed is. */
export function parseCanonicalJson(text: string): JsonValue {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
    // Repeated keys, lost digits, white space and other spellings all change the text.
    if (canonicalize(value) === text) return value
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof ConcordatError)) throw cause
  }
  parseJson(text)
  throw new ConcordatError({
    code: 'JSON_NOT_CANONICAL',
    expected: 'JSON in its RFC 8785 form',
    got: 'another spelling of it',
  })
}

/** Throws for what may not be signed; false if some object's own order of keys is not RFC 8785's. */
function inspect(value: JsonValue, depth: number): boolean {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw invalidValue('well-formed Unicode', 'a lone surrogate')
    return true
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalidValue('a finite number', 'one that is not')
    return true
  }
  if (value === null || typeof value === 'boolean') return true
  if (typeof value !== 'object') throw invalidValue('a JSON value', `a ${typeof value}`)
  if (depth >= JSON_LIMITS.maxDepth) throw tooDeep(JSON_LIMITS.maxDepth)
  let sorted = true
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) sorted = inspect(value[i] as JsonValue, depth + 1) && sorted
    return sorted
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw invalidValue('a plain object', 'one of a class')
  let last = ''
  for (const key of Object.keys(value)) {
    if (isForbiddenKey(key)) throw invalidValue('keys that do not reach the prototype', 'such a key')
    if (!key.isWellFormed()) throw invalidValue('well-formed Unicode', 'a lone surrogate')
    // By UTF-16 code units (RFC 8785 3.2.3), as < compares.
    if (key < last) sorted = false
    last = key
    sorted = inspect(value[key] as JsonValue, depth + 1) && sorted
  }
  return sorted
}

/** Only for what `inspect` has let through. Sorted copies would not do: an object keeps keys like "10" in its own order. */
function write(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${write(value[key] as JsonValue)}`)
  return `{${members.join(',')}}`
}

function invalidValue(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'JSON_VALUE_INVALID', expected, got })
}

function tooDeep(limit: number): ConcordatError {
  return new ConcordatError({ code: 'JSON_TOO_DEEP', expected: `at most ${limit} levels`, got: 'more', limit })
}

/** Assigning one of these to an object would reach its prototype. */
function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

function decodeUtf8(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.length > maxBytes) throw tooLarge(maxBytes, bytes.length)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ConcordatError({ code: 'JSON_UTF8_INVALID', expected: 'UTF-8', got: 'bytes that are not' })
  }
}

function refuseLong(text: string, maxBytes: number): void {
  if (text.length > maxBytes) throw tooLarge(maxBytes, text.length)
  // A UTF-16 unit takes at most three bytes, so only a text near the limit needs counting.
  if (text.length * 3 <= maxBytes) return
  const size = new TextEncoder().encode(text).length
  if (size > maxBytes) throw tooLarge(maxBytes, size)
}

function tooLarge(limit: number, size: number): ConcordatError {
  return new ConcordatError({
    code: 'JSON_TOO_LARGE',
    expected: `at most ${limit} bytes`,
    got: `${size} or more`,
    limit,
  })
}

const BLANKS = /[ \t\n\r]*/y
// Control characters, quotes and backslashes only escaped (RFC 8259 7).
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

class Reader {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  value(depth: number): JsonValue {
    this.#skipBlanks()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth + 1)
    if (first === '[') return this.#array(depth + 1)
    if (first === '"') return this.#string()
    if (first === 't') return this.#word('true', true)
    if (first === 'f') return this.#word('false', false)
    if (first === 'n') return this.#word('null', null)
    return this.#number()
  }

  end(): void {
    this.#skipBlanks()
    if (this.#at !== this.#text.length) throw this.#unexpected('the end of the text')
  }

  #object(depth: number): JsonObject {
    this.#enter(depth)
    const object: JsonObject = {}
    if (this.#takes('}')) return object
    do {
      this.#skipBlanks()
      const offset = this.#at
      const key = this.#string()
      if (isForbiddenKey(key)) {
        throw new ConcordatError({
          code: 'JSON_KEY_FORBIDDEN',
          expected: 'keys that do not reach the prototype',
          got: 'such a key',
          offset,
        })
      }
      if (Object.hasOwn(object, key)) {
        throw new ConcordatError({
          code: 'JSON_DUPLICATE_KEY',
          expected: 'each key once in an object',
          got: 'one twice',
          offset,
        })
      }
      if (!this.#takes(':')) throw this.#unexpected('a colon')
      object[key] = this.value(depth)
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#unexpected('a comma or the end of the object')
    return object
  }

  #array(depth: number): JsonValue[] {
    this.#enter(depth)
    const array: JsonValue[] = []
    if (this.#takes(']')) return array
    do array.push(this.value(depth))
    while (this.#takes(','))
    if (!this.#takes(']')) throw this.#unexpected('a comma or the end of the array')
    return array
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) throw tooDeep(this.#maxDepth)
    this.#at++
  }

  #string(): string {
    const offset = this.#at
    const raw = this.#match(STRING, 'a string')
    if (!raw.includes('\\')) return raw.slice(1, -1)
    const value = JSON.parse(raw) as string
    if (!value.isWellFormed()) {
      throw new ConcordatError({
        code: 'JSON_LONE_SURROGATE',
        expected: 'well-formed Unicode',
        got: 'a lone surrogate',
        offset,
      })
    }
    return value
  }

  #number(): number {
    const offset = this.#at
    const raw = this.#match(NUMBER, 'a value')
    const value = Number(raw)
    const text = String(value)
    if (raw !== text && (!Number.isFinite(value) || decimalOf(raw) !== decimalOf(text))) {
      throw new ConcordatError({
        code: 'JSON_NUMBER_LOSES_DIGITS',
        expected: 'a number that a double holds exactly as written; longer ones travel as strings',
        got: 'one that would be rounded',
        offset,
      })
    }
    return value === 0 ? 0 : value
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a value')
    this.#at += word.length
    return value
  }

  #takes(character: string): boolean {
    this.#skipBlanks()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) throw this.#unexpected(expected)
    this.#at = pattern.lastIndex
    return found[0]
  }

  #skipBlanks(): void {
    const code = this.#text.charCodeAt(this.#at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    BLANKS.lastIndex = this.#at
    BLANKS.exec(this.#text)
    this.#at = BLANKS.lastIndex
  }

  #unexpected(expected: string): ConcordatError {
    const got = this.#at >= this.#text.length ? 'the end of the text' : 'another character'
    return new ConcordatError({ code: 'JSON_INVALID', expected, got, offset: this.#at })
  }
}

/** One text for each decimal value: significant digits and a power of ten, "0" for zero of either sign. */
function decimalOf(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const sign = mantissa.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
