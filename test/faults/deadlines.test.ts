/** What agreed deadlines lead to is entered by the nodes themselves, once, though all of them notice and some are down. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CaseView } from '../../src/api/cases.ts'
import { Moorings } from './mooring-case.ts'
import { CONFIRM_HOURS, MOORING_MEMBERS, SURVEY_HOURS } from './mooring-story.ts'
import { until } from './open-network.ts'

const HOUR = 60 * 60

test('countersignatures that never come: one default accepts the record, the other makes it void', async (t) => {
  const moorings = await Moorings.open(t)
  const { case: id } = await moorings.ask()
  await moorings.assign(id, 'yes')
  const survey = await moorings.act('surveyor', id, 'survey', { sound: 'yes' })
  const quote = await moorings.act('insurer', id, 'quote', { premium: 400 })
  await moorings.untilWaiting('insurer', id, { kind: 'confirm', step: 'survey' })
  await moorings.untilWaiting('harbour', id, { kind: 'confirm', step: 'quote' })
  moorings.clock.skip((CONFIRM_HOURS + 1) * HOUR)

  await moorings.untilAll('both defaults', id, (view) => lapsesOf(view).length === 2)
  await moorings.untilAll('the survey in force, the quote void and open anew', id, ({ records, open, waiting }) => {
    const about = records.slice(2).map(({ record, void: isVoid, confirmation }) => [record, isVoid, confirmation])
    assert.deepEqual(about, [
      [survey.record, false, null],
      [quote.record, true, null],
    ])
    assert.deepEqual(waiting, [{ step: 'berth', from: 'survey' }])
    assert.deepEqual(
      open.map(({ step }) => step),
      ['quote'],
    )
    return true
  })
  const { acts } = await moorings.client('yard').getCase(id)
  const about = acts.map((act) => act.kind === 'lapse' && act.what)
  assert.deepEqual(new Set(about), new Set([quote, survey].map(({ record }) => ({ type: 'confirm', record }))))
  for (const member of ['insurer', 'harbour']) {
    const items = await moorings.client(member).listInbox(1_000)
    assert(
      items.every(({ kind }) => kind !== 'confirm'),
      'nothing waits to be countersigned',
    )
  }

  await moorings.act('insurer', id, 'quote', { premium: 380 })
  await moorings.confirm('harbour', id, { step: 'quote', accept: true })
  const { ended } = await moorings.berth(id)
  assert(ended)
  await moorings.untilAll('the end', id, (view) => view.ended)
  assert.deepEqual(await entered(moorings), { lapse: 2, confirm: 1 })
})

test('a survey that never comes, while two of six nodes are down: the lapse is entered once, also for those two', async (t) => {
  const moorings = await Moorings.open(t)
  const id = await surveyDue(moorings)
  await moorings.stop('yard')
  await moorings.stop('insurer')
  moorings.clock.skip((SURVEY_HOURS + 1) * HOUR)

  await moorings.untilAll('the lapse', id, (view) => lapsesOf(view).length === 1)
  await moorings.startAgain('yard')
  await moorings.startAgain('insurer')
  await endWithoutSurvey(moorings, id)
  assert.deepEqual(await entered(moorings), { lapse: 1, confirm: 1 })
})

for (const moment of ['reaches nobody', 'is ordered, and the answer lost'] as const) {
  test(`a lapse that ${moment} before its node is stopped: entered once, whoever notices, after the restart`, async (t) => {
    const moorings = await Moorings.open(t)
    const id = await surveyDue(moorings)
    const { register } = moorings.network
    for (const member of MOORING_MEMBERS) moorings.away.add(member)
    if (moment !== 'reaches nobody') {
      moorings.away.delete('surveyor')
      moorings.deaf.add('surveyor')
    }
    moorings.clock.skip((SURVEY_HOURS + 1) * HOUR)
    const [signed] = await untilSigned(moorings, 'surveyor')
    if (moment === 'reaches nobody') {
      for (const member of MOORING_MEMBERS) await untilSigned(moorings, member)
    } else {
      await until(
        'it is ordered',
        async () => (await moorings.storage('pilots').findLeaf(register, signed!.id)) !== undefined,
      )
    }
    await moorings.stop('surveyor')
    await moorings.startAgain('surveyor')

    await moorings.untilAll('the lapse that was signed before', id, (view) => {
      const [lapse, ...others] = lapsesOf(view)
      assert.deepEqual(others, [])
      return lapse?.id === signed!.id
    })
    moorings.away.clear()
    await endWithoutSurvey(moorings, id)
    assert.deepEqual(await entered(moorings), { lapse: 1, confirm: 1 })
  })
}

test('lapses of every node that expire on their way are signed anew, and one is entered', async (t) => {
  const moorings = await Moorings.open(t)
  const id = await surveyDue(moorings)
  for (const member of MOORING_MEMBERS) moorings.away.add(member)
  moorings.clock.skip((SURVEY_HOURS + 1) * HOUR)
  const signed = []
  for (const member of MOORING_MEMBERS) signed.push(...(await untilSigned(moorings, member)))
  assert.equal(signed.length, MOORING_MEMBERS.length)
  moorings.clock.skip(61 * 60)
  moorings.away.clear()

  await moorings.untilAll('one of the lapses', id, (view) => lapsesOf(view).length === 1)
  const [lapse] = lapsesOf(await moorings.client('yard').getCase(id))
  assert(signed.every((submission) => submission.id !== lapse!.id))
  await endWithoutSurvey(moorings, id)
  assert.deepEqual(await entered(moorings), { lapse: 1, confirm: 1 })
})

/** A case in which all but the survey has come: its deadline runs. */
async function surveyDue(moorings: Moorings): Promise<string> {
  const { case: id } = await moorings.ask()
  await moorings.assign(id, 'yes')
  await moorings.act('insurer', id, 'quote', { premium: 400 })
  await moorings.confirm('harbour', id, { step: 'quote', accept: true })
  await moorings.untilAll('all that is due to it', id, (view) => {
    const { records, acts, open, sharedWith } = view
    if (acts.length < 1 || records.some(({ awaiting }) => awaiting)) return false
    assert.deepEqual(
      open.map(({ step }) => step),
      ['survey'],
    )
    return sharedWith.every(({ state }) => state === 'acknowledged')
  })
  return id
}

async function untilSigned(moorings: Moorings, member: string) {
  const pending = () => moorings.storage(member).pendingSubmissions(moorings.network.register)
  await until(`${member} has signed a lapse`, async () => (await pending()).some(({ kind }) => kind === 'lapse'))
  return pending()
}

async function endWithoutSurvey(moorings: Moorings, id: string): Promise<void> {
  const refused = { case: id, step: 'survey', data: { sound: 'yes' }, ...moorings.key() }
  await assert.rejects(moorings.client('surveyor').submitAction(refused), { code: 'STEP_NOT_OPEN' })
  await moorings.berth(id)
  await moorings.untilAll('the end, after one lapse', id, (view) => view.ended && lapsesOf(view).length === 1)
}

function lapsesOf({ acts }: CaseView) {
  return acts.filter(({ kind }) => kind === 'lapse')
}

/** How many lapses and confirmations the whole register has, the same at every node. */
async function entered(moorings: Moorings) {
  const { lapse, confirm } = await moorings.check()
  return { lapse, confirm }
}
