import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import { waitUntilReady } from '../../src/sandbox/play.ts'
import { openTestNetwork, storyStart } from '../faults/open-network.ts'
import { permitStory } from '../faults/permit-story.ts'
import { sampleData } from '../sample-blueprint.ts'
import { StillClock } from './still-clock.ts'

const refusedAs = (code: ErrorCode) => (error: unknown) => error instanceof ConcordatError && error.code === code

test('a record is corrected to settle a dispute, and decided anew after a review', async (t) => {
  const story = permitStory()
  const clock = new StillClock(storyStart(story))
  const { network } = await openTestNetwork(t, story, { around: (opened) => opened, clock })
  const { blueprint, memberIds } = network
  const [council, inspector, registry] = ['council', 'inspector', 'registry'].map((id) => network.clients.get(id)!)
  assert(council && inspector && registry)
  let keys = 0
  const key = () => ({ idempotencyKey: `key-${++keys}` })

  const data = sampleData()
  const { case: id } = await council.startCase({ blueprint, role: 'applicant', data: data.apply, ...key() })
  await waitUntilReady(council, { caseId: id, step: 'assess' }, clock)
  const assess = { case: id, step: 'assess', data: { verdict: 'inspect', inspector: memberIds.inspector! } }
  const { record } = await council.submitAction({ ...assess, ...key() })
  const words = { reason: 'other', explanation: 'The note is missing' } as const
  const { dispute } = await registry.raiseDispute({ case: id, record, role: 'registry', ...words, ...key() })

  const noted = { ...assess, data: { ...assess.data, note: 'On the third floor' } }
  await assert.rejects(council.submitAction({ ...noted, ...key() }), refusedAs('STEP_NOT_OPEN'))
  const once = key()
  const correction = await council.submitAction({ ...noted, corrects: record, ...once })
  assert.deepEqual(await council.submitAction({ ...noted, corrects: record, ...once }), correction)
  await assert.rejects(council.submitAction({ ...noted, ...once }), refusedAs('IDEMPOTENCY_KEY_REUSED'))
  const settlement = { outcome: 'settled', correction: correction.record } as const
  await council.resolveDispute({ case: id, dispute, role: 'council', ...settlement, ...key() })

  await waitUntilReady(inspector, { caseId: id, step: 'inspect' }, clock)
  const inspected = await inspector.submitAction({ case: id, step: 'inspect', data: data.inspect, ...key() })
  assert(inspected.ended)
  const ask = { case: id, step: 'ask', data: { grounds: 'The stair is wide enough' } }
  await assert.rejects(council.submitAction({ ...ask, reviews: record, ...key() }), ConcordatError)
  const request = await council.submitAction({ ...ask, reviews: inspected.record, ...key() })
  assert.deepEqual((await council.getCase(id)).review, { record: inspected.record, request: request.record })
  await waitUntilReady(registry, { caseId: id, step: 'rehear' }, clock)
  const rehear = { case: id, step: 'rehear', data: { upheld: 'no', why: 'It is' } }
  const decision = await registry.submitAction({ ...rehear, ...key() })

  const { records, disputes, review, ended } = await registry.getCase(id)
  assert.deepEqual(
    records.map(({ step, void: isVoid, replaces, replacedBy }) => [step, isVoid, replaces, replacedBy]),
    [
      ['apply', false, null, null],
      ['assess', false, null, correction.record],
      ['assess', false, record, null],
      ['inspect', false, null, decision.record],
      ['ask', false, null, null],
      ['rehear', false, inspected.record, null],
    ],
  )
  assert.deepEqual([disputes[0]?.end?.outcome, review, ended], ['settled', null, true])
})
