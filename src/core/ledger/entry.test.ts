import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import {
  buildMember,
  json,
  RegisterBuilder,
  randomDigest,
  randomId,
  sign,
  signAs,
} from '../../../test/register-builder.ts'
import { buildSample, type Sample, startCase } from '../../../test/sample-register.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../error.ts'
import { formatLeaf, MAX_ENTRY_BYTES, MAX_LEAF_BYTES, parseEntry, parseLeaf, verifyLeafTime } from './entry.ts'
import { entryId } from './verify-entry.ts'

const refusedWith = (code: ErrorCode) => (error: unknown) => error instanceof ConcordatError && error.code === code

let sample: Sample
let action: string

before(async () => {
  sample = await buildSample()
  const { builder, skeleton, carrier } = sample
  await startCase(sample)
  const start = {
    skeleton,
    case: randomId(),
    step: 's1',
    as: 'applicant',
    prev: [],
    next: ['s2'],
    bind: { applicant: carrier },
  }
  action = builder.action(carrier, start)
})

test('a leaf is a time, a dot and the entry', () => {
  const { builder } = sample
  const leaf = builder.leaves[0]!
  const { time, jws } = parseLeaf(leaf)
  assert.equal(formatLeaf(time, jws), leaf)
  assert.equal(parseEntry(jws).kind, 'genesis')
})

for (const leaf of [
  '',
  '1788000000',
  '.a.b.c',
  '01.a.b.c',
  '-1.a.b.c',
  '1.5.a b',
  '12345678901.a.b.c',
  '1.é',
  ' 1.a.b.c',
  '1e9.a.b.c\n',
]) {
  test(`leaf refused: ${JSON.stringify(leaf)}`, () => assert.throws(() => parseLeaf(leaf), refusedWith('LEAF_INVALID')))
}

test('sizes are limited', () => {
  assert.throws(() => parseLeaf(`1.${'a'.repeat(MAX_LEAF_BYTES)}`), refusedWith('LEAF_TOO_LARGE'))
  assert.throws(() => parseEntry(`a.${'a'.repeat(MAX_ENTRY_BYTES)}.a`), refusedWith('ENTRY_TOO_LARGE'))
  assert.equal(formatLeaf(9_999_999_999, 'a'.repeat(MAX_ENTRY_BYTES)).length, MAX_LEAF_BYTES)
})

test('leaf times never decrease', () => {
  verifyLeafTime(5, 5)
  assert.throws(() => verifyLeafTime(5, 4), refusedWith('LEAF_TIME_DECREASES'))
  assert.throws(() => formatLeaf(1.5, action), refusedWith('LEAF_INVALID'))
})

test('an entry is parsed into exactly what was signed', () => {
  const entry = parseEntry(action)
  assert.equal(entry.kind, 'action+sd-jwt')
  assert.equal(entry.kid, thumbprint(sample.carrier.record.publicJwk))
  assert.deepEqual(entry.claims, JSON.parse(Buffer.from(action.split('.')[1]!, 'base64url').toString()))
  assert.equal(action.startsWith(`${entry.signingInput}.`), true)
})

test('the entry id is that of what was signed, whatever the signature says', () => {
  const entry = parseEntry(action)
  const other = parseEntry(`${entry.signingInput}.${'A'.repeat(86)}`)
  assert.equal(entryId(other), entryId(entry))
})

const decode = (part: string) => Buffer.from(part, 'base64url').toString()
const encode = (text: string) => Buffer.from(text).toString('base64url')

for (const [name, code, mutate] of [
  ['two parts', 'ENTRY_INVALID', ([a, b]) => `${a}.${b}`],
  ['four parts', 'ENTRY_INVALID', ([a, b, c]) => `${a}.${b}.${c}.`],
  ['an SD-JWT presentation', 'BASE64URL_INVALID', ([a, b, c]) => `${a}.${b}.${c}~`],
  ['a short signature', 'BASE64URL_INVALID', ([a, b, c]) => `${a}.${b}.${c.slice(4)}`],
  ['a signature with bits over', 'BASE64URL_INVALID', ([a, b, c]) => `${a}.${b}.${c.slice(0, -1)}_`],
  ['padding', 'BASE64URL_INVALID', ([a, b, c]) => `${a}=.${b}.${c}`],
  [
    'white space in the header',
    'JSON_NOT_CANONICAL',
    ([a, b, c]) => `${encode(decode(a).replace(':', ': '))}.${b}.${c}`,
  ],
  [
    'keys in another order',
    'JSON_NOT_CANONICAL',
    ([a, b, c]) =>
      `${a}.${encode(JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(decode(b))).reverse())))}.${c}`,
  ],
  ['a claim twice', 'JSON_DUPLICATE_KEY', ([a, b, c]) => `${a}.${encode(decode(b).replace('{', '{"_sd":[],'))}.${c}`],
  ['bytes that are no UTF-8', 'ENTRY_INVALID', ([a, , c]) => `${a}._w.${c}`],
  ['a byte order mark', 'JSON_INVALID', ([a, b, c]) => `${a}.${encode(`\ufeff${decode(b)}`)}.${c}`],
  ['a list as payload', 'CLAIM_INVALID', ([a, , c]) => `${a}.${encode('[]')}.${c}`],
  ['a list as header', 'HEADER_INVALID', ([, b, c]) => `${encode('[]')}.${b}.${c}`],
] as [string, ErrorCode, (parts: [string, string, string]) => string][]) {
  test(`entry refused: ${name}`, () => {
    const parts = action.split('.') as [string, string, string]
    assert.throws(() => parseEntry(mutate(parts)), refusedWith(code))
  })
}

