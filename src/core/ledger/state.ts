import assert from 'node:assert'
import type { JsonValue } from '../canonical-json.ts'
import type { EcPublicJwk, OkpPublicJwk } from '../crypto/jwk.ts'
import type { DisputeOutcome, Lapsed, RecallReason } from './case-claims.ts'
import type { Epoch, StepMapping, Thresholds } from './claims.ts'
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
  /** The newest of `terms`, and its sequencer. */
  term: number
  sequencer: string
  /** By rising number; term 0 begins with genesis, each later one with a handover (RULES 31). */
  terms: Term[]
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

/**
 * A stretch of the register under one sequencer. `key` signs its checkpoints: null until the first sequencer has stated it. It goes on
 * from `start` leaves with this root (base64url).
 */
export type Term = { term: number; sequencer: string; key: OkpPublicJwk | null; start: number; root: string }

export type MemberKey = { kid: string; jwk: EcPublicJwk }

/** Uses of keys that a member may revoke. Others are the other members' business, or give way to a newer epoch. */
export const REVOCABLE_USES = ['record', 'request'] as const

/** `since`: from which index on what it signed is in doubt; null: nothing is. `index`: of the revocation. */
type RevokedKey = { kid: string; use: (typeof REVOCABLE_USES)[number]; since: number | null; index: number }

/** Row `member/<id>`. */
export type MemberRow = {
  name: string
  did: string
  voting: boolean
  operator: string
  address: string | null
  keys: { governance: MemberKey[]; record: MemberKey[]; request: MemberKey[]; checkpoint: CheckpointKeys | null }
  epochs: Epoch[]
  /** Keys that no longer count, in the order of their revocations (RULES 9). */
  revoked: RevokedKey[]
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
  /** The version whose running cases go on under this one, and where (RULES 12); null where they keep theirs. */
  moves: CaseVersion | null
  /** Members that take no new case in a role, by role (RULES 12). */
  suspended: { [role: string]: string[] }
}

/** Row `case/<id>`: what the case's entries said, and what that adds up to (case-progress.ts). */
export type CaseRow = {
  /** The version under which it runs now. */
  bp: string
  /** Versions under which it ran before, oldest first, each with the step mapping that ended it (RULES 12). */
  versions: CaseVersion[]
  roles: { [role: string]: RoleBinding }
  openings: Opening[]
  /** Branches that wait at an `all` join for the others. */
  arrivals: Arrival[]
  /** Records whose `next` waits for countersignatures (RULES 16). */
  confirmations: Confirmation[]
  /** The review that has been asked for and is not decided (RULES 18). */
  review: { record: string; request: string } | null
  /** By rising index. */
  records: CaseRecord[]
  /** One for each record and role at most (RULES 17). */
  disputes: CaseDispute[]
  /** The case's other entries. */
  acts: CaseAct[]
  /** No opening, no confirmation and no dispute is left. */
  ended: boolean
  /** Leaf time of the entry that ended it; null while it goes on. */
  endedAt: number | null
  /** Index of the newest entry about it that changed this row: recalls and erasures have a row of their own. */
  changed: number
}

/** `mapping`: steps of this version to steps of the next one. */
export type CaseVersion = { bp: string; skeleton: Skeleton; mapping: StepMapping }

/** `by` is the record that bound the role; null if the skeleton fixes it. */
export type RoleBinding = { member: string; pk: null; by: string | null }

export type Opening = {
  step: string
  /** Sorted ids of the entries that opened it (RULES 13). */
  prev: string[]
  /** Leaf time of the entry that opened it. */
  since: number
  /** The last second of its deadline, extensions and the seconds of disputes included; null without a deadline. */
  due: number | null
  /** How many seconds disputes have held it up. */
  stood: number
  /** Since when it waits for a dispute; null if it does not. */
  waits: number | null
  /** `due` was set by an extension. */
  extended: boolean
}

/** The branch of step `from` has come to the join `step` by the entry `by`. */
export type Arrival = { step: string; from: string; by: string }

export type Confirmation = {
  record: string
  /** Roles that have not said yes yet, sorted. */
  roles: string[]
  due: number
  waits: number | null
}

