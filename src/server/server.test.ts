import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { checkResponses } from '../../test/openapi-check.ts'
import { signRequest } from '../api/request-signature.ts'
import { SCOPES } from '../api/route.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { generateSigningKey, signWith } from '../core/crypto/signature.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import type { Node } from '../node/node.ts'
import type { AccessToken } from './authenticate.ts'
import { createServer } from './server.ts'

/** Everything here is refused before a node is asked for anything but a key; so any other call is a fault of the server. */
function guardedNode(member: string, keys: Record<string, Awaited<ReturnType<Node['requestKeys']>>>): Node {
  return new Proxy({} as Node, {
    get(_, name) {
      if (name === 'member') return member
      if (name === 'requestKeys') return async (_register: string, id: string) => keys[id] ?? []
      return () => assert.fail(`${String(name)} was reached`)
    },
  })
}

const NOW = 1_750_000_000
const SECRET = 'Isobel Macdonald'
const key = generateSigningKey('ES256')
const peer = thumbprint(key.publicJwk)
const member = digest('a member')
const register = digest('a register')
const caseId = toBase64url(new Uint8Array(16).fill(7))
const address = `https://node.example/nodes/${member}`
const tokens = new Map<string, AccessToken>()

function tokenWith(scopes: readonly string[], of = member): string {
  const token = toBase64url(randomBytes(32))
  tokens.set(digest(token), { member: of, name: 'desk', scopes })
  return token
}

const everything = tokenWith(SCOPES)
const lines: object[] = []
let server: FastifyInstance
let documented: { assertDocumented(): void }

before(() => {
  server = createServer({
    nodes: new Map([[member, { node: guardedNode(member, { [peer]: [key.publicJwk] }), address }]]),
    findToken: async (hash) => tokens.get(hash),
    clock: { now: () => NOW, wait: () => assert.fail('nothing here waits') },
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    log: { info: (fields) => lines.push(fields), error: (fields) => lines.push(fields) },
    bodyLimitBytes: 1024 * 1024,
    signedBodyLimitBytes: 16 * 1024 * 1024,
  })
  documented = checkResponses(server)
})
after(async () => {
  await server.close()
  documented.assertDocumented()
})

interface Refused {
  status: number
  code: string
  at?: string
}

async function refusedAs(request: InjectOptions, expected: Refused): Promise<void> {
  const response = await server.inject(request)
  assert.match(String(response.headers['content-type']), /^application\/problem\+json\b/)
  assert.equal(response.headers['x-content-type-options'], 'nosniff')
  assert.equal(response.headers['cache-control'], 'no-store')
  const { status, code, facts, detail } = response.json()
  assert.deepEqual({ status, code, at: facts.at }, { at: undefined, ...expected })
  assert.equal(response.statusCode, expected.status)
  assert.ok(typeof facts.expected === 'string' && typeof facts.got === 'string' && typeof detail === 'string')
  assert.ok(!response.body.includes(SECRET), 'a value was repeated')
}

const start = { blueprint: digest('a blueprint'), role: 'applicant', data: { name: SECRET } }
const starting = (body: string | Buffer, headers: Record<string, string> = {}): InjectOptions => ({
  method: 'POST',
  url: `/registers/${register}/cases`,
  headers: {
    authorization: `Bearer ${everything}`,
    'idempotency-key': 'k1',
    'content-type': 'application/json',
    ...headers,
  },
  body,
})