for (const [name, code, header] of [
  ['alg none', 'HEADER_INVALID', { alg: 'none' }],
  ['another alg', 'HEADER_INVALID', { alg: 'ES384' }],
  ['a header member too many', 'HEADER_INVALID', { crit: [] }],
  ['no kid', 'HEADER_INVALID', { kid: undefined }],
  ['a kid that is no thumbprint', 'HEADER_INVALID', { kid: 'key-1' }],
  [
    'a key instead of its name',
    'HEADER_INVALID',
    { kid: undefined, jwk: json(buildMember('X', { voting: true }).record.publicJwk) },
  ],
  ['an unknown kind', 'KIND_UNKNOWN', { typ: 'transfer' }],
  ['no kind', 'KIND_UNKNOWN', { typ: undefined }],
] as const) {
  test(`entry refused: ${name}`, () => {
    const { carrier } = sample
    const kid = thumbprint(carrier.record.publicJwk)
    const whole = Object.fromEntries(
      Object.entries({ alg: 'ES256', kid, typ: 'action+sd-jwt', ...header }).filter(([, value]) => value !== undefined),
    )
    const jws = signAs(whole as never, parseEntry(action).claims as never, carrier.record)
    assert.throws(() => parseEntry(jws), refusedWith(code))
  })
}

for (const kind of ['rebind', 'anchor']) {
  test(`kind ${kind} is refused until it is built`, () => {
    const jws = sign(kind as never, sample.carrier, parseEntry(action).claims as never)
    assert.throws(() => parseEntry(jws), refusedWith('KIND_NOT_BUILT'))
  })
}

const digests = (count: number) => Array.from({ length: count }, randomDigest).sort()
for (const [at, value, refusedAt] of [
  ['iss', 'me', '/iss'],
  ['iat', 1.5, '/iat'],
  ['iat', -1, '/iat'],
  ['iat', '1788000000', '/iat'],
  ['jti', 'abc', '/jti'],
  ['reg', undefined, ''],
  ['bp', 'A', '/bp'],
  ['case', randomDigest(), '/case'],
  ['step', 'apply', '/step'],
  ['as', '', '/as'],
  ['as', 'constructor', '/as'],
  ['prev', [randomDigest(), 'A'], '/prev/1'],
  ['prev', digests(2).reverse(), '/prev/1'],
  ['prev', digests(65), '/prev'],
  ['next', ['s2', 's2'], '/next/1'],
  ['next', ['s10', 's2', 's11'], '/next/2'],
  ['bind', [], '/bind'],
  ['bind', { applicant: {} }, '/bind/applicant'],
  ['bind', { applicant: { member: 'me' } }, '/bind/applicant/member'],
  ['bind', { 'not a role': { member: randomDigest() } }, '/bind'],
  ['replaces', 'A', '/replaces'],
  ['groups', [], '/groups'],
  ['groups', ['A'], '/groups/0'],
  ['groups', digests(65), '/groups'],
  ['_sd_alg', 'sha-512', '/_sd_alg'],
  ['_sd', [], '/_sd'],
  ['_sd', digests(9), '/_sd'],
  ['_sd', digests(8).reverse(), '/_sd/1'],
  ['_sd', [...digests(7), 'A'], '/_sd/7'],
  ['_sd', digests(1032), '/_sd'],
  ['subject', 'someone', ''],
] as const) {
  test(`action refused: ${at} ${JSON.stringify(value)?.slice(0, 50)}`, () => {
    const claims = { ...parseEntry(action).claims, [at]: value }
    const jws = sign('action+sd-jwt', sample.carrier, claims as never)
    assert.throws(
      () => parseEntry(jws),
      (error) =>
        error instanceof ConcordatError && error.detail.code === 'CLAIM_INVALID' && error.detail.at === refusedAt,
    )
  })
}

test('no text is anything but parsed or refused with a code', () => {
  const founders = [buildMember('A', { voting: true })]
  const genesis = new RegisterBuilder(founders).genesis()
  const whole = fc.constantFrom(genesis, action)
  const mutated = fc
    .tuple(whole, fc.nat(), fc.string({ maxLength: 4 }), fc.nat(4))
    .map(([jws, at, text, gap]) => jws.slice(0, at % jws.length) + text + jws.slice((at % jws.length) + gap))
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.string(),
        fc.array(fc.base64String(), { maxLength: 4 }).map((parts) => parts.join('.')),
      ),
      (text) => {
        try {
          assert.equal(parseEntry(text).jws, text)
        } catch (error) {
          assert.ok(error instanceof ConcordatError, String(error))
        }
      },
    ),
    { numRuns: 1000 },
  )
})
