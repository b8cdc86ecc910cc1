import { canonicalize, type JsonValue } from '../../canonical-json.ts'
import type { EcPublicJwk, OkpPublicJwk } from '../../crypto/jwk.ts'
import { thumbprint } from '../../crypto/thumbprint.ts'
import { ConcordatError } from '../../error.ts'
import type { MemberClaims } from '../claims.ts'
import { type Configuration, operatorsOf, quorumOf } from '../configuration.ts'
import {
  findAdmission,
  findMember,
  type MemberKey,
  type MemberRow,
  type RegisterRow,
  type StateRow,
  type Term,
} from '../state.ts'
import type { EntryContext } from './context.ts'

/** RULES 4 and 6. A member's first entry takes up its admission; a later one restates everything. */
export function applyMember(context: EntryContext<MemberClaims>): { [key: string]: StateRow } {
  const { rows, register, claims, leaf } = context
  const row = memberRow(claims, leaf.index)
  verifyKeys(row)
  const key = `member/${claims.iss}`
  const known = findMember(rows, claims.iss)
  if (known !== undefined) {
    verifyChange(known, row)
    verifyNotRevoked(known, row)
    return { [key]: { ...row, revoked: known.revoked, since: known.since } }
  }
  // The key that verified a first entry is the one that its id names; rows that lost the member since must not let another in.
  if (row.keys.governance[0]!.kid !== claims.iss) {
    throw new ConcordatError({
      code: 'MEMBER_ID_DIFFERS',
      expected: 'the thumbprint of the first governance key as iss',
      got: 'another id',
    })
  }
  verifyAdmission(context)
  verifyOperator(register, claims)
  return { [key]: row, register: withMember(register, claims, leaf.index) }
}

function memberRow(claims: MemberClaims, index: number): MemberRow {
  return {
    name: claims.name,
    did: claims.did,
    voting: claims.voting,
    operator: claims.operator,
    address: claims.address,
    keys: {
      governance: claims.keys.governance.map(memberKey),
      record: claims.keys.record.map(memberKey),
      request: claims.keys.request.map(memberKey),
      checkpoint: claims.keys.checkpoint,
    },
    epochs: claims.epochs,
    revoked: [],
    since: index,
    changed: index,
  }
}

function memberKey(jwk: EcPublicJwk): MemberKey {
  return { kid: thumbprint(jwk), jwk }
}

/** One key, one use (RULES 2): what a record key signs must not pass for a vote. */
function verifyKeys({ keys, epochs, voting }: MemberRow): void {
  const seen = new Set<string>()
  for (const use of ['governance', 'record', 'request'] as const) {
    for (const { kid } of keys[use]) {
      if (seen.has(kid)) throw keyReused(use)
      seen.add(kid)
    }
  }
  if (new Set(epochs.map(({ jwk }) => jwk.pub)).size < epochs.length) throw keyReused('encryption')
  // A voting member may be bound to a role at any time, and then signs records and receives grants.
  if (!voting) return
  for (const [use, count] of [
    ['record', keys.record.length],
    ['encryption', epochs.length],
  ] as const) {
    if (count > 0) continue
    const expected = `a key for ${use} of every voting member`
    throw new ConcordatError({ code: 'MEMBER_KEYS_MISSING', expected, got: 'none', use })
  }
}

/** Votes, operators and governance keys are the other members' business: only a proposal changes them (RULES 8, 9). */
function verifyChange(known: MemberRow, row: MemberRow): void {
  const fixed = (member: MemberRow) => ({
    '/did': member.did,
    '/voting': member.voting,
    '/operator': member.operator,
    '/keys/governance': member.keys.governance,
    '/keys/checkpoint': member.keys.checkpoint,
  })
  const before = fixed(known)
  for (const [at, value] of Object.entries(fixed(row))) {
    if (same(value, before[at as keyof typeof before])) continue
    throw new ConcordatError({
      code: 'MEMBER_CHANGE_NOT_ALLOWED',
      expected: 'the value of the entry before',
      got: 'another one',
      at,
    })
  }
}

