/** A member's keys come and go while its cases run: what was stolen is worth nothing once revoked, and nothing on its way is lost. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { RouteName, Routes } from '../../src/api/routes.ts'
import { Http } from '../../src/client/http.ts'
import { Peer } from '../../src/client/peer.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import { parseEntry } from '../../src/core/ledger/entry.ts'
import type { Custody } from '../../src/custody/custody.ts'
import { openFileCustody } from '../../src/custody/file.ts'
import { signByHand } from '../../src/sandbox/demo/attacks/hand-signed.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import { sampleData } from '../sample-blueprint.ts'
import { FastClock } from './fast-clock.ts'
import { failing, withFaults } from './faulty-folder.ts'
import { openTestNetwork, orAway, restarted, storyStart, type TestNetwork, until } from './open-network.ts'
import { auditAll, PERMIT_MEMBERS, permitsOf, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

const DAY_SECONDS = 24 * 60 * 60

test('a stolen record key signs nothing once revoked; earlier evidence counts, and the case that was running goes on', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network } = opened
  const permits = permitsOf(opened)
  const inspector = network.members.get('inspector')!
  const client = permits.client('inspector')
  const { inspect } = await inspected(opened, 'before')
  const running = await assessed(opened, 'running')
  const thief = { ...inspector, custody: await stolenKeys(t, opened, 'inspector') }
  const kid = thumbprint(thief.custody.publicKeys().record[0]!)

  const since = (await client.exportEvidence({ record: inspect, fields: 'all' })).verified.record.index
  await client.revokeKey({ key: kid, since, idempotencyKey: 'revoke' })
  const accomplice = await stolenKeys(t, opened, 'registry')
  for (const to of PERMIT_MEMBERS) {
    const peer = peerTo(t, opened, { as: 'registry', keys: accomplice, to })
    const forged = (await signInspection(opened, thief, running)).submission.jws
    assert.equal(parseEntry(forged).kid, kid)
    const outcomes = await peer.submitEntries(network.register, [forged])
    assert.deepEqual(
      outcomes.map((outcome) => 'refusal' in outcome && outcome.refusal.code),
      ['KEY_NOT_VALID'],
      to,
    )
  }

  const proven = await client.exportEvidence({ record: inspect, fields: 'all' })
  assert.equal(proven.verified.revocation?.inDoubt, true)
  assert(proven.verified.fields.length > 0, 'it still proves what it proved')
  await submitUntilDone(permits, 'inspect', { caseId: running.caseId, key: 'running' })
  await until('the case has ended', async () => (await client.getCase(running.caseId)).ended)
  const { keys, revoked } = await client.listKeys()
  assert.deepEqual(
    revoked.map((key) => [key.kid, key.use, key.since]),
    [[kid, 'record', since]],
  )
  assert(!keys.some(({ key }) => key === kid))
  const last = (await client.getCase(running.caseId)).records.findLast(({ step }) => step === 'inspect')!
  const evidence = await client.exportEvidence({ record: last.record, fields: 'all' })
  assert.equal(evidence.verified.revocation, null)
  await until('the private key is destroyed', () => {
    return !inspector.custody.publicKeys().record.some((jwk) => thumbprint(jwk) === kid)
  })
  await network.stop()
  await auditAll(permits)
})

test('what was signed and not yet sent when its key was revoked is signed anew, once', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network } = opened
  const permits = permitsOf(opened)
  const inspector = network.members.get('inspector')!
  const running = await assessed(opened, 'running')
  const signed = await signInspection(opened, inspector, running)
  const [old] = inspector.custody.publicKeys().record
  await permits.client('inspector').revokeKey({ key: thumbprint(old!), idempotencyKey: 'revoke' })
  // As a crash just before the revocation left it.
  await inspector.storage.saveSubmissions([signed])
  await inspector.stop()
  const again = await restarted(t, opened, inspector)
  const { idempotency, id } = signed.submission
  await until('it is committed', async () => {
    return (await again.storage.findSubmission(network.register, idempotency))?.state === 'committed'
  })
  const renewed = (await again.storage.findSubmission(network.register, idempotency))!
  assert.notEqual(renewed.id, id)
  const view = await permits.client('inspector').getCase(running.caseId)
  assert.deepEqual(
    view.records.filter(({ step }) => step === 'inspect').map(({ record }) => record),
    [renewed.id],
  )
})

test('a stolen request key, once revoked, opens no signed route on any node', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network } = opened
  const permits = permitsOf(opened)
  const keys = await stolenKeys(t, opened, 'inspector')
  const stolen = thumbprint(keys.publicKeys().request[0]!)
  const { register } = network
  const thieves = PERMIT_MEMBERS.map((to) => peerTo(t, opened, { as: 'inspector', keys, to }))
  for (const thief of thieves) {
    assert(
      (await thief.findDocument(register, network.blueprint)) !== undefined,
      'until then the key is as good as any',
    )
  }
  await permits.client('inspector').revokeKey({ key: stolen, idempotencyKey: 'revoke' })
  await inspected(opened, 'after')
  await untilAllHold(opened)
  for (const thief of thieves) {
    for (const [name, call] of Object.entries(everySignedRoute(thief, opened))) {
      await assert.rejects(call(), { detail: { ...REFUSED, remoteCode: 'REQUEST_SIGNATURE_INVALID' } }, name)
    }
  }
})

test('keys are replaced while everything goes on, and a month begins a new epoch', async (t) => {
  const clock = new FastClock({ startsAt: storyStart(permitStory()), originMs: Date.now(), rate: 10 })
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder, clock })
  const { network, errors } = opened
  const permits = permitsOf(opened)
  const { caseId } = await inspected(opened, 'before')
  const council = network.members.get('council')!
  const before = council.custody.publicKeys()
  await permits.client('council').rotateKeys({ use: 'all', idempotencyKey: 'rotate' })
  await inspected(opened, 'rotated')
  await until('the old keys are gone', () => {
    const { record, request } = council.custody.publicKeys()
    return record.length === 1 && request.length === 1
  })
  const { keys } = await permits.client('council').listKeys()
  const [record, request] = [...council.custody.publicKeys().record, ...council.custody.publicKeys().request].map(
    thumbprint,
  )
  assert.deepEqual(keys, [
    { key: record, use: 'record', held: true, signs: true },
    { key: request, use: 'request', held: true, signs: true },
  ])
  assert.notEqual(record, thumbprint(before.record[0]!))
  assert.notEqual(request, thumbprint(before.request[0]!))

  clock.skip(31 * DAY_SECONDS)
  for (const id of PERMIT_MEMBERS) {
    await until(`${id} has stated an epoch`, async () => (await permits.client(id).listKeys()).epochs.length === 2)
  }
  await untilAllHold(opened)
  await inspected(opened, 'second-month')
  clock.skip(7 * DAY_SECONDS)
  for (const [id, { custody }] of network.members) {
    await until(`${id} has destroyed the key of the first`, () => custody.publicKeys().epochs.length === 1)
  }
  await inspected(opened, 'later')
  const view = await permits.client('registry').getCase(caseId)
  assert(view.records[0]!.fields.length > 0, 'what came under the first epoch is still read')
  assert.deepEqual(errors, [])
  await network.stop()
  await auditAll(permits)
})

test('an entry states the last 24 epochs, and a key store holds no more than two', async (t) => {
  const clock = new FastClock({ startsAt: storyStart(permitStory()), originMs: Date.now(), rate: 10 })
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder, clock })
  const permits = permitsOf(opened)
  const { custody } = opened.network.members.get('registry')!
  const first = thumbprint(custody.publicKeys().epochs[0]!.jwk)
  for (let month = 1; month <= 25; month++) {
    clock.skip(30 * DAY_SECONDS)
    await until(`month ${month} has its epoch`, async () => {
      const { epochs } = await permits.client('registry').listKeys()
      const held = custody.publicKeys().epochs
      return (
        epochs.length === Math.min(24, month + 1) &&
        epochs.at(-1)!.until > clock.now() &&
        epochs.at(-1)!.key === thumbprint(held.at(-1)!.jwk) &&
        held.length <= 2
      )
    })
  }
  const { epochs } = await permits.client('registry').listKeys()
  assert(!epochs.some(({ key }) => key === first))
  await inspected(opened, 'after')
})

for (const name of ['addKey', 'saveSubmissions', 'settleSubmissions', 'destroyKeys', 'POST'] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`a rotation is whole though its ${name} fails ${when} it is done`, async (t) => {
      const fault = { armed: false, failed: 0 }
      const opened = await openTestNetwork(t, permitStory(), {
        around: (folder, member) => (member === 'inspector' ? withFaults(folder, failing(name, when, fault)) : folder),
      })
      const permits = permitsOf(opened)
      const { custody } = opened.network.members.get('inspector')!
      const [before] = custody.publicKeys().record
      fault.armed = true
      await until('the rotation has an answer', async () => {
        const rotation = permits.client('inspector').rotateKeys({ use: 'record', idempotencyKey: 'rotate' })
        return (await orAway(rotation)) !== undefined
      })
      await until('one key is left', () => fault.failed === 1 && custody.publicKeys().record.length === 1)
      const kid = thumbprint(custody.publicKeys().record[0]!)
      assert.notEqual(kid, thumbprint(before!))
      const { keys } = await permits.client('inspector').listKeys()
      assert.deepEqual(
        keys.filter(({ use }) => use === 'record').map(({ key }) => key),
        [kid],
      )
      await inspected(opened, 'after')
    })
  }
}

const REFUSED = {
  code: 'REMOTE_FAILED',
  expected: 'the server to do it',
  got: 'REQUEST_SIGNATURE_INVALID, status 401',
  status: 401,
}

async function assessed(opened: TestNetwork, key: string): Promise<{ caseId: string; assess: string }> {
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key })
  await untilSettled(permits, caseId, 'apply')
  const { record } = await submitUntilDone(permits, 'assess', { caseId, key })
  await untilSettled(permits, caseId, 'assess')
  return { caseId, assess: record }
}

async function inspected(opened: TestNetwork, key: string): Promise<{ caseId: string; inspect: string }> {
  const { caseId } = await assessed(opened, key)
  const { record } = await submitUntilDone(permitsOf(opened), 'inspect', { caseId, key })
  return { caseId, inspect: record }
}

/** What the inspector's node would sign, with any copy of its keys. */
function signInspection(
  { network, clock }: TestNetwork,
  signer: MemberNode,
  running: { caseId: string; assess: string },
) {
  return signByHand({ network, clock, random: (bytes) => randomBytes(bytes) }, signer, {
    blueprint: network.blueprint,
    case: running.caseId,
    step: 'inspect',
    prev: [running.assess],
    next: [],
    bind: {},
    data: sampleData().inspect as JsonObject,
    inTheNameOf: signer,
  })
}

