import assert from 'node:assert'
import { digest } from '../crypto/hash.ts'
import type { EcPublicJwk } from '../crypto/jwk.ts'
import { verifyEs256 } from '../crypto/signature.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import { ConcordatError } from '../error.ts'
import type { EntryKind, ParsedEntry } from './entry.ts'
import { type VerifiedHandover, verifyHandover } from './handover/verify-handover.ts'
import { nodeChecks } from './node-checks.ts'
import { findMember, findRegister, type MemberKey, type MemberRow, REVOCABLE_USES, type Rows } from './state.ts'

const maker = Symbol('verifyEntry')

/** An entry whose signature is valid under the key of its `kid`. Only verifyEntry makes one (RULES 5). */
export class VerifiedEntry {
  readonly #verified = true
  readonly id: string
  readonly parsed: ParsedEntry
  /** Of a handover only. */
  readonly handover: VerifiedHandover | null

  constructor(made: typeof maker, parsed: ParsedEntry, handover: VerifiedHandover | null) {
    assert(made === maker, 'only verifyEntry makes a VerifiedEntry')
    this.id = entryId(parsed)
    this.parsed = parsed
    this.handover = handover
  }

  static is(value: object): value is VerifiedEntry {
    return #verified in value && value.#verified
  }
}

/** RULES 1: of the signing input, since an ECDSA signature can be changed by anyone. */
export function entryId(entry: ParsedEntry): string {
  return digest(entry.signingInput)
}

const GOVERNANCE_KINDS: readonly EntryKind[] = ['genesis', 'member', 'proposal', 'approval', 'revoke', 'handover']

/** RULES 2: the use that a member's key must have to sign an entry of this kind. */
function keyUseOf(kind: EntryKind): 'governance' | 'record' {
  return GOVERNANCE_KINDS.includes(kind) ? 'governance' : 'record'
}

/**
 * Checks the signature against the key that the rows name. May run in parallel with, and before, the application of earlier
 * entries: applyEntry asks again whether the key is valid at the entry's own place. An entry refused here with KEY_NOT_VALID
 * because an earlier one of the same batch brings the key is verified again after that one is applied.
 * The statements of a handover are checked by the row `register`, which must be as the leaf before left it.
 */
export async function verifyEntry(entry: ParsedEntry, rows: Rows): Promise<VerifiedEntry> {
  const jwk = signingKey(entry, rows)
  if (!(await verifyEs256(jwk, entry.signingInput, entry.signature))) {
    throw new ConcordatError({
      code: 'SIGNATURE_INVALID',
      expected: 'a signature by the key that the header names',
      got: 'another one',
    })
  }
  return new VerifiedEntry(maker, entry, await verifyStatements(entry, rows))
}

async function verifyStatements(entry: ParsedEntry, rows: Rows): Promise<VerifiedHandover | null> {
  const register = findRegister(rows)
  return entry.kind !== 'handover' || register === undefined ? null : verifyHandover(entry.claims, register, nodeChecks)
}

/** Refuses a key that is not one of the member's for this kind of entry. */
export function verifyKey(member: MemberRow, entry: ParsedEntry): EcPublicJwk {
  const use = keyUseOf(entry.kind)
  const key = member.keys[use].find((candidate) => candidate.kid === entry.kid) ?? revokedItself(member, entry)
  return key?.jwk ?? failKey(use)
}

/** A key may always end itself (RULES 9): whoever finds that theirs is known to others need not fetch the governance key. */
function revokedItself({ keys }: MemberRow, entry: ParsedEntry): MemberKey | undefined {
  if (entry.kind !== 'revoke' || entry.claims.key !== entry.kid) return undefined
  return REVOCABLE_USES.flatMap((use) => keys[use]).find(({ kid }) => kid === entry.kid)
}

function signingKey(entry: ParsedEntry, rows: Rows): EcPublicJwk {
  if (entry.kind === 'genesis') {
    assert(entry.jwk !== undefined)
    return thumbprint(entry.jwk) === entry.claims.iss ? entry.jwk : failKey('governance')
  }
  const member = findMember(rows, entry.claims.iss)
  if (member !== undefined) return verifyKey(member, entry)
  // A member's first entry brings its key, of which its id is the thumbprint (RULES 6).
  const first = entry.kind === 'member' ? entry.claims.keys.governance[0] : undefined
  if (first === undefined || entry.kid !== entry.claims.iss || thumbprint(first) !== entry.kid)
    return failKey(keyUseOf(entry.kind))
  return first
}

function failKey(use: string): never {
  throw new ConcordatError({
    code: 'KEY_NOT_VALID',
    expected: `a ${use} key of the entry's member`,
    got: 'another key',
    use,
  })
}
