import { ConcordatError } from '../error.ts'
import type { EcPublicJwk } from './jwk.ts'
import { type CompactJws, parseCompactJws } from './jws.ts'
import { verifyEs256 } from './signature.ts'

/**
 * Parses and verifies an untrusted JWS against a key that the caller already trusts. ES256 alone: an `alg` of the sender's choice
 * (none, or HMAC under the public key) is the classic forgery.
 */
export async function verifyEs256Jws(text: string, key: EcPublicJwk): Promise<CompactJws> {
  const jws = parseCompactJws(text)
  if (jws.header.alg !== 'ES256') {
    throw new ConcordatError({ code: 'JWS_INVALID', expected: 'alg ES256', got: 'another or none' })
  }
  if (!(await verifyEs256(key, jws.signingInput, jws.signature))) {
    throw new ConcordatError({ code: 'SIGNATURE_INVALID', expected: "the key's signature", got: 'another' })
  }
  return jws
}
