import assert from 'node:assert'
import type { JsonValue } from '../canonical-json.ts'
import type { EcPublicJwk } from '../crypto/jwk.ts'
import type { Epoch, Thresholds } from './claims.ts'
import type { CheckpointKeys, Configuration } from './configuration.ts'
import { findConfiguration, type OperatingMember } from './configuration.ts'
import type { Skeleton } from './skeleton.ts'

/**
 * State rows (docs/formats/state.md): JSON values that only applyEntry makes, so reading one back needs no check.
 * A key that is absent is a row that does not exist. Rows are never mutated.
 */
export type Rows = ReadonlyMap<string, JsonValue>

/** Row `register`. */
export type RegisterRow = {
  /** Entry id of the genesis. */
  id: string
  /** The rules version in force. */
  rules: number
  ordering: 'hosted' | 'cometbft'
  term: number
  sequencer: string
  thresholds: Thresholds
  founders: string[]
  purpose: string
  reason: string
  /** In the order of their first entries. */
  members: OperatingMember[]
  /** Size of the first checkpoint that counts, with all founders in; it needs all founding operators (RULES 7). */
  founding: number
  /** By rising `fromSize`. Empty until all founders are in. */
  configurations: Configuration[]
}

export type MemberKey = { kid: string; jwk: EcPublicJwk }

/** Row `member/<id>`. */
export type MemberRow = {
  name: string
  did: string
  voting: boolean
  operator: string
  address: string | null
  keys: { governance: MemberKey[]; record: MemberKey[]; request: MemberKey[]; checkpoint: CheckpointKeys | null }
  epochs: Epoch[]
  /** Index of its first and of its newest member entry. */
  since: number
  changed: number
}

/** Row `admission/<id>`: an accepted `admit`, which the member's own first entry then takes up. */
export type AdmissionRow = { proposal: string; name: string; voting: boolean; since: number }

/** Row `proposal/<entry id>`. */
export type ProposalRow = {
  iss: string
  index: number
  time: number
  expires: number
  what:
    | { type: 'blueprint'; blueprint: string; replaces: ReplacedVersion | null }
    | { type: 'admit'; member: string; name: string; voting: boolean }
  /** Members, in the order of their first approvals; none is added once accepted. */
  approvals: string[]
  /** Index of the approval that was the last one needed. */
  accepted: number | null
}

/** Whose approval a later version needs, as it stood when that was proposed: members fixed in or acceded to the replaced one. */
export type ReplacedVersion = { blueprint: string; electors: string[]; fraction: [number, number] }

/** Row `blueprint/<hash>`. */
export type BlueprintRow = {
  /** Entry id of its newest proposal. */
  proposal: string
  expires: number
  skeleton: Skeleton
  live: boolean
  /** Index of the proposal, and once live of the entry that made it so. */
  since: number
  approvals: string[]
  /** Members that took an open role, by role. */
  acceded: { [role: string]: string[] }
}

/** Row `case/<id>`. */
export type CaseRow = {
  bp: string
  roles: { [role: string]: RoleBinding }
  openings: Opening[]
  /** By rising index. */
  records: CaseRecord[]
  /** One for each record and role at most (RULES 17). */
  disputes: CaseDispute[]
  /** No opening and no dispute is left. */
  ended: boolean
}

/** `by` is the record that bound the role; null if the skeleton fixes it. */
export type RoleBinding = { member: string; pk: null; by: string | null }
export type Opening = { step: string; prev: string[] }
export type CaseRecord = {
  id: string
  step: string
  as: string
  iss: string
  index: number
  /** Leaf time. */
  time: number
  prev: string[]
  next: string[]
}
type CaseDispute = { id: string; record: string; as: string; iss: string; index: number; time: number }

export type StateRow = RegisterRow | MemberRow | AdmissionRow | ProposalRow | BlueprintRow | CaseRow

export function findRegister(rows: Rows): RegisterRow | undefined {
  return rows.get('register') as RegisterRow | undefined
}

export function findMember(rows: Rows, id: string): MemberRow | undefined {
  return rows.get(`member/${id}`) as MemberRow | undefined
}

export function findAdmission(rows: Rows, member: string): AdmissionRow | undefined {
  return rows.get(`admission/${member}`) as AdmissionRow | undefined
}

export function findProposal(rows: Rows, id: string): ProposalRow | undefined {
  return rows.get(`proposal/${id}`) as ProposalRow | undefined
}

export function findBlueprint(rows: Rows, hash: string): BlueprintRow | undefined {
  return rows.get(`blueprint/${hash}`) as BlueprintRow | undefined
}

export function findCase(rows: Rows, id: string): CaseRow | undefined {
  return rows.get(`case/${id}`) as CaseRow | undefined
}

/** A row as storage keeps it. */
export function rowValue(row: StateRow): JsonValue {
  return row as unknown as JsonValue
}

/** The members that may vote, fill roles and be bound (RULES 6). */
export function isVotingInStanding(register: RegisterRow, id: string): boolean {
  const member = register.members.find((candidate) => candidate.id === id)
  return member?.voting === true && member.standing === 'in'
}

/** Who counts for a checkpoint of this size. The founding checkpoint needs them all (RULES 7). Undefined below it. */
export function findRegisterConfiguration(register: RegisterRow, size: number): Configuration | undefined {
  const configuration = findConfiguration(register.configurations, size)
  if (configuration === undefined || size !== register.founding) return configuration
  return { ...configuration, quorum: configuration.operators.length }
}

/**
 * Sizes past which nobody cosigns without a certificate over them, rising (RULES 30): the founding checkpoint, and each one
 * that ends in a leaf that changed the operators.
 */
export function boundaries(register: RegisterRow): number[] {
  const [founding, ...later] = register.configurations
  if (founding === undefined) return []
  assert(founding.fromSize === register.founding)
  return [register.founding, ...later.map((configuration) => configuration.fromSize - 1)]
}
