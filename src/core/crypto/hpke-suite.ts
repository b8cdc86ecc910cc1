import { createHmac } from 'node:crypto'
import type { AEAD, KDF, KEM, Key } from 'hpke'
import { AES_IV_BYTES, AES_KEY_BYTES, AES_TAG_BYTES, openAes256Gcm, sealAes256Gcm } from './aes-gcm.ts'
import { HPKE_PUBLIC_KEY_BYTES } from './jwk.ts'
import {
  decapsulate,
  deriveKemPrivateKey,
  ENC_BYTES,
  encapsulate,
  importKemPublicKey,
  KEM_ID,
  type KemPrivateKey,
  type KemPublicKey,
  SECRET_BYTES,
  SEED_BYTES,
} from './mlkem768-p256.ts'

/*
 * The three algorithms of our suite as `hpke` takes them, over node:crypto's synchronous calls: its own go through WebCrypto's
 * thread pool several times a message (docs/decisions/0003-grant-implementation.md). `hpke` keeps the key schedule.
 */

const KEM_NAME = 'MLKEM768-P256'
const HASH_BYTES = 32
// RFC 5869 2.3: the block counter is one byte.
const MAX_BLOCKS = 255

export interface HpkeKey extends Key {
  readonly type: 'public' | 'private'
  /** Set by its type. */
  readonly publicKey?: KemPublicKey
  readonly privateKey?: KemPrivateKey
}

export function hpkePublicKey(bytes: Uint8Array): HpkeKey {
  return { algorithm: { name: KEM_NAME }, extractable: true, type: 'public', publicKey: importKemPublicKey(bytes) }
}

export function hpkePrivateKey(seed: Uint8Array): HpkeKey {
  return { algorithm: { name: KEM_NAME }, extractable: false, type: 'private', privateKey: deriveKemPrivateKey(seed) }
}

export function mlkem768P256(): KEM<HpkeKey> {
  return {
    id: KEM_ID,
    type: 'KEM',
    name: KEM_NAME,
    Nsecret: SECRET_BYTES,
    Nenc: ENC_BYTES,
    Npk: HPKE_PUBLIC_KEY_BYTES,
    Nsk: SEED_BYTES,
    async Encap(recipient) {
      const { secret, enc } = encapsulate(recipient.publicKey!)
      return { shared_secret: secret, enc }
    },
    async Decap(enc, recipient) {
      return decapsulate(enc, recipient.privateKey!)
    },
    DeserializePublicKey: async (bytes) => hpkePublicKey(bytes),
    DeserializePrivateKey: async (seed) => hpkePrivateKey(seed),
    // Keys are made and kept as bytes by mlkem768-p256.ts and custody, not by `hpke`.
    DeriveKeyPair: notOffered,
    GenerateKeyPair: notOffered,
    SerializePublicKey: notOffered,
    SerializePrivateKey: notOffered,
  }
}

export function hkdfSha256(): KDF {
  return {
    id: 0x0001,
    type: 'KDF',
    name: 'HKDF-SHA256',
    Nh: HASH_BYTES,
    stages: 2,
    async Extract(salt, ikm) {
      // RFC 5869 2.2: no salt is a salt of zeros, as HMAC pads it anyway.
      return createHmac('sha256', salt).update(ikm).digest()
    },
    async Expand(prk, info, length) {
      if (length > MAX_BLOCKS * HASH_BYTES) throw new RangeError('HKDF gives at most 255 blocks')
      const blocks: Buffer[] = []
      let last = Buffer.alloc(0)
      for (let i = 1; blocks.length * HASH_BYTES < length; i++) {
        last = createHmac('sha256', prk).update(last).update(info).update(Uint8Array.of(i)).digest()
        blocks.push(last)
      }
      return Buffer.concat(blocks, length)
    },
    Derive: notOffered,
  }
}

export function aes256Gcm(): AEAD {
  return {
    id: 0x0002,
    type: 'AEAD',
    name: 'AES-256-GCM',
    Nk: AES_KEY_BYTES,
    Nn: AES_IV_BYTES,
    Nt: AES_TAG_BYTES,
    async Seal(key, nonce, aad, plaintext) {
      return sealAes256Gcm(key, nonce, aad, plaintext)
    },
    async Open(key, nonce, aad, ciphertext) {
      const plaintext = openAes256Gcm(key, nonce, aad, ciphertext)
      if (plaintext === undefined) throw new Error('the tag is wrong')
      return plaintext
    },
  }
}

function notOffered(): Promise<never> {
  return Promise.reject(new TypeError('not offered by this algorithm'))
}
