import type { JsonObject, JsonValue } from '../canonical-json.ts'
import {
  type EcPublicJwk,
  type HpkePublicJwk,
  parseAkpPublicJwk,
  parseEcPublicJwk,
  parseHpkePublicJwk,
  parseOkpPublicJwk,
} from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { CASE_CLAIMS, type OwnCaseClaims, PARSE_CASE_CLAIMS, personKeyNotBuilt } from './case-claims.ts'
import type { CheckpointKeys } from './configuration.ts'
import { HANDOVER_CLAIMS, type OwnHandoverClaims, parseHandover } from './handover/handover-claims.ts'
import { isName, isStepId, MAX_TIME, Shape } from './shape.ts'
import { findStep, parseSkeleton, type Skeleton } from './skeleton.ts'
import { parseThreshold, type Threshold } from './threshold.ts'

type SignedClaims = { iss: string; iat: number; jti: string }
type RegisterClaims = SignedClaims & { reg: string }
type CaseClaims = { [K in keyof OwnCaseClaims]: RegisterClaims & OwnCaseClaims[K] }
export type ActionClaims = CaseClaims['action+sd-jwt']
export type ConfirmClaims = CaseClaims['confirm']
export type DisputeClaims = CaseClaims['dispute']
export type ResolveClaims = CaseClaims['resolve']
export type LapseClaims = CaseClaims['lapse']
export type ExtendClaims = CaseClaims['extend']
export type RecallClaims = CaseClaims['recall']
export type ErasedClaims = CaseClaims['erased']
export type SuspendClaims = CaseClaims['suspend']

/** docs/formats/genesis.md */
export type GenesisClaims = SignedClaims & {
  rules: number
  ordering: 'hosted' | 'cometbft'
  sequencer: string
  thresholds: Thresholds
  founders: string[]
  purpose: string
  reason: string
}

export type Thresholds = { admit: Threshold; remove: Threshold; rules: Threshold }

/** docs/formats/member.md */
export type MemberClaims = RegisterClaims & {
  name: string
  did: string
  voting: boolean
  operator: string
  address: string | null
  keys: {
    governance: EcPublicJwk[]
    record: EcPublicJwk[]
    request: EcPublicJwk[]
    checkpoint: CheckpointKeys | null
  }
  epochs: Epoch[]
}

/** An encryption key and the second from which on it is the newest. */
export type Epoch = { jwk: HpkePublicJwk; from: number }

/** docs/formats/proposal.md */
export type ProposalClaims = RegisterClaims & {
  rules: number
  expires: number
  what: BlueprintProposal | AdmitProposal
}

/** Steps of a version to steps of the next one. */
export type StepMapping = { [step: string]: string }

/** `mapping`: where running cases of the version `replaces` go on; null: they keep their version (RULES 12). */
export type BlueprintProposal = {
  type: 'blueprint'
  blueprint: string
  skeleton: Skeleton
  replaces: string | null
  mapping: StepMapping | null
}
export type AdmitProposal = { type: 'admit'; member: string; name: string; voting: boolean }

/** docs/formats/approval.md */
export type ApprovalClaims = RegisterClaims & { proposal: string; target: string; roles: string[] }

/** docs/formats/revoke.md */
export type RevokeClaims = RegisterClaims & { key: string; since: number | null }

/** docs/formats/handover.md */
export type HandoverClaims = RegisterClaims & OwnHandoverClaims

export type ClaimsByKind = CaseClaims & {
  genesis: GenesisClaims
  member: MemberClaims
  proposal: ProposalClaims
  approval: ApprovalClaims
  revoke: RevokeClaims
  handover: HandoverClaims
}

const shape = new Shape('CLAIM_INVALID')

const MAX_FOUNDERS = 256
const MAX_TEXT = 2_000
const MAX_NAME = 200
const MAX_ADDRESS = 500
const MAX_KEYS = 16
const MAX_EPOCHS = 24
const MAX_ROLES = 64
const MAX_RULES_VERSION = 1_000

