/** Spellings shorter than this turn up in random bytes by themselves. */
const SHORTEST_SPELLING = 7
/** As many bytes as the shortest spelling is looked up by. */
const PREFIX_BYTES = 6

export interface Trace {
  value: string
  spelling: string
}

/**
 * Finds texts in bytes, however they are spelt there: UTF-8, UTF-16, JSON with escapes, percent-encoded, hex, base64 and base64url
 * at each of three alignments, and base64 of base64url, as a JWS in a JSON in a JWS would be.
 */
export class TraceFinder {
  readonly #byPrefix = new Map<string, { value: string; spelling: string; bytes: Buffer }[]>()
  /** One bit for each three bytes with which a spelling begins. */
  readonly #begins = new Uint8Array(2 ** 21)

  constructor(values: Iterable<string>) {
    for (const value of new Set(values)) {
      for (const [spelling, bytes] of spellingsOf(value)) {
        if (bytes.length < SHORTEST_SPELLING) continue
        const prefix = bytes.toString('latin1', 0, PREFIX_BYTES)
        this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), { value, spelling, bytes }])
        const first = (bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!
        this.#begins[first >> 3]! |= 1 << (first & 7)
      }
    }
  }

  find(haystack: string | Uint8Array): Trace[] {
    const bytes =
      typeof haystack === 'string'
        ? Buffer.from(haystack)
        : Buffer.from(haystack.buffer, haystack.byteOffset, haystack.length)
    const traces: Trace[] = []
    let window = 0
    for (let end = 0; end < bytes.length; end++) {
      window = ((window << 8) | bytes[end]!) & 0xffffff
      if ((this.#begins[window >> 3]! & (1 << (window & 7))) === 0) continue
      const at = end - 2
      if (at < 0) continue
      for (const candidate of this.#byPrefix.get(bytes.toString('latin1', at, at + PREFIX_BYTES)) ?? []) {
        if (bytes.subarray(at, at + candidate.bytes.length).equals(candidate.bytes)) {
          traces.push({ value: candidate.value, spelling: candidate.spelling })
        }
      }
    }
    return traces
  }
}

function spellingsOf(value: string): [name: string, bytes: Buffer][] {
  const utf8 = Buffer.from(value)
  const utf16 = Buffer.from(value, 'utf16le')
  const json = JSON.stringify(value).slice(1, -1)
  const ascii = json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const texts: [string, string | Buffer][] = [
    ['UTF-8', utf8],
    ['UTF-16LE', utf16],
    ['UTF-16BE', Buffer.from(utf16).swap16()],
    ['JSON', json],
    ['JSON in ASCII', ascii],
    ['JSON in JSON', JSON.stringify(json).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(value)],
    ['form-encoded', new URLSearchParams({ '': value }).toString().slice(1)],
    ['hex', utf8.toString('hex')],
    ['HEX', utf8.toString('hex').toUpperCase()],
  ]
  for (const text of new Set([value, json])) {
    for (const once of base64url(Buffer.from(text))) {
      texts.push(['base64url', once], ['base64', once.replaceAll('-', '+').replaceAll('_', '/')])
      for (const twice of base64url(Buffer.from(once))) texts.push(['base64url twice', twice])
    }
  }
  const seen = new Map(texts.map(([name, text]) => [Buffer.from(text).toString('latin1'), name]))
  return [...seen].map(([bytes, name]) => [name, Buffer.from(bytes, 'latin1')])
}

/** The characters that the bytes alone decide, wherever in a base64 text they begin. */
function base64url(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url')
    const from = Math.ceil((before * 8) / 6)
    return text.slice(from, Math.floor(((before + bytes.length) * 8) / 6))
  })
}
