import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SDJwtInstance } from '@sd-jwt/core'
import { compactVerify, importJWK } from 'jose'
import recordVectors from '../../../test/vectors/record/record.json' with { type: 'json' }
import type { JsonObject } from '../canonical-json.ts'
import { fromBase64url, toBase64url } from '../crypto/base64url.ts'
import { verifyEs256Jws } from '../crypto/es256-jws.ts'
import { sha256 } from '../crypto/hash.ts'
import { parseCompactJws } from '../crypto/jws.ts'
import { generateSigningKey, signWith, verifyEs256 } from '../crypto/signature.ts'
import { parsePresentation } from './sd-claims.ts'
import { openSdJwt } from './sd-jwt.ts'

const key = { ...recordVectors.key, kty: 'EC', crv: 'P-256' } as const

test('jose verifies our records', async () => {
  const { jws } = recordVectors.valid[0]!
  const { payload, protectedHeader } = await compactVerify(jws, await importJWK(key, 'ES256'), {
    algorithms: ['ES256'],
  })
  assert.deepEqual(protectedHeader, parseCompactJws(jws).header)
  assert.deepEqual(payload, parseCompactJws(jws).payload)
})

test('@sd-jwt/core verifies our records and discloses the same claims', async () => {
  const peer = new SDJwtInstance({
    hasher: (data: string | ArrayBuffer) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
    verifier: (data: string, signature: string) => verifyEs256(key, data, fromBase64url(signature)),
  })
  for (const { jws, disclosures, claims } of recordVectors.valid) {
    const { payload } = await peer.verify(`${[jws, ...disclosures].join('~')}~`, { currentDate: claims.iat })
    assert.deepEqual(payload, claims)
  }
})

test('we open what @sd-jwt/core issues, as far as it is flat', async () => {
  const issuerKey = generateSigningKey('ES256')
  const peer = new SDJwtInstance({
    hasher: (data: string | ArrayBuffer) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
    hashAlg: 'sha-256',
    saltGenerator: (length: number) => toBase64url(crypto.getRandomValues(new Uint8Array(length))),
    signAlg: 'ES256',
    signer: (data: string) => toBase64url(signWith(issuerKey, data)),
  })
  const claims = { iss: 'issuer', iat: 1, name: 'Ailsa', address: { postcode: 'IV51 9EU' } }
  const issued = await peer.issue(claims, { _sd: ['name', 'address'], _sd_decoy: 3 })
  const { jws, disclosures } = parsePresentation(issued)
  const { payload } = await verifyEs256Jws(jws, issuerKey.publicJwk)
  assert.deepEqual(openSdJwt(JSON.parse(Buffer.from(payload).toString()) as JsonObject, disclosures), claims)
})
