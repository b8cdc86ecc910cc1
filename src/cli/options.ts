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

function invalid(option: string, expected: string): ConcordatError {
  return new ConcordatError({ code: 'OPTION_INVALID', expected, got: 'something else', option })
}
