import type { JsonObject } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'
import { type DisclosureFields, holdsReservedKey } from './disclosure-text.ts'

export interface Disclosure extends DisclosureFields {
  /** SHA-256 of `text` in base64url. */
  digest: string
}

/**
 * The digests of an issuer-signed payload in our flat profile of RFC 9901: `_sd` at the top level alone, nothing nested, SHA-256
 * named. What other issuers nest is refused, not ignored.
 */
function parseSdDigests(payload: JsonObject): string[] {
  const { _sd, _sd_alg, ...plain } = payload
  if (_sd_alg !== 'sha-256') throw invalidSdJwt('_sd_alg sha-256', 'another or none')
  if (!Array.isArray(_sd)) throw invalidSdJwt('_sd as an array', 'another value or none')
  const digests = _sd.map((item) => {
    if (!isDigest(item)) throw invalidSdJwt('SHA-256 digests in _sd', 'another item')
    return item
  })
  // RFC 9901 7.1: a digest that appears twice, here or elsewhere, MUST be refused.
  if (new Set(digests).size !== digests.length) throw invalidSdJwt('each digest once', 'one twice')
  if (holdsReservedKey(plain)) throw invalidSdJwt('_sd at the top level alone and no ...', 'one of them elsewhere')
  return digests
}

/**
 * The claims that `disclosures` reveal of a payload whose signature the caller has verified. Every `digest` must be computed by the
 * caller from `text`. Any disclosure that does not belong refuses the whole (RFC 9901 7.1).
 */
export function matchDisclosures(payload: JsonObject, disclosures: readonly Disclosure[]): JsonObject {
  const digests = new Set(parseSdDigests(payload))
  const { _sd, _sd_alg, ...claims } = payload
  const seen = new Set<string>()
  for (const disclosure of disclosures) {
    if (seen.has(disclosure.digest)) {
      throw new ConcordatError({ code: 'DISCLOSURE_REPEATED', expected: 'each disclosure once', got: 'one twice' })
    }
    seen.add(disclosure.digest)
    if (!digests.has(disclosure.digest)) {
      throw new ConcordatError({
        code: 'DISCLOSURE_NOT_REFERENCED',
        expected: 'disclosures whose digests are in _sd',
        got: 'one whose digest is not',
      })
    }
    if (Object.hasOwn(claims, disclosure.name) || disclosure.name === '_sd_alg') {
      throw new ConcordatError({
        code: 'DISCLOSURE_NAME_TAKEN',
        expected: 'a name that is neither a plain claim nor disclosed already',
        got: 'one that is',
      })
    }
    claims[disclosure.name] = disclosure.value
  }
  return claims
}

/** The parts of `jws~disclosure~…~`. A key binding JWT after the last `~` is refused: records have no holder key. */
export function parsePresentation(text: string): { jws: string; disclosures: string[] } {
  const [jws = '', ...rest] = text.split('~')
  if (rest.pop() !== '') throw invalidSdJwt('a last ~ with nothing after it', 'something else')
  if (jws === '' || rest.includes('')) throw invalidSdJwt('no empty part', 'an empty one')
  return { jws, disclosures: rest }
}

function invalidSdJwt(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'SD_JWT_INVALID', expected, got })
}
