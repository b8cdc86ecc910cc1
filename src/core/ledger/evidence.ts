import type { JsonValue } from '../canonical-json.ts'
import { toBase64url } from '../crypto/base64url.ts'
import type { OkpPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { commitmentInput } from '../record/commitment.ts'
import { parseDisclosureText } from '../record/disclosure-text.ts'
import { type Disclosure, matchDisclosures } from '../record/sd-claims.ts'
import type { CosignatureKind } from './certificate.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import type { Checks, Hash } from './checks.ts'
import type { ActionClaims } from './claims.ts'
import { type Configuration, findConfiguration } from './configuration.ts'
import type { ParsedEntryOf } from './entry.ts'
import {
  type Against,
  digestOf,
  findKey,
  type ProvenEntry,
  type ProvenMember,
  step,
  verifyMember,
  verifyProven,
  verifySignature,
} from './evidence-entry.ts'
import { type EvidenceFile, parseEvidenceFile } from './evidence-file.ts'
import { verifyBoundaries, verifyHistory, verifyQuorum, verifyTermOf } from './evidence-history.ts'
import { type VerifiedRecall, verifyRecalls } from './evidence-recall.ts'
import { parseNote } from './note.ts'

/** What a reader of evidence trusts: the id of the register, and nothing that the file says before it is checked. */
export interface EvidenceTrust {
  register: string
  checks: Checks
  /** Demand a quorum of timed ML-DSA-44 cosignatures as well (RULES 35). */
  pq: boolean
}

export interface VerifiedEvidence {
  record: { id: string; index: number; time: number; claims: ActionClaims }
  /** The disclosed fields. `group` is set for those of a group that is proven to be whole. */
  fields: { name: string; value: JsonValue; group: number | null }[]
  /** Groups of which the file leaves nothing out. */
  wholeGroups: number[]
  signer: { id: string; name: string }
  /**
   * That the signer's key was revoked by a later entry, as far as the file tells. `inDoubt`: its member says that somebody else may
   * have had the key when the record was signed (RULES 9). What a file leaves out nobody can see in it.
   */
  revocation: { index: number; time: number; inDoubt: boolean } | null
  recalls: VerifiedRecall[]
  checkpoint: { size: number; root: string }
  /** Operators that cosigned the checkpoint, with the time of each cosignature. */
  cosigners: { id: string; name: string; time: number }[]
  /** The log and who counts at the checkpoint's size, as tlog-policy.ts takes it. */
  log: { origin: string; logKey: OkpPublicJwk; configuration: Configuration }
  /**
   * Root of the founding checkpoint. The operators' keys hang on ES256 signatures; who wrote this root down earlier and compares it
   * is sure of their ML-DSA-44 keys also after ES256 has fallen.
   */
  foundingRoot: string
}

/**
 * Verifies an evidence file (RULES 35) offline. It proves that the record was committed in that register, who signed it, and what
 * the disclosed fields say; not that nothing came after the checkpoint (a revocation, a replacement, a recall).
 * Times are Unix seconds; digests are base64url.
 */
export async function verifyEvidence(
  file: unknown,
  { register, checks, pq }: EvidenceTrust,
): Promise<VerifiedEvidence> {
  const evidence = parseEvidenceFile(file as JsonValue)
  const checkpoint = await readCheckpoint(evidence, register)
  const against = { register, checkpoint, checks }
  const kinds: CosignatureKind[] = pq ? ['Ed25519', 'ML-DSA-44'] : ['Ed25519']

  const history = await verifyHistory(evidence.history, against)
  const { foundingRoot } = await verifyBoundaries(evidence.certificates, history, kinds, against)
  const { size } = checkpoint
  const { origin, key: logKey } = verifyTermOf(evidence.checkpoint, history)
  const certificate = await verifyQuorum({ note: evidence.checkpoint, size, history, kinds, checks })

  const record = await verifyRecord(evidence.entry, against)
  const member = await verifySigner(evidence.signer, record, against)
  const revocation =
    evidence.revocation === null ? null : await verifyRevocation(evidence.revocation, record, member, against)
  const recalls = await verifyRecalls(evidence.recalls ?? [], record, against)
  const disclosures = await verifyDisclosures(evidence.disclosures, record.entry.claims, checks.sha256)
  const groups = await verifyGroups(evidence.groups, record.entry.claims, disclosures, checks.sha256)

  const nameOf = (id: string) => history.names.get(id) ?? id
  return {
    record: { id: record.id, index: record.index, time: record.time, claims: record.entry.claims },
    fields: disclosures.map(({ name, value, digest }) => ({ name, value, group: groups.get(digest) ?? null })),
    wholeGroups: evidence.groups.map((group) => group.index),
    signer: { id: member.entry.claims.iss, name: member.entry.claims.name },
    revocation,
    recalls,
    checkpoint: { size, root: toBase64url(checkpoint.root) },
    cosigners: certificate.cosigners.map(({ member, time }) => ({ id: member, name: nameOf(member), time })),
    log: {
      origin,
      logKey,
      configuration: findConfiguration(history.configurations, size)!,
    },
    foundingRoot: toBase64url(foundingRoot),
  }
}

/** Step: the file is about the register that the reader trusts. */
async function readCheckpoint(evidence: EvidenceFile, register: string): Promise<Checkpoint> {
  if (evidence.register !== register) {
    throw new ConcordatError({ code: 'EVIDENCE_REGISTER_MISMATCH', expected: register, got: evidence.register })
  }
  return step({ code: 'EVIDENCE_CHECKPOINT_INVALID', expected: 'a checkpoint' }, async () =>
    parseCheckpoint(parseNote(evidence.checkpoint).text),
  )
}

/** Step: the entry is a record. */
async function verifyRecord(
  proven: EvidenceFile['entry'],
  against: Against,
): Promise<ProvenEntry<ParsedEntryOf<'action+sd-jwt'>>> {
  const record = await verifyProven(proven, against)
  const { entry } = record
  if (entry.kind !== 'action+sd-jwt') {
    throw new ConcordatError({
      code: 'EVIDENCE_NOT_A_RECORD',
      expected: 'an action',
      got: entry.kind,
      kind: entry.kind,
    })
  }
  return { ...record, entry }
}

/** Step: the record is signed with a record key that an earlier member entry of its signer states. */
async function verifySigner(
  proven: EvidenceFile['signer'],
  record: ProvenEntry<ParsedEntryOf<'action+sd-jwt'>>,
  against: Against,
): Promise<ProvenMember> {
  const member = await verifyMember(await verifyProven(proven, against), against.checks)
  const { iss, keys } = member.entry.claims
  const key = await findKey(keys.record, record.entry.kid, against.checks.sha256)
  if (iss !== record.entry.claims.iss || member.index >= record.index || key === undefined) {
    throw new ConcordatError({
      code: 'EVIDENCE_SIGNER_MISMATCH',
      expected: "an earlier member entry of the record's signer with the key that signed",
      got: 'another',
      index: member.index,
    })
  }
  await verifySignature(record, key, against.checks)
  return member
}

/** Step: a later entry of the signer, by a governance key of its or by the very key, revokes the key that signed the record. */
async function verifyRevocation(
  proven: EvidenceFile['signer'],
  record: ProvenEntry<ParsedEntryOf<'action+sd-jwt'>>,
  { entry: member }: ProvenMember,
  against: Against,
): Promise<VerifiedEvidence['revocation']> {
  const revocation = await verifyProven(proven, against)
  const { index, time, entry } = revocation
  const isOfKey =
    entry.kind === 'revoke' &&
    entry.claims.iss === record.entry.claims.iss &&
    entry.claims.key === record.entry.kid &&
    index > record.index
  const { governance, record: records } = member.claims.keys
  const key = await findKey([...governance, ...records], entry.kid, against.checks.sha256)
  const mayRevoke = isOfKey && key !== undefined && (entry.kid === entry.claims.key || governance.includes(key))
  if (!mayRevoke) {
    throw new ConcordatError({
      code: 'EVIDENCE_REVOCATION_INVALID',
      expected: "a later entry of the signer that revokes the record's key, by it or by a governance key",
      got: 'another',
      index,
    })
  }
  await verifySignature(revocation, key, against.checks)
  const { since } = entry.claims
  return { index, time, inDoubt: since !== null && since <= record.index }
}

/** Step: every disclosure is one that the record's signer committed to, and names no field twice (RFC 9901 section 7.1). */
async function verifyDisclosures(texts: readonly string[], claims: ActionClaims, hash: Hash): Promise<Disclosure[]> {
  return step({ code: 'EVIDENCE_DISCLOSURE_INVALID', expected: "disclosures of the record's fields" }, async () => {
    const disclosures: Disclosure[] = []
    for (const text of texts) disclosures.push({ ...parseDisclosureText(text), digest: await digestOf(text, hash) })
    matchDisclosures({ ...claims }, disclosures)
    return disclosures
  })
}

/** Step: the groups given as whole are, by their commitments in the record (RULES 21). The group of each disclosed digest. */
async function verifyGroups(
  groups: EvidenceFile['groups'],
  claims: ActionClaims,
  disclosures: readonly Disclosure[],
  hash: Hash,
): Promise<Map<string, number>> {
  const disclosed = new Set(disclosures.map((disclosure) => disclosure.digest))
  const groupOf = new Map<string, number>()
  const seen = new Set<number>()
  for (const { index, salt, digests } of groups) {
    const committed = await digestOf(commitmentInput(index, salt, digests), hash)
    if (claims.groups[index] !== committed || seen.has(index)) throw groupError(index, "the record's commitment, once")
    seen.add(index)
    for (const digest of digests) {
      if (!disclosed.has(digest) || groupOf.has(digest)) throw groupError(index, 'each of its disclosures, once')
      groupOf.set(digest, index)
    }
  }
  return groupOf
}

function groupError(group: number, expected: string): ConcordatError {
  return new ConcordatError({ code: 'EVIDENCE_GROUP_INVALID', expected, got: 'something else', group })
}
