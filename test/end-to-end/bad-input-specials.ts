import type { RouteName } from '../../src/api/routes.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { sampleData } from '../sample-blueprint.ts'
import { type BadInputNetwork, send } from './bad-input-network.ts'
import { CANARY, plainOf, type Row, sendValid, type Valid, withBody } from './bad-input-rows.ts'

export const ELSEWHERE = digest('something else')

export function find(valid: readonly Valid[], route: RouteName): Valid {
  return valid.find((one) => one.route === route)!
}

/** What a member's own client may ask for and its node cannot do. */
export function requestRows(at: BadInputNetwork, valid: readonly Valid[]): Row[] {
  const { network, assessed, applied, proposed } = at
  const to = at.member('council')
  const bearer = { authorization: `Bearer ${to.token}` }
  const ask = (
    what: string,
    route: RouteName,
    change: JsonObject,
    code: ErrorCode,
    to = find(valid, route).to,
  ): Row => {
    const base = find(valid, route)
    return {
      what: `${route}: ${what}`,
      send: () => sendValid(at, { ...withBody(base, { ...(base.body as JsonObject), ...change }), to }, {}, {}),
      code,
    }
  }
  const plain = (what: string, method: string, path: string, code: ErrorCode, where?: string): Row => ({
    what,
    send: () => send(to, { method, path, headers: bearer }),
    code,
    ...(where === undefined ? {} : { at: where }),
  })
  const params = (what: string, route: RouteName, changed: Record<string, string>, code: ErrorCode): Row => {
    const base = find(valid, route)
    return {
      what: `${route}: ${what}`,
      send: () => sendValid(at, { ...base, params: { ...base.params, ...changed } }, {}, {}),
      code,
    }
  }
  const cases = `/registers/${network.register}/cases`
  return [
    plain('an unknown path', 'GET', `/${CANARY}?q=${CANARY}`, 'NOT_FOUND'),
    plain('an unknown method', 'DELETE', cases, 'NOT_FOUND'),
    plain('a malformed escape', 'GET', '/registers/%zz', 'INPUT_INVALID', '/path'),
    plain('a path parameter too long', 'GET', `/registers/${'a'.repeat(200)}`, 'INPUT_INVALID', '/path'),
    plain('a limit of nothing', 'GET', `${cases}?limit=0`, 'INPUT_INVALID', '/query/limit'),
    plain('a limit too large', 'GET', `${cases}?limit=1001`, 'INPUT_INVALID', '/query/limit'),
    plain('a limit too long', 'GET', `${cases}?limit=${CANARY}`, 'INPUT_TOO_LONG', '/query/limit'),
    plain('a limit twice', 'GET', `${cases}?limit=1&limit=2`, 'INPUT_TYPE_WRONG', '/query/limit'),
    plain('a prototype key in the query', 'GET', `${cases}?__proto__=1`, 'INPUT_FIELD_UNKNOWN', '/query'),

    ask('an unknown blueprint', 'startCase', { blueprint: ELSEWHERE }, 'BLUEPRINT_UNKNOWN'),
    ask('a blueprint that waits for approvals', 'startCase', { blueprint: proposed.blueprint }, 'BLUEPRINT_NOT_LIVE'),
    ask('a role that does not start', 'startCase', { role: 'council' }, 'ROLE_NOT_OF_STEP'),
    ask('an unknown role', 'startCase', { role: CANARY }, 'ROLE_NOT_OF_STEP'),
    ask('a role that the member may not serve', 'startCase', {}, 'ROLE_NOT_ELIGIBLE', 'registry'),
    params('an unknown blueprint', 'getBlueprint', { blueprint: ELSEWHERE }, 'BLUEPRINT_UNKNOWN'),
    params('a document that is not here', 'readDocument', { hash: ELSEWHERE }, 'NOT_FOUND'),
    params('a tile that is not here', 'readTile', { tile: '001' }, 'NOT_FOUND'),
    params('a bundle that is not here', 'readBundle', { tile: 'x001/001' }, 'NOT_FOUND'),
    params('a tile of another spelling', 'readTile', { tile: 'x000/000' }, 'TILE_PATH_INVALID'),

    ask('an unknown step', 'submitAction', { step: CANARY }, 'STEP_UNKNOWN'),
    ask('a step that is not open', 'submitAction', { step: 'inspect', data: sampleData().inspect }, 'STEP_NOT_OPEN'),
    {
      what: "submitAction: another role's step",
      send: () =>
        sendValid(
          at,
          {
            ...find(valid, 'submitAction'),
            params: { register: network.register, case: assessed.case },
            body: { step: 'inspect', data: sampleData().inspect },
          },
          {},
          {},
        ),
      code: 'SIGNER_NOT_BOUND_TO_ROLE',
    },

    ask('an unknown proposal', 'approve', { proposal: ELSEWHERE }, 'PROPOSAL_UNKNOWN'),
    ask('another target than the proposal has', 'approve', { target: network.blueprint }, 'PROPOSAL_TARGET_DIFFERS'),
    ask('a role that is not open', 'approve', { roles: ['council'] }, 'ROLE_NOT_OPEN'),
    ask('an unknown role', 'approve', { roles: ['somebody'] }, 'ROLE_NOT_OPEN'),

    ask('an unknown record', 'raiseDispute', { record: ELSEWHERE }, 'RECORD_UNKNOWN'),
    ask('a record of another case', 'raiseDispute', { record: applied.application }, 'RECORD_UNKNOWN'),
    ask('an unknown role', 'raiseDispute', { role: 'somebody' }, 'ROLE_UNBOUND'),
    ask("another member's role", 'raiseDispute', { role: 'inspector' }, 'SIGNER_NOT_BOUND_TO_ROLE'),
    ask('a record that may not be disputed', 'raiseDispute', { record: assessed.application }, 'DISPUTE_NOT_ALLOWED'),
    ask('an own record', 'raiseDispute', { role: 'council' }, 'DISPUTE_BY_SIGNER', 'council'),

    params('an unknown record', 'exportEvidence', { record: ELSEWHERE }, 'RECORD_UNKNOWN'),
    {
      what: "exportEvidence: a record of another member's case",
      send: () =>
        sendValid(
          at,
          {
            ...find(valid, 'exportEvidence'),
            to: 'inspector',
            params: { register: network.register, record: applied.application },
          },
          {},
          {},
        ),
      code: 'CASE_UNKNOWN',
    },
    ask('a field that the record has not', 'exportEvidence', { fields: [`/${CANARY}`] }, 'FIELD_NOT_HELD'),
    ask(
      'a field that the member does not see',
      'exportEvidence',
      { fields: ['/health'] },
      'FIELD_NOT_HELD',
      'inspector',
    ),
    ask('an unknown subject', 'eraseCase', { subject: CANARY }, 'SUBJECT_UNKNOWN'),
    ask('an unknown retention class', 'eraseCase', { retention: [CANARY] }, 'RETENTION_UNKNOWN'),

    {
      what: 'startCase: an idempotency key that was used for another request',
      async send() {
        const base = plainOf(find(valid, 'startCase'), `Bearer ${to.token}`)
        const headers = { ...base.headers, 'idempotency-key': 'first' }
        return send(to, { ...base, headers })
      },
      code: 'IDEMPOTENCY_KEY_REUSED',
    },
    {
      what: 'propose: an idempotency key that was used for another request',
      async send() {
        const base = plainOf(
          withBody(find(valid, 'propose'), {
            document: { ...(find(valid, 'propose').body as { document: JsonObject }).document, version: '7.7.7' },
          }),
          `Bearer ${to.token}`,
        )
        return send(to, { ...base, headers: { ...base.headers, 'idempotency-key': 'first' } })
      },
      code: 'IDEMPOTENCY_KEY_REUSED',
    },
  ]
}

