import type { AkpPublicJwk, EcPublicJwk, OkpPublicJwk } from '../crypto/jwk.ts'

/** SHA-256. Asynchronous, because a browser's is. */
export type Hash = (data: Uint8Array) => Promise<Uint8Array>

export type SignatureAlgorithm = 'ES256' | 'Ed25519' | 'ML-DSA-44'

/**
 * All cryptography that verifying evidence needs, so that the same verifier runs in a page (WebCrypto) and in a node.
 * `verify` is false for a signature or a key that does not fit, and never throws for what an attacker can write.
 * ES256 signatures are r and s of 32 bytes each; Ed25519 and ML-DSA-44 are pure, with an empty context.
 */
export interface Checks {
  sha256: Hash
  verify(
    algorithm: SignatureAlgorithm,
    jwk: EcPublicJwk | OkpPublicJwk | AkpPublicJwk,
    data: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>
}
