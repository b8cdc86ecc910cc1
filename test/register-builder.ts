/** A register in memory that really signs, verifies and applies its entries. */
import { randomBytes } from 'node:crypto'
import type { JsonObject, JsonValue } from '../src/core/canonical-json.ts'
import { digest } from '../src/core/crypto/hash.ts'
import { generateHpkeKeyPair } from '../src/core/crypto/hpke.ts'
import { formatCompactJws, formatSigningInput } from '../src/core/crypto/jws.ts'
import { generateSigningKey, type SigningKey, signWith } from '../src/core/crypto/signature.ts'
import { thumbprint } from '../src/core/crypto/thumbprint.ts'
import { applyEntry, rowsNamed } from '../src/core/ledger/apply-entry.ts'
import { type EntryKind, formatLeaf, parseEntry } from '../src/core/ledger/entry.ts'
import type { Skeleton } from '../src/core/ledger/skeleton.ts'
import { type CaseRow, findCase, findRegister, type RegisterRow } from '../src/core/ledger/state.ts'
import { type VerifiedEntry, verifyEntry } from '../src/core/ledger/verify-entry.ts'

/** Leaf time of genesis; each later leaf comes a second after the one before. */
const GENESIS_TIME = 1_788_000_000

export interface BuiltMember {
  id: string
  name: string
  voting: boolean
  /** Itself or the member that runs its node. */
  operator: string
  governance: SigningKey<'ES256'>
  record: SigningKey<'ES256'>
  request: SigningKey<'ES256'>
  ed25519: SigningKey<'Ed25519'>
  mldsa44: SigningKey<'ML-DSA-44'>
  epoch: ReturnType<typeof generateHpkeKeyPair>
}

export function buildMember(name: string, options: { voting: boolean; operator?: BuiltMember }): BuiltMember {
  const governance = generateSigningKey('ES256')
  const id = thumbprint(governance.publicJwk)
  return {
    id,
    name,
    voting: options.voting,
    operator: options.operator?.id ?? id,
    governance,
    record: generateSigningKey('ES256'),
    request: generateSigningKey('ES256'),
    ed25519: generateSigningKey('Ed25519'),
    mldsa44: generateSigningKey('ML-DSA-44'),
    epoch: generateHpkeKeyPair(),
  }
}

/** Claims that a mutation changes or, where it says undefined, leaves out. */
export type Changes = { [claim: string]: JsonValue | undefined }

export class RegisterBuilder {
  readonly founders: readonly BuiltMember[]
  readonly leaves: string[] = []
  /** Entry ids, by index. */
  readonly ids: string[] = []
  rows = new Map<string, JsonValue>()
  time = GENESIS_TIME

  constructor(founders: readonly BuiltMember[]) {
    this.founders = founders
  }

  /** Genesis and all founders' member entries are in. */
  static async found(founders: readonly BuiltMember[]): Promise<RegisterBuilder> {
    const builder = new RegisterBuilder(founders)
    await builder.add(builder.genesis())
    for (const founder of founders) await builder.add(builder.member(founder))
    return builder
  }

  /** One that goes on from the same leaves without changing this one. */
  fork(): RegisterBuilder {
    const fork = new RegisterBuilder(this.founders)
    fork.leaves.push(...this.leaves)
    fork.ids.push(...this.ids)
    fork.rows = new Map(this.rows)
    fork.time = this.time
    return fork
  }

  get register(): RegisterRow {
    return findRegister(this.rows)!
  }

  caseRow(id: string): CaseRow {
    return findCase(this.rows, id)!
  }

  /** Verifies and applies the entry as the next leaf; refused, it leaves no trace. Answers its entry id. */
  async add(jws: string): Promise<string> {
    return this.apply(await this.verify(jws))
  }

  verify(jws: string): Promise<VerifiedEntry> {
    const parsed = parseEntry(jws)
    return verifyEntry(parsed, this.rowsFor(rowsNamed(parsed)))
  }

  apply(entry: VerifiedEntry): string {
    const time = this.time + 1
    const rows = this.rowsFor(rowsNamed(entry.parsed))
    const changes = applyEntry(rows, entry, { index: this.leaves.length, time })
    // Frozen, so that a rule that changed a row that it was given would throw.
    for (const [key, row] of changes) this.rows.set(key, freeze(row))
    this.time = time
    this.leaves.push(formatLeaf(time, entry.parsed.jws))
    this.ids.push(entry.id)
    return entry.id
  }

  /** The rows that an entry names and no other, as a node reads them. */
  rowsFor(keys: readonly string[]): Map<string, JsonValue> {
    return new Map(keys.flatMap((key) => (this.rows.has(key) ? [[key, this.rows.get(key)!] as const] : [])))
  }

  genesis(changes: Changes = {}): string {
    const [first] = this.founders
    const claims: JsonObject = {
      iss: first!.id,
      iat: this.time + 1,
      jti: randomId(),
      rules: 1,
      ordering: 'hosted',
      sequencer: first!.id,
      thresholds: { admit: { fraction: [2, 3] }, remove: { fraction: [2, 3] }, rules: { fraction: [3, 4] } },
      founders: this.founders.map(({ id }) => id),
      purpose: 'Concessionary travel',
      reason: 'Councils and operators decide together and none keeps the register for the others',
    }
    return sign('genesis', first!, { ...claims, ...changes })
  }

