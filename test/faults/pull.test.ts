/** What a signer owes and has not brought: asked for by the recipient's node, complained of by its people, and no way in for others. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Http } from '../../src/client/http.ts'
import { Peer } from '../../src/client/peer.ts'
import { HPKE_SUITE } from '../../src/core/crypto/hpke.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import { memberIdOf } from '../../src/node/founding.ts'
import type { MemberFolder } from '../../src/sandbox/member-node.ts'
import { holdingBack } from './faulty-folder.ts'
import { openTestNetwork, type TestNetwork, until } from './open-network.ts'
import { permitsOf, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

test('a recipient whom nobody brings anything asks for it, and acknowledges it', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), {
    around: (folder, member) => (member === 'council' ? neverDelivering(folder) : folder),
  })
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess')
  await submitUntilDone(permits, 'inspect', { caseId, key: 'a' })
  await until('the case has ended', async () => (await permits.client('registry').getCase(caseId)).ended)
  const { records } = await permits.client('registry').getCase(caseId)
  assert.deepEqual(
    records.map(({ fields }) => fields.length > 0),
    [true, true, false],
  )
})

test('nobody gets, or acknowledges, what another member is owed', async (t) => {
  const gate = { closed: false }
  const opened = await openTestNetwork(t, permitStory(), {
    around: (folder, member) => (member === 'council' ? holdingBack(folder, gate) : folder),
  })
  const { network } = opened
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  gate.closed = true
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  const council = network.members.get('council')!
  const owed = (await council.storage.caseDeliveries(network.register, caseId)).filter(({ state }) => state === 'due')
  const theirs = owed
    .filter(({ member }) => member === permits.memberId('registry'))
    .map(({ record, role, authorisedBy }) => ({ record, role, authorisedBy }))
  assert(theirs.length > 0)
  const asInspector = peerAs(t, opened, 'inspector', council.nodeAddress)
  gate.closed = false
  const taken = theirs.map((key) => ({ ...key, state: 'acknowledged' as const }))
  const { items } = await asInspector.pullDeliveries(network.register, { wanted: theirs, taken })
  assert.deepEqual(items, [])
  await untilSettled(permits, caseId, 'assess')
  const { records } = await permits.client('registry').getCase(caseId)
  assert(records[1]!.fields.length > 0, 'what somebody else acknowledged came all the same')
})

test('a flood of deliveries for records that nobody knows is refused, and leaves nothing', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network } = opened
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  const registry = network.members.get('registry')!
  const asInspector = peerAs(t, opened, 'inspector', registry.nodeAddress)
  const checkpoint = (await asInspector.findCheckpoint(network.register))!
  const random = (sizeBytes: number) => randomBytes(sizeBytes).toString('base64url')
  const item = () => {
    const key = { record: random(32), role: 'registry', authorisedBy: random(32) }
    const grant = {
      suite: HPKE_SUITE as typeof HPKE_SUITE,
      kid: random(32),
      ...key,
      enc: random(64),
      ciphertext: random(64),
    }
    return { ...key, grant, groups: [{ index: 1, sealed: random(4_096) }] }
  }
  const held = async () => (await registry.storage.awaitedSenders(network.register)).length
  const before = await held()
  for (let i = 0; i < 4; i++) {
    const items = Array.from({ length: 1_000 }, item)
    const results = await asInspector.deliver(network.register, { checkpoint, items })
    assert.equal(results.length, items.length)
    for (const result of results) assert('refusal' in result && result.refusal.code === 'GRANT_NOT_AUTHORISED')
  }
  assert.equal(await held(), before)
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess')
})

test('a person disputes what was never delivered; the case is open until it has come', async (t) => {
  const gate = { closed: false }
  const opened = await openTestNetwork(t, permitStory(), {
    around: (folder, member) => (member === 'inspector' ? holdingBack(folder, gate) : folder),
  })
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess')
  gate.closed = true
  const { record } = await submitUntilDone(permits, 'inspect', { caseId, key: 'a' })
  const council = permits.client('council')
  await until('the case has ended', async () => (await council.getCase(caseId)).ended)
  const { dispute } = await council.raiseDispute({
    case: caseId,
    record,
    role: 'council',
    reason: 'undelivered',
    explanation: 'The inspection has not come.',
    idempotencyKey: 'undelivered',
  })
  const view = await council.getCase(caseId)
  assert.equal(view.ended, false)
  assert.equal(view.records[2]?.awaiting, true)
  assert.equal(view.disputes[0]?.end, null)
  gate.closed = false
  await until('it has come', async () => (await council.getCase(caseId)).records[2]?.awaiting === false)
  assert((await council.getCase(caseId)).records[2]!.fields.length > 0)
  await council.resolveDispute({ case: caseId, dispute, role: 'council', outcome: 'withdrawn', idempotencyKey: 'w' })
  await until('the case has ended again', async () => (await council.getCase(caseId)).ended)
})

/** A member's folder whose node brings nothing to others, and answers them. */
function neverDelivering(folder: MemberFolder): MemberFolder {
  const own = memberIdOf(folder.custody)
  const storage = new Proxy(folder.storage, {
    get(target, name) {
      if (name === 'dueRecipients') {
        return async (...args: Parameters<typeof target.dueRecipients>) =>
          (await target.dueRecipients(...args)).filter((member) => member === own)
      }
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...folder, storage }
}

function peerAs(t: TestContext, { network, clock }: TestNetwork, id: string, address: string): Peer {
  const { member, custody } = network.members.get(id)!
  const http = new Http({ timeoutMs: 20_000, allowInternal: true })
  t.after(() => http.close())
  const kid = thumbprint(custody.publicKeys().request.at(-1)!)
  const signers = async () => [(data: Uint8Array) => custody.sign(kid, data)]
  return new Peer({ http, address, member, signers, clock, random: (bytes) => randomBytes(bytes) })
}
