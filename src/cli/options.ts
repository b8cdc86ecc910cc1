import { isDigest } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'

// What an option may be. Messages name the option and never repeat its value.

export function parseRegister(text: string): string {
  if (isDigest(text)) return text
  throw invalid('--register', 'a register id: 43 characters of base64url')
}

/** What a server takes as an idempotency key. */
export function parseKey(text: string): string {
  if (/^[!-~]{1,128}$/.test(text)) return text
  throw invalid('--key', '1 to 128 printable ASCII characters without spaces')
}

export function wholeNumber(option: string, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^[1-9]\d*$/.test(text) && value <= max) return value
    throw invalid(option, `a whole number from 1 to ${max}`)
  }
}

export function parseOneOf<T extends string>(option: string, values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((candidate) => candidate === text)
    if (value !== undefined) return value
    throw invalid(option, `one of ${values.join(', ')}`)
  }
}

/** RFC 3339 to the second, with its offset: what a time means must not depend on where the command runs. */
export function parseTime(option: string, text: string): number {
  const [, date, offset] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const local = Date.parse(`${date}Z`)
  const time = Date.parse(`${date}${offset}`)
  // A day or hour that is none is moved to the next one by some parsers.
  if (time >= 0 && new Date(local).toISOString().startsWith(date ?? '')) return time / 1000
  throw invalid(option, 'a time such as 2026-12-24T23:59:59Z')
}

function invalid(option: string, expected: string): ConcordatError {
  return new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'something else', option })
}
