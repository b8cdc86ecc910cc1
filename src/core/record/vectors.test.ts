import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import grantVectors from '../../../test/vectors/record/grant.json' with { type: 'json' }
import groupVectors from '../../../test/vectors/record/group.json' with { type: 'json' }
import recordVectors from '../../../test/vectors/record/record.json' with { type: 'json' }
import { type JsonObject, type JsonValue, parseCanonicalJson, parseJson } from '../canonical-json.ts'
import { fromBase64url, toBase64url } from '../crypto/base64url.ts'
import { verifyEs256Jws } from '../crypto/es256-jws.ts'
import { digest } from '../crypto/hash.ts'
import { hpkeOpen, importHpkePrivateKey } from '../crypto/hpke.ts'
import { parseEcPublicJwk } from '../crypto/jwk.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import { commitmentInput } from './commitment.ts'
import { openGrant, parseGrant, type SealedMessage } from './grant.ts'
import { openGroup, verifyGroup } from './group.ts'
import { parsePresentation } from './sd-claims.ts'
import { openSdJwt } from './sd-jwt.ts'

test('valid records', async () => {
  const key = parseEcPublicJwk(recordVectors.key)
  for (const { comment, jws, recordId, disclosures, claims } of recordVectors.valid) {
    const { header, payload, signingInput } = await verifyEs256Jws(jws, key)
    assert.deepEqual(header, { alg: 'ES256', kid: thumbprint(key), typ: 'action+sd-jwt' })
    assert.equal(digest(signingInput), recordId)
    const signed = parseCanonicalJson(Buffer.from(payload).toString()) as JsonObject
    assert.deepEqual(openSdJwt(signed, disclosures), claims, comment)
    const presentation = `${[jws, ...disclosures].join('~')}~`
    assert.deepEqual(parsePresentation(presentation), { jws, disclosures })
  }
})

test('invalid SD-JWTs', () => {
  for (const { comment, payload, disclosures, code } of recordVectors.invalid) {
    assert.throws(() => openSdJwt(parseJson(payload) as JsonObject, disclosures), { code }, comment)
  }
  for (const { comment, text, code } of recordVectors.invalidPresentations) {
    assert.throws(() => parsePresentation(text), { code }, comment)
  }
})

test('valid sealed groups', () => {
  const { recordId, commitments, sd } = groupVectors
  for (const { index, key, sealed, salt, disclosures } of groupVectors.valid) {
    const opened = openGroup({ index, recordId, key: fromBase64url(key), sealed: fromBase64url(sealed) })
    assert.deepEqual(opened, { salt, disclosures })
    const verified = verifyGroup({ index, commitments, sd, ...opened })
    assert.deepEqual(
      verified.map(({ text }) => text),
      disclosures,
    )
  }
})

test('invalid sealed groups', () => {
  for (const { comment, index, recordId, key, sealed, code } of groupVectors.notOpened) {
    const group = { index, recordId, key: fromBase64url(key), sealed: fromBase64url(sealed) }
    assert.throws(() => openGroup(group), { code }, comment)
  }
  const huge = {
    index: 1,
    recordId: groupVectors.recordId,
    key: new Uint8Array(32),
    sealed: new Uint8Array(2 ** 20 + 1),
  }
  assert.throws(() => openGroup(huge), { code: 'GROUP_INVALID' })
  for (const { comment, code, ...group } of groupVectors.notVerified) {
    assert.throws(() => verifyGroup(group), { code }, comment)
  }
})

const privateKey = importHpkePrivateKey(fromBase64url(grantVectors.privateKey))
const open = ({ enc, info, aad, ciphertext }: SealedMessage): Promise<Uint8Array> =>
  hpkeOpen({ privateKey, enc, info, aad, ciphertext })

test('valid grants', async () => {
  assert.deepEqual(privateKey.publicJwk, grantVectors.publicKey)
  for (const { grant, keys } of grantVectors.valid) {
    const parsed = parseGrant(grant)
    assert.equal(parsed.kid, thumbprint(privateKey.publicJwk))
    const opened = await openGrant(parsed, open)
    assert.deepEqual(
      [...opened].map(([index, key]) => [String(index), toBase64url(key)]),
      Object.entries(keys),
    )
  }
})

test('invalid grants', async () => {
  for (const { comment, grant, code } of grantVectors.malformed) {
    assert.throws(() => parseGrant(grant as JsonValue), { code }, comment)
  }
  const long = { ...grantVectors.valid[0]!.grant, ciphertext: 'A'.repeat(65_540) }
  assert.throws(() => parseGrant(long), { code: 'GRANT_INVALID' })
  for (const { comment, grant, code } of grantVectors.notOpened) {
    await assert.rejects(openGrant(parseGrant(grant), open), { code }, comment)
  }
})

test("custody's own failures are not taken for a bad grant", async () => {
  const locked = new Error('locked')
  await assert.rejects(
    openGrant(parseGrant(grantVectors.valid[0]!.grant), () => Promise.reject(locked)),
    locked,
  )
})

test('the pages in docs/formats show these very vectors', () => {
  const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../../docs/formats', name), 'utf8')
  const { jws, recordId, disclosures } = recordVectors.valid[0]!
  const shown = [jws, recordId, ...disclosures.map((text) => Buffer.from(text, 'base64url').toString())]
  for (const text of shown) assert.ok(page('record.md').includes(text))
  const group = groupVectors.valid[1]!
  const shownOfGroup = [group.key, group.sealed, group.salt, ...group.disclosures, groupVectors.commitments[1]!]
  for (const text of shownOfGroup) assert.ok(page('group.md').includes(text))
  const input = commitmentInput(1, group.salt, group.disclosures.map(digest))
  assert.ok(page('group.md').includes(input))
  const { grant, keys } = grantVectors.valid[0]!
  for (const text of [...Object.values(grant), JSON.stringify(keys)]) assert.ok(page('grant.md').includes(text))
})
