/** A sequencer that shows two histories, or withholds: what it gains, and how the others go on (RULES 30 to 32). */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { parseEntry, parseLeaf } from '../../src/core/ledger/entry.ts'
import { verifyForkFile } from '../../src/core/ledger/handover/fork-file.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import type { Network } from '../../src/sandbox/network.ts'
import { readStory } from '../../src/sandbox/scenario.ts'
import { checkRegister } from '../whole-register.ts'
import { FastClock } from './fast-clock.ts'
import { openTestNetwork, storyStart, until } from './open-network.ts'
import { permitsOf, submitUntilDone, trySubmit, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'
import { calling, openFace } from './two-faced.ts'

const story = readStory(join(import.meta.dirname, '../../examples/travel-card'))

test('a sequencer that signs two histories gets one of them committed; the other is proof against it, and its entry comes again', async (t) => {
  // Which of the two faces each member sees; the first one is the address that the register knows.
  let otherFace: string | undefined
  const seesOther = (member: string) => member === 'bureau' || member === 'audit'
  const opened = await openTestNetwork(t, story, {
    around: (folder, member) =>
      calling(folder, (url) => (otherFace === undefined || !seesOther(member) ? url : atOther(url))),
  })
  const { network } = opened
  const { register } = network
  const council = network.members.get('council')!
  const atOther = (url: string) =>
    url.startsWith(council.address) ? otherFace + url.slice(council.address.length) : url
  const addressesOf = (...ids: string[]) => ids.map((id) => network.members.get(id)!.address)
  await until('everyone has what is committed', () => sameCommitted(network, Object.keys(network.memberIds)))

  await council.stop()
  const port = Number(new URL(council.address).port)
  const first = await openFace(opened, {
    id: 'council',
    copy: 'council-1',
    port,
    reaches: (url) => addressesOf('agency', 'transport').some((address) => url.startsWith(address)),
  })
  t.after(() => first.stop())
  const second = await openFace(opened, {
    id: 'council',
    copy: 'council-2',
    port: 0,
    reaches: (url) => addressesOf('bureau', 'audit').some((address) => url.startsWith(address)),
  })
  t.after(() => second.stop())
  otherFace = second.address

  // Each face orders another entry at the same place.
  const acknowledged = await propose(network, 'agency', '2.0.0')
  const lost = propose(network, 'bureau', '3.0.0')
  lost.catch(() => undefined)
  const bureau = network.clients.get('bureau')!
  await until('the bureau has proof', async () => (await bureau.getRegister()).forks === 1)
  const view = await bureau.getRegister()
  assert.equal(view.halted?.code, 'CHECKPOINT_FORKED')
  const [file] = await bureau.listForks()
  const verified = await verifyForkFile(file!, { register, checks: nodeChecks })
  assert.equal(verified.origin, `${register}/0`)
  assert(verified.larger.size > acknowledged.index)

  await Promise.all([first.stop(), second.stop()])
  const wanted = { term: 1, sequencer: network.memberIds.agency! }
  for (const id of ['bureau', 'transport', 'agency']) await network.clients.get(id)!.handOver(wanted)
  const honest = ['agency', 'transport', 'bureau', 'audit']
  await until('the term has begun everywhere', async () => {
    const views = await Promise.all(honest.map((id) => network.clients.get(id)!.getRegister()))
    return views.every(({ term, halted, handover }) => term === 1 && halted === null && handover === null)
  })
  const { index } = await lost.catch(() => propose(network, 'bureau', '3.0.0'))
  await until('all hold it', () => sameCommitted(network, honest, index + 1))
  const [agencys, bureaus] = await Promise.all(
    ['agency', 'bureau'].map((id) => checkRegister(network.members.get(id)!.storage, register)),
  )
  assert.deepEqual(agencys, bureaus)
  const { leaves } = agencys!
  const entries = leaves.map((leaf) => parseEntry(parseLeaf(leaf).jws))
  assert.equal(entries[acknowledged.index]?.kind, 'proposal', 'what was committed is where it was')
  const handover = entries.find((entry) => entry.kind === 'handover')
  assert(handover?.kind === 'handover')
  assert.equal(handover.claims.forks.length, 1, 'the proof is on the register')
  assert.equal(entries.filter(({ kind }) => kind === 'proposal').length, 3, 'each entry once')
})

test('a sequencer that withholds an entry loses its quorum within 90 seconds, and after the handover the entry is in', async (t) => {
  const permit = permitStory()
  const clock = new FastClock({ startsAt: storyStart(permit), originMs: Date.now(), rate: 8 })
  let withholds = false
  const atCouncil = (url: string) => url.startsWith(network?.members.get('council')?.address ?? '-')
  let network: Network | undefined
  const opened = await openTestNetwork(t, permit, {
    clock,
    // What the inspector has signed never gets to the council, whoever brings it.
    around: (folder) =>
      calling(folder, (url, { body }) => {
        const withheld = withholds && atCouncil(url) && url.endsWith('/entries') && isOfInspector(body)
        return withheld ? undefined : url
      }),
  })
  network = opened.network
  const isOfInspector = (body: Uint8Array | undefined) => {
    const { entries } = JSON.parse(Buffer.from(body ?? []).toString()) as { entries: string[] }
    return entries.some((jws) => parseEntry(jws).claims.iss === network!.memberIds.inspector)
  }
  const permits = permitsOf(opened)
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess')

  withholds = true
  const since = clock.now()
  const withheld = trySubmit(permits, 'inspect', { caseId, key: 'a' })
  let committedAt = since
  for (let round = 0; ; round++) {
    const done = await trySubmit(permits, 'apply', { caseId: undefined, key: `b-${round}` })
    if (done === undefined) break
    committedAt = clock.now()
    assert(committedAt - since <= 90, `the council still commits after ${committedAt - since} s`)
  }
  t.diagnostic(`the council committed for ${committedAt - since} s more`)
  assert.equal(await withheld, undefined)

  const wanted = { term: 1, sequencer: network.memberIds.registry! }
  await network.clients.get('inspector')!.handOver(wanted)
  await network.clients.get('registry')!.handOver(wanted)
  const receipt = await submitUntilDone(permits, 'inspect', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'inspect')
  const { term } = await network.clients.get('council')!.getRegister()
  assert.equal(term, 1, 'the council follows')
  const { records } = await network.clients.get('council')!.getCase(caseId)
  assert.equal(records.at(-1)?.record, receipt.record)
})

/** An entry of a member's own that nothing but the register's state speaks against. */
async function propose({ clients, document }: Network, id: string, version: string): Promise<{ index: number }> {
  const changed = { ...JSON.parse(JSON.stringify(document)), version } as JsonObject
  return clients.get(id)!.propose({ document: changed, idempotencyKey: `propose-${version}` })
}

async function sameCommitted({ clients }: Network, ids: readonly string[], least = 1): Promise<boolean> {
  const views = await Promise.all(ids.map((id) => clients.get(id)!.getRegister()))
  return views.every(
    ({ committed, size }) => committed >= least && size === committed && committed === views[0]!.committed,
  )
}
