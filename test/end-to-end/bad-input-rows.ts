import { randomBytes } from 'node:crypto'
import type { Route } from '../../src/api/route.ts'
import { type RouteName, routes } from '../../src/api/routes.ts'
import { canonicalize, type JsonObject, type JsonValue } from '../../src/core/canonical-json.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import { HPKE_SUITE } from '../../src/core/crypto/hpke.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { formatCheckpoint } from '../../src/core/ledger/checkpoint.ts'
import { signStatement } from '../../src/core/ledger/handover/statement.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { formatNote } from '../../src/core/ledger/note.ts'
import { sampleData } from '../sample-blueprint.ts'
import { badBodies } from './bad-bodies.ts'
import {
  type BadInputNetwork,
  type Plain,
  pathFor,
  type Sent,
  type SignedChange,
  scopesBut,
  send,
  signed,
} from './bad-input-network.ts'

/** In every bad request where there is room for it; in no answer and no log line. */
export const CANARY = 'Zq7Xw9Kp2Vt4Lm8R'

export interface Row {
  what: string
  send: () => Promise<Sent>
  code: ErrorCode
  at?: string
  /** Where an answer holds the code, if it is no problem document: see exchange.ts, and C2SP tlog-witness. */
  inside?: 'outcomes' | 'results' | 'witness'
  /** Of the first finding, where a document has several. */
  finding?: string
}

/** A request that its route would take, to the node of `to`; those signed come from `from`. */
export interface Valid {
  route: RouteName
  to: string
  from: string
  params: Record<string, string>
  body: JsonObject | string | undefined
}

/** Path parameters for which a canary is too long, or a path of its own. */
const SHORT: Record<string, string> = { tile: 'x1', level: '~', size: '~' }

let serial = 0

/** Of a term that the register has not opened: it says nothing about anyone. */
function forkOfNoTerm(register: string): JsonObject {
  const text = formatCheckpoint({ origin: `${register}/7`, size: 1, root: new Uint8Array(32) })
  const note = formatNote({ text, signatures: [{ name: 'log', keyId: '00000000', signature: new Uint8Array(64) }] })
  return { smaller: note, larger: note, root: digest('a root'), path: [digest('a hash')] }
}

/** What the inspector says to a council that is to order a term. */
export async function statementFor({ network, member }: BadInputNetwork): Promise<string> {
  const [inspector, council] = [member('inspector'), member('council')]
  const statement = {
    register: network.register,
    term: 1,
    sequencer: council.member,
    key: council.custody.publicKeys().checkpoint.ed25519,
    checkpoint: null,
    certificate: null,
  }
  return signStatement(
    statement,
    { member: inspector.member, key: inspector.custody.publicKeys().checkpoint.ed25519 },
    { sign: (data) => inspector.custody.signCheckpoint('Ed25519', data), checks: nodeChecks },
  )
}

