import assert from 'node:assert'
import { randomFillSync } from 'node:crypto'
import type { JsonValue } from '../canonical-json.ts'
import { toBase64url } from '../crypto/base64url.ts'
import { digest } from '../crypto/hash.ts'
import { formatDisclosure, holdsReservedKey, parseDisclosureText } from './disclosure-text.ts'
import type { Disclosure } from './sd-claims.ts'

const SALT_BYTES = 16
/** Drawing 16 bytes costs nearly as much as drawing 4,096. What was handed out is wiped. */
const pool = Buffer.alloc(4096)
let used = pool.length

/** 128 random bits, never derived and never reused: with them a digest could be guessed from its value. */
export function randomSalt(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = pool.subarray(used, used + SALT_BYTES)
  used += SALT_BYTES
  const salt = toBase64url(bytes)
  bytes.fill(0)
  return salt
}

/** A new disclosure of a field, named by its RFC 6901 pointer. */
export function makeDisclosure(name: string, value: JsonValue): Disclosure {
  assert(name.startsWith('/') && !holdsReservedKey(value))
  const salt = randomSalt()
  const text = formatDisclosure(salt, name, value)
  return { salt, name, value, text, digest: digest(text) }
}

export function parseDisclosure(text: string): Disclosure {
  return { ...parseDisclosureText(text), digest: digest(text) }
}
