import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import type { JsonObject } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import {
  type AkpPublicJwk,
  type EcPublicJwk,
  jwkThumbprintInput,
  type OkpPublicJwk,
  parseAkpPublicJwk,
  parseEcPublicJwk,
  parseOkpPublicJwk,
} from './jwk.ts'

export type SigningAlgorithm = 'ES256' | 'Ed25519' | 'ML-DSA-44'

interface PublicJwkOf {
  ES256: EcPublicJwk
  Ed25519: OkpPublicJwk
  'ML-DSA-44': AkpPublicJwk
}

/** A private key in this process. Custody alone makes and keeps these. */
export interface SigningKey<A extends SigningAlgorithm = SigningAlgorithm> {
  readonly algorithm: A
  readonly publicJwk: PublicJwkOf[A]
  readonly keyObject: KeyObject
}

const SIGNATURE_BYTES = { ES256: 64, Ed25519: 64, 'ML-DSA-44': 2420 } as const

export function generateSigningKey<A extends SigningAlgorithm>(algorithm: A): SigningKey<A> {
  return signingKey(algorithm, generateKeyObject(algorithm))
}

/** `pkcs8` is DER. */
export function importSigningKey<A extends SigningAlgorithm>(algorithm: A, pkcs8: Uint8Array): SigningKey<A> {
  let keyObject: KeyObject
  try {
    keyObject = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  } catch {
    // The cause may quote what it could not read.
    throw new ConcordatError({ code: 'KEY_INVALID', expected: 'a private key in PKCS #8', got: 'other bytes' })
  }
  return signingKey(algorithm, keyObject)
}

/** PKCS #8 in DER, for custody to encrypt. */
export function exportSigningKey(key: SigningKey): Uint8Array {
  return key.keyObject.export({ format: 'der', type: 'pkcs8' })
}

/** ES256 signatures are r || s, 64 bytes, as in JWS. */
export function signWith(key: SigningKey, data: Uint8Array | string): Uint8Array {
  return sign(hashOf(key.algorithm), bytesOf(data), optionsOf(key.algorithm, key.keyObject))
}

/** Off the main thread, for servers with many signatures in flight. */
export function signWithAsync(key: SigningKey, data: Uint8Array | string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(hashOf(key.algorithm), bytesOf(data), optionsOf(key.algorithm, key.keyObject), (error, signature) =>
      error ? reject(error) : resolve(signature),
    )
  })
}

/** False for every signature that is not this key's over `data`. Throws KEY_INVALID if `jwk` is no key. */
export function verifyEs256(jwk: EcPublicJwk, data: Uint8Array | string, signature: Uint8Array): Promise<boolean> {
  return verifyAsync('ES256', jwk, data, signature)
}

export function verifyEs256Sync(jwk: EcPublicJwk, data: Uint8Array | string, signature: Uint8Array): boolean {
  return verifySync('ES256', jwk, data, signature)
}

export function verifyEd25519(jwk: OkpPublicJwk, data: Uint8Array | string, signature: Uint8Array): Promise<boolean> {
  return verifyAsync('Ed25519', jwk, data, signature)
}

export function verifyEd25519Sync(jwk: OkpPublicJwk, data: Uint8Array | string, signature: Uint8Array): boolean {
  return verifySync('Ed25519', jwk, data, signature)
}

/** ML-DSA with an empty context. */
export function verifyMlDsa44(jwk: AkpPublicJwk, data: Uint8Array | string, signature: Uint8Array): Promise<boolean> {
  return verifyAsync('ML-DSA-44', jwk, data, signature)
}

export function verifyMlDsa44Sync(jwk: AkpPublicJwk, data: Uint8Array | string, signature: Uint8Array): boolean {
  return verifySync('ML-DSA-44', jwk, data, signature)
}

function verifySync<A extends SigningAlgorithm>(
  algorithm: A,
  jwk: PublicJwkOf[A],
  data: Uint8Array | string,
  signature: Uint8Array,
): boolean {
  const key = importPublicKey(jwk)
  if (signature.length !== SIGNATURE_BYTES[algorithm]) return false
  return verify(hashOf(algorithm), bytesOf(data), optionsOf(algorithm, key), signature)
}

async function verifyAsync<A extends SigningAlgorithm>(
  algorithm: A,
  jwk: PublicJwkOf[A],
  data: Uint8Array | string,
  signature: Uint8Array,
): Promise<boolean> {
  const key = importPublicKey(jwk)
  if (signature.length !== SIGNATURE_BYTES[algorithm]) return false
  return new Promise((resolve, reject) => {
    verify(hashOf(algorithm), bytesOf(data), optionsOf(algorithm, key), signature, (error, valid) =>
      error ? reject(error) : resolve(valid),
    )
  })
}

/** Importing costs several times a verification, and the same members sign again and again. */
const importedKeys = new Map<string, KeyObject>()
const MAX_IMPORTED_KEYS = 4096

function importPublicKey(jwk: PublicJwkOf[SigningAlgorithm]): KeyObject {
  // As exact as the thumbprint, without hashing it.
  const name = jwkThumbprintInput(jwk)
  let key = importedKeys.get(name)
  if (key === undefined) {
    key = createKeyObject(jwk)
    if (importedKeys.size >= MAX_IMPORTED_KEYS) importedKeys.delete(importedKeys.keys().next().value!)
  } else {
    importedKeys.delete(name)
  }
  importedKeys.set(name, key)
  return key
}

function createKeyObject(jwk: PublicJwkOf[SigningAlgorithm]): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch (cause) {
    throw new ConcordatError(
      { code: 'KEY_INVALID', expected: `a public key of kind ${jwk.kty}`, got: 'bytes that are not one' },
      { cause },
    )
  }
}

function generateKeyObject(algorithm: SigningAlgorithm): KeyObject {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('ml-dsa-44').privateKey
}

function signingKey<A extends SigningAlgorithm>(algorithm: A, keyObject: KeyObject): SigningKey<A> {
  const jwk = createPublicKey(keyObject).export({ format: 'jwk' }) as JsonObject
  const parse = { ES256: parseEcPublicJwk, Ed25519: parseOkpPublicJwk, 'ML-DSA-44': parseAkpPublicJwk }[algorithm]
  return { algorithm, publicJwk: parse(jwk) as PublicJwkOf[A], keyObject }
}

function hashOf(algorithm: SigningAlgorithm): 'sha256' | null {
  return algorithm === 'ES256' ? 'sha256' : null
}

function optionsOf(algorithm: SigningAlgorithm, key: KeyObject) {
  return algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key }
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}
