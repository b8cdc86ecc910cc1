import { toBase64url } from '../crypto/base64url.ts'
import { type EcPublicJwk, jwkThumbprintInput } from '../crypto/jwk.ts'
import { ConcordatError, type ErrorDetail } from '../error.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Checks, Hash } from './checks.ts'
import type { MemberClaims } from './claims.ts'
import { type ParsedEntry, type ParsedEntryOf, parseEntry, parseLeaf } from './entry.ts'
import { decodeHashes, type ProvenLeaf } from './evidence-file.ts'
import { leafInput, verifyInclusion } from './merkle.ts'

/** An entry that is proven to be in the checkpoint's tree. Its signature is not checked yet. */
export interface ProvenEntry<E extends ParsedEntry = ParsedEntry> {
  index: number
  /** Leaf time, Unix seconds. */
  time: number
  id: string
  entry: E
}

export type ProvenMember = ProvenEntry<ParsedEntryOf<'member'>>

/** What evidence is checked against, step by step. */
export interface Against {
  register: string
  checkpoint: Checkpoint
  checks: Checks
}

/** Step: the leaf is in the tree, has the form of an entry, and belongs to this register. */
export async function verifyProven(proven: ProvenLeaf, against: Against): Promise<ProvenEntry> {
  const { register, checkpoint, checks } = against
  const { index, leaf, proof } = proven
  await step({ code: 'EVIDENCE_NOT_INCLUDED', expected: "the leaf in the checkpoint's tree", index }, async () => {
    const leafHash = await checks.sha256(leafInput(new TextEncoder().encode(leaf)))
    const { size, root } = checkpoint
    await verifyInclusion({ index, size, root, leafHash, proof: decodeHashes(proof) }, checks.sha256)
  })
  const { time, entry } = await step({ code: 'EVIDENCE_ENTRY_INVALID', expected: 'an entry', index }, async () => {
    const { time, jws } = parseLeaf(leaf)
    return { time, entry: parseEntry(jws) }
  })
  if (entry.kind !== 'genesis' && entry.claims.reg !== register) {
    throw new ConcordatError({
      code: 'EVIDENCE_ENTRY_INVALID',
      expected: 'an entry of this register',
      got: 'one of another',
      index,
    })
  }
  return { index, time, id: await digestOf(entry.signingInput, checks.sha256), entry }
}

/**
 * Step: a member entry signed by one of the governance keys that it states, of which the first is the one that the member's id
 * names (RULES 6). That a later entry was allowed to state those keys is what the operators' cosignatures say (RULES 29).
 */
export async function verifyMember(proven: ProvenEntry, checks: Checks): Promise<ProvenMember> {
  const { index, entry } = proven
  if (entry.kind !== 'member') throw memberError(index, 'a member entry', entry.kind)
  const { iss, keys } = entry.claims
  const [first] = keys.governance
  if (first === undefined || (await thumbprintOf(first, checks.sha256)) !== iss) {
    throw memberError(index, 'a first governance key that the member id names', 'another')
  }
  const key = await findKey(keys.governance, entry.kid, checks.sha256)
  if (key === undefined) throw memberError(index, "a signature by one of the entry's governance keys", 'another key')
  await verifySignature(proven, key, checks)
  return { ...proven, entry }
}

/** As verifyMember, for the first entry of a member: nothing but the key that its id names may sign that. */
export async function verifyFirstMember(proven: ProvenEntry, checks: Checks): Promise<ProvenMember> {
  const member = await verifyMember(proven, checks)
  if (member.entry.kid !== member.entry.claims.iss)
    throw memberError(proven.index, 'the key of the member id', 'another key')
  return member
}

/** Step: the entry's ES256 signature. */
export async function verifySignature({ index, entry }: ProvenEntry, key: EcPublicJwk, checks: Checks): Promise<void> {
  const signed = new TextEncoder().encode(entry.signingInput)
  if (await checks.verify('ES256', key, signed, entry.signature)) return
  throw new ConcordatError({
    code: 'EVIDENCE_SIGNATURE_INVALID',
    expected: 'a signature by the key that the entry names',
    got: 'another',
    index,
  })
}

export async function findKey(
  keys: MemberClaims['keys']['governance'],
  kid: string | undefined,
  hash: Hash,
): Promise<EcPublicJwk | undefined> {
  for (const key of keys) {
    if ((await thumbprintOf(key, hash)) === kid) return key
  }
  return undefined
}

/** RFC 7638. */
export async function thumbprintOf(jwk: EcPublicJwk, hash: Hash): Promise<string> {
  return digestOf(jwkThumbprintInput(jwk), hash)
}

export async function digestOf(text: string, hash: Hash): Promise<string> {
  return toBase64url(await hash(new TextEncoder().encode(text)))
}

/** Runs one step; an expected failure within it gets the step's own code and stays as the cause. */
export async function step<T>(failure: WithoutGot<ErrorDetail>, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (!(cause instanceof ConcordatError)) throw cause
    throw new ConcordatError({ ...failure, got: cause.code } as ErrorDetail, { cause })
  }
}

type WithoutGot<D> = D extends unknown ? Omit<D, 'got'> : never

function memberError(index: number, expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'EVIDENCE_MEMBER_INVALID', expected, got, index })
}
