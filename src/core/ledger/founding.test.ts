import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  type BuiltMember,
  buildMember,
  json,
  memberClaims,
  RegisterBuilder,
  sign,
} from '../../../test/register-builder.ts'
import { assertRefused } from '../../../test/sample-register.ts'
import { ConcordatError } from '../error.ts'
import { boundaries, findMember, findRegisterConfiguration } from './state.ts'

const founders = ['One', 'Two', 'Three', 'Four', 'Watcher'].map((name) =>
  buildMember(name, { voting: name !== 'Watcher' }),
)
const [one, two, three, four, watcher] = founders as [BuiltMember, BuiltMember, BuiltMember, BuiltMember, BuiltMember]
let genesis: RegisterBuilder
let founded: RegisterBuilder

before(async () => {
  genesis = new RegisterBuilder(founders)
  await genesis.add(genesis.genesis())
  founded = await RegisterBuilder.found(founders)
})

test('four voting founders and an observer: the founding checkpoint needs all four operators, later ones three', () => {
  const { register } = founded
  assert.equal(register.id, founded.ids[0])
  assert.equal(register.founding, 6)
  assert.deepEqual(boundaries(register), [6])
  assert.equal(findRegisterConfiguration(register, 5), undefined)
  const founding = findRegisterConfiguration(register, 6)!
  assert.deepEqual(
    founding.operators.map(({ member }) => member),
    [one, two, three, four].map(({ id }) => id).sort(),
  )
  assert.equal(founding.quorum, 4)
  assert.equal(findRegisterConfiguration(register, 7)!.quorum, 3)
  assert.equal(findMember(founded.rows, watcher.id)!.voting, false)
})

test("founders' entries come in any order", async () => {
  const builder = genesis.fork()
  for (const founder of [watcher, three, one, four, two]) await builder.add(builder.member(founder))
  assert.deepEqual(builder.register.configurations, founded.register.configurations)
})

test('a hosted founder gives its operator no second voice', async () => {
  const host = buildMember('Host', { voting: true })
  const builder = await RegisterBuilder.found([host, buildMember('Guest', { voting: true, operator: host })])
  const [configuration] = builder.register.configurations
  assert.deepEqual(
    configuration!.operators.map(({ member }) => member),
    [host.id],
  )
  assert.equal(configuration!.quorum, 1)
})

test('nothing but genesis is first', async () => {
  await assertRefused(new RegisterBuilder(founders), genesis.member(one), 'REGISTER_UNKNOWN')
})

test('a second genesis is refused', () => assertRefused(genesis, genesis.genesis(), 'REGISTER_EXISTS'))

test("genesis is signed by its first founder's key", async () => {
  const builder = new RegisterBuilder(founders)
  const { id } = two
  const jws = sign('genesis', one, { ...claimsOf(builder.genesis()), iss: id, founders: [id, one.id], sequencer: id })
  await assertRefused(builder, jws, 'KEY_NOT_VALID', { use: 'governance' })
})

for (const [name, claims, at] of [
  ['a sequencer that is no founder', { sequencer: buildMember('X', { voting: true }).id }, '/sequencer'],
  ['a founder twice', { founders: [one.id, two.id, two.id] }, '/founders'],
  ['another first founder', { founders: [two.id, one.id] }, '/founders/0'],
  ['no founder', { founders: [] }, '/founders'],
  ['another engine', { ordering: 'raft' }, '/ordering'],
  [
    'a threshold above all',
    { thresholds: { admit: { fraction: [3, 2] }, remove: { count: 1 }, rules: { count: 1 } } },
    '/thresholds/admit/fraction/0',
  ],
  [
    'a threshold of none',
    { thresholds: { admit: { count: 0 }, remove: { count: 1 }, rules: { count: 1 } } },
    '/thresholds/admit/count',
  ],
  ['no purpose', { purpose: '' }, '/purpose'],
  ['a purpose too long', { purpose: 'x'.repeat(2001) }, '/purpose'],
  ['a control character', { reason: 'a\u0007' }, '/reason'],
  ['a register', { reg: one.id }, ''],
] as const) {
  test(`genesis refused: ${name}`, async () => {
    const builder = new RegisterBuilder(founders)
    await assertRefused(builder, builder.genesis(structuredClone(claims) as never), 'CLAIM_INVALID', { at })
  })
}

