/** Nodes that do not reach each other for longer than an entry, or a leaf's time, is good for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError } from '../../src/core/error.ts'
import { FastClock } from './fast-clock.ts'
import { withFaults } from './faulty-folder.ts'
import { openTestNetwork, storyStart, until } from './open-network.ts'
import { auditAll, permitsOf, submitStep, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

test('a leaf left uncertified for longer than nodes let leaf times differ goes with the next entry', async (t) => {
  const { permits, away, clock } = await open(t)
  away.add('council')
  const first = { caseId: undefined, key: 'first' }
  await assert.rejects(submitStep(permits, 'apply', first), { code: 'ORDERING_UNAVAILABLE' })
  clock.skip(20 * 60)
  away.clear()
  await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'second' })
  const { case: caseId, index } = await submitUntilDone(permits, 'apply', first)
  await untilSettled(permits, caseId, 'apply')
  assert.equal((await permits.client('council').getCase(caseId)).records[0]?.index, index)
})

test('an entry that expired on its way is signed anew: one record, under the same case and idempotency key', async (t) => {
  const { permits, away, clock, network } = await open(t)
  let caseId: string | undefined
  for (const step of ['apply', 'assess'] as const) {
    caseId = (await submitUntilDone(permits, step, { caseId, key: 'a' })).case
    await untilSettled(permits, caseId, step)
  }
  away.add('inspector')
  const about = { caseId, key: 'a' }
  await assert.rejects(submitStep(permits, 'inspect', about), { code: 'ORDERING_UNAVAILABLE' })
  const { storage } = network.members.get('inspector')!
  const [expired] = await storage.pendingSubmissions(network.register)
  assert(expired !== undefined)
  clock.skip(61 * 60)
  away.clear()

  const receipt = await submitUntilDone(permits, 'inspect', about)
  assert.notEqual(receipt.record, expired.id)
  await untilSettled(permits, caseId!, 'inspect')
  assert.equal((await submitUntilDone(permits, 'inspect', about)).record, receipt.record)
  const { records } = await permits.client('council').getCase(caseId!)
  assert.deepEqual(
    records.map(({ step }) => step),
    ['apply', 'assess', 'inspect'],
  )
  const held = await storage.caseGroups(network.register, caseId!)
  assert(
    held.every(({ record }) => record !== expired.id),
    'nothing is left of the record that never was',
  )
  await until('nothing waits', async () => (await storage.pendingSubmissions(network.register)).length === 0)
  await network.stop()
  await auditAll(permits)
})

/** While a member is in `away` its node reaches no other. */
async function open(t: Parameters<typeof openTestNetwork>[0]) {
  const away = new Set<string>()
  const story = permitStory()
  const clock = new FastClock({ startsAt: storyStart(story), originMs: Date.now(), rate: 10 })
  const opened = await openTestNetwork(t, story, {
    clock,
    around: (folder, member) =>
      withFaults(folder, async (name, write) => {
        if (name !== 'POST' || !away.has(member)) return write()
        throw new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
      }),
  })
  const permits = permitsOf(opened)
  return { ...opened, clock, away, permits }
}
