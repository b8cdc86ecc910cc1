import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'
import { isName, isStepId, Shape } from './shape.ts'

export type DisputeOutcome = 'withdrawn' | 'settled' | 'upheld' | 'rejected'

/** What a deadline has passed for. */
export type Lapsed =
  | { type: 'opening'; step: string; prev: string[]; next: string[] }
  | { type: 'confirm'; record: string }
  | { type: 'dispute'; dispute: string }

export const RECALL_REASONS = ['wrong-recipient', 'wrong-data', 'not-authorised', 'other'] as const
export type RecallReason = (typeof RECALL_REASONS)[number]

type InCase = { bp: string; case: string }

/** The claims of each kind about cases, besides those of every entry. One page each in docs/formats. */
export type OwnCaseClaims = {
  'action+sd-jwt': InCase & {
    step: string
    as: string
    prev: string[]
    next: string[]
    bind: { [role: string]: { member: string } }
    replaces: string | null
    groups: string[]
    _sd_alg: 'sha-256'
    _sd: string[]
  }
  confirm: InCase & { record: string; as: string; accept: boolean }
  dispute: InCase & {
    record: string
    as: string
    reason: 'contradicts' | 'undelivered' | 'other'
    explanation: string
  }
  resolve: InCase & { dispute: string; as: string; outcome: DisputeOutcome; correction: string | null }
  lapse: InCase & { as: string; what: Lapsed }
  extend: InCase & { as: string; step: string; prev: string[]; until: number }
  /** `records`: groups by record. */
  recall: InCase & { as: string; records: { [record: string]: number[] }; reason: RecallReason }
  /** `opened` is null exactly where `recall` is. */
  erased: InCase & { recall: string | null; opened: boolean | null }
  suspend: { bp: string; roles: string[]; suspended: boolean }
}

const IN_CASE = ['bp', 'case']

export const CASE_CLAIMS: { [K in keyof OwnCaseClaims]: readonly string[] } = {
  'action+sd-jwt': [...IN_CASE, 'step', 'as', 'prev', 'next', 'bind', 'replaces', 'groups', '_sd_alg', '_sd'],
  confirm: [...IN_CASE, 'record', 'as', 'accept'],
  dispute: [...IN_CASE, 'record', 'as', 'reason', 'explanation'],
  resolve: [...IN_CASE, 'dispute', 'as', 'outcome', 'correction'],
  lapse: [...IN_CASE, 'as', 'what'],
  extend: [...IN_CASE, 'as', 'step', 'prev', 'until'],
  recall: [...IN_CASE, 'as', 'records', 'reason'],
  erased: [...IN_CASE, 'recall', 'opened'],
  suspend: ['bp', 'roles', 'suspended'],
}

export const PARSE_CASE_CLAIMS: { [K in keyof OwnCaseClaims]: (claims: JsonObject) => OwnCaseClaims[K] } = {
  'action+sd-jwt': parseAction,
  confirm: parseConfirm,
  dispute: parseDispute,
  resolve: parseResolve,
  lapse: parseLapse,
  extend: parseExtend,
  recall: parseRecall,
  erased: parseErased,
  suspend: parseSuspend,
}

const shape = new Shape('CLAIM_INVALID')

const MAX_ROLES = 64
const MAX_PREV = 64
const MAX_NEXT = 64
const MAX_GROUPS = 64
const MAX_DIGESTS = 1024
const MAX_RECALLED_RECORDS = 64

function parseAction(claims: JsonObject): OwnCaseClaims['action+sd-jwt'] {
  const _sd = shape.sorted(claims._sd, '/_sd', MAX_DIGESTS, isDigest, 'a digest')
  if (_sd.length === 0 || _sd.length % 8 !== 0) shape.fail('/_sd', 'a multiple of 8 digests', String(_sd.length))
  return {
    ...parseCase(claims),
    step: shape.stepId(claims.step, '/step'),
    as: shape.name(claims.as, '/as'),
    prev: parsePrev(claims.prev, '/prev'),
    next: parseNext(claims.next, '/next'),
    bind: parseBind(claims.bind),
    replaces: claims.replaces === null ? null : shape.digest(claims.replaces, '/replaces'),
    groups: shape.array(claims.groups, '/groups', 1, MAX_GROUPS).map((group, i) => shape.digest(group, `/groups/${i}`)),
    _sd_alg: shape.oneOf(claims._sd_alg, '/_sd_alg', ['sha-256']),
    _sd,
  }
}

function parseBind(value: JsonValue | undefined): OwnCaseClaims['action+sd-jwt']['bind'] {
  const bind = shape.anyObject(value, '/bind')
  const roles = Object.keys(bind)
  if (roles.length > MAX_ROLES) shape.fail('/bind', `at most ${MAX_ROLES} roles`, String(roles.length))
  for (const role of roles) {
    shape.name(role, '/bind')
    const binding = shape.anyObject(bind[role], `/bind/${role}`)
    if (Object.hasOwn(binding, 'pk')) throw personKeyNotBuilt()
    shape.digest(shape.object(binding, `/bind/${role}`, ['member']).member, `/bind/${role}/member`)
  }
  return bind as OwnCaseClaims['action+sd-jwt']['bind']
}

