import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import type { JsonValue } from '../canonical-json.ts'
import { digest } from '../crypto/hash.ts'
import { formatSigningInput } from '../crypto/jws.ts'
import { makeDisclosure, randomSalt } from './disclosure.ts'
import { commitment, type Group } from './group.ts'

/** The claims of an action that its signer states (RULES 20); times in Unix seconds. */
export interface ActionClaims {
  iss: string
  iat: number
  jti: string
  reg: string
  bp: string
  case: string
  step: string
  as: string
  prev: string[]
  next: string[]
  bind: { [role: string]: { member: string; pk?: string } }
  replaces: string | null
}

/** A record's whole payload. `groups` has one commitment a group, `_sd` the digests of every field and the decoys. */
export interface RecordClaims extends ActionClaims {
  groups: string[]
  _sd_alg: 'sha-256'
  _sd: string[]
}

export type Field = [pointer: string, value: JsonValue]

const PADDED_TO = 8
const DECOY_BYTES = 32

/**
 * Makes the payload of a record and its groups in clear, by index; index 0 is the signer's own. `digestCount` is the step's greatest
 * possible number of digests, rounded up to 8: decoys fill `_sd` up to it, so that its length tells nothing.
 */
export function buildRecordClaims(record: {
  claims: ActionClaims
  groups: readonly (readonly Field[])[]
  digestCount: number
}): { claims: RecordClaims; groups: (Group & { index: number })[] } {
  assert(record.digestCount % PADDED_TO === 0)
  const commitments: string[] = []
  const groups: (Group & { index: number })[] = []
  const sd: string[] = []
  for (const [index, fields] of record.groups.entries()) {
    const salt = randomSalt()
    const made = fields.map(([pointer, value]) => makeDisclosure(pointer, value))
    const digests = made.map((disclosure) => disclosure.digest)
    sd.push(...digests)
    commitments.push(commitment(index, salt, digests))
    groups.push({ index, salt, disclosures: made.map((disclosure) => disclosure.text).sort() })
  }
  assert(sd.length <= record.digestCount, 'the step has more fields than its digest count')
  const decoys = randomBytes((record.digestCount - sd.length) * DECOY_BYTES)
  for (let i = 0; i < decoys.length; i += DECOY_BYTES) sd.push(digest(decoys.subarray(i, i + DECOY_BYTES)))
  return { claims: { ...record.claims, groups: commitments, _sd_alg: 'sha-256', _sd: sd.sort() }, groups }
}

/** What the signer's record key `kid` signs. The record's id is its digest, so it is known before the signature. */
export function recordSigningInput(claims: RecordClaims, kid: string): { signingInput: string; recordId: string } {
  const signingInput = formatSigningInput({ alg: 'ES256', kid, typ: 'action+sd-jwt' }, { ...claims })
  return { signingInput, recordId: digest(signingInput) }
}