test('genesis of another rules version is refused', async () => {
  const builder = new RegisterBuilder(founders)
  await assertRefused(builder, builder.genesis({ rules: 2 }), 'RULES_VERSION_UNKNOWN', { version: 2 })
})

test('genesis has its time window too', async () => {
  const builder = new RegisterBuilder(founders)
  await assertRefused(builder, builder.genesis({ iat: builder.time - 3600 }), 'ENTRY_EXPIRED')
})

test('nothing else enters before all founders are in', async () => {
  const builder = genesis.fork()
  await builder.add(builder.member(one))
  const missing = [two, three, four, watcher].map(({ id }) => id)
  await assertRefused(builder, builder.admit(one, two), 'FOUNDING_NOT_COMPLETE', { missing })
  await assertRefused(builder, builder.member(one), 'FOUNDING_NOT_COMPLETE', { missing })
  await assertRefused(builder, builder.member(buildMember('Late', { voting: true })), 'FOUNDING_NOT_COMPLETE', {
    missing,
  })
})

test('the first sequencer runs its own node', async () => {
  const [sequencer, host] = [buildMember('S', { voting: true }), buildMember('H', { voting: true })]
  const builder = new RegisterBuilder([sequencer, host])
  await builder.add(builder.genesis())
  await builder.add(builder.member(host))
  await assertRefused(builder, builder.member({ ...sequencer, operator: host.id }), 'SEQUENCER_NOT_OPERATING')
})

test('observers alone make no register', async () => {
  const builder = new RegisterBuilder([watcher])
  await builder.add(builder.genesis())
  await assertRefused(builder, builder.member(watcher), 'REGISTER_WITHOUT_OPERATOR')
})

test('a member is hosted by one that is in and runs its own node', async () => {
  const builder = genesis.fork()
  await assertRefused(builder, builder.member({ ...two, operator: three.id }), 'OPERATOR_UNKNOWN')
  await builder.add(builder.member(one))
  await builder.add(builder.member({ ...two, operator: one.id }))
  await assertRefused(builder, builder.member({ ...three, operator: two.id }), 'OPERATOR_UNKNOWN')
  await builder.add(builder.member(watcher))
  await assertRefused(builder, builder.member({ ...three, operator: watcher.id }), 'OPERATOR_UNKNOWN')
})

test('one checkpoint key never counts as two operators', async () => {
  const builder = genesis.fork()
  await builder.add(builder.member(one))
  await assertRefused(builder, builder.member({ ...two, ed25519: one.ed25519 }), 'KEY_REUSED', { use: 'checkpoint' })
  await assertRefused(builder, builder.member({ ...two, mldsa44: one.mldsa44 }), 'KEY_REUSED', { use: 'checkpoint' })
})

test('one key has one use', async () => {
  await assertRefused(genesis, genesis.member({ ...two, record: two.governance }), 'KEY_REUSED', { use: 'record' })
  await assertRefused(genesis, genesis.member({ ...two, request: two.record }), 'KEY_REUSED', { use: 'request' })
  const epochs = [1, 2].map((from) => ({ jwk: json(two.epoch.publicJwk), from }))
  await assertRefused(genesis, genesis.member(two, { epochs }), 'KEY_REUSED', { use: 'encryption' })
})

test('a voting member has record and encryption keys, an observer need not', async () => {
  const { keys } = memberClaims(two)
  const without = { ...(keys as object), record: [] }
  await assertRefused(genesis, genesis.member(two, { keys: without }), 'MEMBER_KEYS_MISSING', { use: 'record' })
  await assertRefused(genesis, genesis.member(two, { epochs: [] }), 'MEMBER_KEYS_MISSING', { use: 'encryption' })
  const observer = { ...(memberClaims(watcher).keys as object), record: [] }
  await genesis.fork().add(genesis.member(watcher, { keys: observer, epochs: [] }))
})