/** Whoever stole a key must not be handed it again by an old copy of the member's entry. */
function verifyNotRevoked({ revoked }: MemberRow, { keys }: MemberRow): void {
  const stated = [...keys.governance, ...keys.record, ...keys.request]
  const back = revoked.find(({ kid }) => stated.some((key) => key.kid === kid))
  if (back === undefined) return
  const { use } = back
  throw new ConcordatError({ code: 'KEY_REVOKED', expected: 'a new key', got: 'one that was revoked', use })
}

function verifyAdmission({ rows, register, claims }: EntryContext<MemberClaims>): void {
  if (register.founders.includes(claims.iss)) return
  const admission = findAdmission(rows, claims.iss)
  if (admission === undefined) {
    throw new ConcordatError({ code: 'MEMBER_NOT_ADMITTED', expected: 'an accepted admit proposal', got: 'none' })
  }
  for (const claim of ['name', 'voting'] as const) {
    if (admission[claim] === claims[claim]) continue
    throw new ConcordatError({
      code: 'MEMBER_DIFFERS_FROM_ADMISSION',
      expected: 'what was approved',
      got: 'another value',
      at: `/${claim}`,
    })
  }
}

/** RULES 6: a node is run by its own member or by another that runs its own. One key must never count as two operators. */
function verifyOperator(register: RegisterRow, claims: MemberClaims): void {
  if (claims.operator !== claims.iss) {
    const operator = register.members.find(({ id }) => id === claims.operator)
    // An observing member counts in neither n nor q, so none may become an operator by hosting a voting one.
    const hosts = operator?.standing === 'in' && operator.checkpoint !== null && (operator.voting || !claims.voting)
    if (!hosts) {
      throw new ConcordatError({
        code: 'OPERATOR_UNKNOWN',
        expected: 'a member in standing that runs its own node, a voting one for a voting member',
        got: 'another one',
      })
    }
    if (claims.iss === register.sequencer) {
      throw new ConcordatError({
        code: 'SEQUENCER_NOT_OPERATING',
        expected: 'a first sequencer that runs its own node',
        got: 'a hosted member',
      })
    }
  }
  for (const { checkpoint } of register.members) {
    if (checkpoint === null || claims.keys.checkpoint === null) continue
    if (checkpoint.ed25519.x === claims.keys.checkpoint.ed25519.x) throw keyReused('checkpoint')
    if (checkpoint.mldsa44.pub === claims.keys.checkpoint.mldsa44.pub) throw keyReused('checkpoint')
  }
}

function withMember(register: RegisterRow, claims: MemberClaims, index: number): RegisterRow {
  const { iss: id, voting, operator, keys } = claims
  const members = [...register.members, { id, voting, operator, standing: 'in' as const, checkpoint: keys.checkpoint }]
  const terms = id === register.sequencer ? withKey(register.terms, keys.checkpoint!.ed25519) : register.terms
  if (members.length < register.founders.length) return { ...register, terms, members }
  const operators = operatorsOf(members)
  if (operators.length === 0) {
    throw new ConcordatError({
      code: 'REGISTER_WITHOUT_OPERATOR',
      expected: 'at least one voting founder',
      got: 'observers alone',
    })
  }
  const newest = register.configurations.at(-1)
  if (newest !== undefined && newest.operators.length === operators.length) return { ...register, terms, members }
  // The founding checkpoint counts by the first configuration; one that ends in a later change by the one before (RULES 30).
  const fromSize = newest === undefined ? register.founding : index + 2
  const configuration: Configuration = { fromSize, operators, quorum: quorumOf(operators.length) }
  return { ...register, terms, members, configurations: [...register.configurations, configuration] }
}

/** The first sequencer states the key of its term with its first entry. */
function withKey(terms: readonly Term[], key: OkpPublicJwk): Term[] {
  return terms.map((term) => (term.key === null ? { ...term, key } : term))
}

function same(a: unknown, b: unknown): boolean {
  return canonicalize(a as JsonValue) === canonicalize(b as JsonValue)
}

function keyReused(use: string): ConcordatError {
  return new ConcordatError({
    code: 'KEY_REUSED',
    expected: 'a key of its own for each use',
    got: 'one used twice',
    use,
  })
}