describe('server: bodies', () => {
  const refused: [string, string | Buffer, Refused][] = [
    ['no JSON', '{', { status: 400, code: 'JSON_INVALID' }],
    ['nothing', '', { status: 400, code: 'JSON_INVALID' }],
    [
      'an unknown field',
      JSON.stringify({ ...start, [SECRET]: 1 }),
      { status: 400, code: 'INPUT_FIELD_UNKNOWN', at: '/body' },
    ],
    [
      'a missing field',
      JSON.stringify({ ...start, role: undefined }),
      { status: 400, code: 'INPUT_FIELD_MISSING', at: '/body/role' },
    ],
    [
      'a wrong type',
      JSON.stringify({ ...start, role: 7 }),
      { status: 400, code: 'INPUT_TYPE_WRONG', at: '/body/role' },
    ],
    ['an array', '[]', { status: 400, code: 'INPUT_TYPE_WRONG', at: '/body' }],
    [
      'data that is no object',
      JSON.stringify({ ...start, data: SECRET }),
      { status: 400, code: 'INPUT_TYPE_WRONG', at: '/body/data' },
    ],
    [
      'an over-long string',
      JSON.stringify({ ...start, role: 'a'.repeat(65) }),
      { status: 400, code: 'INPUT_TOO_LONG', at: '/body/role' },
    ],
    [
      'another form',
      JSON.stringify({ ...start, role: SECRET }),
      { status: 400, code: 'INPUT_INVALID', at: '/body/role' },
    ],
    [
      'bad UTF-8',
      Buffer.concat([Buffer.from('{"role":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
      { status: 400, code: 'JSON_UTF8_INVALID' },
    ],
    ['a duplicate key', '{"role":"a","role":"b"}', { status: 400, code: 'JSON_DUPLICATE_KEY' }],
    ['a lost digit', '{"data":{"sum":9007199254740993}}', { status: 400, code: 'JSON_NUMBER_LOSES_DIGITS' }],
    ['nesting over 64', `{"data":${'['.repeat(64)}${']'.repeat(64)}}`, { status: 400, code: 'JSON_TOO_DEEP' }],
    ['a prototype key', '{"data":{"__proto__":{}}}', { status: 400, code: 'JSON_KEY_FORBIDDEN' }],
    ['a constructor key', '{"data":{"constructor":{}}}', { status: 400, code: 'JSON_KEY_FORBIDDEN' }],
    ['over 1 MB', `{"data":"${'a'.repeat(1024 * 1024)}"}`, { status: 413, code: 'BODY_TOO_LARGE' }],
  ]
  for (const [name, body, expected] of refused) {
    it(`refuses ${name}`, () => refusedAs(starting(body), expected))
  }
  it('refuses another media type', async () => {
    const unsupported = { status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' }
    await refusedAs(starting('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), unsupported)
    await refusedAs(starting(JSON.stringify(start), { 'content-type': 'text/plain' }), unsupported)
  })
  it('refuses a missing or malformed idempotency key', async () => {
    for (const value of ['', 'two words', 'é', 'a'.repeat(129)]) {
      const request = starting(JSON.stringify(start), { 'idempotency-key': value })
      await refusedAs(request, { status: 400, code: 'IDEMPOTENCY_KEY_INVALID' })
    }
  })
})

describe('server: paths and queries', () => {
  const get = (url: string, token = everything): InjectOptions => ({
    url,
    headers: { authorization: `Bearer ${token}` },
  })
  it('does not repeat an unknown path', () =>
    refusedAs(get(`/${encodeURIComponent(SECRET)}?q=${SECRET}`), { status: 404, code: 'NOT_FOUND' }))
  it('refuses a wrong method', () =>
    refusedAs({ ...get('/registers'), method: 'DELETE' }, { status: 404, code: 'NOT_FOUND' }))
  it('answers no HEAD', async () =>
    assert.equal((await server.inject({ method: 'HEAD', url: '/health' })).statusCode, 404))
  it('refuses a malformed id', () =>
    refusedAs(get(`/registers/${SECRET.replace(' ', '')}`), {
      status: 400,
      code: 'INPUT_INVALID',
      at: '/path/register',
    }))
  it('refuses a malformed escape', () =>
    refusedAs(get('/registers/%zz'), { status: 400, code: 'INPUT_INVALID', at: '/path' }))
  it('refuses an over-long parameter', () =>
    refusedAs(get(`/registers/${'a'.repeat(200)}`), { status: 400, code: 'INPUT_INVALID', at: '/path' }))
  const limits: [string, string, string][] = [
    ['0', 'INPUT_INVALID', '/query/limit'],
    ['1001', 'INPUT_INVALID', '/query/limit'],
    ['1e2', 'INPUT_INVALID', '/query/limit'],
    ['10000', 'INPUT_TOO_LONG', '/query/limit'],
    ['1&limit=2', 'INPUT_TYPE_WRONG', '/query/limit'],
    ['1&other=2', 'INPUT_FIELD_UNKNOWN', '/query'],
    ['1&__proto__=2', 'INPUT_FIELD_UNKNOWN', '/query'],
  ]
  for (const [limit, code, at] of limits) {
    it(`refuses limit=${limit}`, () =>
      refusedAs(get(`/registers/${register}/cases?limit=${limit}`), { status: 400, code, at }))
  }
  it('refuses a query where none is documented', () =>
    refusedAs(get('/registers?limit=1'), { status: 400, code: 'INPUT_FIELD_UNKNOWN', at: '/query' }))
  it('refuses a node that is not served', () =>
    refusedAs(
      { url: `/nodes/${digest('another')}/registers/${register}/log/checkpoint` },
      { status: 404, code: 'NODE_UNKNOWN' },
    ))
  it('refuses tile paths of another spelling', async () => {
    const tile = (path: string) => ({ url: `/nodes/${member}/registers/${register}/log/tile/${path}` })
    await refusedAs(tile('0/1'), { status: 400, code: 'INPUT_INVALID', at: '/path/tile' })
    await refusedAs(tile('0/000.p/256'), { status: 400, code: 'TILE_PATH_INVALID' })
    await refusedAs(tile('0/x000/000'), { status: 400, code: 'TILE_PATH_INVALID' })
    await refusedAs(tile('64/000'), { status: 400, code: 'TILE_PATH_INVALID' })
  })
})

describe('server: tokens', () => {
  const asked = (authorization?: string): InjectOptions => ({
    url: `/registers/${register}/cases/${caseId}`,
    headers: authorization === undefined ? {} : { authorization },
  })
  it('refuses a request without one', async () => {
    for (const authorization of [undefined, '', 'Basic dXNlcjpwYXNz', everything]) {
      await refusedAs(asked(authorization), { status: 401, code: 'TOKEN_MISSING' })
    }
    assert.equal((await server.inject(asked())).headers['www-authenticate'], 'Bearer')
  })
  it('takes none from the query', () =>
    refusedAs({ url: `/registers?access_token=${everything}` }, { status: 401, code: 'TOKEN_MISSING' }))
  it('refuses an unknown or malformed one', async () => {
    for (const token of [toBase64url(randomBytes(32)), 'short', `${everything} ${everything}`, '']) {
      await refusedAs(asked(`Bearer ${token}`), { status: 401, code: 'TOKEN_UNKNOWN' })
    }
  })
  it('refuses one of a member that is not served here', () =>
    refusedAs(asked(`Bearer ${tokenWith(SCOPES, digest('another'))}`), { status: 401, code: 'TOKEN_UNKNOWN' }))
  it('refuses every scope but the one asked for', async () => {
    const others = SCOPES.filter((scope) => scope !== 'cases:read')
    await refusedAs(asked(`Bearer ${tokenWith(others)}`), { status: 403, code: 'SCOPE_MISSING' })
    await refusedAs(asked(`Bearer ${tokenWith([])}`), { status: 403, code: 'SCOPE_MISSING' })
    const { headers } = await server.inject(asked(`Bearer ${tokenWith(others)}`))
    assert.equal(headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="cases:read"')
  })
})

describe('server: signed requests', () => {
  const path = `/registers/${register}/entries`
  const body = Buffer.from(JSON.stringify({ entries: ['not.an.entry', 5] }))
  async function signed(change: {
    created?: number
    nonce?: string
    keyid?: string
    targetUri?: string
    method?: string
    signedBody?: Buffer
    headers?: Record<string, string>
  }): Promise<InjectOptions> {
    const headers = await signRequest(
      {
        method: change.method ?? 'POST',
        targetUri: change.targetUri ?? address + path,
        body: change.signedBody ?? body,
      },
      {
        created: change.created ?? NOW,
        nonce: change.nonce ?? toBase64url(randomBytes(16)),
        keyid: change.keyid ?? peer,
      },
      async (data) => signWith(key, data),
    )
    return {
      method: 'POST',
      url: `/nodes/${member}${path}`,
      headers: { 'content-type': 'application/json', ...headers, ...change.headers },
      body,
    }
  }
  /** What a request gets that passes all but its last check: so each test below fails for its own reason alone. */
  const passed = { status: 400, code: 'INPUT_TYPE_WRONG', at: '/body/entries/1' }

  it('takes a signature up to the edge of the window', async () => {
    await refusedAs(await signed({}), passed)
    await refusedAs(await signed({ created: NOW - 60 }), passed)
    await refusedAs(await signed({ created: NOW + 60 }), passed)
  })
  it('refuses one from beyond it', async () => {
    await refusedAs(await signed({ created: NOW - 61 }), { status: 401, code: 'CLOCK_SKEW' })
    await refusedAs(await signed({ created: NOW + 61 }), { status: 401, code: 'CLOCK_SKEW' })
  })
  it('refuses a request without one, and bearer tokens in its place', async () => {
    const { signature: _, 'signature-input': __, ...headers } = (await signed({})).headers ?? {}
    const request = { ...(await signed({})), headers: { ...headers, authorization: `Bearer ${everything}` } }
    await refusedAs(request, { status: 401, code: 'REQUEST_SIGNATURE_MISSING' })
  })
  it('refuses a stranger', async () =>
    refusedAs(await signed({ keyid: digest('stranger') }), { status: 401, code: 'REQUEST_SIGNER_UNKNOWN' }))
  it('refuses a request that was signed for another node, path or method', async () => {
    const invalid = { status: 401, code: 'REQUEST_SIGNATURE_INVALID' }
    await refusedAs(await signed({ targetUri: `https://other.example/nodes/${member}${path}` }), invalid)
    await refusedAs(await signed({ targetUri: `${address}${path}?` }), invalid)
    await refusedAs(await signed({ method: 'PUT' }), invalid)
  })
  it('refuses another body, with or without its digest', async () => {
    const other = Buffer.from('{"entries":[]}')
    await refusedAs(await signed({ signedBody: other }), { status: 400, code: 'CONTENT_DIGEST_INVALID' })
    const digestOfBody = (await signed({})).headers?.['content-digest'] as string
    await refusedAs(await signed({ signedBody: other, headers: { 'content-digest': digestOfBody } }), {
      status: 401,
      code: 'REQUEST_SIGNATURE_INVALID',
    })
  })
  it('takes each request once', async () => {
    const nonce = toBase64url(randomBytes(16))
    await refusedAs(await signed({ nonce }), passed)
    await refusedAs(await signed({ nonce }), { status: 401, code: 'REQUEST_REPLAYED' })
  })
  it('does not let an unproven request use up a nonce', async () => {
    const nonce = toBase64url(randomBytes(16))
    await refusedAs(await signed({ nonce, method: 'PUT' }), { status: 401, code: 'REQUEST_SIGNATURE_INVALID' })
    await refusedAs(await signed({ nonce }), passed)
  })
  it('refuses other spellings of the prefix', async () => {
    const request = await signed({})
    await refusedAs({ ...request, url: `/%6eodes/${member}${path}` }, { status: 404, code: 'NOT_FOUND' })
  })
})

describe('server: what it says of itself', () => {
  it('answers health and OpenAPI to anyone', async () => {
    assert.deepEqual((await server.inject('/health')).json(), { status: 'ok' })
    assert.equal((await server.inject('/openapi.json')).json().openapi, '3.1.1')
  })
  it('answers what is no HTTP with a status and nothing else', async () => {
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write(`${SECRET}\r\n\r\n`))
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      socket.on('end', () => resolve(text)).on('error', reject)
    })
    assert.equal(answer, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  it('tells nothing about a bug', async () => {
    const response = await server.inject({ url: '/registers', headers: { authorization: `Bearer ${everything}` } })
    assert.equal(response.statusCode, 500)
    const { type, status, code, title, instance, ...more } = response.json()
    assert.deepEqual(
      { type, status, code, title },
      {
        type: 'urn:concordat:error:internal',
        status: 500,
        code: 'INTERNAL',
        title: 'Internal',
      },
    )
    assert.match(instance, /^urn:concordat:request:[\w-]{16}$/)
    assert.deepEqual(more, {})
  })
  it('logs operation, member and status, and nothing that a caller wrote', async () => {
    lines.length = 0
    const idempotencyKey = `k-${digest('idempotency')}`
    await server.inject(starting(JSON.stringify(start), { 'idempotency-key': idempotencyKey, 'x-request-id': SECRET }))
    await server.inject({
      url: `/registers/${register}/cases/${caseId}?q=${SECRET}`,
      headers: { authorization: `Bearer ${everything}` },
    })
    await server.inject(`/${SECRET}`)
    const text = JSON.stringify(lines)
    for (const secret of [SECRET, SECRET.split(' ')[0]!, everything, idempotencyKey, caseId, register, 'was reached']) {
      assert.ok(!text.includes(secret), `the log repeats ${secret}`)
    }
    const requests = lines.filter((line) => 'operation' in line)
    assert.deepEqual(
      requests.map((line) => ({ ...line, request: 0, durationMs: 0 })),
      [
        { request: 0, operation: 'startCase', member, status: 500, code: 'INTERNAL', durationMs: 0 },
        { request: 0, operation: 'getCase', member, status: 400, code: 'INPUT_FIELD_UNKNOWN', durationMs: 0 },
        { request: 0, operation: null, member: null, status: 404, code: 'NOT_FOUND', durationMs: 0 },
      ],
    )
  })
})