  member(member: BuiltMember, changes: Changes = {}): string {
    return sign('member', member, this.#claims(member, { ...memberClaims(member), ...changes }))
  }

  admit(signer: BuiltMember, candidate: BuiltMember, changes: Changes = {}): string {
    const what = { type: 'admit', member: candidate.id, name: candidate.name, voting: candidate.voting }
    return sign('proposal', signer, this.#claims(signer, { rules: 1, expires: this.time + 86_400, what, ...changes }))
  }

  blueprint(
    signer: BuiltMember,
    skeleton: Skeleton,
    changes: { hash?: string; replaces?: string; mapping?: { [step: string]: string } } & Changes = {},
  ): string {
    const { hash = blueprintHash(skeleton), replaces = null, mapping = null, ...others } = changes
    const what = { type: 'blueprint', blueprint: hash, skeleton: json(skeleton), replaces, mapping }
    return sign('proposal', signer, this.#claims(signer, { rules: 1, expires: this.time + 86_400, what, ...others }))
  }

  approval(
    signer: BuiltMember,
    proposal: string,
    target: string,
    roles: readonly string[],
    changes: Changes = {},
  ): string {
    return sign('approval', signer, this.#claims(signer, { proposal, target, roles: [...roles], ...changes }))
  }

  action(signer: BuiltMember, action: Action, changes: Changes = {}): string {
    const { skeleton, step, bp = blueprintHash(skeleton) } = action
    const { digests, groups } = skeleton.steps.find(({ id }) => id === step)!
    const claims: Changes = {
      bp,
      case: action.case,
      step,
      as: action.as,
      prev: [...action.prev].sort(),
      next: [...action.next].sort(),
      bind: Object.fromEntries(Object.entries(action.bind ?? {}).map(([role, { id }]) => [role, { member: id }])),
      replaces: null,
      groups: groups.map(() => randomDigest()),
      _sd_alg: 'sha-256',
      _sd: Array.from({ length: digests }, randomDigest).sort(),
      ...changes,
    }
    return sign('action+sd-jwt', signer, this.#claims(signer, claims))
  }

  dispute(signer: BuiltMember, dispute: Dispute, changes: Changes = {}): string {
    const claims = { reason: 'contradicts', explanation: randomDigest(), ...dispute, ...changes }
    return sign('dispute', signer, this.#claims(signer, claims))
  }

  /** The claims of its kind are given whole. */
  inCase(
    kind: 'confirm' | 'resolve' | 'lapse' | 'extend' | 'recall' | 'erased',
    signer: BuiltMember,
    claims: Changes,
  ): string {
    return sign(kind, signer, this.#claims(signer, claims))
  }

  suspend(signer: BuiltMember, claims: Changes): string {
    return sign('suspend', signer, this.#claims(signer, claims))
  }

  handover(signer: BuiltMember, claims: object): string {
    return sign('handover', signer, this.#claims(signer, json(claims) as JsonObject))
  }

  #claims(signer: BuiltMember, claims: Changes): Changes {
    return { iss: signer.id, iat: this.time + 1, jti: randomId(), reg: this.ids[0] ?? randomDigest(), ...claims }
  }
}

export interface Action {
  skeleton: Skeleton
  /** Of the version, where it is not that of `blueprintHash`. */
  bp?: string
  case: string
  step: string
  as: string
  prev: readonly string[]
  next: readonly string[]
  bind?: { [role: string]: BuiltMember }
}

export type Dispute = { bp: string; case: string; record: string; as: string }

/** Claims are signed as they are, right or wrong, by the key that the kind demands. */
export function sign(kind: EntryKind, signer: BuiltMember, claims: Changes): string {
  const governs = ['genesis', 'member', 'proposal', 'approval', 'handover'].includes(kind)
  const key = governs ? signer.governance : signer.record
  const named = kind === 'genesis' ? { jwk: json(key.publicJwk) } : { kid: thumbprint(key.publicJwk) }
  return signAs({ alg: 'ES256', typ: kind, ...named }, claims, key)
}

export function signAs(header: JsonObject, claims: Changes, key: SigningKey<'ES256'>): string {
  const input = formatSigningInput(header, defined(claims))
  return formatCompactJws(input, signWith(key, input))
}

export function memberClaims(member: BuiltMember): JsonObject {
  const operates = member.operator === member.id
  return {
    name: member.name,
    did: `did:example:${member.id}`,
    voting: member.voting,
    operator: member.operator,
    address: operates ? 'https://node.example' : null,
    keys: json({
      governance: [member.governance.publicJwk],
      record: [member.record.publicJwk],
      request: [member.request.publicJwk],
      checkpoint: operates ? { ed25519: member.ed25519.publicJwk, mldsa44: member.mldsa44.publicJwk } : null,
    }),
    epochs: json([{ jwk: member.epoch.publicJwk, from: GENESIS_TIME }]),
  }
}

/** Stands for the document's hash, which the rules never look into. */
export function blueprintHash(skeleton: Skeleton): string {
  return digest(JSON.stringify(skeleton))
}

export function randomId(): string {
  return randomBytes(16).toString('base64url')
}

export function randomDigest(): string {
  return randomBytes(32).toString('base64url')
}

function defined(claims: Changes): JsonObject {
  return Object.fromEntries(
    Object.entries(claims).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  )
}

/** A typed value as the JSON that it is, with nothing shared. */
export function json(value: object): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue
}

function freeze(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) freeze(item)
  Object.freeze(value)
  return value
}
