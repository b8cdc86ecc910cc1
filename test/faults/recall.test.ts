/** A council takes back what it gave to the wrong member: the other node loses it, and nothing else, and says so on the register. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { FastClock } from './fast-clock.ts'
import { failing, holdingBack, withFaults } from './faulty-folder.ts'
import { openTestNetwork, restarted, storyStart, until } from './open-network.ts'
import {
  auditAll,
  type PermitNetwork,
  type PermitStep,
  permitsOf,
  submitStep,
  submitUntilDone,
  untilSettled,
} from './permit-case.ts'
import { permitStory } from './permit-story.ts'
import { copyDatabase, tracesFound, vaultKeyBytes } from './traces.ts'

test('the other node loses what is recalled, keeps what shared its key, and answers', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network, folder } = opened
  const permits = permitsOf(opened)
  const { caseId, assess } = await assessed(permits)
  const registry = network.members.get('registry')!
  const groups = await registry.storage.caseGroups(network.register, caseId)
  const recalled = groups.filter(({ record }) => record === assess)
  const kept = groups.filter(({ record }) => record !== assess)
  assert.deepEqual(
    new Set(recalled.map(({ vaultKey }) => vaultKey)),
    new Set(kept.map(({ vaultKey }) => vaultKey)),
    'one vault key holds what goes and what stays',
  )
  const traces = [
    ...recalled.flatMap(({ wrappedKey, sealed }) => [wrappedKey.slice(0, 24), sealed.slice(0, 24), sealed.slice(-24)]),
    ...vaultKeyBytes(join(folder, 'registry'), new Set(recalled.map(({ vaultKey }) => vaultKey))),
  ]
  const there = () => tracesFound(join(folder, 'registry'), traces).size
  assert.equal(there(), traces.length, 'the traces are what lies in the files')

  const answer = await permits.client('council').recallRecord(recallOf(caseId, assess, ['/fee']))
  assert.deepEqual(answer.fields, ['/fee', '/inspector', '/verdict'], 'what shares the group goes with it')
  assert.deepEqual(answer.members, [permits.memberId('registry')])
  await untilAnswered(permits, 'council', caseId)

  assert.equal(there(), 0)
  const view = await permits.client('registry').getCase(caseId)
  const shown = new Map(view.records.map((record) => [record.step, record]))
  assert.deepEqual(shown.get('assess')?.fields, [])
  assert.deepEqual(shown.get('assess')?.recalled, ['/fee', '/inspector', '/verdict'])
  assert.equal(shown.get('assess')?.erased, false)
  assert.equal(shown.get('assess')?.void, false)
  assert.deepEqual(
    shown.get('apply')?.fields.map(({ name }) => name),
    ['/share'],
  )
  const own = (await permits.client('council').getCase(caseId)).records.find(({ step }) => step === 'assess')
  assert(own?.fields.some(({ name }) => name === '/fee'))
  for (const id of ['council', 'registry']) {
    const { recalls } = await permits.client(id).getCase(caseId)
    assert.deepEqual(
      recalls.map(({ reason, answers }) => [reason, answers.map(({ member, erased }) => [member, erased?.opened])]),
      [['wrong-recipient', [[permits.memberId('registry'), true]]]],
    )
  }
  const whole = await permits.client('council').exportEvidence({ record: assess, fields: 'all' })
  assert.deepEqual(
    whole.verified.recalls.map(({ reason }) => reason),
    ['wrong-recipient'],
  )
  const empty = await permits.client('registry').exportEvidence({ record: assess, fields: 'all' })
  assert.deepEqual(empty.verified.fields, [])
  await submitUntilDone(permits, 'inspect', { caseId, key: 'a' })
  await until('the case has ended', async () => (await permits.client('registry').getCase(caseId)).ended)
  await network.stop()
  await auditAll(permits)
})

test('a node that was off, or comes from a backup, applies the recall before it shows the case', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network, folder } = opened
  const permits = permitsOf(opened)
  const { caseId, assess } = await assessed(permits)
  const registry = network.members.get('registry')!
  await registry.stop()
  copyDatabase(join(folder, 'registry'), join(folder, 'backup'))
  await permits.client('council').recallRecord(recallOf(caseId, assess, 'all'))
  const unanswered = await unansweredOf(permits, 'council', caseId)
  assert.deepEqual(unanswered, [permits.memberId('registry')])

  await t.test('off', async (t) => {
    await restarted(t, opened, registry)
    const [apply, lost] = (await permits.client('registry').getCase(caseId)).records
    assert.deepEqual([lost?.fields, lost?.recalled.length], [[], 3])
    assert.deepEqual(
      apply?.fields.map(({ name }) => name),
      ['/share'],
    )
    await untilAnswered(permits, 'council', caseId)
  })

  await t.test('from a backup, of which the key store is no part', async (t) => {
    copyDatabase(join(folder, 'backup'), join(folder, 'registry'))
    await restarted(t, opened, registry)
    const view = await permits.client('registry').getCase(caseId)
    assert.deepEqual(view.records[1]?.fields, [])
    assert.equal(view.recalls[0]?.answers[0]?.erased?.opened, true)
  })

  await t.test('while it cannot know what was recalled, it shows nothing', async (t) => {
    await network.members.get('council')!.stop()
    await restarted(t, opened, registry)
    await assert.rejects(permits.client('registry').getCase(caseId), { code: 'ORDERING_UNAVAILABLE' })
  })
})

test('what was not delivered yet never is, and rules that need it are not checkable', async (t) => {
  const gate = { closed: false }
  const opened = await openTestNetwork(t, permitStory(), {
    around: (folder, member) => (member === 'council' ? holdingBack(folder, gate) : folder),
  })
  const permits = permitsOf(opened)
  const { case: caseId, record: apply } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  gate.closed = true
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  const council = permits.client('council')
  await council.recallRecord(recallOf(caseId, apply, ['/share']))
  await council.recallRecord({ ...recallOf(caseId, apply, ['/people']), idempotencyKey: 'people' })
  await until('both have answered', async () => (await unansweredOf(permits, 'council', caseId)).length === 0)
  gate.closed = false
  await until('nothing is due', async () => {
    const { sharedWith } = await council.getCase(caseId)
    return sharedWith.every(({ state }) => state !== 'due')
  })
  const { records, recalls, disputes } = await permits.client('registry').getCase(caseId)
  assert.deepEqual(
    recalls.map(({ answers }) => answers.map(({ erased }) => erased?.opened)),
    [[false], [false]],
  )
  assert.deepEqual(records[0]?.fields, [])
  assert(records.every(({ awaiting }) => !awaiting))
  assert.equal(records[1]?.verdict?.verdict, 'not checkable')
  assert.deepEqual(
    records[1]?.notCheckable.map(({ missing }) => missing),
    [['apply.share']],
  )
  assert.deepEqual(disputes, [])
  await assert.rejects(submitStep(permits, 'inspect', { caseId, key: 'a' }), { code: 'RULE_INPUT_HIDDEN' })
})

test('what a member has erased stays erased under the keys that follow a recall, and it tells of it once', async (t) => {
  const gate = { closed: false }
  const story = permitStory()
  const clock = new FastClock({ startsAt: storyStart(story), originMs: Date.now(), rate: 10 })
  const opened = await openTestNetwork(t, story, {
    clock,
    around: (folder, member) => (member === 'council' ? holdingBack(folder, gate) : folder),
  })
  const permits = permitsOf(opened)
  const { case: caseId, record: apply } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  gate.closed = true
  await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  const registry = permits.client('registry')
  await until('the registry knows', async () => (await registry.getCase(caseId)).records.length === 2)
  for (let i = 0; i < 2; i++) await registry.eraseCase({ case: caseId, subject: 'applicant', retention: 'all' })
  await permits.client('council').recallRecord(recallOf(caseId, apply, ['/share']))
  await untilAnswered(permits, 'council', caseId)
  gate.closed = false
  await until('nothing is due to it', async () => {
    const { sharedWith } = await permits.client('council').getCase(caseId)
    return sharedWith.every(({ role, state }) => role !== 'registry' || state === 'erased')
  })
  assert((await registry.getCase(caseId)).records.every(({ fields }) => fields.length === 0))
  const week = 7 * 24 * 60 * 60
  clock.skip(week)
  await until('it has told', async () => (await permits.client('council').getCase(caseId)).erasures.length > 0)
  clock.skip(week)
  await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'b' })
  const { erasures } = await permits.client('council').getCase(caseId)
  assert.deepEqual(
    erasures.map(({ member }) => member),
    [permits.memberId('registry')],
  )
})

for (const name of ['wrap', 'closeGroups', 'destroyVaultKeys', 'eraseGroups', 'saveEffects'] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`a recall is whole though its ${name} fails ${when} it is done`, async (t) => {
      const fault = { armed: false, failed: 0 }
      const opened = await openTestNetwork(t, permitStory(), {
        around: (folder, member) => (member === 'registry' ? withFaults(folder, failing(name, when, fault)) : folder),
      })
      const permits = permitsOf(opened)
      const { caseId, assess } = await assessed(permits)
      fault.armed = true
      await permits.client('council').recallRecord(recallOf(caseId, assess, 'all'))
      await untilAnswered(permits, 'council', caseId)
      assert.equal(fault.failed, 1)
      const [first, second] = (await permits.client('registry').getCase(caseId)).records
      assert.deepEqual(second?.fields, [])
      assert.deepEqual(
        first?.fields.map(({ name }) => name),
        ['/share'],
      )
    })
  }
}

async function assessed(permits: PermitNetwork): Promise<{ caseId: string; assess: string }> {
  const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key: 'a' })
  await untilSettled(permits, caseId, 'apply')
  const { record } = await submitUntilDone(permits, 'assess', { caseId, key: 'a' })
  await untilSettled(permits, caseId, 'assess' satisfies PermitStep)
  return { caseId, assess: record }
}

function recallOf(caseId: string, record: string, fields: string[] | 'all') {
  return { case: caseId, record, fields, reason: 'wrong-recipient' as const, idempotencyKey: `recall-${record}` }
}

async function unansweredOf(permits: PermitNetwork, id: string, caseId: string): Promise<string[]> {
  const { recalls } = await permits.client(id).getCase(caseId)
  return recalls.flatMap(({ answers }) => answers.flatMap(({ member, erased }) => (erased === null ? [member] : [])))
}

async function untilAnswered(permits: PermitNetwork, id: string, caseId: string): Promise<void> {
  await until('nobody is left to answer', async () => (await unansweredOf(permits, id, caseId)).length === 0)
}
