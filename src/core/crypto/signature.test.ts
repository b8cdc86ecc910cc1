import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { verifyEs256Jws } from './es256-jws.ts'
import { importHpkePrivateKey } from './hpke.ts'
import { parsePublicJwk } from './jwk.ts'
import { formatCompactJws, formatSigningInput } from './jws.ts'
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  signWith,
  signWithAsync,
  verifyEd25519,
  verifyEd25519Sync,
  verifyEs256,
  verifyEs256Sync,
  verifyMlDsa44,
  verifyMlDsa44Sync,
} from './signature.ts'
import { thumbprint } from './thumbprint.ts'

const data = new TextEncoder().encode('data')
const other = new TextEncoder().encode('other data')
const es256 = generateSigningKey('ES256')
const ed25519 = generateSigningKey('Ed25519')
const mlDsa44 = generateSigningKey('ML-DSA-44')

test('a signature verifies for its key and data alone, on both threads', async () => {
  const cases = [
    { key: es256, sync: verifyEs256Sync, async: verifyEs256, size: 64, stranger: generateSigningKey('ES256') },
    { key: ed25519, sync: verifyEd25519Sync, async: verifyEd25519, size: 64, stranger: generateSigningKey('Ed25519') },
    {
      key: mlDsa44,
      sync: verifyMlDsa44Sync,
      async: verifyMlDsa44,
      size: 2420,
      stranger: generateSigningKey('ML-DSA-44'),
    },
  ] as const
  for (const { key, sync, async, size, stranger } of cases) {
    // Each row pairs one algorithm's key with its verifiers, which the union of rows cannot say.
    const verifySync = sync as (jwk: unknown, data: Uint8Array | string, signature: Uint8Array) => boolean
    const verifyAsync = async as (jwk: unknown, data: Uint8Array | string, signature: Uint8Array) => Promise<boolean>
    for (const signature of [signWith(key, data), await signWithAsync(key, 'data')]) {
      assert.equal(signature.length, size)
      assert.equal(verifySync(key.publicJwk, data, signature), true)
      assert.equal(await verifyAsync(key.publicJwk, 'data', signature), true)
      assert.equal(verifySync(key.publicJwk, other, signature), false)
      assert.equal(await verifyAsync(key.publicJwk, other, signature), false)
      assert.equal(verifySync(stranger.publicJwk, data, signature), false)
      assert.equal(verifySync(key.publicJwk, data, signature.subarray(1)), false)
      assert.equal(await verifyAsync(key.publicJwk, data, Buffer.concat([signature, Buffer.of(0)])), false)
      const flipped = Uint8Array.from(signature)
      flipped[10]! ^= 1
      assert.equal(verifySync(key.publicJwk, data, flipped), false)
      assert.equal(await verifyAsync(key.publicJwk, data, flipped), false)
    }
    const again = importSigningKey(key.algorithm, exportSigningKey(key))
    assert.deepEqual(again.publicJwk, key.publicJwk)
    assert.equal(verifySync(key.publicJwk, data, signWith(again, data)), true)
  }
})

test('a private key of another kind or other bytes are refused', () => {
  assert.throws(() => importSigningKey('ES256', exportSigningKey(ed25519)), { code: 'KEY_INVALID' })
  assert.throws(() => importSigningKey('ES256', data), { code: 'KEY_INVALID' })
})

const hpke = importHpkePrivateKey(new Uint8Array(32))

test('public keys have one spelling', () => {
  for (const jwk of [es256.publicJwk, ed25519.publicJwk, mlDsa44.publicJwk, hpke.publicJwk]) {
    assert.deepEqual(parsePublicJwk({ ...jwk }), jwk)
    assert.throws(() => parsePublicJwk({ ...jwk, use: 'sig' }), { code: 'KEY_INVALID' })
    const [last] = Object.entries(jwk).at(-1)!
    const short: JsonValue = { ...jwk, [last]: 'AAAA' }
    assert.throws(() => parsePublicJwk(short), { code: 'KEY_INVALID' })
  }
  const { x, y } = es256.publicJwk
  const refused: JsonValue[] = [
    null,
    [],
    'EC',
    {},
    { kty: 'EC', crv: 'P-256', x },
    { kty: 'EC', crv: 'P-384', x, y },
    { kty: 'EC', crv: 'secp256k1', x, y },
    { kty: 'EC', crv: 'P-256', x, y: 5 },
    { kty: 'EC', crv: 'P-256', x: `${x}=`, y },
    { kty: 'EC', crv: 'P-256', x, y, d: x },
    { kty: 'oct', k: x },
    { kty: 'OKP', crv: 'X25519', x },
    { kty: 'AKP', alg: 'ML-DSA-65', pub: x },
  ]
  for (const value of refused) assert.throws(() => parsePublicJwk(value), { code: 'KEY_INVALID' })
})

test('a point off the curve is no key', async () => {
  const jwk = { ...es256.publicJwk, y: 'A'.repeat(43) }
  await assert.rejects(verifyEs256(jwk, data, new Uint8Array(64)), { code: 'KEY_INVALID' })
})

test('thumbprints agree with jose', async () => {
  assert.equal(thumbprint(es256.publicJwk), await calculateJwkThumbprint({ ...es256.publicJwk, kid: 'x' }))
  assert.equal(thumbprint(ed25519.publicJwk), await calculateJwkThumbprint(ed25519.publicJwk))
  assert.equal(thumbprint(mlDsa44.publicJwk), await calculateJwkThumbprint(mlDsa44.publicJwk))
  assert.equal(thumbprint(hpke.publicJwk), await calculateJwkThumbprint(hpke.publicJwk))
})

test('a JWS is ES256, without crit, in three canonical parts', async () => {
  const sign = (header: { [name: string]: JsonValue }): string => {
    const input = formatSigningInput(header, { a: 1 })
    return formatCompactJws(input, signWith(es256, input))
  }
  const good = sign({ alg: 'ES256' })
  const jws = await verifyEs256Jws(good, es256.publicJwk)
  assert.equal(Buffer.from(jws.payload).toString(), '{"a":1}')
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const duplicate = Buffer.from('{"alg":"ES256","alg":"ES256"}').toString('base64url')
  const refused = [
    sign({ alg: 'none' }),
    sign({ alg: 'HS256' }),
    sign({ alg: ['ES256'] }),
    sign({}),
    sign({ alg: 'ES256', crit: ['exp'] }),
    sign({ alg: 'ES256', b64: false, crit: ['b64'] }),
    `${header}.${payload}`,
    `${good}.`,
    `${header}=.${payload}.${signature}`,
    `${duplicate}.${payload}.${signature}`,
    `${Buffer.from('[]').toString('base64url')}.${payload}.${signature}`,
    `.${payload}.${signature}`,
    `${header}.${payload} .${signature}`,
  ]
  for (const text of refused) await assert.rejects(verifyEs256Jws(text, es256.publicJwk), { code: 'JWS_INVALID' })
  for (const text of [`${header}.${payload}.`, `${header}..${signature}`]) {
    await assert.rejects(verifyEs256Jws(text, es256.publicJwk), { code: 'SIGNATURE_INVALID' })
  }
})

test('errors say nothing of a key', () => {
  try {
    importSigningKey('ES256', Buffer.from('secret bytes'))
    assert.fail()
  } catch (error) {
    assert.ok(error instanceof ConcordatError && error.cause === undefined && !error.message.includes('secret'))
  }
})
