import { ConcordatError } from '../error.ts'

/** Standard base64 with padding (RFC 4648 section 4), as all C2SP formats have it. */
export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64()
}

/** Takes the one canonical encoding only, so that what is hashed or compared has one text. */
export function fromBase64(text: string): Uint8Array {
  const bytes = fromLaxBase64(text)
  if (bytes.toBase64() !== text) throw base64Error(text)
  return bytes
}

/**
 * Ignores stray bits in the last character, as most C2SP programs do: only for signatures, whose text identifies nothing and whose
 * bytes are checked next.
 */
export function fromLaxBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw base64Error(text)
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'loose' })
  } catch {
    throw base64Error(text)
  }
}

/** One line of base64 that holds a SHA-256 hash; undefined for any other text. */
export function findHash(line: string): Uint8Array | undefined {
  if (line.length !== 44) return undefined
  try {
    const hash = fromBase64(line)
    return hash.length === 32 ? hash : undefined
  } catch {
    return undefined
  }
}

function base64Error(text: string): ConcordatError {
  return new ConcordatError({
    code: 'BASE64_INVALID',
    expected: 'canonical padded base64',
    got: `${text.length} characters that are not`,
  })
}
