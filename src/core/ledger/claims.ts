import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import {
  type EcPublicJwk,
  type HpkePublicJwk,
  parseAkpPublicJwk,
  parseEcPublicJwk,
  parseHpkePublicJwk,
  parseOkpPublicJwk,
} from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import type { CheckpointKeys } from './configuration.ts'
import { isName, isStepId, MAX_TIME, Shape } from './shape.ts'
import { parseSkeleton, type Skeleton } from './skeleton.ts'
import { parseThreshold, type Threshold } from './threshold.ts'

type SignedClaims = { iss: string; iat: number; jti: string }
type RegisterClaims = SignedClaims & { reg: string }

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

export type BlueprintProposal = { type: 'blueprint'; blueprint: string; skeleton: Skeleton; replaces: string | null }
export type AdmitProposal = { type: 'admit'; member: string; name: string; voting: boolean }

/** docs/formats/approval.md */
export type ApprovalClaims = RegisterClaims & { proposal: string; target: string; roles: string[] }

/** docs/formats/action.md */
export type ActionClaims = RegisterClaims & {
  bp: string
  case: string
  step: string
  as: string
  prev: string[]
  next: string[]
  bind: { [role: string]: { member: string } }
  replaces: null
  groups: string[]
  _sd_alg: 'sha-256'
  _sd: string[]
}

/** docs/formats/dispute.md */
export type DisputeClaims = RegisterClaims & {
  bp: string
  case: string
  record: string
  as: string
  reason: 'contradicts' | 'undelivered' | 'other'
  explanation: string
}

export type ClaimsByKind = {
  genesis: GenesisClaims
  member: MemberClaims
  proposal: ProposalClaims
  approval: ApprovalClaims
  'action+sd-jwt': ActionClaims
  dispute: DisputeClaims
}

const shape = new Shape('CLAIM_INVALID')

const MAX_FOUNDERS = 256
const MAX_TEXT = 2_000
const MAX_NAME = 200
const MAX_ADDRESS = 500
const MAX_KEYS = 16
const MAX_EPOCHS = 24
const MAX_ROLES = 64
const MAX_PREV = 64
const MAX_NEXT = 64
const MAX_GROUPS = 64
const MAX_DIGESTS = 1024
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
  'action+sd-jwt': [
    ...[...SIGNED, 'reg', 'bp', 'case', 'step', 'as', 'prev', 'next', 'bind', 'replaces', 'groups', '_sd_alg', '_sd'],
  ],
  dispute: [...SIGNED, 'reg', 'bp', 'case', 'record', 'as', 'reason', 'explanation'],
}

type Own<K extends keyof ClaimsByKind> = Omit<ClaimsByKind[K], keyof RegisterClaims>

const PARSE: { [K in keyof ClaimsByKind]: (claims: JsonObject) => Own<K> } = {
  genesis: parseGenesis,
  member: parseMember,
  proposal: parseProposal,
  approval: parseApproval,
  'action+sd-jwt': parseAction,
  dispute: parseDispute,
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
    shape.object(what, '/what', ['type', 'blueprint', 'skeleton', 'replaces'])
    return {
      type,
      blueprint: shape.digest(what.blueprint, '/what/blueprint'),
      skeleton: parseSkeleton(what.skeleton!),
      replaces: what.replaces === null ? null : shape.digest(what.replaces, '/what/replaces'),
    }
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

function parseApproval(claims: JsonObject): Own<'approval'> {
  return {
    proposal: shape.digest(claims.proposal, '/proposal'),
    target: shape.digest(claims.target, '/target'),
    roles: shape.sorted(claims.roles, '/roles', MAX_ROLES, isName, 'a role'),
  }
}

function parseAction(claims: JsonObject): Own<'action+sd-jwt'> {
  if (claims.replaces !== null) {
    shape.digest(claims.replaces, '/replaces')
    throw new ConcordatError({ code: 'REVIEW_NOT_BUILT', expected: 'replaces null', got: 'a record to be replaced' })
  }
  const _sd = shape.sorted(claims._sd, '/_sd', MAX_DIGESTS, isDigest, 'a digest')
  if (_sd.length === 0 || _sd.length % 8 !== 0) shape.fail('/_sd', 'a multiple of 8 digests', String(_sd.length))
  return {
    bp: shape.digest(claims.bp, '/bp'),
    case: shape.randomId(claims.case, '/case'),
    step: shape.stepId(claims.step, '/step'),
    as: shape.name(claims.as, '/as'),
    prev: shape.sorted(claims.prev, '/prev', MAX_PREV, isDigest, 'an entry id'),
    next: shape.sorted(claims.next, '/next', MAX_NEXT, isStepId, 'a step id'),
    bind: parseBind(claims.bind),
    replaces: null,
    groups: shape.array(claims.groups, '/groups', 1, MAX_GROUPS).map((group, i) => shape.digest(group, `/groups/${i}`)),
    _sd_alg: shape.oneOf(claims._sd_alg, '/_sd_alg', ['sha-256']),
    _sd,
  }
}

function parseBind(value: JsonValue | undefined): ActionClaims['bind'] {
  const bind = shape.anyObject(value, '/bind')
  const roles = Object.keys(bind)
  if (roles.length > MAX_ROLES) shape.fail('/bind', `at most ${MAX_ROLES} roles`, String(roles.length))
  for (const role of roles) {
    shape.name(role, '/bind')
    const binding = shape.anyObject(bind[role], `/bind/${role}`)
    if (Object.hasOwn(binding, 'pk')) throw personKeyNotBuilt()
    shape.digest(shape.object(binding, `/bind/${role}`, ['member']).member, `/bind/${role}/member`)
  }
  return bind as ActionClaims['bind']
}

function parseDispute(claims: JsonObject): Own<'dispute'> {
  return {
    bp: shape.digest(claims.bp, '/bp'),
    case: shape.randomId(claims.case, '/case'),
    record: shape.digest(claims.record, '/record'),
    as: shape.name(claims.as, '/as'),
    reason: shape.oneOf(claims.reason, '/reason', ['contradicts', 'undelivered', 'other']),
    explanation: shape.digest(claims.explanation, '/explanation'),
  }
}

/** RULES 14: `pk` and `psig` have their format; no node signs or checks them yet. */
function personKeyNotBuilt(): ConcordatError {
  return new ConcordatError({ code: 'PERSON_KEY_NOT_BUILT', expected: 'neither pk nor psig', got: 'one of them' })
}
