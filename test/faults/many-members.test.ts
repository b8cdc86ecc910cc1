/** A register of 32 members on one machine, 21 of which one operator runs. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fromBase64url } from '../../src/core/crypto/base64url.ts'
import { formatCheckpoint } from '../../src/core/ledger/checkpoint.ts'
import { cosign } from '../../src/core/ledger/cosignature.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { formatNote, noteKey } from '../../src/core/ledger/note.ts'
import { formatAddCheckpoint } from '../../src/core/ledger/witness.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'
import type { Story, StoryMember } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { checkNetwork, checkRegister } from '../whole-register.ts'
import { openTestNetwork, storyStart, until } from './open-network.ts'
import { permitsOf, submitStep, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

/** Orders the register and hosts; the inspector is one of those whom it hosts. */
const HOST = 'council'
const HOSTED = ['inspector', ...Array.from({ length: 19 }, (_, i) => `hosted-${i}`)]
const OTHER_OPERATORS = ['registry', ...Array.from({ length: 10 }, (_, i) => `operator-${i}`)]
/** Of twelve operators, of which three may be faulty. */
const QUORUM = 8
const CASES = 60
const CASES_AT_ONCE = 12

test('32 members, 20 of them hosted by a twelfth operator: actions run, and the host with its 21 votes certifies nothing alone', async (t) => {
  const { opened, cut } = await open(t)
  const { network } = opened
  const permits = permitsOf(opened)
  const host = network.members.get(HOST)!

  for (const id of [HOST, 'inspector', 'registry']) {
    const view = await network.clients.get(id)!.getRegister()
    assert.equal(view.members.length, 32)
    assert.equal(view.members.filter(({ operator }) => operator === host.member).length, 21)
    const operators = [HOST, ...OTHER_OPERATORS].map((other) => network.memberIds[other]!)
    assert.deepEqual(view.operators.toSorted(), operators.toSorted())
    assert.equal(view.quorum, QUORUM)
  }

  await t.test('a hosted member acts, and is answered without asking for the certificate', async () => {
    const started = { caseId: undefined, key: 'whole' }
    const { case: caseId } = await submitUntilDone(permits, 'apply', started)
    await untilSettled(permits, caseId, 'apply')
    await submitUntilDone(permits, 'assess', { caseId, key: 'whole' })
    await untilSettled(permits, caseId, 'assess')
    cut.polls = true
    await submitStep(permits, 'inspect', { caseId, key: 'whole' })
    cut.polls = false
    await untilSettled(permits, caseId, 'inspect')
  })

  await t.test('a hosted member cosigns nothing', async () => {
    await until('all hold the same', async () => (await sizes(network)).size === 1)
    const { size, note } = (await host.storage.findCertificate(network.register))!
    const body = formatAddCheckpoint({ oldSize: size, proof: [], note })
    const ask = (id: string) => network.members.get(id)!.node.addCheckpoint(network.register, body)
    assert.equal((await ask('inspector')).status, 404)
    assert.equal((await ask('registry')).status, 200)
  })

  await t.test('memory and rate', async () => {
    const startMs = performance.now()
    await Promise.all(
      Array.from({ length: CASES_AT_ONCE }, async (_, worker) => {
        for (let i = worker; i < CASES; i += CASES_AT_ONCE) {
          await submitUntilDone(permits, 'apply', { caseId: undefined, key: `rate-${i}` })
        }
      }),
    )
    const rate = (CASES * 1000) / (performance.now() - startMs)
    const memory = process.memoryUsage.rss() / 1024 / 1024
    t.diagnostic(`32 nodes in one process: ${Math.round(memory)} MiB, ${rate.toFixed(1)} acknowledged actions a second`)
  })

  await t.test(
    'cut off from the other operators the host gets nothing committed, whatever its 21 members sign',
    async () => {
      await until('all hold the same', async () => (await sizes(network)).size === 1)
      const [committed] = await sizes(network)
      cut.others = true
      const about = { caseId: undefined, key: 'alone' }
      let acknowledged = false
      const submitted = submitUntilDone(permits, 'apply', about).then(() => {
        acknowledged = true
      })
      await until('the host has ordered it', async () => {
        return ((await host.storage.findHead(network.register))?.size ?? 0) > committed!
      })
      const note = await certificateOf(network, [HOST, ...HOSTED, HOST, HOST])
      for (const id of [...HOSTED, ...OTHER_OPERATORS]) {
        await assert.rejects(network.members.get(id)!.node.acceptCertificate(network.register, host.member, note), {
          code: 'CERTIFICATE_QUORUM_MISSING',
          detail: {
            code: 'CERTIFICATE_QUORUM_MISSING',
            expected: `timed Ed25519 cosignatures of ${QUORUM} operators`,
            got: '1',
            cosigners: 1,
            quorum: QUORUM,
          },
        })
      }
      // One fewer than a quorum is none either, and the hosted ones do not fill it up.
      const seven = await certificateOf(network, [HOST, ...OTHER_OPERATORS.slice(0, QUORUM - 2), ...HOSTED])
      await assert.rejects(
        network.members.get('inspector')!.node.acceptCertificate(network.register, host.member, seven),
        {
          code: 'CERTIFICATE_QUORUM_MISSING',
        },
      )
      assert.equal(acknowledged, false)
      assert.deepEqual([...(await sizes(network))], [committed])
      cut.others = false
      await submitted
    },
  )

  await checkNetwork(network.members, network.register)
  for (const { storage } of [host, network.members.get('inspector')!]) await checkRegister(storage, network.register)
  assert.deepEqual(opened.errors, [])
})

