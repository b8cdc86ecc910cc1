import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { toBase64url } from '../core/crypto/base64url.ts'
import { generateSigningKey, signWith } from '../core/crypto/signature.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import {
  checkCreated,
  contentDigest,
  parseRequestSignature,
  type SignedMessage,
  signatureBase,
  signRequest,
  verifyRequest,
} from './request-signature.ts'

const key = generateSigningKey('ES256')
const params = { created: 1_750_000_000, nonce: toBase64url(new Uint8Array(16)), keyid: thumbprint(key.publicJwk) }
const message: SignedMessage = {
  method: 'POST',
  targetUri: 'https://node.example/nodes/m/registers/r/entries',
  body: new TextEncoder().encode('{"entries":[]}'),
}
const other = generateSigningKey('ES256').publicJwk
const sign = async (data: Uint8Array) => signWith(key, data)
const headersOf = async (of = message) => ({ ...(await signRequest(of, params, sign)) })

async function verify(of: SignedMessage, headers: Record<string, string | string[] | undefined>): Promise<void> {
  await verifyRequest(of, parseRequestSignature(headers), [other, key.publicJwk])
}

async function refusedAs(code: ErrorCode, run: () => Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => error instanceof ConcordatError && error.code === code)
}

describe('request signature', () => {
  it('has the Content-Digest of RFC 9530', () => {
    // RFC 9530 appendix B.1 and RFC 9421 B.2: {"hello": "world"}, without and with a line feed.
    const digestOf = (text: string) => contentDigest(new TextEncoder().encode(text))
    assert.equal(digestOf('{"hello": "world"}'), 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:')
    assert.equal(digestOf('{"hello": "world"}\n'), 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
  })
  it('signs the base of RFC 9421 section 2.5', () => {
    const { method, targetUri } = message
    const signed = { created: 1_750_000_000, nonce: 'AAAAAAAAAAAAAAAAAAAAAA', keyid: 'k' }
    assert.equal(
      signatureBase(
        { method, targetUri, contentDigest: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:' },
        signed,
      ),
      [
        '"@method": POST',
        '"@target-uri": https://node.example/nodes/m/registers/r/entries',
        '"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
        '"@signature-params": ("@method" "@target-uri" "content-digest");created=1750000000;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="k";alg="ecdsa-p256-sha256";tag="concordat"',
      ].join('\n'),
    )
    assert.equal(
      signatureBase({ method: 'GET', targetUri, contentDigest: undefined }, signed),
      [
        '"@method": GET',
        '"@target-uri": https://node.example/nodes/m/registers/r/entries',
        '"@signature-params": ("@method" "@target-uri");created=1750000000;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="k";alg="ecdsa-p256-sha256";tag="concordat"',
      ].join('\n'),
    )
  })
  it('verifies what it signed, with and without a body', async () => {
    const messages = fc.record({
      method: fc.constantFrom('GET', 'POST'),
      targetUri: fc.webUrl(),
      body: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(messages, async (of) => verify(of, await headersOf(of))),
      { numRuns: 200 },
    )
  })
  it('refuses every change of one character in its fields', async () => {
    const headers = await headersOf()
    const change = fc.record({
      name: fc.constantFrom('signature', 'signature-input', 'content-digest'),
      at: fc.nat(),
      by: fc.constantFrom(...'Az09+/=":;() '),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ name, at, by }) => {
        const text = headers[name as keyof typeof headers]!
        const place = at % text.length
        fc.pre(text[place] !== by)
        const changed = { ...headers, [name]: text.slice(0, place) + by + text.slice(place + 1) }
        await assert.rejects(verify(message, changed), ConcordatError)
      }),
      { numRuns: 1_000 },
    )
  })
  it('refuses another method, address or body', async () => {
    const headers = await headersOf()
    await refusedAs('REQUEST_SIGNATURE_INVALID', () => verify({ ...message, method: 'PUT' }, headers))
    await refusedAs('REQUEST_SIGNATURE_INVALID', () =>
      verify({ ...message, targetUri: 'https://other.example/' }, headers),
    )
    await refusedAs('CONTENT_DIGEST_INVALID', () => verify({ ...message, body: new Uint8Array() }, headers))
  })
  it('refuses a body that it does not cover, and a digest without a body', async () => {
    const withoutBody = await headersOf({ ...message, body: undefined })
    await refusedAs('REQUEST_SIGNATURE_INVALID', () => verify(message, withoutBody))
    const digest = contentDigest(message.body!)
    await refusedAs('REQUEST_SIGNATURE_INVALID', () => verify(message, { ...withoutBody, 'content-digest': digest }))
    await refusedAs('REQUEST_SIGNATURE_INVALID', async () => verify({ ...message, body: undefined }, await headersOf()))
  })
  it('refuses the signature of another key', async () => {
    const claimed = parseRequestSignature(await headersOf())
    await refusedAs('REQUEST_SIGNATURE_INVALID', () => verifyRequest(message, claimed, [other]))
  })
  it('refuses fields of another form', async () => {
    const headers = await headersOf()
    const input = headers['signature-input']
    const forms: [ErrorCode, Record<string, string | string[] | undefined>][] = [
      ['REQUEST_SIGNATURE_MISSING', { 'content-digest': headers['content-digest'] }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, signature: undefined }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'signature-input': undefined }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'content-digest': undefined }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'signature-input': `${input}, sig2=()` }],
      [
        'REQUEST_SIGNATURE_INVALID',
        { ...headers, 'signature-input': input.replace('ecdsa-p256-sha256', 'hmac-sha256') },
      ],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'signature-input': input.replace(' "content-digest"', '') }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'signature-input': input.replace('tag="concordat"', 'tag="other"') }],
      ['REQUEST_SIGNATURE_INVALID', { ...headers, 'signature-input': input.replace('created=', 'created=-') }],
      [
        'REQUEST_SIGNATURE_INVALID',
        { ...headers, 'signature-input': input.replace(/created=\d+/, 'created=9999999999999999') },
      ],
      ['CONTENT_DIGEST_INVALID', { ...headers, 'content-digest': headers['content-digest']!.replace('256', '512') }],
    ]
    for (const [code, form] of forms) await refusedAs(code, async () => parseRequestSignature(form))
  })
  it('is taken for 60 s on either side of the clock', () => {
    for (const off of [-60, 0, 60]) checkCreated(params.created + off, params.created)
    for (const off of [-61, 61, -1e9, 1e9]) {
      assert.throws(
        () => checkCreated(params.created + off, params.created),
        (error) => error instanceof ConcordatError && error.code === 'CLOCK_SKEW',
      )
    }
  })
})
