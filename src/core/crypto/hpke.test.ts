import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as hpke from 'hpke'
import { readSharedJson, sharedVectorsAbsent } from '../../../test/vectors/shared-vectors.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { generateHpkeKeyPair, hpkeOpen, hpkeSeal, importHpkePrivateKey } from './hpke.ts'
import { aes256Gcm, hkdfSha256, mlkem768P256 } from './hpke-suite.ts'
import {
  decapsulate,
  deriveKemPrivateKey,
  encapsulate,
  exportKemPublicKey,
  importKemPublicKey,
} from './mlkem768-p256.ts'

interface Vector {
  mode: number
  kem_id: number
  kdf_id: number
  aead_id: number
  info: string
  psk?: string
  psk_id?: string
  skRm: string
  pkRm: string
  enc: string
  shared_secret: string
  encryptions: { aad: string; ct: string; pt: string }[]
  exports: { exporter_context: string; L: number; exported_value: string }[]
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

const KEMS: { [id: number]: hpke.KEMFactory } = {
  16: hpke.KEM_DHKEM_P256_HKDF_SHA256,
  32: hpke.KEM_DHKEM_X25519_HKDF_SHA256,
  80: mlkem768P256 as hpke.KEMFactory,
}
const KDFS: { [id: number]: hpke.KDFFactory } = { 1: hkdfSha256, 3: hpke.KDF_HKDF_SHA512, 16: hpke.KDF_SHAKE128 }
const AEADS: { [id: number]: hpke.AEADFactory } = { 1: hpke.AEAD_AES_128_GCM, 2: aes256Gcm }

/** Every message and export of a vector; our parts where its identifiers are ours, `hpke`'s own for the rest. */
async function check(vector: Vector): Promise<void> {
  const suite = new hpke.CipherSuite(KEMS[vector.kem_id]!, KDFS[vector.kdf_id]!, AEADS[vector.aead_id]!)
  const key = await suite.DeserializePrivateKey(bytes(vector.skRm), true)
  const publicKey = await suite.DeserializePublicKey(bytes(vector.pkRm))
  // DHKEM needs the public key beside the private one.
  const recipient = vector.kem_id === 80 ? key : { privateKey: key, publicKey }
  const psk = vector.mode === 1 ? { psk: bytes(vector.psk!), pskId: bytes(vector.psk_id!) } : {}
  const context = await suite.SetupRecipient(recipient, bytes(vector.enc), { info: bytes(vector.info), ...psk })
  for (const { aad, ct, pt } of vector.encryptions) assert.equal(hex(await context.Open(bytes(ct), bytes(aad))), pt)
  for (const { exporter_context, L, exported_value } of vector.exports) {
    assert.equal(hex(await context.Export(bytes(exporter_context), L)), exported_value)
  }
}

test('MLKEM768-P256 vectors of draft-ietf-hpke-pq', { skip: sharedVectorsAbsent }, async () => {
  const vectors = readSharedJson<Vector[]>('hpke/hpke-pq.json')
  // The other eleven use KEMs that we do not have: ML-KEM alone (64 to 66), X-Wing (25722), MLKEM1024-P384 (81), DHKEM with SHAKE.
  const ours = vectors.filter((vector) => vector.kem_id === 80)
  assert.deepEqual(
    [vectors.length, ours.map((vector) => [vector.kdf_id, vector.aead_id])],
    [
      13,
      [
        [1, 1],
        [16, 2],
      ],
    ],
  )
  for (const vector of ours) {
    const privateKey = deriveKemPrivateKey(bytes(vector.skRm))
    assert.equal(hex(exportKemPublicKey(privateKey.publicKey)), vector.pkRm)
    assert.equal(hex(decapsulate(bytes(vector.enc), privateKey)), vector.shared_secret)
    await check(vector)
  }
})

test('our HKDF-SHA256 and AES-256-GCM in the vectors of RFC 9180', { skip: sharedVectorsAbsent }, async () => {
  const vectors = readSharedJson<Vector[]>('hpke/rfc9180.json')
  // Modes 2 and 3 (authenticated) are not in `hpke`; HKDF-SHA512 with AES-128-GCM has no part of ours.
  const ours = vectors.filter(({ mode, kdf_id, aead_id }) => mode <= 1 && (kdf_id === 1 || aead_id === 2))
  assert.deepEqual([vectors.length, ours.length], [32, 12])
  for (const vector of ours) await check(vector)
})

test('the same messages as `hpke` with its own algorithms', async () => {
  const peer = new hpke.CipherSuite(hpke.KEM_MLKEM768_P256, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_256_GCM)
  const { publicJwk, privateKey } = generateHpkeKeyPair()
  const [info, aad, plaintext] = [randomBytes(17), randomBytes(100), randomBytes(99)].map((data) =>
    Uint8Array.from(data),
  )
  const context = { info: info!, aad: aad! }
  const peerPublic = await peer.DeserializePublicKey(fromBase64url(publicJwk.pub))
  const peerPrivate = await peer.DeserializePrivateKey(Uint8Array.from(privateKey))
  const theirs = await peer.Seal(peerPublic, plaintext!, context)
  const opened = await hpkeOpen({
    privateKey: importHpkePrivateKey(privateKey),
    enc: theirs.encapsulatedSecret,
    ciphertext: theirs.ciphertext,
    ...context,
  })
  assert.equal(hex(opened), hex(plaintext!))
  const ours = await hpkeSeal({ publicKey: publicJwk, plaintext: plaintext!, ...context })
  const back = await peer.Open(peerPrivate, Uint8Array.from(ours.enc), Uint8Array.from(ours.ciphertext), context)
  assert.equal(hex(back), hex(plaintext!))
})

test('another key, context or message does not open, and says no more', async () => {
  const { publicJwk, privateKey } = generateHpkeKeyPair()
  const key = importHpkePrivateKey(privateKey)
  const [info, aad, plaintext] = [Buffer.from('info'), Buffer.from('aad'), Buffer.from('plaintext')]
  const { enc, ciphertext } = await hpkeSeal({ publicKey: publicJwk, info, aad, plaintext })
  const message = { privateKey: key, enc, info, aad, ciphertext }
  assert.equal(Buffer.from(await hpkeOpen(message)).toString(), 'plaintext')
  const flip = (data: Uint8Array, at: number): Uint8Array => data.with(at, data[at]! ^ 1)
  const refused = [
    { ...message, privateKey: importHpkePrivateKey(randomBytes(32)) },
    { ...message, info: Buffer.from('inf') },
    { ...message, aad: Buffer.alloc(0) },
    { ...message, enc: enc.subarray(1) },
    { ...message, enc: flip(enc, 0) },
    { ...message, enc: flip(enc, 1088) },
    { ...message, enc: flip(enc, 1152) },
    { ...message, enc: enc.with(1088, 6) },
    { ...message, enc: Buffer.concat([enc.subarray(0, 1088), Buffer.alloc(65, 4)]) },
    { ...message, ciphertext: flip(ciphertext, 0) },
    { ...message, ciphertext: ciphertext.subarray(0, 10) },
    { ...message, ciphertext: new Uint8Array() },
  ]
  const messages = new Set<string>()
  for (const attempt of refused) {
    await assert.rejects(hpkeOpen(attempt), (error: Error) => messages.add(error.message) !== undefined)
  }
  assert.deepEqual(
    [...messages],
    ['HPKE_NOT_OPENED: expected a message sealed to this key with this context, got one that does not open'],
  )
})

test('malformed public keys are refused', async () => {
  const { publicJwk } = generateHpkeKeyPair()
  const good = fromBase64url(publicJwk.pub)
  importKemPublicKey(good)
  const malformed = [
    good.subarray(1),
    good.with(1184, 6),
    good.with(1248, good[1248]! ^ 1),
    // A coefficient that is not reduced modulo q (FIPS 203 7.2).
    Uint8Array.from([0xff, 0xff, 0xff, ...good.subarray(3)]),
  ]
  for (const key of malformed) {
    assert.throws(() => encapsulate(importKemPublicKey(key)), { code: 'KEY_INVALID' })
  }
  const publicKey = { ...publicJwk, pub: toBase64url(malformed[3]!) }
  const empty = new Uint8Array()
  await assert.rejects(hpkeSeal({ publicKey, info: empty, aad: empty, plaintext: empty }), { code: 'KEY_INVALID' })
  assert.throws(() => importHpkePrivateKey(new Uint8Array(31)), { code: 'KEY_INVALID' })
})