function parseConfirm(claims: JsonObject): OwnCaseClaims['confirm'] {
  return {
    ...parseCase(claims),
    record: shape.digest(claims.record, '/record'),
    as: shape.name(claims.as, '/as'),
    accept: shape.boolean(claims.accept, '/accept'),
  }
}

function parseDispute(claims: JsonObject): OwnCaseClaims['dispute'] {
  return {
    ...parseCase(claims),
    record: shape.digest(claims.record, '/record'),
    as: shape.name(claims.as, '/as'),
    reason: shape.oneOf(claims.reason, '/reason', ['contradicts', 'undelivered', 'other']),
    explanation: shape.digest(claims.explanation, '/explanation'),
  }
}

function parseResolve(claims: JsonObject): OwnCaseClaims['resolve'] {
  const outcome = shape.oneOf(claims.outcome, '/outcome', ['withdrawn', 'settled', 'upheld', 'rejected'])
  if ((outcome === 'settled') !== (claims.correction !== null)) {
    const settled = outcome === 'settled'
    shape.fail('/correction', 'a record exactly if settled', settled ? 'null' : 'something else')
  }
  return {
    ...parseCase(claims),
    dispute: shape.digest(claims.dispute, '/dispute'),
    as: shape.name(claims.as, '/as'),
    outcome,
    correction: claims.correction === null ? null : shape.digest(claims.correction, '/correction'),
  }
}

function parseLapse(claims: JsonObject): OwnCaseClaims['lapse'] {
  return { ...parseCase(claims), as: shape.name(claims.as, '/as'), what: parseLapsed(claims.what) }
}

function parseLapsed(value: JsonValue | undefined): Lapsed {
  const type = shape.oneOf(shape.anyObject(value, '/what').type, '/what/type', ['opening', 'confirm', 'dispute'])
  if (type === 'confirm') {
    const { record } = shape.object(value, '/what', ['type', 'record'])
    return { type, record: shape.digest(record, '/what/record') }
  }
  if (type === 'dispute') {
    const { dispute } = shape.object(value, '/what', ['type', 'dispute'])
    return { type, dispute: shape.digest(dispute, '/what/dispute') }
  }
  const { step, prev, next } = shape.object(value, '/what', ['type', 'step', 'prev', 'next'])
  return {
    type,
    step: shape.stepId(step, '/what/step'),
    prev: parsePrev(prev, '/what/prev'),
    next: parseNext(next, '/what/next'),
  }
}

function parseExtend(claims: JsonObject): OwnCaseClaims['extend'] {
  return {
    ...parseCase(claims),
    as: shape.name(claims.as, '/as'),
    step: shape.stepId(claims.step, '/step'),
    prev: parsePrev(claims.prev, '/prev'),
    until: shape.time(claims.until, '/until'),
  }
}

function parseRecall(claims: JsonObject): OwnCaseClaims['recall'] {
  const records = shape.anyObject(claims.records, '/records')
  const ids = Object.keys(records)
  if (ids.length < 1 || ids.length > MAX_RECALLED_RECORDS) {
    shape.fail('/records', `1 to ${MAX_RECALLED_RECORDS} records`, String(ids.length))
  }
  return {
    ...parseCase(claims),
    as: shape.name(claims.as, '/as'),
    records: Object.fromEntries(ids.map((id) => [shape.digest(id, '/records'), parseGroups(records[id])])),
    reason: shape.oneOf(claims.reason, '/reason', RECALL_REASONS),
  }
}

/** Sorted indexes; that of the signer's own group, which nobody is granted, is none of them (RULES 21). */
function parseGroups(value: JsonValue | undefined): number[] {
  let previous = 0
  return shape.array(value, '/records', 1, MAX_GROUPS).map((item) => {
    previous = shape.integer(item, '/records', previous + 1, MAX_GROUPS - 1)
    return previous
  })
}

function parseErased(claims: JsonObject): OwnCaseClaims['erased'] {
  const recall = claims.recall === null ? null : shape.digest(claims.recall, '/recall')
  if (recall === null && claims.opened !== null)
    shape.fail('/opened', 'null where no recall is named', 'something else')
  return { ...parseCase(claims), recall, opened: recall === null ? null : shape.boolean(claims.opened, '/opened') }
}

function parseSuspend(claims: JsonObject): OwnCaseClaims['suspend'] {
  const roles = shape.sorted(claims.roles, '/roles', MAX_ROLES, isName, 'a role')
  if (roles.length === 0) shape.fail('/roles', 'at least one role', 'none')
  return {
    bp: shape.digest(claims.bp, '/bp'),
    roles,
    suspended: shape.boolean(claims.suspended, '/suspended'),
  }
}

function parseCase(claims: JsonObject): InCase {
  return { bp: shape.digest(claims.bp, '/bp'), case: shape.randomId(claims.case, '/case') }
}

function parsePrev(value: JsonValue | undefined, at: string): string[] {
  return shape.sorted(value, at, MAX_PREV, isDigest, 'an entry id')
}

function parseNext(value: JsonValue | undefined, at: string): string[] {
  return shape.sorted(value, at, MAX_NEXT, isStepId, 'a step id')
}

/** RULES 14: `pk` and `psig` have their format; no node signs or checks them yet. */
export function personKeyNotBuilt(): ConcordatError {
  return new ConcordatError({ code: 'PERSON_KEY_NOT_BUILT', expected: 'neither pk nor psig', got: 'one of them' })
}
