import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { fromBase64url } from '../crypto/base64url.ts'
import { MAX_NOTE_LENGTH } from './note.ts'
import { Shape } from './shape.ts'
import { MAX_LEAF_BYTES } from './tile.ts'
import { formatTlogProof } from './tlog-proof.ts'

/** A leaf and its inclusion proof (hashes in base64url) in the tree of the file's checkpoint. */
export interface ProvenLeaf {
  index: number
  leaf: string
  proof: string[]
}

/** docs/formats/evidence.md. JSON, not signed itself: everything in it is checked against the register id. */
export interface EvidenceFile {
  format: 'concordat-evidence/1'
  register: string
  /** The record. */
  entry: ProvenLeaf
  disclosures: string[]
  /** Groups of which every disclosure is in the file: with their salts, that nothing of them is left out is proven too. */
  groups: { index: number; salt: string; digests: string[] }[]
  /** The checkpoint with its cosignatures (RULES 30) that all inclusion proofs lead to. */
  checkpoint: string
  /** The member entry that holds the key which signed the record. */
  signer: ProvenLeaf
  /** The entry that revoked that key later, if one is known. */
  revocation: ProvenLeaf | null
  /** Entries that took groups of the record back later, each with the member entry that holds its key; absent where none is known. */
  recalls?: { entry: ProvenLeaf; signer: ProvenLeaf }[]
  /** Genesis, every founder's member entry, then every entry that changed the operators, and handovers. */
  history: ProvenLeaf[]
  /** Over each boundary in turn, with the proof that the checkpoint extends it. */
  certificates: { note: string; proof: string[] }[]
}

const MAX_PROOF_HASHES = 63
const MAX_DISCLOSURES = 10_000
const MAX_DISCLOSURE_LENGTH = 1_048_576
const MAX_GROUPS = 1000
const MAX_HISTORY = 1000
/** A group is recalled once, and a record has as many at most. */
const MAX_RECALLS = 64

const shape = new Shape('EVIDENCE_FORMAT_INVALID')

/** `value` is what a strict JSON parser made of the file. Only the form is checked here: verifyEvidence does the rest. */
export function parseEvidenceFile(value: JsonValue): EvidenceFile {
  const recalled = Object.hasOwn(shape.anyObject(value, ''), 'recalls') ? ['recalls'] : []
  const file = shape.object(value, '', [
    ...recalled,
    'format',
    'register',
    'entry',
    'disclosures',
    'groups',
    'checkpoint',
    'signer',
    'revocation',
    'history',
    'certificates',
  ])
  return {
    format: shape.oneOf(file.format, '/format', ['concordat-evidence/1']),
    register: shape.digest(file.register, '/register'),
    entry: parseProvenLeaf(file.entry, '/entry'),
    disclosures: list(file.disclosures, '/disclosures', MAX_DISCLOSURES, (item, at) =>
      shape.matching(item, at, /^[\w-]+$/, MAX_DISCLOSURE_LENGTH, 'a disclosure'),
    ),
    groups: list(file.groups, '/groups', MAX_GROUPS, parseGroup),
    signer: parseProvenLeaf(file.signer, '/signer'),
    revocation: file.revocation === null ? null : parseProvenLeaf(file.revocation, '/revocation'),
    ...(recalled.length === 0 ? {} : { recalls: parseRecalls(file.recalls) }),
    ...parseCertified(file),
  }
}

/** The checkpoint that all proofs in a file lead to, and what says who signed it. */
export function parseCertified(file: JsonObject): Pick<EvidenceFile, 'checkpoint' | 'history' | 'certificates'> {
  return {
    checkpoint: parseNoteText(file.checkpoint, '/checkpoint'),
    history: list(file.history, '/history', MAX_HISTORY, parseProvenLeaf),
    certificates: list(file.certificates, '/certificates', MAX_HISTORY, parseCertificate),
  }
}

function parseRecalls(value: JsonValue | undefined): NonNullable<EvidenceFile['recalls']> {
  return shape.array(value, '/recalls', 1, MAX_RECALLS).map((item, i) => {
    const { entry, signer } = shape.object(item, `/recalls/${i}`, ['entry', 'signer'])
    return {
      entry: parseProvenLeaf(entry, `/recalls/${i}/entry`),
      signer: parseProvenLeaf(signer, `/recalls/${i}/signer`),
    }
  })
}

export function decodeHashes(proof: readonly string[]): Uint8Array[] {
  return proof.map(fromBase64url)
}

/** For other C2SP programs: that the record's leaf is in the checkpoint's tree. */
export function tlogProofOf(file: EvidenceFile): string {
  const { index, proof } = file.entry
  return formatTlogProof({ extra: null, index, proof: decodeHashes(proof), checkpoint: file.checkpoint })
}

function parseProvenLeaf(value: JsonValue | undefined, at: string): ProvenLeaf {
  const proven = shape.object(value, at, ['index', 'leaf', 'proof'])
  return {
    index: shape.integer(proven.index, `${at}/index`, 0, Number.MAX_SAFE_INTEGER),
    leaf: shape.line(proven.leaf, `${at}/leaf`, MAX_LEAF_BYTES),
    proof: parseHashes(proven.proof, `${at}/proof`),
  }
}

function parseGroup(value: JsonValue, at: string): EvidenceFile['groups'][number] {
  const group = shape.object(value, at, ['index', 'salt', 'digests'])
  return {
    index: shape.integer(group.index, `${at}/index`, 0, MAX_GROUPS - 1),
    salt: shape.randomId(group.salt, `${at}/salt`),
    digests: list(group.digests, `${at}/digests`, MAX_DISCLOSURES, (item, itemAt) => shape.digest(item, itemAt)),
  }
}

function parseCertificate(value: JsonValue, at: string): EvidenceFile['certificates'][number] {
  const certificate = shape.object(value, at, ['note', 'proof'])
  return {
    note: parseNoteText(certificate.note, `${at}/note`),
    proof: parseHashes(certificate.proof, `${at}/proof`),
  }
}

function parseNoteText(value: JsonValue | undefined, at: string): string {
  return shape.text(value, at, MAX_NOTE_LENGTH)
}

function parseHashes(value: JsonValue | undefined, at: string): string[] {
  return list(value, at, MAX_PROOF_HASHES, (item, itemAt) => shape.digest(item, itemAt))
}

function list<T>(
  value: JsonValue | undefined,
  at: string,
  max: number,
  parse: (item: JsonValue, at: string) => T,
): T[] {
  return shape.array(value, at, 0, max).map((item, i) => parse(item, `${at}/${i}`))
}