/** One that each writing route takes, and the reading ones that a caller can get wrong. */
export function validRequests(
  { network, now, assessed, applied, inspected, disputed, proposed, member }: BadInputNetwork,
  note: string,
  statement: string,
): Valid[] {
  const { register } = network
  const council = { to: 'council', from: 'inspector' }
  const node = { member: member('council').member, register }
  const document = JSON.parse(JSON.stringify({ ...network.document, version: '1.0.2' })) as JsonObject
  const data = sampleData().apply
  const assess = { step: 'assess', data: { verdict: 'inspect', inspector: network.memberIds.inspector! } }
  const dispute = {
    record: assessed.assessment,
    role: 'registry',
    reason: 'other',
    explanation: 'The fee is not right',
  }
  const [withdrawn, undecided] = disputed as [BadInputNetwork['disputed'][0], BadInputNetwork['disputed'][0]]
  const granted = { record: assessed.application, role: 'council', authorisedBy: assessed.application }
  const grant = { suite: HPKE_SUITE, kid: digest('a key'), ...granted, enc: 'AAAA', ciphertext: 'AAAA' }
  const item = { ...granted, grant, groups: [{ index: 1, sealed: 'AAAA' }] }
  const approval = { proposal: proposed.proposal, target: proposed.blueprint, roles: [] }
  return [
    { ...council, route: 'propose', params: { register }, body: { document } },
    { ...council, route: 'approve', params: { register }, body: approval },
    {
      ...council,
      route: 'startCase',
      params: { register },
      body: { blueprint: network.blueprint, role: 'applicant', data },
    },
    { ...council, route: 'submitAction', params: { register, case: applied.case }, body: assess },
    { ...council, route: 'raiseDispute', to: 'registry', params: { register, case: assessed.case }, body: dispute },
    {
      to: 'registry',
      from: 'inspector',
      route: 'resolveDispute',
      params: { register, case: withdrawn.case },
      body: { dispute: withdrawn.dispute, role: 'registry', outcome: 'withdrawn' },
    },
    {
      ...council,
      route: 'confirmRecord',
      params: { register, case: inspected.case },
      body: { record: inspected.inspection, role: 'council', accept: true },
    },
    {
      ...council,
      route: 'extendDeadline',
      params: { register, case: assessed.case },
      body: { step: 'inspect', role: 'council', until: now + 300 * 60 * 60 },
    },
    {
      ...council,
      route: 'enterLapse',
      params: { register, case: undecided.case },
      body: { role: 'council', what: { type: 'dispute', dispute: undecided.dispute } },
    },
    {
      ...council,
      route: 'exportEvidence',
      params: { register, record: assessed.application },
      body: { fields: ['/name/given'] },
    },
    {
      ...council,
      route: 'recallRecord',
      params: { register, case: assessed.case },
      body: { record: assessed.assessment, fields: ['/fee'], reason: 'other' },
    },
    {
      ...council,
      route: 'eraseCase',
      params: { register, case: assessed.case },
      body: { subject: 'partner', retention: ['file'] },
    },
    { ...council, route: 'listRegisters', params: {}, body: undefined },
    { ...council, route: 'getRegister', params: { register }, body: undefined },
    { ...council, route: 'getHistory', params: { register }, body: undefined },
    { ...council, route: 'getForks', params: { register }, body: undefined },
    { ...council, route: 'getBlueprint', params: { register, blueprint: network.blueprint }, body: undefined },
    { ...council, route: 'listCases', params: { register }, body: undefined },
    { ...council, route: 'getCase', params: { register, case: applied.case }, body: undefined },
    { ...council, route: 'listInbox', params: { register }, body: undefined },
    { ...council, route: 'submitEntries', params: node, body: { entries: ['e30.e30.AAAA'] } },
    { ...council, route: 'deliver', params: node, body: { checkpoint: note, items: [item] } },
    {
      ...council,
      route: 'pullDeliveries',
      params: node,
      body: { wanted: [granted], taken: [{ ...granted, state: 'acknowledged' }] },
    },
    { ...council, route: 'sendCertificate', params: node, body: note },
    { ...council, route: 'readBoundaryCertificate', params: { ...node, size: '4' }, body: undefined },
    { ...council, route: 'sendStatement', params: node, body: { statement, forks: [forkOfNoTerm(register)] } },
    { ...council, route: 'readDocument', params: { ...node, hash: network.blueprint }, body: undefined },
    { ...council, route: 'readBundle', params: { ...node, tile: '000.p/5' }, body: undefined },
    { ...council, route: 'readCheckpoint', params: node, body: undefined },
    { ...council, route: 'readTile', params: { ...node, level: '0', tile: '000.p/5' }, body: undefined },
    { ...council, route: 'addCheckpoint', params: node, body: note },
    { ...council, route: 'listKeys', params: { register }, body: undefined },
    // After these the council signs with other keys.
    { ...council, route: 'rotateKeys', params: { register }, body: { use: 'record' } },
    {
      ...council,
      route: 'revokeKey',
      params: { register },
      body: { key: thumbprint(member('council').custody.publicKeys().record[0]!), since: 0 },
    },
    // After this one no case starts.
    {
      ...council,
      route: 'suspendRoles',
      params: { register, blueprint: network.blueprint },
      body: { roles: ['council'], suspended: true },
    },
    // After this one nothing is ordered, until another operator says the same.
    { ...council, route: 'handOver', params: { register }, body: { term: 1, sequencer: node.member } },
  ]
}