/** A copy of a member's key store, as it is now. */
async function stolenKeys(t: TestContext, { folder }: TestNetwork, id: string): Promise<Custody> {
  const copy = join(folder, `stolen ${id}`)
  cpSync(join(folder, id), copy, { recursive: true })
  const passphrase = readFileSync(join(copy, 'passphrase'), 'utf8')
  const custody = await openFileCustody({ folder: join(copy, 'custody'), passphrase })
  t.after(() => custody.close())
  return custody
}

function peerTo(
  t: TestContext,
  { network, clock }: TestNetwork,
  { as, keys, to }: { as: string; keys: Custody; to: string },
): Peer {
  const http = new Http({ timeoutMs: 20_000, allowInternal: true })
  t.after(() => http.close())
  const kid = thumbprint(keys.publicKeys().request[0]!)
  return new Peer({
    http,
    address: network.members.get(to)!.nodeAddress,
    member: network.memberIds[as]!,
    signers: async () => [(data) => keys.sign(kid, data)],
    clock,
    random: (bytes) => randomBytes(bytes),
  })
}

/** By name, so that a new one is not forgotten. */
type SignedRoute = { [N in RouteName]: Routes[N]['access'] extends 'signed' ? N : never }[RouteName]

function everySignedRoute(peer: Peer, { network }: TestNetwork): Record<SignedRoute, () => Promise<unknown>> {
  const { register, blueprint } = network
  return {
    submitEntries: () => peer.submitEntries(register, ['x']),
    deliver: () => peer.deliver(register, { checkpoint: 'x', items: [] }),
    pullDeliveries: () => peer.pullDeliveries(register, { wanted: [], taken: [] }),
    sendCertificate: () => peer.sendCertificate(register, 'x'),
    readBoundaryCertificate: () => peer.findBoundaryCertificate(register, 4),
    sendStatement: () => peer.sendStatement(register, { statement: 'x', forks: [] }),
    readDocument: () => peer.findDocument(register, blueprint),
    readBundle: () => peer.readBundle(register, { n: 0, width: 1 }),
  }
}

/** All nodes have applied as many leaves. */
async function untilAllHold({ network }: TestNetwork): Promise<void> {
  await until('all hold the same leaves', async () => {
    const views = [...network.members.values()].map(({ node }) => node.getRegister(network.register))
    return new Set((await Promise.all(views)).map(({ size }) => size)).size === 1
  })
}