test("a member's id is the thumbprint of its first governance key", async () => {
  const keys = { ...(memberClaims(two).keys as object), governance: json([three.governance.publicJwk]) }
  await assertRefused(genesis, genesis.member(two, { keys }), 'KEY_NOT_VALID', { use: 'governance' })
})

for (const [name, claims, at] of [
  ['a name of two lines', { name: 'a\nb' }, '/name'],
  ['a DID of another form', { did: 'web:council.example' }, '/did'],
  ['an address that is none', { address: 'ftp://node.example' }, '/address'],
  ['an address with credentials', { address: 'https://user@node.example' }, '/address'],
  ['checkpoint keys of a hosted member', { operator: one.id }, '/keys/checkpoint'],
  [
    'epochs out of order',
    { epochs: [2, 1].map((from) => ({ jwk: json(two.epoch.publicJwk), from })) },
    '/epochs/1/from',
  ],
  ['a claim too many', { extra: 1 }, ''],
  ['a claim too few', { did: undefined }, ''],
] as const) {
  test(`member refused: ${name}`, () =>
    assertRefused(genesis, genesis.member(two, claims as never), 'CLAIM_INVALID', { at }))
}

test('a key of another kind is refused', () => {
  const keys = { ...(memberClaims(two).keys as object), record: json([two.ed25519.publicJwk]) }
  return assertRefused(genesis, genesis.member(two, { keys }), 'KEY_INVALID')
})

test('a later entry restates everything and may change name, address and keys for records, requests and encryption', async () => {
  const builder = founded.fork()
  const record = buildMember('Two', { voting: true }).record
  await builder.add(builder.member({ ...two, record, name: 'Two, renamed' }))
  const row = findMember(builder.rows, two.id)!
  assert.equal(row.name, 'Two, renamed')
  assert.deepEqual([row.since, row.changed], [2, 6])
  assert.deepEqual(
    row.keys.record.map(({ jwk }) => jwk),
    [record.publicJwk],
  )
  assert.deepEqual(builder.register, founded.register)
})

for (const [at, changed] of [
  ['/voting', { ...two, voting: false }],
  ['/operator', { ...two, operator: one.id }],
  ['/keys/checkpoint', { ...two, ed25519: buildMember('X', { voting: true }).ed25519 }],
] as const) {
  test(`a later entry does not change ${at}`, () =>
    assertRefused(founded, founded.member(changed), 'MEMBER_CHANGE_NOT_ALLOWED', { at }))
}

test('a later entry does not change the DID or the governance keys', async () => {
  await assertRefused(founded, founded.member(two, { did: 'did:web:other.example' }), 'MEMBER_CHANGE_NOT_ALLOWED', {
    at: '/did',
  })
  const keys = {
    ...(memberClaims(two).keys as object),
    governance: json([two.governance.publicJwk, buildMember('X', { voting: true }).governance.publicJwk]),
  }
  await assertRefused(founded, founded.member(two, { keys }), 'MEMBER_CHANGE_NOT_ALLOWED', { at: '/keys/governance' })
})

test("nobody restates another's entry", () =>
  assertRefused(founded, sign('member', one, { ...claimsOf(founded.member(two)) }), 'KEY_NOT_VALID', {
    use: 'governance',
  }))

test('an entry that a later key of a member verified is no first entry', async () => {
  const second = buildMember('X', { voting: true }).governance
  const builder = genesis.fork()
  const governance = json([two.governance.publicJwk, second.publicJwk])
  await builder.add(builder.member(two, { keys: { ...(memberClaims(two).keys as object), governance } }))
  const keys = { ...(memberClaims(two).keys as object), governance: json([second.publicJwk]) }
  const entry = await builder.verify(builder.member({ ...two, governance: second }, { keys }))
  builder.rows = new Map(genesis.rows)
  assert.throws(
    () => builder.apply(entry),
    (error) => error instanceof ConcordatError && error.code === 'MEMBER_ID_DIFFERS',
  )
})

function claimsOf(jws: string) {
  return JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString())
}