export function plainOf(valid: Valid, authorization: string | undefined): Plain {
  const route: Route = routes[valid.route]
  return {
    method: route.method,
    path: pathFor(route, valid.params),
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(route.body === undefined ? {} : { 'content-type': route.body.type }),
      ...(route.idempotent ? { 'idempotency-key': `key-${++serial}` } : {}),
    },
    body: typeof valid.body === 'object' ? JSON.stringify(valid.body) : valid.body,
  }
}

export async function sendValid(
  at: BadInputNetwork,
  valid: Valid,
  change: Partial<Plain>,
  sign: SignedChange,
): Promise<Sent> {
  const { access } = routes[valid.route]
  const to = at.member(valid.to)
  const plain = {
    ...plainOf(valid, access === 'open' || access === 'signed' ? undefined : `Bearer ${to.token}`),
    ...change,
  }
  if (access !== 'signed') return send(to, plain)
  const path = plain.path.slice(to.nodeAddress.length - to.address.length)
  return send(to, await signed({ from: at.member(valid.from), to, now: at.now }, { ...plain, path }, sign))
}

/** What every route refuses, whatever it does. */
export async function commonRows(at: BadInputNetwork, valid: Valid): Promise<Row[]> {
  const route: Route = routes[valid.route]
  const row = (what: string, change: Partial<Plain>, code: ErrorCode, where?: string): Row => ({
    what: `${valid.route}: ${what}`,
    send: () => sendValid(at, valid, change, {}),
    code,
    ...(where === undefined ? {} : { at: where }),
  })
  const plain = plainOf(valid, undefined)
  const rows: Row[] = [
    row('an unknown query parameter', { path: `${plain.path}?${CANARY}=${CANARY}` }, 'INPUT_FIELD_UNKNOWN', '/query'),
  ]
  for (const name of Object.keys(valid.params)) {
    const wrong = { ...valid, params: { ...valid.params, [name]: SHORT[name] ?? `${CANARY}~` } }
    // A tile may have slashes, so what is after it cannot be told from it.
    rows.push({
      ...row(`${name} of another form`, {}, 'INPUT_INVALID', `/path/${name}`),
      send: () => send(at.member(valid.to), plainOf(wrong, `Bearer ${at.member(valid.to).token}`)),
    })
  }
  if (route.access === 'signed') rows.push(...signatureRows(at, valid))
  else if (route.access !== 'open') rows.push(...(await tokenRows(at, valid)))
  if ('register' in valid.params) {
    const elsewhere = { ...valid, params: { ...valid.params, register: digest('another register') } }
    rows.push({
      ...row('an unknown register', {}, 'REGISTER_UNKNOWN'),
      send: () => sendValid(at, elsewhere, {}, {}),
    })
  }
  if ('member' in valid.params) {
    const stranger = { ...valid, params: { ...valid.params, member: digest('another member') } }
    rows.push({
      ...row('a node that is not served', {}, 'NODE_UNKNOWN'),
      send: () => send(at.member(valid.to), plainOf(stranger, undefined)),
    })
  }
  if ('case' in valid.params) {
    const nowhere = { ...valid, params: { ...valid.params, case: toBase64url(randomBytes(16)) } }
    const others = { ...valid, to: 'inspector', params: { ...valid.params, case: at.applied.case } }
    rows.push(
      { ...row('an unknown case', {}, 'CASE_UNKNOWN'), send: () => sendValid(at, nowhere, {}, {}) },
      { ...row("another member's case", {}, 'CASE_UNKNOWN'), send: () => sendValid(at, others, {}, {}) },
    )
  }
  if (route.body !== undefined) rows.push(...bodyRows(at, valid, row))
  if (route.idempotent) {
    for (const [what, key] of [
      ['no idempotency key', undefined],
      ['an idempotency key with a space', `${CANARY} ${CANARY}`],
      ['an idempotency key too long', CANARY.padEnd(129, 'A')],
    ] as const) {
      const { 'idempotency-key': _, ...headers } = plain.headers
      const bearer = { ...headers, authorization: `Bearer ${at.member(valid.to).token}` }
      const changed = key === undefined ? bearer : { ...bearer, 'idempotency-key': key }
      rows.push(row(what, { headers: changed }, 'IDEMPOTENCY_KEY_INVALID'))
    }
  }
  return rows
}