const DID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/
// Not a URL parser's idea of an address: all nodes must agree on it.
const ADDRESS =
  /^https?:\/\/(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?(?:\/[A-Za-z0-9._~-]+)*\/?$/

const SIGNED = ['iss', 'iat', 'jti']
const KEYS: { [K in keyof ClaimsByKind]: readonly string[] } = {
  genesis: [...SIGNED, 'rules', 'ordering', 'sequencer', 'thresholds', 'founders', 'purpose', 'reason'],
  member: [...SIGNED, 'reg', 'name', 'did', 'voting', 'operator', 'address', 'keys', 'epochs'],
  proposal: [...SIGNED, 'reg', 'rules', 'expires', 'what'],
  approval: [...SIGNED, 'reg', 'proposal', 'target', 'roles'],
  revoke: [...SIGNED, 'reg', 'key', 'since'],
  handover: [...SIGNED, 'reg', ...HANDOVER_CLAIMS],
  'action+sd-jwt': [...SIGNED, 'reg', ...CASE_CLAIMS['action+sd-jwt']],
  confirm: [...SIGNED, 'reg', ...CASE_CLAIMS.confirm],
  dispute: [...SIGNED, 'reg', ...CASE_CLAIMS.dispute],
  resolve: [...SIGNED, 'reg', ...CASE_CLAIMS.resolve],
  lapse: [...SIGNED, 'reg', ...CASE_CLAIMS.lapse],
  extend: [...SIGNED, 'reg', ...CASE_CLAIMS.extend],
  recall: [...SIGNED, 'reg', ...CASE_CLAIMS.recall],
  erased: [...SIGNED, 'reg', ...CASE_CLAIMS.erased],
  suspend: [...SIGNED, 'reg', ...CASE_CLAIMS.suspend],
}

type Own<K extends keyof ClaimsByKind> = Omit<ClaimsByKind[K], keyof RegisterClaims>

const PARSE: { [K in keyof ClaimsByKind]: (claims: JsonObject) => Own<K> } = {
  genesis: parseGenesis,
  member: parseMember,
  proposal: parseProposal,
  approval: parseApproval,
  revoke: parseRevoke,
  handover: parseHandover,
  ...PARSE_CASE_CLAIMS,
}

/** Checks the untrusted claims of a kind: exactly these, of their types, within their limits. No rule that needs a row. */
export function parseClaims<K extends keyof ClaimsByKind>(kind: K, value: JsonValue): ClaimsByKind[K] {
  const claims = shape.anyObject(value, '')
  if (kind === 'action+sd-jwt' && Object.hasOwn(claims, 'psig')) throw personKeyNotBuilt()
  shape.object(claims, '', KEYS[kind])
  const signed: SignedClaims = {
    iss: shape.digest(claims.iss, '/iss'),
    iat: shape.time(claims.iat, '/iat'),
    jti: shape.randomId(claims.jti, '/jti'),
  }
  const reg = kind === 'genesis' ? {} : { reg: shape.digest(claims.reg, '/reg') }
  return { ...signed, ...reg, ...PARSE[kind](claims) } as ClaimsByKind[K]
}

function parseGenesis(claims: JsonObject): Own<'genesis'> {
  const founders = shape.array(claims.founders, '/founders', 1, MAX_FOUNDERS)
  const ids = founders.map((founder, i) => shape.digest(founder, `/founders/${i}`))
  if (new Set(ids).size < ids.length) shape.fail('/founders', 'each founder once', 'one twice')
  if (ids[0] !== claims.iss) shape.fail('/founders/0', 'the signer', 'another member')
  const sequencer = shape.digest(claims.sequencer, '/sequencer')
  if (!ids.includes(sequencer)) shape.fail('/sequencer', 'a founder', 'another member')
  const thresholds = shape.object(claims.thresholds, '/thresholds', ['admit', 'remove', 'rules'])
  return {
    rules: shape.integer(claims.rules, '/rules', 1, MAX_RULES_VERSION),
    ordering: shape.oneOf(claims.ordering, '/ordering', ['hosted', 'cometbft']),
    sequencer,
    thresholds: {
      admit: parseThreshold(shape, thresholds.admit, '/thresholds/admit'),
      remove: parseThreshold(shape, thresholds.remove, '/thresholds/remove'),
      rules: parseThreshold(shape, thresholds.rules, '/thresholds/rules'),
    },
    founders: ids,
    purpose: shape.text(claims.purpose, '/purpose', MAX_TEXT),
    reason: shape.text(claims.reason, '/reason', MAX_TEXT),
  }
}

function parseMember(claims: JsonObject): Own<'member'> {
  const keys = shape.object(claims.keys, '/keys', ['checkpoint', 'governance', 'record', 'request'])
  const operator = shape.digest(claims.operator, '/operator')
  const operates = operator === claims.iss
  if (operates !== (keys.checkpoint !== null)) {
    shape.fail('/keys/checkpoint', 'keys exactly if the member is its own operator', operates ? 'null' : 'keys')
  }
  return {
    name: shape.line(claims.name, '/name', MAX_NAME),
    did: shape.matching(claims.did, '/did', DID, MAX_ADDRESS, 'a DID'),
    voting: shape.boolean(claims.voting, '/voting'),
    operator,
    address:
      claims.address === null ? null : shape.matching(claims.address, '/address', ADDRESS, MAX_ADDRESS, 'an address'),
    keys: {
      governance: parseKeys(keys.governance, '/keys/governance', 1),
      record: parseKeys(keys.record, '/keys/record', 0),
      request: parseKeys(keys.request, '/keys/request', 0),
      checkpoint: keys.checkpoint === null ? null : parseCheckpointKeys(keys.checkpoint),
    },
    epochs: parseEpochs(claims.epochs),
  }
}

function parseKeys(value: JsonValue | undefined, at: string, min: number): EcPublicJwk[] {
  return shape.array(value, at, min, MAX_KEYS).map(parseEcPublicJwk)
}

function parseCheckpointKeys(value: JsonValue | undefined): CheckpointKeys {
  const keys = shape.object(value, '/keys/checkpoint', ['ed25519', 'mldsa44'])
  return { ed25519: parseOkpPublicJwk(keys.ed25519!), mldsa44: parseAkpPublicJwk(keys.mldsa44!) }
}

function parseEpochs(value: JsonValue | undefined): Epoch[] {
  let previous = -1
  return shape.array(value, '/epochs', 0, MAX_EPOCHS).map((item, i) => {
    const epoch = shape.object(item, `/epochs/${i}`, ['from', 'jwk'])
    previous = shape.integer(epoch.from, `/epochs/${i}/from`, previous + 1, MAX_TIME)
    return { jwk: parseHpkePublicJwk(epoch.jwk!), from: previous }
  })
}

function parseProposal(claims: JsonObject): Own<'proposal'> {
  return {
    rules: shape.integer(claims.rules, '/rules', 1, MAX_RULES_VERSION),
    expires: shape.time(claims.expires, '/expires'),
    what: parseWhat(shape.anyObject(claims.what, '/what')),
  }
}

function parseWhat(what: JsonObject): ProposalClaims['what'] {
  const types = ['blueprint', 'admit', 'remove', 'suspend', 'rules', 'retire', 'governance-key'] as const
  const type = shape.oneOf(what.type, '/what/type', types)
  if (type === 'blueprint') {
    shape.object(what, '/what', ['type', 'blueprint', 'skeleton', 'replaces', 'mapping'])
    const skeleton = parseSkeleton(what.skeleton!)
    const replaces = what.replaces === null ? null : shape.digest(what.replaces, '/what/replaces')
    const mapping = what.mapping === null ? null : parseMapping(what.mapping, skeleton)
    if (replaces === null && mapping !== null)
      shape.fail('/what/mapping', 'null where no version is replaced', 'a mapping')
    return { type, blueprint: shape.digest(what.blueprint, '/what/blueprint'), skeleton, replaces, mapping }
  }
  if (type === 'admit') {
    shape.object(what, '/what', ['type', 'member', 'name', 'voting'])
    return {
      type,
      member: shape.digest(what.member, '/what/member'),
      name: shape.line(what.name, '/what/name', MAX_NAME),
      voting: shape.boolean(what.voting, '/what/voting'),
    }
  }
  throw new ConcordatError({ code: 'PROPOSAL_NOT_BUILT', expected: 'blueprint or admit', got: type, type })
}

/** Each step of the replaced version at most once, with the step of the new one at which its cases go on. */
function parseMapping(value: JsonValue | undefined, skeleton: Skeleton): StepMapping {
  const mapping = shape.anyObject(value, '/what/mapping')
  for (const [from, to] of Object.entries(mapping)) {
    if (!isStepId(from)) shape.fail('/what/mapping', 'steps of the version that is replaced', 'something else')
    if (findStep(skeleton, String(to)) === undefined) {
      shape.fail(`/what/mapping/${from}`, 'a step of this skeleton', 'something else')
    }
  }
  return mapping as StepMapping
}

function parseApproval(claims: JsonObject): Own<'approval'> {
  return {
    proposal: shape.digest(claims.proposal, '/proposal'),
    target: shape.digest(claims.target, '/target'),
    roles: shape.sorted(claims.roles, '/roles', MAX_ROLES, isName, 'a role'),
  }
}

function parseRevoke(claims: JsonObject): Own<'revoke'> {
  return {
    key: shape.digest(claims.key, '/key'),
    since: claims.since === null ? null : shape.integer(claims.since, '/since', 0, Number.MAX_SAFE_INTEGER),
  }
}
