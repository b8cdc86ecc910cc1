import { parseCanonicalJson } from '../canonical-json.ts'
import { fromBase64url, fromBase64urlOfSize, isDigest } from '../crypto/base64url.ts'
import { type EcPublicJwk, parseEcPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { type ClaimsByKind, parseClaims } from './claims.ts'
import { MAX_TIME } from './shape.ts'

/** RULES 1. In bytes, which are characters: a leaf is ASCII. */
export const MAX_LEAF_BYTES = 65_535
/** What is left of a leaf after ten digits of time and a dot. */
export const MAX_ENTRY_BYTES = MAX_LEAF_BYTES - 11

/** The JWS `typ` of entries that the rules of this version decide (RULES 5). */
export type EntryKind = keyof ClaimsByKind

const KINDS: readonly EntryKind[] = [
  'genesis',
  'member',
  'proposal',
  'approval',
  'revoke',
  'suspend',
  'handover',
  'action+sd-jwt',
  'confirm',
  'dispute',
  'resolve',
  'lapse',
  'extend',
  'recall',
  'erased',
]
const KINDS_NOT_BUILT: readonly string[] = ['rebind', 'anchor']

/** Kinds about one case: signed with record keys, and of the keys and members that later entries are checked against they change none. */
const CASE_KINDS = ['action+sd-jwt', 'confirm', 'dispute', 'resolve', 'lapse', 'extend', 'recall', 'erased'] as const
type CaseKind = (typeof CASE_KINDS)[number]

export function isCaseEntry(entry: ParsedEntry): entry is Extract<ParsedEntry, { kind: CaseKind }> {
  return CASE_KINDS.some((kind) => kind === entry.kind)
}

/** An entry whose form is checked, and nothing else: neither its signature nor any rule. */
export interface ParsedEntryOf<K extends EntryKind> {
  kind: K
  /** Thumbprint of the key that is said to have signed; undefined for genesis. */
  kid: string | undefined
  /** The first founder's key, in genesis only. */
  jwk: EcPublicJwk | undefined
  claims: ClaimsByKind[K]
  /** What was signed: header and payload with their dot. Its SHA-256 is the entry id. */
  signingInput: string
  signature: Uint8Array
  jws: string
}

export type ParsedEntry = { [K in EntryKind]: ParsedEntryOf<K> }[EntryKind]

const LEAF = /^(0|[1-9][0-9]{0,9})\.([A-Za-z0-9_.-]+)$/

/** RULES 1. `jws` is not checked further: parseEntry does. */
export function parseLeaf(leaf: string): { time: number; jws: string } {
  if (leaf.length > MAX_LEAF_BYTES) {
    throw new ConcordatError({
      code: 'LEAF_TOO_LARGE',
      expected: `at most ${MAX_LEAF_BYTES} bytes`,
      got: String(leaf.length),
      limit: MAX_LEAF_BYTES,
    })
  }
  const [, time, jws] = LEAF.exec(leaf) ?? []
  if (time === undefined || jws === undefined) {
    throw new ConcordatError({ code: 'LEAF_INVALID', expected: 'a time, a dot and a compact JWS', got: 'another text' })
  }
  return { time: Number(time), jws }
}

/** The leaf of an entry that parseEntry took. `time` is the ordering engine's, in whole Unix seconds. */
export function formatLeaf(time: number, jws: string): string {
  if (!Number.isInteger(time) || time < 0 || time > MAX_TIME) {
    throw new ConcordatError({ code: 'LEAF_INVALID', expected: 'whole Unix seconds', got: 'another number' })
  }
  return `${time}.${jws}`
}

/** Leaf times never decrease (RULES 1); `previous` is that of the leaf before. */
export function verifyLeafTime(previous: number, time: number): void {
  if (time >= previous) return
  throw new ConcordatError({
    code: 'LEAF_TIME_DECREASES',
    expected: `${previous} or later`,
    got: String(time),
    previous,
    time,
  })
}

/** Parses an untrusted entry: one spelling only, exactly the claims of its kind, and every limit of its fields. */
export function parseEntry(jws: string): ParsedEntry {
  if (jws.length > MAX_ENTRY_BYTES) {
    throw new ConcordatError({
      code: 'ENTRY_TOO_LARGE',
      expected: `at most ${MAX_ENTRY_BYTES} bytes`,
      got: String(jws.length),
      limit: MAX_ENTRY_BYTES,
    })
  }
  const [header = '', payload = '', signature = '', ...rest] = jws.split('.')
  if (header === '' || payload === '' || signature === '' || rest.length > 0) {
    throw new ConcordatError({ code: 'ENTRY_INVALID', expected: 'a compact JWS of three parts', got: 'another text' })
  }
  const { kind, kid, jwk } = parseHeader(header)
  const parsed = {
    kind,
    kid,
    jwk,
    claims: parseClaims(kind, parseCanonicalJson(decodeText(payload))),
    signingInput: `${header}.${payload}`,
    signature: fromBase64urlOfSize(signature, 64),
    jws,
  }
  return parsed as ParsedEntry
}

function parseHeader(part: string): Pick<ParsedEntry, 'kind' | 'kid' | 'jwk'> {
  const header = parseCanonicalJson(decodeText(part))
  if (typeof header !== 'object' || header === null || Array.isArray(header)) return failHeader('', 'an object')
  if (header.alg !== 'ES256') failHeader('/alg', 'ES256')
  const kind = parseKind(header.typ)
  const last = kind === 'genesis' ? 'jwk' : 'kid'
  if (Object.keys(header).length !== 3 || !Object.hasOwn(header, last)) failHeader('', `exactly alg, ${last}, typ`)
  if (kind === 'genesis') return { kind, kid: undefined, jwk: parseEcPublicJwk(header.jwk!) }
  return { kind, kid: isDigest(header.kid) ? header.kid : failHeader('/kid', 'a thumbprint'), jwk: undefined }
}

function parseKind(typ: unknown): EntryKind {
  const kind = KINDS.find((candidate) => candidate === typ)
  if (kind !== undefined) return kind
  const notBuilt = KINDS_NOT_BUILT.find((candidate) => candidate === typ)
  if (notBuilt === undefined) {
    throw new ConcordatError({ code: 'KIND_UNKNOWN', expected: 'a kind of RULES 5', got: 'another typ' })
  }
  throw new ConcordatError({
    code: 'KIND_NOT_BUILT',
    expected: `one of ${KINDS.join(', ')}`,
    got: notBuilt,
    kind: notBuilt,
  })
}

function failHeader(at: string, expected: string): never {
  throw new ConcordatError({ code: 'HEADER_INVALID', expected, got: 'another header', at })
}

function decodeText(part: string): string {
  const bytes = fromBase64url(part)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ConcordatError({ code: 'ENTRY_INVALID', expected: 'UTF-8', got: 'bytes that are not' })
  }
}