async function tokenRows(at: BadInputNetwork, valid: Valid): Promise<Row[]> {
  const to = at.member(valid.to)
  const stranger = [...at.network.members.values()].find((member) => member !== to)!
  const without = await at.tokenWith(valid.to, scopesBut(routes[valid.route]))
  const withNone = await at.tokenWith(valid.to, [])
  const row = (what: string, authorization: string | undefined, code: ErrorCode): Row => ({
    what: `${valid.route}: ${what}`,
    send: () => send(to, plainOf(valid, authorization)),
    code,
  })
  return [
    row('no token', undefined, 'TOKEN_MISSING'),
    row('another scheme', `Basic ${CANARY}`, 'TOKEN_MISSING'),
    row('an unknown token', `Bearer ${toBase64url(randomBytes(32))}`, 'TOKEN_UNKNOWN'),
    row('a malformed token', `Bearer ${CANARY} ${CANARY}`, 'TOKEN_UNKNOWN'),
    row("another member's token", `Bearer ${stranger.token}`, 'TOKEN_UNKNOWN'),
    row('every scope but its own', `Bearer ${without}`, 'SCOPE_MISSING'),
    row('no scope', `Bearer ${withNone}`, 'SCOPE_MISSING'),
  ]
}

function signatureRows(at: BadInputNetwork, valid: Valid): Row[] {
  const to = at.member(valid.to)
  const from = at.member(valid.from)
  const other = [...at.network.members.values()].find((member) => member !== to && member !== from)!
  const plain = plainOf(valid, undefined)
  const row = (what: string, change: SignedChange, code: ErrorCode): Row => ({
    what: `${valid.route}: ${what}`,
    send: () => sendValid(at, valid, {}, change),
    code,
  })
  const nonce = toBase64url(randomBytes(16))
  const rows: Row[] = [
    row('a signature from before the window', { created: at.now - 61 }, 'CLOCK_SKEW'),
    row('a signature from after the window', { created: at.now + 61 }, 'CLOCK_SKEW'),
    row('a signer that is no member', { keyid: digest('a stranger') }, 'REQUEST_SIGNER_UNKNOWN'),
    row("another member's key", { signer: other }, 'REQUEST_SIGNATURE_INVALID'),
    row('signed for another path', { signedPath: '/elsewhere' }, 'REQUEST_SIGNATURE_INVALID'),
    {
      ...row('a request that came before', {}, 'REQUEST_REPLAYED'),
      async send() {
        await sendValid(at, valid, {}, { nonce })
        return sendValid(at, valid, {}, { nonce })
      },
    },
    { ...row('no signature', {}, 'REQUEST_SIGNATURE_MISSING'), send: () => send(to, plain) },
    {
      ...row('a token in place of a signature', {}, 'REQUEST_SIGNATURE_MISSING'),
      send: () => send(to, { ...plain, headers: { ...plain.headers, authorization: `Bearer ${to.token}` } }),
    },
    {
      ...row('a malformed signature', {}, 'REQUEST_SIGNATURE_INVALID'),
      send: () => send(to, { ...plain, headers: { ...plain.headers, signature: CANARY, 'signature-input': CANARY } }),
    },
  ]
  if (valid.body !== undefined) {
    rows.push(row('another body than its digest says', { signedBody: Buffer.from(CANARY) }, 'CONTENT_DIGEST_INVALID'))
  }
  return rows
}

