/** What the other nodes do when the node that orders the register has stopped checking its rules. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProcessMemory } from '../../src/client/checkpoint-memory.ts'
import { Client } from '../../src/client/client.ts'
import { Http } from '../../src/client/http.ts'
import { withMemberIds } from '../../src/core/blueprint/simulate/scenario.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { formatLeaf } from '../../src/core/ledger/entry.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { appendToTree, leafHash } from '../../src/core/ledger/tree.ts'
import { type MemberNode, openMemberFolder, serveMember } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'
import { readStory } from '../../src/sandbox/scenario.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { checkedServers } from '../openapi-check.ts'
import { type Lie, lastRecord, signLie } from './liar.ts'
import { logTo, openTestNetwork, type TestNetwork, until } from './open-network.ts'

const story = readStory(join(import.meta.dirname, '../../examples/travel-card'))
const FOLLOWERS = ['agency', 'transport', 'bureau', 'audit']

const badLeaves: { title: string; code: ErrorCode; make: (at: Place) => Promise<string> }[] = [
  {
    title: 'an action at a step that is not open',
    code: 'STEP_NOT_OPEN',
    make: async ({ network, sequencer, lie, time }) =>
      formatLeaf(time, (await signLie(network, sequencer, { ...lie, step: 'decide', next: ['order'] })).submission.jws),
  },
  {
    title: 'a signature that is not right',
    code: 'SIGNATURE_INVALID',
    make: async ({ network, sequencer, lie, time }) => {
      const { jws } = (await signLie(network, sequencer, lie)).submission
      return formatLeaf(time, `${jws.slice(0, -86)}${toBase64url(randomBytes(64))}`)
    },
  },
  {
    title: 'a time before the leaf before it',
    code: 'LEAF_TIME_DECREASES',
    make: async ({ network, sequencer, lie, time }) =>
      formatLeaf(time - 7_200, (await signLie(network, sequencer, lie)).submission.jws),
  },
  { title: 'no entry at all', code: 'LEAF_INVALID', make: async () => 'this is no leaf' },
]

for (const { title, code, make } of badLeaves) {
  test(`a sequencer that takes ${title}: the four others stop at the leaf, report it, and nothing is committed`, async (t) => {
    const opened = await openTestNetwork(t, story, { around: (folder) => folder })
    const { network, clock, errors } = opened
    const [started] = story.scenarios[0]!.steps
    assert(started?.kind === 'action')
    const council = network.clients.get('council')!
    const { case: caseId } = await council.startCase({
      blueprint: network.blueprint,
      role: started.by,
      data: withMemberIds(started.data, network.memberIds) as Lie['data'],
      idempotencyKey: 'start',
    })
    const view = await council.getCase(caseId)
    await until('every node has the certificate', () => sameCommitted(network, view.records.at(-1)!.index + 1))
    const committed = view.records.at(-1)!.index + 1

    const sequencer = network.members.get('council')!
    const lie: Lie = {
      case: caseId,
      step: 'check-residence',
      prev: [lastRecord(view)],
      next: ['confirm-award'],
      bind: {},
      data: {},
      iat: clock.now(),
    }
    const leaf = await make({ network, sequencer, lie, time: clock.now() })
    const restarted = await restartWith(opened, sequencer, (storage) =>
      appendUnchecked(storage, network.register, leaf),
    )
    t.after(() => restarted.stop())

    await until('every follower has stopped', async () => {
      const views = await Promise.all(FOLLOWERS.map((id) => network.clients.get(id)!.getRegister()))
      return views.every(({ halted }) => halted !== null)
    })
    for (const id of FOLLOWERS) {
      const { halted, size } = await network.clients.get(id)!.getRegister()
      assert.deepEqual(halted, { index: committed, code }, id)
      assert.equal(size, committed, `${id} keeps no leaf from it on`)
      const node = network.members.get(id)!.name
      assert(
        errors.some((error) => error.node === node && error.code === 'REGISTER_HALTED'),
        `${id} logs it`,
      )
    }
    assert(await sameCommitted(network, committed), 'nothing more is committed with the followers')
    assert.equal((await restarted.storage.findCertificate(network.register))?.size, committed)
    assert.equal((await restarted.storage.findHead(network.register))?.size, committed + 1)

    await assert.rejects(proposeAt(network, 'agency'), { code: 'REGISTER_HALTED' }, 'a submit at a follower')
    const withdrawal = { case: caseId, step: 'withdraw', data: { reason: 'no-longer-needed' }, idempotencyKey: 'after' }
    await assert.rejects(
      council.submitAction(withdrawal),
      { code: 'ORDERING_UNAVAILABLE' },
      'a submit at the sequencer',
    )

    const agency = await restartWith(opened, network.members.get('agency')!, async () => {})
    t.after(() => agency.stop())
    const again = await agency.node.getRegister(network.register)
    assert.deepEqual(again.halted, { index: committed, code }, 'a restart does not forget it')
  })
}

interface Place {
  network: Network
  sequencer: MemberNode
  lie: Lie
  time: number
}

/** Whatever the leaf is, the tiles and the head are those of a register that holds it. */
async function appendUnchecked(storage: Storage, register: string, leaf: string): Promise<void> {
  const head = (await storage.findHead(register))!
  const edge = (await storage.findTile(register, 0, Math.floor((head.size - 1) / 256)))!
  const tree = appendToTree({ size: head.size, readTile: (level) => (level === 0 ? edge : undefined) }, [
    leafHash(leaf),
  ])
  await storage.appendBatch(register, {
    expected: { term: head.term, size: head.size },
    head: { ...head, size: tree.size, root: toBase64url(tree.root) },
    leaves: [{ leaf, id: digest(leaf), case: null }],
    tiles: tree.tiles,
    rows: new Map(),
    cosigned: null,
  })
}

/** Stops a member's node, changes what it holds, and starts it at the same address. */
async function restartWith(
  { network, folder, clock, errors }: TestNetwork,
  { name, address, stop }: MemberNode,
  change: (storage: Storage) => Promise<void>,
): Promise<MemberNode> {
  await stop()
  const id = [...network.members].find(([, member]) => member.name === name)![0]
  const opened = await openMemberFolder(join(folder, id), clock)
  await change(opened.storage)
  const port = Number(new URL(address).port)
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const { makeServer } = checkedServers()
  const served = await serveMember({ name, folder: opened, port, clock, random, log: logTo(errors), makeServer })
  await served.node.start()
  return served
}

async function sameCommitted(network: Network, size: number): Promise<boolean> {
  const found = await Promise.all(
    FOLLOWERS.map((id) => network.members.get(id)!.storage.findCertificate(network.register)),
  )
  return found.every((certificate) => certificate?.size === size)
}

/** An entry of a member's own that nothing but the register's state speaks against. */
async function proposeAt(network: Network, id: string): Promise<unknown> {
  const { address, token } = network.members.get(id)!
  const http = new Http({ timeoutMs: 60_000, allowInternal: true })
  const client = new Client({
    http,
    address,
    token,
    register: network.register,
    checks: nodeChecks,
    memory: new ProcessMemory(),
  })
  const document = JSON.parse(JSON.stringify({ ...network.document, version: '1.0.1' }))
  return client.propose({ document, idempotencyKey: 'propose' }).finally(() => http.close())
}
