import {
  createPrivateKey,
  createPublicKey,
  decapsulate as decapsulateMlKem,
  diffieHellman,
  encapsulate as encapsulateMlKem,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'
import { ConcordatError } from '../error.ts'
import { HPKE_PUBLIC_KEY_BYTES } from './jwk.ts'

/*
 * The hybrid KEM MLKEM768-P256, HPKE KEM id 0x0050 (draft-ietf-hpke-pq-05 4, draft-irtf-cfrg-hybrid-kems-12 5.1 with the C2PRI
 * combiner). Its secret holds while either ML-KEM-768 or P-256 does.
 */
export const KEM_ID = 0x0050
export const SEED_BYTES = 32
export const ENC_BYTES = 1153
export const SECRET_BYTES = 32

const ML_KEM_PUBLIC_BYTES = 1184
const ML_KEM_CIPHERTEXT_BYTES = 1088
const ML_KEM_SEED_BYTES = 64
const SCALAR_BYTES = 32
const SCALAR_TRIES = 4
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const LABEL = Buffer.from('MLKEM768-P256')
const UNCOMPRESSED = 0x04

export interface KemPublicKey {
  readonly mlKem: KeyObject
  readonly p256: KeyObject
  /** The uncompressed point of `p256`, which the combiner hashes. */
  readonly point: Uint8Array
}

/** Secret, in this process only. */
export interface KemPrivateKey {
  readonly mlKem: KeyObject
  readonly p256: KeyObject
  readonly publicKey: KemPublicKey
}

/** `seed` is the private key's whole serialised form. */
export function deriveKemPrivateKey(seed: Uint8Array): KemPrivateKey {
  if (seed.length !== SEED_BYTES) throw invalidKey(`a seed of ${SEED_BYTES} bytes`, `${seed.length} bytes`)
  const expanded = hash('shake256', seed, {
    outputEncoding: 'buffer',
    outputLength: ML_KEM_SEED_BYTES + SCALAR_TRIES * SCALAR_BYTES,
  })
  const mlKem = createPrivateKey({
    key: expanded.subarray(0, ML_KEM_SEED_BYTES),
    format: 'raw-seed',
    asymmetricKeyType: 'ml-kem-768',
  })
  const p256 = createPrivateKey({
    key: firstScalar(expanded.subarray(ML_KEM_SEED_BYTES)),
    format: 'raw-private',
    asymmetricKeyType: 'ec',
    namedCurve: 'P-256',
  })
  const p256Public = createPublicKey(p256)
  const publicKey = { mlKem: createPublicKey(mlKem), p256: p256Public, point: pointOf(p256Public) }
  return { mlKem, p256, publicKey }
}

export function exportKemPublicKey(key: KemPublicKey): Uint8Array {
  return Buffer.concat([key.mlKem.export({ format: 'raw-public' }), key.point])
}

/** Untrusted bytes: a malformed ML-KEM key (FIPS 203 7.2) or a point off the curve is refused. */
export function importKemPublicKey(bytes: Uint8Array): KemPublicKey {
  if (bytes.length !== HPKE_PUBLIC_KEY_BYTES) {
    throw invalidKey(`a public key of ${HPKE_PUBLIC_KEY_BYTES} bytes`, `${bytes.length} bytes`)
  }
  const point = bytes.slice(ML_KEM_PUBLIC_BYTES)
  let mlKem: KeyObject
  try {
    mlKem = createPublicKey({
      key: Buffer.from(bytes.subarray(0, ML_KEM_PUBLIC_BYTES)),
      format: 'raw-public',
      asymmetricKeyType: 'ml-kem-768',
    })
  } catch (cause) {
    throw invalidKey('an ML-KEM-768 public key', 'bytes that are not one', cause)
  }
  return { mlKem, p256: importP256Point(point), point }
}

export function encapsulate(recipient: KemPublicKey): { secret: Uint8Array; enc: Uint8Array } {
  const { sharedKey, ciphertext } = encapsulateMlKem(recipient.mlKem)
  const ephemeral = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const point = pointOf(ephemeral.publicKey)
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient.p256 })
  return {
    secret: combine(sharedKey, shared, point, recipient.point),
    enc: Buffer.concat([ciphertext, point]),
  }
}

/** Untrusted `enc`. A wrong ML-KEM ciphertext gives another secret (FIPS 203 6.3), which then opens nothing. */
export function decapsulate(enc: Uint8Array, recipient: KemPrivateKey): Uint8Array {
  if (enc.length !== ENC_BYTES) throw invalidKey(`an encapsulation of ${ENC_BYTES} bytes`, `${enc.length} bytes`)
  const point = enc.slice(ML_KEM_CIPHERTEXT_BYTES)
  const shared = diffieHellman({ privateKey: recipient.p256, publicKey: importP256Point(point) })
  const sharedKey = decapsulateMlKem(recipient.mlKem, enc.subarray(0, ML_KEM_CIPHERTEXT_BYTES))
  return combine(sharedKey, shared, point, recipient.publicKey.point)
}

function combine(mlKem: Uint8Array, p256: Uint8Array, ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array {
  return hash('sha3-256', Buffer.concat([mlKem, p256, ephemeral, recipient, LABEL]), 'buffer')
}

/** Rejection sampling; four tries in a row fail with a probability below 2^-128. */
function firstScalar(bytes: Buffer): Buffer {
  for (let start = 0; start < bytes.length; start += SCALAR_BYTES) {
    const scalar = bytes.subarray(start, start + SCALAR_BYTES)
    const number = BigInt(`0x${scalar.toString('hex')}`)
    if (number !== 0n && number < P256_ORDER) return scalar
  }
  throw invalidKey('a seed that yields a P-256 scalar', 'one that does not')
}

function pointOf(key: KeyObject): Uint8Array {
  return key.export({ format: 'raw-public' })
}

/** Only the uncompressed form: OpenSSL would also take others of the same length, and one key must have one spelling. */
export function importP256Point(point: Uint8Array): KeyObject {
  if (point[0] !== UNCOMPRESSED) throw invalidKey('an uncompressed P-256 point', 'another form')
  try {
    return createPublicKey({
      key: Buffer.from(point),
      format: 'raw-public',
      asymmetricKeyType: 'ec',
      namedCurve: 'P-256',
    })
  } catch (cause) {
    throw invalidKey('a point on P-256', 'bytes that are not one', cause)
  }
}

function invalidKey(expected: string, got: string, cause?: unknown): ConcordatError {
  return new ConcordatError({ code: 'KEY_INVALID', expected, got }, { cause })
}
