import { randomBytes } from 'node:crypto'
import { CipherSuite, DecapError, OpenError } from 'hpke'
import { ConcordatError } from '../error.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { aes256Gcm, type HpkeKey, hkdfSha256, hpkePrivateKey, hpkePublicKey, mlkem768P256 } from './hpke-suite.ts'
import type { HpkePublicJwk } from './jwk.ts'
import { exportKemPublicKey, SEED_BYTES } from './mlkem768-p256.ts'

/** HPKE base mode (RFC 9180) with the one suite of rules version 1. */
export const HPKE_SUITE = 'MLKEM768-P256/HKDF-SHA256/AES-256-GCM'

const suite = new CipherSuite(mlkem768P256, hkdfSha256, aes256Gcm)

/** An imported private key; importing costs as much as two messages, so custody keeps it. */
export interface HpkePrivateKey {
  readonly publicJwk: HpkePublicJwk
  readonly key: HpkeKey
}

/** `privateKey` is the seed of 32 bytes, secret, for custody to keep. */
export function generateHpkeKeyPair(): { publicJwk: HpkePublicJwk; privateKey: Uint8Array } {
  const privateKey = randomBytes(SEED_BYTES)
  return { publicJwk: importHpkePrivateKey(privateKey).publicJwk, privateKey }
}

export function importHpkePrivateKey(seed: Uint8Array): HpkePrivateKey {
  const key = hpkePrivateKey(seed)
  const pub = toBase64url(exportKemPublicKey(key.privateKey!.publicKey))
  return { publicJwk: { kty: 'AKP', alg: 'MLKEM768-P256', pub }, key }
}

/** Throws KEY_INVALID if `publicKey` is no key. */
export async function hpkeSeal(message: {
  publicKey: HpkePublicJwk
  info: Uint8Array
  aad: Uint8Array
  plaintext: Uint8Array
}): Promise<{ enc: Uint8Array; ciphertext: Uint8Array }> {
  const recipient = importPublicKey(message.publicKey)
  const { encapsulatedSecret, ciphertext } = await suite.Seal(recipient, message.plaintext, message)
  return { enc: encapsulatedSecret, ciphertext }
}

/** Untrusted `enc`, `aad` and `ciphertext`. Every failure is the same HPKE_NOT_OPENED, so it tells a sender nothing. */
export async function hpkeOpen(message: {
  privateKey: HpkePrivateKey
  enc: Uint8Array
  info: Uint8Array
  aad: Uint8Array
  ciphertext: Uint8Array
}): Promise<Uint8Array> {
  try {
    return await suite.Open(message.privateKey.key, message.enc, message.ciphertext, message)
  } catch (cause) {
    if (!(cause instanceof DecapError) && !(cause instanceof OpenError)) throw cause
    throw new ConcordatError({
      code: 'HPKE_NOT_OPENED',
      expected: 'a message sealed to this key with this context',
      got: 'one that does not open',
    })
  }
}

/** Epoch keys last a month and are used for every grant. */
const importedKeys = new Map<string, HpkeKey>()
const MAX_IMPORTED_KEYS = 1024

function importPublicKey(jwk: HpkePublicJwk): HpkeKey {
  let key = importedKeys.get(jwk.pub)
  if (key === undefined) {
    key = hpkePublicKey(fromBase64url(jwk.pub))
    if (importedKeys.size >= MAX_IMPORTED_KEYS) importedKeys.delete(importedKeys.keys().next().value!)
    importedKeys.set(jwk.pub, key)
  }
  return key
}
