import { canonicalize, type JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { fromBase64urlOfSize } from './base64url.ts'

/** ES256: governance, record and request keys. */
export interface EcPublicJwk {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
}

/** Ed25519 (RFC 8037): checkpoint keys. */
export interface OkpPublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  x: string
}

/** ML-DSA-44 (the AKP key type of RFC 9964): checkpoint keys. */
export interface AkpPublicJwk {
  kty: 'AKP'
  alg: 'ML-DSA-44'
  pub: string
}

/** An encryption epoch. `pub` is the HPKE public key: 1,184 bytes of ML-KEM-768, then a P-256 point of 65. */
export interface HpkePublicJwk {
  kty: 'AKP'
  alg: 'MLKEM768-P256'
  pub: string
}

export type PublicJwk = EcPublicJwk | OkpPublicJwk | AkpPublicJwk | HpkePublicJwk

const ML_DSA_44_BYTES = 1312
export const HPKE_PUBLIC_KEY_BYTES = 1249

/**
 * Parses an untrusted public key. It has exactly the members of its type, so a key has one spelling and no private part or
 * usage hint slips in. Whether the bytes are a point or a key of its kind is found on import.
 */
export function parsePublicJwk(value: JsonValue): PublicJwk {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidKey('a JWK', 'no object')
  const { kty, crv, alg, x, y, pub } = value
  if (kty === 'EC' && crv === 'P-256') {
    refuseOtherMembers(value, 4)
    return { kty, crv, x: member(x, 32), y: member(y, 32) }
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    refuseOtherMembers(value, 3)
    return { kty, crv, x: member(x, 32) }
  }
  if (kty === 'AKP' && alg === 'ML-DSA-44') {
    refuseOtherMembers(value, 3)
    return { kty, alg, pub: member(pub, ML_DSA_44_BYTES) }
  }
  if (kty === 'AKP' && alg === 'MLKEM768-P256') {
    refuseOtherMembers(value, 3)
    return { kty, alg, pub: member(pub, HPKE_PUBLIC_KEY_BYTES) }
  }
  throw invalidKey('a key on P-256 or Ed25519, or for ML-DSA-44 or MLKEM768-P256', 'another kind of key')
}

export function parseEcPublicJwk(value: JsonValue): EcPublicJwk {
  const jwk = parsePublicJwk(value)
  if (jwk.kty !== 'EC') throw invalidKey('a key on P-256', 'another kind of key')
  return jwk
}

export function parseOkpPublicJwk(value: JsonValue): OkpPublicJwk {
  const jwk = parsePublicJwk(value)
  if (jwk.kty !== 'OKP') throw invalidKey('a key on Ed25519', 'another kind of key')
  return jwk
}

export function parseAkpPublicJwk(value: JsonValue): AkpPublicJwk {
  const jwk = parsePublicJwk(value)
  if (jwk.kty !== 'AKP' || jwk.alg !== 'ML-DSA-44') throw invalidKey('a key for ML-DSA-44', 'another kind of key')
  return jwk
}

export function parseHpkePublicJwk(value: JsonValue): HpkePublicJwk {
  const jwk = parsePublicJwk(value)
  if (jwk.kty !== 'AKP' || jwk.alg !== 'MLKEM768-P256') {
    throw invalidKey('a key for MLKEM768-P256', 'another kind of key')
  }
  return jwk
}

/** What RFC 7638 hashes: the required members alone, in order (for AKP: alg, kty, pub). */
export function jwkThumbprintInput(jwk: PublicJwk): string {
  if (jwk.kty === 'EC') return canonicalize({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })
  if (jwk.kty === 'OKP') return canonicalize({ crv: jwk.crv, kty: jwk.kty, x: jwk.x })
  return canonicalize({ alg: jwk.alg, kty: jwk.kty, pub: jwk.pub })
}

function member(value: JsonValue | undefined, size: number): string {
  if (typeof value !== 'string') throw invalidKey('every member of the key as text', 'a missing or other one')
  try {
    fromBase64urlOfSize(value, size)
  } catch (cause) {
    throw new ConcordatError(
      { code: 'KEY_INVALID', expected: `${size} bytes in base64url`, got: 'something else' },
      { cause },
    )
  }
  return value
}

function refuseOtherMembers(value: object, count: number): void {
  if (Object.keys(value).length !== count) throw invalidKey(`exactly ${count} members`, 'more or fewer')
}

function invalidKey(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'KEY_INVALID', expected, got })
}
