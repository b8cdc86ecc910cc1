import assert from 'node:assert'
import { canonicalize, type JsonObject, type JsonValue, parseCanonicalJson } from '../canonical-json.ts'
import { AES_KEY_BYTES } from '../crypto/aes-gcm.ts'
import { fromBase64url, fromBase64urlOfSize, isDigest, toBase64url } from '../crypto/base64url.ts'
import { HPKE_SUITE, hpkeSeal } from '../crypto/hpke.ts'
import type { HpkePublicJwk } from '../crypto/jwk.ts'
import { ENC_BYTES } from '../crypto/mlkem768-p256.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import { ConcordatError } from '../error.ts'

/** Group keys of one record, sealed to one recipient (RULES 23). `enc` and `ciphertext` are base64url. */
export interface Grant {
  suite: typeof HPKE_SUITE
  /** Thumbprint of the recipient's epoch key. */
  kid: string
  role: string
  record: string
  /** The entry that made the grant due. */
  authorisedBy: string
  enc: string
  ciphertext: string
}

/** What custody opens with the epoch key that `kid` names. */
export interface SealedMessage {
  kid: string
  enc: Uint8Array
  info: Uint8Array
  aad: Uint8Array
  ciphertext: Uint8Array
}

const INFO = new TextEncoder().encode('concordat-grant/1')
// The separator of the associated data may not occur in a role.
const ROLE = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const MAX_CIPHERTEXT_LENGTH = 65_536
const MAX_GROUPS = 256
const GROUP_INDEX = /^(?:0|[1-9][0-9]{0,2})$/
const MEMBERS = ['authorisedBy', 'ciphertext', 'enc', 'kid', 'record', 'role', 'suite']

/** Seals `keys`, group index to group key. A recipient without a usable epoch key is the caller's error: there is no plaintext path. */
export async function sealGrant(grant: {
  publicKey: HpkePublicJwk
  recordId: string
  authorisedBy: string
  role: string
  keys: ReadonlyMap<number, Uint8Array>
}): Promise<Grant> {
  const { publicKey, recordId, authorisedBy, role, keys } = grant
  assert(ROLE.test(role) && isDigest(recordId) && isDigest(authorisedBy) && keys.size > 0 && keys.size <= MAX_GROUPS)
  const kid = thumbprint(publicKey)
  const plaintext: JsonObject = {}
  for (const [index, key] of keys) {
    // Index 0, who acted for the signer, is never granted (RULES 21).
    assert(index > 0 && key.length === AES_KEY_BYTES)
    plaintext[index] = toBase64url(key)
  }
  const { enc, ciphertext } = await hpkeSeal({
    publicKey,
    info: INFO,
    aad: associatedData({ record: recordId, authorisedBy, role, kid }),
    plaintext: new TextEncoder().encode(canonicalize(plaintext)),
  })
  return {
    suite: HPKE_SUITE,
    kid,
    role,
    record: recordId,
    authorisedBy,
    enc: toBase64url(enc),
    ciphertext: toBase64url(ciphertext),
  }
}

/** Parses an untrusted grant; whether some entry authorises it is checked with the register. */
export function parseGrant(value: JsonValue): Grant {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidGrant('an object', 'another value')
  if (Object.keys(value).sort().join() !== MEMBERS.join()) throw invalidGrant('exactly a grant’s members', 'others')
  const { suite, kid, role, record, authorisedBy, enc, ciphertext } = value
  if (suite !== HPKE_SUITE) throw invalidGrant(`suite ${HPKE_SUITE}`, 'another')
  if (!isDigest(kid)) throw invalidGrant('a thumbprint as kid', 'another value')
  if (typeof role !== 'string' || !ROLE.test(role)) throw invalidGrant('a role', 'another value')
  if (!isDigest(record) || !isDigest(authorisedBy)) throw invalidGrant('entry ids', 'another value')
  if (typeof enc !== 'string' || typeof ciphertext !== 'string' || ciphertext.length > MAX_CIPHERTEXT_LENGTH) {
    throw invalidGrant(`enc and a ciphertext of at most ${MAX_CIPHERTEXT_LENGTH} characters`, 'another value')
  }
  readBytes(() => [fromBase64urlOfSize(enc, ENC_BYTES), fromBase64url(ciphertext)])
  return { suite, kid, role, record, authorisedBy, enc, ciphertext }
}

/** Opens a parsed grant: group index to group key. `open` is custody's; its HPKE failure becomes GRANT_NOT_OPENED. */
export async function openGrant(
  grant: Grant,
  open: (message: SealedMessage) => Promise<Uint8Array>,
): Promise<Map<number, Uint8Array>> {
  const message = {
    kid: grant.kid,
    enc: fromBase64url(grant.enc),
    info: INFO,
    aad: associatedData(grant),
    ciphertext: fromBase64url(grant.ciphertext),
  }
  let plaintext: Uint8Array
  try {
    plaintext = await open(message)
  } catch (cause) {
    if (!(cause instanceof ConcordatError) || cause.code !== 'HPKE_NOT_OPENED') throw cause
    throw new ConcordatError({
      code: 'GRANT_NOT_OPENED',
      expected: 'a grant sealed to this key for this record, entry and role',
      got: 'one that does not open',
    })
  }
  return parseKeys(plaintext)
}

function parseKeys(plaintext: Uint8Array): Map<number, Uint8Array> {
  let value: JsonValue
  try {
    value = parseCanonicalJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext))
  } catch {
    // The cause could quote what it read, which is keys.
    throw invalidGrant('canonical JSON inside', 'something else')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidGrant('an object inside', 'another value')
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.length > MAX_GROUPS) {
    throw invalidGrant(`1 to ${MAX_GROUPS} group keys`, `${entries.length}`)
  }
  const keys = new Map<number, Uint8Array>()
  for (const [index, key] of entries) {
    if (!GROUP_INDEX.test(index) || index === '0') throw invalidGrant('group indexes from 1 on', 'another key')
    if (typeof key !== 'string') throw invalidGrant('group keys', 'another value')
    keys.set(
      Number(index),
      readBytes(() => fromBase64urlOfSize(key, AES_KEY_BYTES)),
    )
  }
  return keys
}

function associatedData(grant: Pick<Grant, 'record' | 'authorisedBy' | 'role' | 'kid'>): Uint8Array {
  const { record, authorisedBy, role, kid } = grant
  return new TextEncoder().encode(`concordat-grant/1|${record}|${authorisedBy}|${role}|${kid}`)
}

function readBytes<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof ConcordatError)) throw cause
    throw new ConcordatError(
      { code: 'GRANT_INVALID', expected: cause.detail.expected, got: cause.detail.got },
      { cause },
    )
  }
}

function invalidGrant(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'GRANT_INVALID', expected, got })
}
