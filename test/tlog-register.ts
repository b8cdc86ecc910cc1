/** A register in memory, as far as its log goes: signed entries, a tree, certificates. Nothing applies the rules. */
import { randomBytes } from 'node:crypto'
import type { JsonObject, JsonValue } from '../src/core/canonical-json.ts'
import { digest } from '../src/core/crypto/hash.ts'
import { generateHpkeKeyPair } from '../src/core/crypto/hpke.ts'
import type { HpkePublicJwk } from '../src/core/crypto/jwk.ts'
import { formatCompactJws, formatSigningInput } from '../src/core/crypto/jws.ts'
import { generateSigningKey, type SigningKey, signWith } from '../src/core/crypto/signature.ts'
import { thumbprint } from '../src/core/crypto/thumbprint.ts'
import type { CosignatureKind } from '../src/core/ledger/certificate.ts'
import { formatCheckpoint } from '../src/core/ledger/checkpoint.ts'
import type { OperatorKeys } from '../src/core/ledger/configuration.ts'
import { cosign } from '../src/core/ledger/cosignature.ts'
import { formatLeaf } from '../src/core/ledger/entry.ts'
import { nodeChecks } from '../src/core/ledger/node-checks.ts'
import { formatNote, noteKey } from '../src/core/ledger/note.ts'
import { appendToTree, leafHash, type ReadTile } from '../src/core/ledger/tree.ts'
import { buildRecordClaims, type RecordClaims, recordSigningInput } from '../src/core/record/record.ts'

export const FOUNDED = 1_764_000_000

export interface TestMember {
  id: string
  governance: SigningKey<'ES256'>
  record: SigningKey<'ES256'>
  ed25519: SigningKey<'Ed25519'>
  mldsa44: SigningKey<'ML-DSA-44'>
  epoch: HpkePublicJwk
}

export function makeMember(): TestMember {
  const governance = generateSigningKey('ES256')
  return {
    id: thumbprint(governance.publicJwk),
    governance,
    record: generateSigningKey('ES256'),
    ed25519: generateSigningKey('Ed25519'),
    mldsa44: generateSigningKey('ML-DSA-44'),
    epoch: generateHpkeKeyPair().publicJwk,
  }
}

export function operatorKeys({ id, ed25519, mldsa44 }: TestMember): OperatorKeys {
  return { member: id, ed25519: ed25519.publicJwk, mldsa44: mldsa44.publicJwk }
}

export class TestLog {
  readonly leaves: string[] = []
  readonly readTile: ReadTile = (level, n) => this.#tiles.get(`${level}/${n}`)
  #tiles = new Map<string, Uint8Array>()
  #root: Uint8Array = new Uint8Array()

  append(jws: string): number {
    const leaf = formatLeaf(FOUNDED + this.leaves.length, jws)
    const grown = appendToTree({ size: this.leaves.length, readTile: this.readTile }, [leafHash(leaf)])
    for (const { level, n, hashes } of grown.tiles) this.#tiles.set(`${level}/${n}`, hashes)
    this.#root = grown.root
    return this.leaves.push(leaf) - 1
  }