/** Data of an action that its step does not take. */
export function dataRows(at: BadInputNetwork, valid: readonly Valid[]): Row[] {
  const start = find(valid, 'startCase')
  const act = find(valid, 'submitAction')
  const apply = sampleData().apply
  const starting = (what: string, change: JsonObject, code: ErrorCode, where?: string): Row => {
    const data = Object.fromEntries(Object.entries({ ...apply, ...change }).filter(([, value]) => value !== null))
    return {
      what: `startCase: ${what}`,
      send: () => sendValid(at, withBody(start, { ...(start.body as JsonObject), data }), {}, {}),
      code,
      ...(where === undefined ? {} : { at: where }),
    }
  }
  const assessing = (what: string, change: JsonObject, code: ErrorCode): Row => {
    const { step, data } = act.body as { step: string; data: JsonObject }
    return {
      what: `submitAction: ${what}`,
      send: () => sendValid(at, withBody(act, { step, data: { ...data, ...change } }), {}, {}),
      code,
    }
  }
  const name = apply.name as JsonObject
  return [
    starting('a field that is missing', { health: null }, 'FIELD_INVALID', '/health'),
    starting('an inner field that is missing', { name: { given: CANARY } }, 'FIELD_INVALID', '/name/family'),
    starting('an unknown field', { [CANARY]: CANARY }, 'FIELD_INVALID'),
    starting('an unknown inner field', { name: { ...name, [CANARY]: CANARY } }, 'FIELD_INVALID'),
    starting('a field of another type', { people: CANARY }, 'FIELD_INVALID', '/people'),
    starting('a text where an object is due', { name: CANARY }, 'FIELD_INVALID'),
    starting('a text too long', { health: CANARY.padEnd(501, 'A') }, 'FIELD_INVALID', '/health'),
    starting('a number too large', { people: 21 }, 'FIELD_INVALID', '/people'),
    starting('a number that is not whole', { people: 1.5 }, 'FIELD_INVALID', '/people'),
    starting('no date', { born: '2023-02-29' }, 'FIELD_INVALID', '/born'),
    starting('no decimal', { income: CANARY }, 'FIELD_INVALID', '/income'),
    starting('a decimal with too many places', { income: '1.005' }, 'FIELD_INVALID', '/income'),
    starting('what a condition forbids', { people: 1 }, 'FIELD_INVALID'),
    starting('a list too long', { visits: Array<number>(1001).fill(1) }, 'DATA_TOO_LARGE'),
    starting('a wrong item of a list', { visits: [1, CANARY] }, 'FIELD_INVALID'),
    starting('another result than the calculation gives', { age: 99 }, 'CALCULATION_DIFFERS', '/age'),
    starting('a rule that runs too long on it', { visits: Array<number>(1000).fill(1) }, 'RULE_TOO_LONG'),
    starting('a field named like no field can be', { [`$${CANARY}`]: 1 }, 'FIELD_INVALID'),
    starting('data over 256 kB', { visits: Array<string>(30).fill(CANARY.padEnd(30_000, 'a')) }, 'DATA_TOO_LARGE'),
    assessing('none of the choices', { verdict: CANARY }, 'FIELD_INVALID'),
    assessing('a member that no one knows', { inspector: ELSEWHERE }, 'ROLE_NOT_ELIGIBLE'),
    assessing(
      'a member that has not taken the role',
      { inspector: at.network.memberIds.registry! },
      'ROLE_NOT_ELIGIBLE',
    ),
    assessing(
      'a member in two roles that are to be apart',
      { inspector: at.network.memberIds.council! },
      'BIND_MEMBERS_NOT_DISTINCT',
    ),
  ]
}