type MakeRow = (what: string, change: Partial<Plain>, code: ErrorCode, where?: string) => Row

function bodyRows(at: BadInputNetwork, valid: Valid, row: MakeRow): Row[] {
  const route: Route = routes[valid.route]
  const { headers, body } = plainOf(valid, `Bearer ${at.member(valid.to).token}`)
  const limit = route.access === 'signed' ? 16 * 1024 * 1024 : 1024 * 1024
  const typed = (type: string) => ({ headers: { ...headers, 'content-type': type } })
  const rows = [
    row('a body too large', { body: CANARY.padEnd(limit + 1, 'a') }, 'BODY_TOO_LARGE'),
    row('another media type', typed('application/x-www-form-urlencoded'), 'MEDIA_TYPE_UNSUPPORTED'),
    row(
      'the media type of other routes',
      typed(route.body!.type === 'application/json' ? 'text/plain' : 'application/json'),
      'MEDIA_TYPE_UNSUPPORTED',
    ),
  ]
  if (typeof valid.body !== 'object' || route.body?.type !== 'application/json') {
    return [...rows, row('bytes that are no UTF-8', { body: Buffer.from([0xc3, 0x28]) }, 'INPUT_INVALID', '/body')]
  }
  const text = body as string
  const inFront = (member: string) => `{${member},${text.slice(1)}`
  const nested = `"${CANARY}":${'['.repeat(64)}${']'.repeat(64)}`
  const first = Object.keys(valid.body)[0]!
  rows.push(
    row('no JSON', { body: `${text}${CANARY}` }, 'JSON_INVALID'),
    row('half a JSON', { body: text.slice(0, -1) }, 'JSON_INVALID'),
    row('nothing', { body: '' }, 'JSON_INVALID'),
    row(
      'bytes that are no UTF-8',
      { body: Buffer.concat([Buffer.from(`{"${CANARY}`), Buffer.from([0xc3, 0x28, 0x22, 0x7d])]) },
      'JSON_UTF8_INVALID',
    ),
    row('a key twice', { body: inFront(`"${first}":"${CANARY}"`) }, 'JSON_DUPLICATE_KEY'),
    row(
      'a key twice, once escaped',
      { body: inFront(`"\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}${first.slice(1)}":"${CANARY}"`) },
      'JSON_DUPLICATE_KEY',
    ),
    row('a number that loses digits', { body: inFront(`"${CANARY}":9007199254740993`) }, 'JSON_NUMBER_LOSES_DIGITS'),
    row('a number too large', { body: inFront(`"${CANARY}":1e400`) }, 'JSON_NUMBER_LOSES_DIGITS'),
    row('nesting over 64', { body: inFront(nested) }, 'JSON_TOO_DEEP'),
    row('a lone surrogate', { body: inFront(`"${CANARY}":"\\ud800"`) }, 'JSON_LONE_SURROGATE'),
    ...['__proto__', 'constructor', 'prototype'].map((key) =>
      row(`the key ${key}`, { body: inFront(`"${key}":{"${CANARY}":1}`) }, 'JSON_KEY_FORBIDDEN'),
    ),
  )
  for (const { what, body: bad, code, at: where } of badBodies(route.body.schema, valid.body, CANARY)) {
    rows.push(row(what.trim() === what ? what : `body${what}`, { body: JSON.stringify(bad) }, code, where))
  }
  return rows
}

export function withBody(valid: Valid, body: JsonValue): Valid {
  return { ...valid, body: JSON.parse(canonicalize(body)) as JsonObject }
}
