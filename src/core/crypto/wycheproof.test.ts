import assert from 'node:assert/strict'
import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { test } from 'node:test'
import { readSharedJson, sharedVectorsAbsent } from '../../../test/vectors/shared-vectors.ts'
import type { JsonObject } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { AES_IV_BYTES, AES_KEY_BYTES, AES_TAG_BYTES, openAes256Gcm, sealAes256Gcm } from './aes-gcm.ts'
import { toBase64url } from './base64url.ts'
import { verifyEs256Jws } from './es256-jws.ts'
import { hkdfSha256 } from './hpke-suite.ts'
import { parseEcPublicJwk } from './jwk.ts'
import { importKemPublicKey, importP256Point } from './mlkem768-p256.ts'
import { verifyEd25519Sync, verifyEs256, verifyEs256Sync, verifyMlDsa44Sync } from './signature.ts'

/*
 * Not run: ecdsa_secp256r1_sha256 (DER) and mldsa_65_verify, which no format of ours has; ecdh_secp256r1_webcrypto, since keys come as
 * points; mlkem_768_semi_expanded_decaps, since keys are kept as seeds; json_web_encryption, json_web_key and json_web_crypto, since
 * there is no JWE and a JWS is verified with one known ES256 key.
 */

interface Case {
  tcId: number
  result: 'valid' | 'invalid' | 'acceptable'
  [field: string]: string | number
}

interface File<Group> {
  numberOfTests: number
  testGroups: (Group & { tests: Case[] })[]
}

const bytes = (hex: unknown): Buffer => Buffer.from(String(hex), 'hex')

/** Runs a whole file. A ConcordatError counts as a refusal. `exceptions` are the valid cases that are refused, by tcId. */
async function run<Group>(
  name: string,
  accepts: (test: Case, group: Group) => boolean | Promise<boolean>,
  exceptions: ReadonlySet<number>,
): Promise<void> {
  const file = readSharedJson<File<Group>>(`wycheproof/testvectors_v1/${name}_test.json`)
  let count = 0
  const refused: number[] = []
  for (const group of file.testGroups) {
    for (const test of group.tests) {
      count++
      let accepted: boolean
      try {
        accepted = await accepts(test, group)
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw new Error(`${name} ${test.tcId}`, { cause: error })
        accepted = false
      }
      assert.ok(!accepted || test.result !== 'invalid', `${name} ${test.tcId} is accepted`)
      if (!accepted && test.result === 'valid') refused.push(test.tcId)
    }
  }
  assert.equal(count, file.numberOfTests)
  assert.deepEqual(refused, [...exceptions], `${name}: valid cases that are refused`)
}

/** [1, 3, [7, 9]] is 1, 3, 7, 8, 9. */
function ids(...ranges: (number | [number, number])[]): Set<number> {
  return new Set(
    ranges.flatMap((range) => {
      const [first, last] = typeof range === 'number' ? [range, range] : range
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    }),
  )
}

const NONE = ids()

test('ecdsa_secp256r1_sha256_p1363', { skip: sharedVectorsAbsent }, async () => {
  type Group = { publicKey: { uncompressed: string } }
  const jwkOf = ({ publicKey }: Group) => {
    const point = bytes(publicKey.uncompressed)
    return parseEcPublicJwk({
      kty: 'EC',
      crv: 'P-256',
      x: toBase64url(point.subarray(1, 33)),
      y: toBase64url(point.subarray(33)),
    })
  }
  await run<Group>(
    'ecdsa_secp256r1_sha256_p1363',
    async ({ msg, sig }, group) => {
      const valid = verifyEs256Sync(jwkOf(group), bytes(msg), bytes(sig))
      assert.equal(await verifyEs256(jwkOf(group), bytes(msg), bytes(sig)), valid)
      return valid
    },
    NONE,
  )
})

test('ed25519', { skip: sharedVectorsAbsent }, async () => {
  type Group = { publicKey: { pk: string } }
  await run<Group>(
    'ed25519',
    ({ msg, sig }, { publicKey }) =>
      verifyEd25519Sync({ kty: 'OKP', crv: 'Ed25519', x: toBase64url(bytes(publicKey.pk)) }, bytes(msg), bytes(sig)),
    NONE,
  )
})

test('mldsa_44_verify', { skip: sharedVectorsAbsent }, async () => {
  type Group = { publicKey: string }
  await run<Group>(
    'mldsa_44_verify',
    ({ msg, sig }, { publicKey }) => {
      const jwk = { kty: 'AKP', alg: 'ML-DSA-44', pub: toBase64url(bytes(publicKey)) } as const
      return verifyMlDsa44Sync(jwk, bytes(msg), bytes(sig))
    },
    // Made for a context that is not empty; C2SP tlog-cosignature, our only use, has an empty one.
    ids(3, 4),
  )
})

