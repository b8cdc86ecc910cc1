import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import { AES_IV_BYTES, AES_KEY_BYTES, AES_TAG_BYTES, openAes256Gcm, sealAes256Gcm } from '../crypto/aes-gcm.ts'
import { isRandomId } from '../crypto/base64url.ts'
import { digest } from '../crypto/hash.ts'
import { ConcordatError } from '../error.ts'
import { commitmentInput } from './commitment.ts'
import { parseDisclosure } from './disclosure.ts'
import type { Disclosure } from './sd-claims.ts'

/** A disclosure group in clear (RULES 21); its disclosures are sorted. */
export interface Group {
  salt: string
  disclosures: readonly string[]
}

const PADDING_BYTES = 256
/** Of one sealed group; anything larger travels as a reference with its hash. */
const MAX_SEALED_BYTES = 1024 * 1024

export function commitment(index: number, salt: string, digests: readonly string[]): string {
  return digest(commitmentInput(index, salt, digests))
}

/**
 * Seals a group under a fresh key (RULES 22). The record's id is part of it, so it can be sealed only once the record's signing
 * input is fixed, and opens for no other record or place.
 */
export function sealGroup(group: Group & { index: number; recordId: string }): { key: Uint8Array; sealed: Uint8Array } {
  const text = [group.salt, ...group.disclosures.toSorted(), ''].join('~')
  const plaintext = Buffer.alloc(Math.ceil(text.length / PADDING_BYTES) * PADDING_BYTES)
  plaintext.write(text, 'latin1')
  const size = AES_IV_BYTES + plaintext.length + AES_TAG_BYTES
  if (size > MAX_SEALED_BYTES) throw invalidGroup(group.index, `at most ${MAX_SEALED_BYTES} bytes`, `${size} bytes`)
  const random = randomBytes(AES_KEY_BYTES + AES_IV_BYTES)
  const key = random.subarray(0, AES_KEY_BYTES)
  const iv = random.subarray(AES_KEY_BYTES)
  const aad = associatedData(group.index, group.recordId)
  return { key, sealed: Buffer.concat([iv, sealAes256Gcm(key, iv, aad, plaintext)]) }
}

/** Opens an untrusted sealed group. What it holds is only what its sender sealed: `verifyGroup` compares it with the record. */
export function openGroup(group: { index: number; recordId: string; key: Uint8Array; sealed: Uint8Array }): {
  salt: string
  disclosures: string[]
} {
  const { index, recordId, key, sealed } = group
  if (sealed.length > MAX_SEALED_BYTES) {
    throw invalidGroup(index, `at most ${MAX_SEALED_BYTES} bytes`, `${sealed.length} bytes`)
  }
  const iv = sealed.subarray(0, AES_IV_BYTES)
  const plaintext = openAes256Gcm(key, iv, associatedData(index, recordId), sealed.subarray(AES_IV_BYTES))
  if (plaintext === undefined) {
    throw new ConcordatError({
      code: 'GROUP_NOT_OPENED',
      expected: 'a group sealed under this key for this record and place',
      got: 'one that does not open',
      group: index,
    })
  }
  return parsePlaintext(index, plaintext)
}

/**
 * What a recipient checks of a group before it uses any field (RULES 21): exactly the disclosures that the signed commitment was
 * made over, each once, each in the record's `_sd`. `commitments` and `sd` are from the verified record.
 */
export function verifyGroup(
  group: Group & { index: number; commitments: readonly string[]; sd: readonly string[] },
): Disclosure[] {
  const { index, salt } = group
  const disclosures = group.disclosures.map(parseDisclosure)
  const names = new Set<string>()
  const digests = new Set<string>()
  for (const disclosure of disclosures) {
    if (digests.has(disclosure.digest)) {
      throw new ConcordatError({ code: 'DISCLOSURE_REPEATED', expected: 'each disclosure once', got: 'one twice' })
    }
    digests.add(disclosure.digest)
    if (names.has(disclosure.name)) {
      throw new ConcordatError({ code: 'DISCLOSURE_NAME_TAKEN', expected: 'each field once', got: 'one twice' })
    }
    names.add(disclosure.name)
    if (!isPointer(disclosure.name)) {
      throw new ConcordatError({
        code: 'DISCLOSURE_INVALID',
        expected: 'an RFC 6901 pointer as name',
        got: 'another name',
      })
    }
    if (!group.sd.includes(disclosure.digest)) {
      throw new ConcordatError({
        code: 'DISCLOSURE_NOT_REFERENCED',
        expected: 'disclosures whose digests are in _sd',
        got: 'one whose digest is not',
      })
    }
  }
  if (group.commitments[index] !== commitment(index, salt, [...digests])) {
    throw new ConcordatError({
      code: 'GROUP_COMMITMENT_MISMATCH',
      expected: "the group that the record's commitment was made over",
      got: 'another salt or other disclosures',
      group: index,
    })
  }
  return disclosures
}

function parsePlaintext(index: number, plaintext: Buffer): { salt: string; disclosures: string[] } {
  const text = plaintext.toString('latin1')
  const end = text.lastIndexOf('~') + 1
  const padding = text.length - end
  if (text.length % PADDING_BYTES !== 0 || padding >= PADDING_BYTES || text.slice(end) !== '\0'.repeat(padding)) {
    throw invalidGroup(index, `zero bytes to the next multiple of ${PADDING_BYTES}`, 'other padding')
  }
  const [salt, ...disclosures] = text.slice(0, end - 1).split('~')
  if (!isRandomId(salt)) throw invalidGroup(index, 'a salt of 128 bits in base64url', 'another value')
  for (let i = 1; i < disclosures.length; i++) {
    if (disclosures[i]! <= disclosures[i - 1]!) throw invalidGroup(index, 'sorted disclosures, each once', 'others')
  }
  return { salt, disclosures }
}

function associatedData(index: number, recordId: string): Uint8Array {
  assert(Number.isSafeInteger(index) && index >= 0)
  return Buffer.from(`concordat-group/1|${index}|${recordId}`)
}

const POINTER = /^(?:\/(?:[^/~]|~[01])*)+$/

function isPointer(name: string): boolean {
  return POINTER.test(name)
}

function invalidGroup(index: number, expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'GROUP_INVALID', expected, got, group: index })
}