/** Documents that no node may be made to run. */
export function blueprintRows(at: BadInputNetwork, valid: readonly Valid[]): Row[] {
  const propose = find(valid, 'propose')
  const { document } = propose.body as { document: JsonObject }
  const row = (what: string, change: (copy: Draft) => void, code: ErrorCode, finding?: string): Row => ({
    what: `propose: ${what}`,
    send() {
      const copy = structuredClone(document) as unknown as Draft
      change(copy)
      return sendValid(at, withBody(propose, { document: copy as unknown as JsonValue }), {}, {})
    },
    code,
    ...(finding === undefined ? {} : { finding }),
  })
  const field = (what: string, schema: JsonObject, finding: string) =>
    row(
      what,
      (copy) => {
        copy.steps[0]!.schema.properties.health = schema
      },
      'BLUEPRINT_NOT_SOUND',
      finding,
    )
  const rule = (what: string, value: JsonValue, finding: string) =>
    row(
      what,
      (copy) => {
        copy.steps[0]!.calculations[0]!.rule = value
      },
      'BLUEPRINT_NOT_SOUND',
      finding,
    )
  const deep = (levels: number): JsonValue => (levels === 0 ? true : { '!': deep(levels - 1) })
  const deepSchema = (levels: number): JsonObject =>
    levels === 0 ? { type: 'string' } : { type: 'array', items: deepSchema(levels - 1) }
  return [
    row(
      'a document of another format',
      (copy) => {
        copy.format = CANARY
      },
      'BLUEPRINT_INVALID',
    ),
    row(
      'a document with an unknown field',
      (copy) => {
        copy.extra = CANARY
      },
      'BLUEPRINT_INVALID',
    ),
    row(
      'a document without its steps',
      (copy) => {
        delete (copy as Partial<Draft>).steps
      },
      'BLUEPRINT_INVALID',
    ),
    row(
      'a document that fixes a role to no member',
      (copy) => {
        copy.roles[1]!.member = CANARY
      },
      'BLUEPRINT_INVALID',
    ),
    row(
      'a template',
      (copy) => {
        delete copy.roles[1]!.member
        copy.roles[1]!.fixed = true
      },
      'BLUEPRINT_IS_TEMPLATE',
    ),
    row(
      'a document that fixes a role to a stranger',
      (copy) => {
        copy.roles[1]!.member = ELSEWHERE
      },
      'BLUEPRINT_MEMBER_UNKNOWN',
    ),
    row(
      'a document that was proposed before',
      (copy) => {
        copy.version = '1.0.1'
      },
      'BLUEPRINT_ALREADY_PROPOSED',
    ),
    row(
      'a step that leads nowhere',
      (copy) => {
        copy.steps[0]!.routes = [{ to: ['nowhere'] }]
      },
      'BLUEPRINT_NOT_SOUND',
    ),

    field('a pattern with look-ahead', { type: 'string', pattern: `^(?=${CANARY})` }, 'SCHEMA_PATTERN_INVALID'),
    field('a pattern with look-behind', { type: 'string', pattern: `(?<!${CANARY})a` }, 'SCHEMA_PATTERN_INVALID'),
    field('a pattern with a back-reference', { type: 'string', pattern: `(${CANARY})\\1` }, 'SCHEMA_PATTERN_INVALID'),
    field('a pattern that is none', { type: 'string', pattern: `(${CANARY}` }, 'SCHEMA_PATTERN_INVALID'),
    field(
      'a pattern of too many instructions',
      { type: 'string', pattern: '((a{1,30}){1,30}){1,30}' },
      'SCHEMA_PATTERN_INVALID',
    ),
    field('a pattern too long', { type: 'string', pattern: 'a'.repeat(501) }, 'SCHEMA_PATTERN_INVALID'),
    field(
      'uniqueItems without maxItems',
      { type: 'array', items: { type: 'string' }, uniqueItems: true },
      'SCHEMA_INVALID',
    ),
    field(
      'uniqueItems over many items',
      { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 201 },
      'SCHEMA_TOO_LARGE',
    ),
    field('lists too long', { type: 'array', items: { type: 'string' }, maxItems: 1001 }, 'SCHEMA_TOO_LARGE'),
    field('texts too long', { type: 'string', maxLength: 10_001 }, 'SCHEMA_TOO_LARGE'),
    field(
      'a choice of too many',
      { type: 'string', enum: Array.from({ length: 1_001 }, (_, i) => `v${i}`) },
      'SCHEMA_TOO_LARGE',
    ),
    field('a schema nested too deep', deepSchema(20), 'SCHEMA_TOO_LARGE'),
    field('a reference to elsewhere', { $ref: `https://example.org/${CANARY}` }, 'SCHEMA_KEYWORD_REFUSED'),
    field('an unknown keyword', { type: 'string', contentEncoding: CANARY }, 'SCHEMA_KEYWORD_REFUSED'),
    field('an unknown format', { type: 'string', format: CANARY }, 'SCHEMA_KEYWORD_REFUSED'),
    field('an unknown type', { type: CANARY }, 'SCHEMA_INVALID'),
    field(
      'undeclared properties',
      { type: 'object', properties: {}, additionalProperties: true },
      'SCHEMA_KEYWORD_REFUSED',
    ),

    rule('an unknown operator', { method: [CANARY] }, 'RULE_OPERATOR_UNKNOWN'),
    rule('an operator of the prototype', { toString: [CANARY] }, 'RULE_OPERATOR_UNKNOWN'),
    rule('a rule nested too deep', deep(33), 'RULE_TOO_DEEP'),
    rule('a path that is computed', { var: { cat: ['apply.', CANARY] } }, 'RULE_INVALID'),
    rule('a path to nothing', { var: 'apply.nothing' }, 'FIELD_UNKNOWN'),
  ]
}

interface Draft {
  format: string
  version: string
  extra?: string
  roles: { member?: string; fixed?: boolean }[]
  steps: { routes: JsonValue; schema: { properties: Record<string, JsonValue> }; calculations: { rule: JsonValue }[] }[]
}