test('aes_gcm', { skip: sharedVectorsAbsent }, async () => {
  type Group = { keySize: number; ivSize: number; tagSize: number }
  await run<Group>(
    'aes_gcm',
    ({ key, iv, aad, msg, ct, tag, result }, group) => {
      const sealed = Buffer.concat([bytes(ct), bytes(tag)])
      const opened = openAes256Gcm(bytes(key), bytes(iv), bytes(aad), sealed)
      const ours = group.keySize === AES_KEY_BYTES * 8 && group.ivSize === AES_IV_BYTES * 8
      assert.equal(group.tagSize, AES_TAG_BYTES * 8)
      if (ours && result === 'valid') {
        assert.deepEqual(sealAes256Gcm(bytes(key), bytes(iv), bytes(aad), bytes(msg)), sealed)
      }
      return opened?.equals(bytes(msg)) === true
    },
    // Keys of 128 or 192 bits, or IVs of other than 96: only AES-256 with 96-bit IVs is ours.
    ids([1, 40], [68, 90], [157, 212], [240, 310]),
  )
})

test('hkdf_sha256', { skip: sharedVectorsAbsent }, async () => {
  const hkdf = hkdfSha256()
  await run(
    'hkdf_sha256',
    async ({ ikm, salt, info, size, okm }) => {
      const key = await hkdf.Extract(bytes(salt), bytes(ikm))
      try {
        return bytes(okm).equals(await hkdf.Expand(key, bytes(info), Number(size)))
      } catch (error) {
        assert.ok(error instanceof RangeError)
        return false
      }
    },
    NONE,
  )
})

test('ecdh_secp256r1_ecpoint', { skip: sharedVectorsAbsent }, async () => {
  await run(
    'ecdh_secp256r1_ecpoint',
    (vector) => {
      // Written as an integer: a leading zero byte, or one too few.
      const scalar = bytes(String(vector.private).padStart(64, '0').slice(-64))
      const privateKey = createPrivateKey({
        key: scalar,
        format: 'raw-private',
        asymmetricKeyType: 'ec',
        namedCurve: 'P-256',
      })
      const publicKey = importP256Point(bytes(vector.public))
      return diffieHellman({ privateKey, publicKey }).equals(bytes(vector.shared))
    },
    NONE,
  )
})

function mlKemFromSeed(seed: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
  } catch {
    throw new ConcordatError({ code: 'KEY_INVALID', expected: 'a seed', got: 'other bytes' })
  }
}

test('mlkem_768 and mlkem_768_keygen_seed on the parts that our KEM is made of', {
  skip: sharedVectorsAbsent,
}, async () => {
  const publicBytes = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'raw-public' })
  await run(
    'mlkem_768',
    ({ seed, ek, c, K }) => {
      const key = mlKemFromSeed(bytes(seed))
      if (!publicBytes(key).equals(bytes(ek))) return false
      try {
        return decapsulate(key, bytes(c)).equals(bytes(K))
      } catch {
        return false
      }
    },
    NONE,
  )
  await run('mlkem_768_keygen_seed', ({ seed, ek }) => publicBytes(mlKemFromSeed(bytes(seed))).equals(bytes(ek)), NONE)
})

test('mlkem_768_encaps: public keys that must be refused', { skip: sharedVectorsAbsent }, async () => {
  const point = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'raw-public' })
  await run(
    'mlkem_768_encaps',
    ({ ek }) => {
      // node:crypto draws its own randomness, so K and c cannot be compared; only what is accepted can.
      const { mlKem } = importKemPublicKey(Buffer.concat([bytes(ek), point]))
      return encapsulate(mlKem).sharedKey.length === 32
    },
    NONE,
  )
})

test('json_web_signature', { skip: sharedVectorsAbsent }, async () => {
  type Group = { public?: JsonObject; private?: JsonObject }
  const entryPoint = async ({ jws }: Case, group: Group): Promise<boolean> => {
    const { kid, alg = 'ES256', use = 'sig', ...jwk } = group.public ?? group.private ?? {}
    if (alg !== 'ES256' || use !== 'sig') return false
    await verifyEs256Jws(String(jws), parseEcPublicJwk(jwk))
    return true
  }
  await run<Group>(
    'json_web_signature',
    entryPoint,
    // Made with HMAC, RSA or ECDSA on P-521.
    ids(1, 33, [259, 275], 287, 288, [320, 323], [325, 328], [345, 352], [357, 359], 372, 373, 376, 377),
  )
})
