import { ConcordatError } from '../error.ts'

/** Unpadded base64url (RFC 4648 5). */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
}

/**
 * Parses untrusted text, of which each byte string has exactly one spelling: padding, white space, the other alphabet and
 * set trailing bits are refused, or one signed value could be written in several ways.
 */
export function fromBase64url(text: string): Uint8Array {
  let bytes: Uint8Array | undefined
  try {
    bytes = Uint8Array.fromBase64(text, { alphabet: 'base64url', lastChunkHandling: 'loose' })
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  // 'strict' would demand padding; comparing refuses everything that is not the canonical spelling.
  if (bytes !== undefined && toBase64url(bytes) === text) return bytes
  throw new ConcordatError({
    code: 'BASE64URL_INVALID',
    expected: 'canonical unpadded base64url',
    got: 'text that is not',
  })
}

/** The bytes of `text` if it is canonical and exactly `size` bytes long. */
export function fromBase64urlOfSize(text: string, size: number): Uint8Array {
  const bytes = text.length === Math.ceil((size * 4) / 3) ? fromBase64url(text) : undefined
  if (bytes?.length === size) return bytes
  throw new ConcordatError({
    code: 'BASE64URL_INVALID',
    expected: `${size} bytes in canonical unpadded base64url`,
    got: `${text.length} characters`,
  })
}

const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** 32 bytes, as digests, entry ids and thumbprints are. The last character leaves no bits over. */
export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value)
}

/** 16 bytes, as salts and random ids are. */
export function isRandomId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}