  /** A checkpoint of the log as it is now, signed by `log` and cosigned by the others. */
  certify(origin: string, log: TestMember, cosigners: readonly TestMember[], kinds: readonly CosignatureKind[]) {
    return certify({ origin, size: this.leaves.length, root: this.#root }, log, cosigners, kinds)
  }
}

export type TestCosigner = Pick<TestMember, 'id' | 'ed25519' | 'mldsa44'>

export async function certify(
  checkpoint: { origin: string; size: number; root: Uint8Array },
  log: TestCosigner,
  cosigners: readonly TestCosigner[],
  kinds: readonly CosignatureKind[],
): Promise<string> {
  const text = formatCheckpoint(checkpoint)
  const logKey = await noteKey(checkpoint.origin, { type: 1, jwk: log.ed25519.publicJwk }, nodeChecks.sha256)
  const own = { name: logKey.name, keyId: logKey.keyId, signature: signWith(log.ed25519, text) }
  const cosignatures = await Promise.all(
    cosigners.flatMap((member) => kinds.map((kind) => cosignatureOf(text, member, kind, FOUNDED))),
  )
  return formatNote({ text, signatures: [own, ...cosignatures] })
}

export async function cosignatureOf(text: string, member: TestCosigner, kind: CosignatureKind, time: number) {
  const type4 = { type: 4, jwk: member.ed25519.publicJwk } as const
  const type6 = { type: 6, jwk: member.mldsa44.publicJwk } as const
  const key = await noteKey(member.id, kind === 'Ed25519' ? type4 : type6, nodeChecks.sha256)
  if (key.type === 1) throw new Error('not a cosigner')
  const secret = kind === 'Ed25519' ? member.ed25519 : member.mldsa44
  return cosign(text, key, time, async (data) => signWith(secret, data))
}

export function genesisEntry(founders: readonly TestMember[]): { jws: string; register: string } {
  const [first] = founders
  const claims = {
    ...signedBy(first!.id),
    rules: 1,
    ordering: 'hosted',
    sequencer: first!.id,
    thresholds: { admit: { fraction: [2, 3] }, remove: { fraction: [2, 3] }, rules: { fraction: [2, 3] } },
    founders: founders.map((founder) => founder.id),
    purpose: 'Travel cards',
    reason: 'Councils and bureaus decide together',
  }
  const header = { alg: 'ES256', jwk: { ...first!.governance.publicJwk }, typ: 'genesis' }
  const jws = signEntry(header, claims, first!.governance)
  return { jws, register: entryIdOf(jws) }
}

export function memberEntry(
  register: string,
  member: TestMember,
  changes: { voting?: boolean; operator?: string },
): string {
  const header = { alg: 'ES256', kid: member.id, typ: 'member' }
  return signEntry(header, memberClaims(register, member, changes), member.governance)
}

export function memberClaims(
  register: string,
  member: TestMember,
  changes: { voting?: boolean; operator?: string; keys?: JsonObject },
): JsonObject {
  const { ed25519, mldsa44 } = operatorKeys(member)
  const operator = changes.operator ?? member.id
  const keys = {
    governance: [{ ...member.governance.publicJwk }],
    record: [{ ...member.record.publicJwk }],
    request: [],
    checkpoint: operator === member.id ? { ed25519: { ...ed25519 }, mldsa44: { ...mldsa44 } } : null,
  }
  return {
    ...signedBy(member.id),
    reg: register,
    name: `Member ${member.id.slice(0, 4)}`,
    did: 'did:web:member.example',
    voting: changes.voting ?? true,
    operator,
    address: 'https://member.example',
    keys: { ...keys, ...changes.keys },
    epochs: [{ jwk: { ...member.epoch }, from: FOUNDED }],
  }
}

export function signEntry(header: JsonObject, claims: JsonObject, key: SigningKey<'ES256'>): string {
  const signingInput = formatSigningInput(header, claims)
  return formatCompactJws(signingInput, signWith(key, signingInput))
}

export function entryIdOf(jws: string): string {
  return digest(jws.slice(0, jws.lastIndexOf('.')))
}

export function signedBy(iss: string): { iss: string; iat: number; jti: string } & { [key: string]: JsonValue } {
  return { iss, iat: FOUNDED, jti: randomBytes(16).toString('base64url') }
}

const FIELDS: [string, JsonValue][][] = [
  [['/$actor', { kind: 'staff', name: 'A', signIn: 'password' }]],
  [
    ['/name', 'Mòrag'],
    ['/age', 70],
  ],
  [
    ['/entitled', true],
    ['/until', '2031-01-01'],
  ],
  [],
]

export function recordClaims(register: string, signer: TestMember) {
  const claims = {
    ...signedBy(signer.id),
    reg: register,
    bp: digest('blueprint'),
    case: randomBytes(16).toString('base64url'),
    step: 's1',
    as: 'council',
    prev: [],
    next: [],
    bind: {},
    replaces: null,
  }
  return buildRecordClaims({ claims, groups: FIELDS, digestCount: 8 })
}

export function recordEntry(claims: RecordClaims, key: SigningKey<'ES256'>): string {
  const { signingInput } = recordSigningInput(claims, thumbprint(key.publicJwk))
  return formatCompactJws(signingInput, signWith(key, signingInput))
}
