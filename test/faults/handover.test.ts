/** A register whose sequencer is gone goes on under another one, by a handover that people sign (RULES 31). */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyEvidence } from '../../src/core/ledger/evidence.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { type MemberNode, openMemberFolder, serveMember } from '../../src/sandbox/member-node.ts'
import { checkedServers } from '../openapi-check.ts'
import { logTo, openTestNetwork, type TestNetwork, until } from './open-network.ts'
import { auditAll, permitsOf, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

test('when the sequencer is gone two others hand over, the case goes on, and the old one follows when it is back', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network } = opened
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  const { record } = await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess')

  await network.members.get('council')!.stop()
  const registry = network.clients.get('registry')!
  const inspector = network.clients.get('inspector')!
  const wanted = { term: 1, sequencer: network.memberIds.registry! }
  const asked = await registry.handOver(wanted)
  assert.deepEqual(asked, { ...wanted, signed: [network.memberIds.registry], needed: 2 })
  await inspector.handOver(wanted)
  await until('the term has begun everywhere', async () => {
    const views = await Promise.all([registry, inspector].map((client) => client.getRegister()))
    return views.every(
      ({ term, sequencer, handover }) => term === 1 && sequencer === wanted.sequencer && handover === null,
    )
  })

  await submitUntilDone(permits, 'inspect', { caseId, key: 'a' })
  const council = await restart(opened, 'council')
  t.after(() => council.stop())
  await untilSettled(permits, caseId, 'inspect')
  const { case: another } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'b' })
  await untilSettled(permits, another, 'apply')

  const { file } = await registry.exportEvidence({ record, fields: ['/verdict'] })
  const verified = await verifyEvidence(file, { register: network.register, checks: nodeChecks, pq: true })
  assert.equal(verified.log.origin, `${network.register}/1`)
  await council.stop()
  await network.stop()
  const leaves = await auditAll(permits)
  assert.equal(leaves.filter((leaf) => kindOf(leaf) === 'handover').length, 1)
})

function kindOf(leaf: string): unknown {
  const [header = ''] = leaf.slice(leaf.indexOf('.') + 1).split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { typ: unknown }).typ
}

/** Starts a stopped member's node at the same address. */
async function restart({ network, folder, clock, errors }: TestNetwork, id: string): Promise<MemberNode> {
  const { name, address } = network.members.get(id)!
  const opened = await openMemberFolder(join(folder, id), clock)
  const port = Number(new URL(address).port)
  const { makeServer } = checkedServers()
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const served = await serveMember({ name, folder: opened, port, clock, random, log: logTo(errors), makeServer })
  await served.node.start()
  return served
}