export type CaseRecord = {
  id: string
  /** The version that it was signed under; `step` and `next` are of it. */
  bp: string
  step: string
  as: string
  iss: string
  index: number
  /** Leaf time. */
  time: number
  prev: string[]
  next: string[]
  bind: { [role: string]: { member: string } }
  /** The record that it corrects (RULES 17) or decides anew (RULES 18). */
  replaces: string | null
  /** Index of the entry that made it void; null while it counts. */
  void: number | null
  /** The record that took its place, once that counts. */
  replacedBy: string | null
}

export type CaseDispute = {
  id: string
  record: string
  as: string
  iss: string
  index: number
  time: number
  /** The last second for a decision. */
  due: number
  end: DisputeEnd | null
  /** As a record's. */
  void: number | null
}

/** `void`: another entry made its record void. `by` and `index` of the entry that ended it. */
type DisputeEnd = { outcome: DisputeOutcome | 'void'; by: string; index: number }

type Act<T> = T & { id: string; as: string; iss: string; index: number; time: number; void: number | null }
export type ConfirmAct = Act<{ kind: 'confirm'; record: string; accept: boolean }>
export type ResolveAct = Act<{ kind: 'resolve'; dispute: string; outcome: DisputeOutcome; correction: string | null }>
export type ExtendAct = Act<{ kind: 'extend'; step: string; prev: string[]; until: number }>
export type LapseAct = Act<{ kind: 'lapse'; what: Lapsed }>
export type CaseAct = ConfirmAct | ResolveAct | ExtendAct | LapseAct

/**
 * Row `recalls/<case>`: what was taken back, and who destroyed what (RULES 19, 25). Beside the case's own row, because neither
 * changes what the case has come to, nor which of its records count.
 */
export type RecallsRow = {
  /** By rising index. */
  recalls: CaseRecall[]
  erasures: CaseErasure[]
}

export type CaseRecall = {
  id: string
  as: string
  iss: string
  index: number
  time: number
  reason: RecallReason
  /** Indexes of recalled groups by record, rising; no group is recalled twice. */
  records: { [record: string]: number[] }
  /** The members other than the signer that had been granted one of them by then, sorted: each answers with `erased`. */
  recipients: string[]
}

/** One for each recall and member at most, and one a member that answers no recall. */
type CaseErasure = {
  id: string
  iss: string
  index: number
  time: number
  recall: string | null
  opened: boolean | null
}

export type StateRow = RegisterRow | MemberRow | AdmissionRow | ProposalRow | BlueprintRow | CaseRow | RecallsRow

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

export function findRecalls(rows: Rows, caseId: string): RecallsRow | undefined {
  return rows.get(`recalls/${caseId}`) as RecallsRow | undefined
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

/** Indexes of the leaves that changed the operators or opened a term, after the founding, rising. */
export function changeIndexes({ configurations, terms }: RegisterRow): number[] {
  const handovers = terms.slice(1).map(({ start }) => start)
  // A change that a handover found uncertified counts one leaf later: see kinds/handover.ts.
  const changes = configurations
    .slice(1)
    .map(({ fromSize }) => (handovers.includes(fromSize - 2) ? fromSize - 3 : fromSize - 2))
  return [...handovers, ...changes].sort((a, b) => a - b)
}

export function findTerm({ terms }: Pick<RegisterRow, 'terms'>, number: number): Term | undefined {
  return terms.find(({ term }) => term === number)
}

/**
 * Sizes past which nobody cosigns without a certificate over them, rising (RULES 30): the founding checkpoint, and each one
 * that ends in a leaf that changed the operators or opened a term.
 */
export function boundaries(register: RegisterRow): number[] {
  const [founding, ...later] = register.configurations
  if (founding === undefined) return []
  assert(founding.fromSize === register.founding)
  const changes = later.map((configuration) => configuration.fromSize - 1)
  const handovers = register.terms.slice(1).map(({ start }) => start + 1)
  return [...new Set([register.founding, ...changes, ...handovers])].sort((a, b) => a - b)
}
