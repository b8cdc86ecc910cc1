import { canonicalize, type JsonObject, parseJson } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { fromBase64url, toBase64url } from './base64url.ts'

/** A compact JWS (RFC 7515 7.1), read but not verified. */
export interface CompactJws {
  header: JsonObject
  payload: Uint8Array
  /** What the signature covers, as it came. */
  signingInput: string
  signature: Uint8Array
}

const MAX_HEADER_BYTES = 8192

const utf8 = new TextEncoder()

/**
 * Parses untrusted text. Refuses `crit`, since no extension is understood here (RFC 7515 4.1.11), and with it unencoded
 * payloads (RFC 7797).
 */
export function parseCompactJws(text: string): CompactJws {
  const parts = text.split('.', 4)
  if (parts.length !== 3) throw invalidJws('three parts joined by dots', 'another number of parts')
  const [headerPart, payloadPart, signaturePart] = parts as [string, string, string]
  try {
    const header = parseJson(fromBase64url(headerPart), { maxBytes: MAX_HEADER_BYTES })
    if (typeof header !== 'object' || header === null || Array.isArray(header)) {
      throw invalidJws('an object as header', 'another value')
    }
    if ('crit' in header) throw invalidJws('a header without crit', 'one with it')
    return {
      header,
      payload: fromBase64url(payloadPart),
      signingInput: `${headerPart}.${payloadPart}`,
      signature: fromBase64url(signaturePart),
    }
  } catch (cause) {
    if (!(cause instanceof ConcordatError) || cause.code === 'JWS_INVALID') throw cause
    throw new ConcordatError(
      { code: 'JWS_INVALID', expected: 'base64url parts and a strict JSON header', got: cause.code },
      { cause },
    )
  }
}

/** What is signed. Header and payload are written canonically, so their signing input, and an entry's id, is one for each pair. */
export function formatSigningInput(header: JsonObject, payload: JsonObject): string {
  return `${encode(header)}.${encode(payload)}`
}

export function formatCompactJws(signingInput: string, signature: Uint8Array): string {
  return `${signingInput}.${toBase64url(signature)}`
}

function encode(value: JsonObject): string {
  return toBase64url(utf8.encode(canonicalize(value)))
}

function invalidJws(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'JWS_INVALID', expected, got })
}
