import { canonicalize, type JsonValue, parseCanonicalJson, parseJson } from '../canonical-json.ts'
import { fromBase64url, isRandomId, toBase64url } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'

/** One field: a disclosure of an object property (RFC 9901 4.2.1), as read from `text`. */
export interface DisclosureFields {
  salt: string
  name: string
  value: JsonValue
  text: string
}

/** Keys that RFC 9901 gives a meaning; no name or key in a value may be one. */
const RESERVED = ['_sd', '...']
const MAX_TEXT_LENGTH = 1024 * 1024

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function formatDisclosure(salt: string, name: string, value: JsonValue): string {
  return toBase64url(utf8Encoder.encode(canonicalize([salt, name, value])))
}

/**
 * Parses an untrusted disclosure. Ours are canonical JSON; other issuers' spelling is accepted, as RFC 9901 4.2.1 asks, since the
 * digest covers the text itself.
 */
export function parseDisclosureText(text: string): DisclosureFields {
  if (text.length > MAX_TEXT_LENGTH) {
    throw invalidDisclosure(`at most ${MAX_TEXT_LENGTH} characters`, `${text.length} characters`)
  }
  const array = readArray(text)
  if (array.length !== 3) throw invalidDisclosure('salt, name and value', `${array.length} elements`)
  const [salt, name, value] = array as [JsonValue, JsonValue, JsonValue]
  if (!isRandomId(salt)) throw invalidDisclosure('a salt of 128 bits in base64url', 'another value')
  if (typeof name !== 'string') throw invalidDisclosure('a name', 'another value')
  if (RESERVED.includes(name)) throw invalidDisclosure('a name that RFC 9901 does not reserve', 'a reserved one')
  // A reader that assigns it to an object would change the object's prototype.
  if (name === '__proto__') throw invalidDisclosure('a name that does not reach the prototype', 'such a name')
  if (holdsReservedKey(value)) throw invalidDisclosure('a value without further digests', 'one that refers to more')
  return { salt, name, value, text }
}

/** Whether some object in `value` uses `_sd` or `...`: nested disclosures, which the flat profile has none of. */
export function holdsReservedKey(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(holdsReservedKey)
  return Object.entries(value).some(([key, member]) => RESERVED.includes(key) || holdsReservedKey(member))
}

function readArray(text: string): JsonValue[] {
  let value: JsonValue
  try {
    value = readJson(fromBase64url(text))
  } catch (cause) {
    if (!(cause instanceof ConcordatError)) throw cause
    throw new ConcordatError(
      { code: 'DISCLOSURE_INVALID', expected: 'strict JSON in canonical base64url', got: cause.code },
      { cause },
    )
  }
  if (!Array.isArray(value)) throw invalidDisclosure('an array', 'another value')
  return value
}

/** The canonical reader is several times faster, and right for every disclosure that we made. */
function readJson(bytes: Uint8Array): JsonValue {
  try {
    return parseCanonicalJson(utf8Decoder.decode(bytes))
  } catch {
    return parseJson(bytes)
  }
}

function invalidDisclosure(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'DISCLOSURE_INVALID', expected, got })
}