/** What does not reach its node: with `others`, anything that nodes send to operators but the host; with `polls`, questions for the newest certificate. */
interface Cut {
  others: boolean
  polls: boolean
}

async function open(t: TestContext) {
  const permit = permitStory()
  const members: StoryMember[] = [
    { id: HOST, name: 'Council', voting: true },
    ...OTHER_OPERATORS.map((id) => ({ id, name: id, voting: true })),
    ...HOSTED.map((id) => ({ id, name: id, voting: true, operator: HOST })),
  ]
  const story: Story = { ...permit, members }
  const cut: Cut = { others: false, polls: false }
  const others = new Set(OTHER_OPERATORS)
  let served = 0
  const startMs = performance.now()
  const opened = await openTestNetwork(t, story, {
    around: (folder) => folder,
    clock: new StoryClock(storyStart(story)),
    onServer(server) {
      const { id } = members[served++]!
      server.addHook('onRequest', (request, reply, done) => {
        const isLost =
          (cut.others && others.has(id) && request.url.startsWith('/nodes/')) ||
          (cut.polls && request.url.endsWith('/log/checkpoint'))
        if (!isLost) return done()
        reply.hijack()
        request.raw.destroy()
      })
    },
  })
  t.diagnostic(`founded and agreed in ${Math.round(performance.now() - startMs)} ms`)
  return { opened, cut }
}

/** How far each node's newest certificate reaches. */
async function sizes(network: Network): Promise<Set<number | undefined>> {
  const found = [...network.members.values()].map(({ storage }) => storage.findCertificate(network.register))
  return new Set((await Promise.all(found)).map((certificate) => certificate?.size))
}

/** The host's newest checkpoint, cosigned by the keys that these members' nodes hold, whatever the register says of them. */
async function certificateOf(network: Network, cosigners: readonly string[]): Promise<string> {
  const { register } = network
  const host = network.members.get(HOST)!
  const { size, root } = (await host.storage.findHead(register))!
  const origin = `${register}/0`
  const text = formatCheckpoint({ origin, size, root: fromBase64url(root) })
  const log = await noteKey(origin, { type: 1, jwk: checkpointKey(host) }, nodeChecks.sha256)
  const signature = await host.custody.signCheckpoint('Ed25519', new TextEncoder().encode(text))
  const time = Math.floor(Date.now() / 1000)
  const cosignatures = cosigners.map(async (id) => {
    const member = network.members.get(id)!
    const key = await noteKey(member.member, { type: 4, jwk: checkpointKey(member) }, nodeChecks.sha256)
    assert(key.type === 4)
    return cosign(text, key, time, (data) => member.custody.signCheckpoint('Ed25519', data))
  })
  return formatNote({ text, signatures: [{ ...log, signature }, ...(await Promise.all(cosignatures))] })
}

function checkpointKey({ custody }: MemberNode) {
  return custody.publicKeys().checkpoint.ed25519
}
