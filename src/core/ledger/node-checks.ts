import { sha256 } from '../crypto/hash.ts'
import type { AkpPublicJwk, EcPublicJwk, OkpPublicJwk } from '../crypto/jwk.ts'
import { verifyEd25519, verifyEs256, verifyMlDsa44 } from '../crypto/signature.ts'
import { ConcordatError } from '../error.ts'
import type { Checks, SignatureAlgorithm } from './checks.ts'

/** The checks of evidence, certificates and notes on node:crypto. */
export const nodeChecks: Checks = {
  sha256: async (data) => sha256(data),
  async verify(algorithm, jwk, data, signature) {
    try {
      return await verifyWith(algorithm, jwk, data, signature)
    } catch (error) {
      if (error instanceof ConcordatError && error.code === 'KEY_INVALID') return false
      throw error
    }
  },
}

async function verifyWith(
  algorithm: SignatureAlgorithm,
  jwk: EcPublicJwk | OkpPublicJwk | AkpPublicJwk,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (algorithm === 'ES256' && jwk.kty === 'EC') return verifyEs256(jwk, data, signature)
  if (algorithm === 'Ed25519' && jwk.kty === 'OKP') return verifyEd25519(jwk, data, signature)
  if (algorithm === 'ML-DSA-44' && jwk.kty === 'AKP') return verifyMlDsa44(jwk, data, signature)
  return false
}
