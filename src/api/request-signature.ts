import { isDigest, isRandomId } from '../core/crypto/base64url.ts'
import { sha256 } from '../core/crypto/hash.ts'
import type { EcPublicJwk } from '../core/crypto/jwk.ts'
import { verifyEs256 } from '../core/crypto/signature.ts'
import { ConcordatError } from '../core/error.ts'

/**
 * A profile of HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530) in which a request has one spelling only:
 * fixed label, components, order and algorithm. See docs/formats/request-signature.md.
 */
const LABEL = 'concordat'
const ALGORITHM = 'ecdsa-p256-sha256'

/** How far `created` may be from the receiver's clock, in either direction. */
export const SIGNATURE_WINDOW_SECONDS = 60

export interface SignedMessage {
  method: string
  /** The receiver's own address and the path: a request cannot be turned to another node (RFC 9421 2.2.2). */
  targetUri: string
  /** Undefined for a request without one; an empty body counts as one. */
  body: Uint8Array | undefined
}

export interface SignatureParams {
  /** Unix seconds. */
  created: number
  /** 128 random bits, base64url. */
  nonce: string
  /** The signer's member id. */
  keyid: string
}

export interface SignatureHeaders {
  'signature-input': string
  signature: string
  'content-digest'?: string
}

/** What the headers claim; nothing of it is proven before `verifyRequest`. */
export interface ClaimedSignature extends SignatureParams {
  /** Whether the signature covers a body. */
  coversBody: boolean
  signature: Uint8Array
  contentDigest: string | undefined
}

/** RFC 9421 2.5. `contentDigest` is the field's value, undefined where there is no body. */
export function signatureBase(
  message: { method: string; targetUri: string; contentDigest: string | undefined },
  params: SignatureParams,
): string {
  const lines = [`"@method": ${message.method}`, `"@target-uri": ${message.targetUri}`]
  if (message.contentDigest !== undefined) lines.push(`"content-digest": ${message.contentDigest}`)
  lines.push(`"@signature-params": ${signatureParams(params, message.contentDigest !== undefined)}`)
  return lines.join('\n')
}

/** RFC 9530: `sha-256=:<base64>:`. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${sha256(body).toBase64()}:`
}

/** `sign` makes an ES256 signature of 64 bytes (r || s, as RFC 9421 3.3.4 has it) with the member's request key. */
export async function signRequest(
  message: SignedMessage,
  params: SignatureParams,
  sign: (data: Uint8Array) => Promise<Uint8Array>,
): Promise<SignatureHeaders> {
  const digest = message.body === undefined ? undefined : contentDigest(message.body)
  const base = signatureBase({ ...message, contentDigest: digest }, params)
  const signature = await sign(new TextEncoder().encode(base))
  return {
    'signature-input': `${LABEL}=${signatureParams(params, digest !== undefined)}`,
    signature: `${LABEL}=:${signature.toBase64()}:`,
    ...(digest === undefined ? {} : { 'content-digest': digest }),
  }
}

const INPUT =
  /^concordat=\("@method" "@target-uri"( "content-digest")?\);created=([1-9]\d{0,15});nonce="([^"]*)";keyid="([^"]*)";alg="ecdsa-p256-sha256";tag="concordat"$/
// 64 bytes; the last character leaves no bits over.
const SIGNATURE = /^concordat=:([A-Za-z0-9+/]{85}[AQgw]==):$/
const CONTENT_DIGEST = /^sha-256=:[A-Za-z0-9+/]{43}=:$/

/** Parses the untrusted headers of a request. The body need not have come yet. */
export function parseRequestSignature(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ClaimedSignature {
  const { signature, 'signature-input': input, 'content-digest': digest } = headers
  if (input === undefined && signature === undefined) {
    throw new ConcordatError({
      code: 'REQUEST_SIGNATURE_MISSING',
      expected: 'the fields Signature-Input and Signature',
      got: 'neither',
    })
  }
  const inputMatch = typeof input === 'string' ? INPUT.exec(input) : null
  const signatureMatch = typeof signature === 'string' ? SIGNATURE.exec(signature) : null
  const [, covered, created = '', nonce, keyid] = inputMatch ?? []
  const bytes = signatureMatch?.[1] === undefined ? undefined : Uint8Array.fromBase64(signatureMatch[1])
  if (bytes === undefined || !isRandomId(nonce) || !isDigest(keyid) || !Number.isSafeInteger(Number(created))) {
    throw invalidSignature('fields of another form')
  }
  const coversBody = covered !== undefined
  if (coversBody !== (digest !== undefined))
    throw invalidSignature('a Content-Digest that it does not cover, or none that it does')
  if (digest !== undefined && (typeof digest !== 'string' || !CONTENT_DIGEST.test(digest))) throw invalidDigest()
  return { created: Number(created), nonce, keyid, coversBody, signature: bytes, contentDigest: digest }
}

/** Refuses a signature made too long ago to be watched for replay, or by a clock too far off. `now` in Unix seconds. */
export function checkCreated(created: number, now: number): void {
  const off = created - now
  if (Math.abs(off) <= SIGNATURE_WINDOW_SECONDS) return
  throw new ConcordatError({
    code: 'CLOCK_SKEW',
    expected: `a signature made within ${SIGNATURE_WINDOW_SECONDS} s of this server's clock`,
    got: off < 0 ? `one ${-off} s before it` : `one ${off} s after it`,
    limitSeconds: SIGNATURE_WINDOW_SECONDS,
  })
}

/** Resolves if one of `keys` signed exactly this message; time and replay are the caller's to check. */
export async function verifyRequest(
  message: SignedMessage,
  claimed: ClaimedSignature,
  keys: readonly EcPublicJwk[],
): Promise<void> {
  const { body } = message
  // A body that the signature does not cover could be anyone's.
  if ((body !== undefined) !== claimed.coversBody)
    throw invalidSignature('one that does not cover the body, or covers one that did not come')
  if (body !== undefined && contentDigest(body) !== claimed.contentDigest) throw invalidDigest()
  const base = signatureBase({ ...message, contentDigest: claimed.contentDigest }, claimed)
  for (const key of keys) if (await verifyEs256(key, base, claimed.signature)) return
  throw invalidSignature('one that does not verify')
}

function signatureParams({ created, nonce, keyid }: SignatureParams, coversBody: boolean): string {
  const components = coversBody ? '"@method" "@target-uri" "content-digest"' : '"@method" "@target-uri"'
  return `(${components});created=${created};nonce="${nonce}";keyid="${keyid}";alg="${ALGORITHM}";tag="${LABEL}"`
}

function invalidSignature(got: string): ConcordatError {
  return new ConcordatError({
    code: 'REQUEST_SIGNATURE_INVALID',
    expected: 'a signature of this request in the profile of docs/formats/request-signature.md',
    got,
  })
}

function invalidDigest(): ConcordatError {
  return new ConcordatError({
    code: 'CONTENT_DIGEST_INVALID',
    expected: "Content-Digest with the body's SHA-256",
    got: 'another digest',
  })
}
