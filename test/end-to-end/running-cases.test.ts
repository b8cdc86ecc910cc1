/** Running cases whose records are refused or corrected, whose members take no new ones, and whose process gets a later version. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CaseView } from '../../src/api/cases.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import type { ConcordatError } from '../../src/core/error.ts'
import { Moorings } from '../faults/mooring-case.ts'
import { SURVEY_HOURS } from '../faults/mooring-story.ts'
import { stepOf } from '../sample-blueprint.ts'

const HOUR = 60 * 60

test('a countersignature refused: the record is void, and its step is done again while the other branch stands', async (t) => {
  const moorings = await Moorings.open(t)
  const { id } = await assigned(moorings, 'yes')
  const survey = await moorings.act('surveyor', id, 'survey', { sound: 'yes' })
  await moorings.confirm('insurer', id, { step: 'survey', accept: true })
  const refused = await moorings.act('insurer', id, 'quote', { premium: 90_000 })
  await moorings.confirm('harbour', id, { step: 'quote', accept: false })
  const quote = await moorings.act('insurer', id, 'quote', { premium: 400 })
  await moorings.untilAll('the second quote', id, ({ records, open }) => {
    if (records.length < 5 || records.some(({ awaiting }) => awaiting)) return false
    const about = records
      .slice(2)
      .map(({ record, void: isVoid, confirmation }) => [record, isVoid, confirmation !== null])
    assert.deepEqual(about, [
      [survey.record, false, false],
      [refused.record, true, false],
      [quote.record, false, true],
    ])
    assert.deepEqual(open, [])
    return true
  })
  await moorings.confirm('harbour', id, { step: 'quote', accept: true })
  await moorings.berth(id)
  await moorings.untilAll('the end', id, ({ ended }) => ended)
  const { confirm, lapse } = await moorings.check()
  assert.deepEqual([confirm, lapse], [3, undefined])
})

test('a dispute settled by a correction that opens the same steps: who has acted since need not act again', async (t) => {
  const moorings = await Moorings.open(t)
  const { id, record } = await assigned(moorings, 'yes')
  const quote = await moorings.act('insurer', id, 'quote', { premium: 400 })
  await moorings.confirm('harbour', id, { step: 'quote', accept: true })
  const dispute = await disputed(moorings, id, record)
  await moorings.untilAll('the survey waiting', id, ({ open }) => stepsOf(open, ({ waits }) => waits) === 'survey')
  const survey = { case: id, step: 'survey', data: { sound: 'yes' } }
  await assert.rejects(moorings.client('surveyor').submitAction({ ...survey, ...moorings.key() }), {
    code: 'OPENING_WAITS',
  })

  const correction = await settled(moorings, id, { record, dispute, data: moorings.assignment('yes', 20) })
  await moorings.untilAll('the correction in force', id, (view, member) => {
    const [, first, second, corrected] = view.records
    if (corrected?.record !== correction || corrected.awaiting || view.disputes[0]?.end === null) return false
    assert.deepEqual([first?.replacedBy, corrected.replaces, corrected.void], [correction, record, false])
    assert.deepEqual([second?.record, second?.void], [quote.record, false])
    assert.equal(stepsOf(view.open), 'survey')
    return isChecked(view, correction, member, { '/survey': 'yes', '/nights': 20, '/charge': '600' })
  })
  await moorings.act('surveyor', id, 'survey', survey.data)
  await moorings.confirm('insurer', id, { step: 'survey', accept: true })
  await moorings.berth(id)
  await moorings.untilAll('the end', id, ({ ended }) => ended)
  const { 'action+sd-jwt': actions, dispute: disputes, resolve, lapse } = await moorings.check()
  assert.deepEqual([actions, disputes, resolve, lapse], [6, 1, 1, undefined])
})

test('a dispute settled by a correction that leads elsewhere, while nobody has gone on', async (t) => {
  const moorings = await Moorings.open(t)
  const { id, record } = await assigned(moorings, 'yes')
  await moorings.untilWaiting('surveyor', id, { kind: 'act', step: 'survey' })
  const dispute = await disputed(moorings, id, record)
  const correction = await settled(moorings, id, { record, dispute, data: moorings.assignment('no', 20) })
  await moorings.untilAll('the berth to be given', id, (view, member) => {
    const [, first, corrected] = view.records
    if (corrected?.record !== correction || corrected.awaiting || view.disputes[0]?.end === null) return false
    assert.deepEqual([first?.void, first?.replacedBy, corrected.void], [true, correction, false])
    assert.equal(stepsOf(view.open), 'berth')
    return isChecked(view, correction, member, { '/survey': 'no', '/nights': 20, '/charge': '600' })
  })
  const waiting = await moorings.client('surveyor').listInbox(1_000)
  assert(waiting.every((item) => item.case !== id))

  const other = await assigned(moorings, 'yes')
  await moorings.act('insurer', other.id, 'quote', { premium: 400 })
  const about = { ...other, dispute: await disputed(moorings, other.id, other.record) }
  const late = settled(moorings, other.id, { ...about, data: moorings.assignment('no') })
  await assert.rejects(late, { code: 'SETTLEMENT_TOO_LATE' })
  const { role } = await moorings.untilWaiting('tribunal', other.id, { kind: 'resolve', step: 'assign' })
  const decision = { case: other.id, dispute: about.dispute, role, outcome: 'upheld' as const }
  await moorings.client('tribunal').resolveDispute({ ...decision, ...moorings.key() })
  await moorings.untilAll('the assignment to be made anew', other.id, ({ open }) => stepsOf(open) === 'assign')
  await moorings.assign(other.id, 'no')

  for (const caseId of [id, other.id]) {
    await moorings.berth(caseId)
    await moorings.untilAll('the end', caseId, ({ ended }) => ended)
  }
  const { dispute: disputes, resolve } = await moorings.check()
  assert.deepEqual([disputes, resolve], [2, 2])
})

test('a member that suspends a role gets no new case, wherever one comes in; running ones go on, and new ones once it resumes', async (t) => {
  const moorings = await Moorings.open(t)
  const { blueprint } = moorings.network
  const suspend = (member: string, role: string, suspended: boolean) =>
    moorings.client(member).suspendRoles({ blueprint, roles: [role], suspended, ...moorings.key() })
  const bound = await assigned(moorings, 'yes')
  const { case: unbound } = await moorings.ask()
  await assert.rejects(suspend('harbour', 'tribunal', true), { code: 'SUSPEND_NOT_OWN_ROLE' })

  // Its own starts.
  await suspend('yard', 'yard', true)
  await assert.rejects(moorings.ask(), isSuspended('yard'))
  await assert.rejects(suspend('yard', 'yard', true), { code: 'SUSPEND_CHANGES_NOTHING' })
  await suspend('yard', 'yard', false)

  // Being bound at run time.
  await suspend('surveyor', 'surveyor', true)
  await assert.rejects(moorings.assign(unbound, 'yes'), isSuspended('surveyor'))
  const { case: started } = await moorings.ask()

  // Anybody's start, its role being part of every case; also one that was signed before and is on its way.
  const underway = { blueprint, role: 'yard', data: { length: 9 }, ...moorings.key() }
  moorings.away.add('yard')
  await assert.rejects(moorings.client('yard').startCase(underway), { code: 'ORDERING_UNAVAILABLE' })
  await suspend('tribunal', 'tribunal', true)
  moorings.away.clear()
  await assert.rejects(moorings.client('yard').startCase(underway), isSuspended('tribunal'))
  await assert.rejects(moorings.ask(), isSuspended('tribunal'))

  await moorings.act('surveyor', bound.id, 'survey', { sound: 'yes' })
  await moorings.confirm('insurer', bound.id, { step: 'survey', accept: true })
  await moorings.act('insurer', bound.id, 'quote', { premium: 400 })
  await moorings.confirm('harbour', bound.id, { step: 'quote', accept: true })
  await moorings.berth(bound.id)
  await suspend('surveyor', 'surveyor', false)
  for (const caseId of [unbound, started]) {
    await moorings.assign(caseId, 'no')
    await moorings.berth(caseId)
  }
  await suspend('tribunal', 'tribunal', false)
  const { case: again } = await moorings.ask()
  await moorings.assign(again, 'no')
  await moorings.berth(again)
  for (const caseId of [bound.id, unbound, started, again]) {
    await moorings.untilAll('the end', caseId, ({ ended }) => ended)
  }
  const { suspend: suspensions, 'action+sd-jwt': actions } = await moorings.check()
  assert.deepEqual([suspensions, actions], [6, 5 + 3 * 3])
})

test('a later version moves a case by its first action, deadlines and all, and leaves one whose step is not mapped', async (t) => {
  const moorings = await Moorings.open(t)
  const before = moorings.network.blueprint
  const { id: moved } = await assigned(moorings, 'yes')
  const { id: idle } = await assigned(moorings, 'yes')
  await moorings.act('insurer', idle, 'quote', { premium: 400 })
  await moorings.confirm('harbour', idle, { step: 'quote', accept: true })
  const { id: unmapped } = await assigned(moorings, 'no')
  const opened = await surveyOf(moorings, moved)
  const kept = await surveyOf(moorings, idle)
  assert.equal(opened.due, opened.since + SURVEY_HOURS * HOUR)

  const hours = 2 * SURVEY_HOURS
  const after = await agreeLater(moorings, hours)
  const quoted = await moorings.act('insurer', moved, 'quote', { premium: 500 })
  await moorings.confirm('harbour', moved, { step: 'quote', accept: true })
  await moorings.untilAll('the case moved', moved, ({ blueprint, movedFrom, records, acts }) => {
    if (acts.length === 0) return false
    assert.deepEqual([blueprint, movedFrom, records.at(-1)?.record], [after, [before], quoted.record])
    return true
  })
  assert.deepEqual(await surveyOf(moorings, moved), { ...opened, due: opened.since + hours * HOUR })
  assert.deepEqual(await surveyOf(moorings, idle), kept)

  await moorings.berth(unmapped)
  await moorings.untilAll('the end as it was agreed', unmapped, ({ ended, blueprint, movedFrom }) => {
    return ended && blueprint === before && movedFrom.length === 0
  })

  moorings.clock.skip((SURVEY_HOURS + 1) * HOUR)
  await moorings.untilAll('the lapse of the earlier version', idle, ({ acts }) => acts.at(-1)?.kind === 'lapse')
  await moorings.untilAll('the survey still to come', moved, ({ open }) => stepsOf(open) === 'survey')
  moorings.clock.skip((hours - SURVEY_HOURS) * HOUR)
  await moorings.untilAll('the lapse of the later version', moved, ({ acts }) => acts.at(-1)?.kind === 'lapse')
  for (const [id, version] of [
    [idle, before],
    [moved, after],
  ] as const) {
    await moorings.berth(id)
    await moorings.untilAll('the end', id, ({ ended, blueprint }) => ended && blueprint === version)
  }
  await moorings.assign((await moorings.ask(after)).case, 'no')
  const { lapse, proposal } = await moorings.check()
  assert.deepEqual([lapse, proposal], [2, 2])
})

/** A case with its first assignment. */
async function assigned(moorings: Moorings, survey: 'yes' | 'no'): Promise<{ id: string; record: string }> {
  const { case: id } = await moorings.ask()
  const { record } = await moorings.assign(id, survey)
  return { id, record }
}

/** By the yard, once it has seen the record. Answers the dispute. */
async function disputed(moorings: Moorings, id: string, record: string): Promise<string> {
  await moorings.untilAll('the record', id, ({ records }) => records.every(({ awaiting }) => !awaiting))
  const words = { reason: 'other', explanation: 'We asked for twenty nights' } as const
  const raised = { case: id, record, role: 'yard', ...words, ...moorings.key() }
  return (await moorings.client('yard').raiseDispute(raised)).dispute
}

/** Corrected by the harbour, which settles the dispute with it. Answers the correction. */
async function settled(
  moorings: Moorings,
  id: string,
  { record, dispute, data }: { record: string; dispute: string; data: JsonObject },
): Promise<string> {
  const harbour = moorings.client('harbour')
  const corrected = { case: id, step: 'assign', data, corrects: record, ...moorings.key() }
  const { record: correction } = await harbour.submitAction(corrected)
  const settlement = { dispute, role: 'harbour', outcome: 'settled', correction } as const
  await harbour.resolveDispute({ case: id, ...settlement, ...moorings.key() })
  return correction
}

/** Whether the member is shown these values of a record, and its own check of them agrees as far as it sees what they follow from. */
function isChecked(view: CaseView, id: string, member: string, values: JsonObject): boolean {
  const { fields, verdict } = view.records.find(({ record }) => record === id)!
  if (member === 'tribunal' || member === 'pilots') return fields.length === 0
  const names = member === 'surveyor' ? ['/survey'] : Object.keys(values)
  const shown = names.map((name) => fields.find((field) => field.name === name)?.value)
  assert.deepEqual(
    shown,
    names.map((name) => values[name]),
  )
  const findings = verdict?.findings.map(({ check, verdict: found }) => `${check} ${found}`) ?? []
  if (member === 'harbour') return verdict === null
  if (findings.length === 0) return false
  assert(findings.includes('route agrees') && findings.includes('binding agrees'), findings.join())
  assert.equal(findings.includes('calculation agrees'), member !== 'surveyor', findings.join())
  assert.notEqual(verdict?.verdict, 'contradicts')
  return true
}

/** The opening of the survey, the same at all nodes. */
async function surveyOf(moorings: Moorings, id: string): Promise<CaseView['open'][number]> {
  const found: CaseView['open'] = []
  await moorings.untilAll('the survey open', id, ({ open }) => {
    const survey = open.find(({ step }) => step === 'survey')
    if (survey !== undefined) found.push(survey)
    return survey !== undefined
  })
  for (const survey of found) assert.deepEqual(survey, found[0])
  return found[0]!
}

/** A version that gives so long for a survey, in force; a case that has come to the berth keeps its own. */
async function agreeLater(moorings: Moorings, hours: number): Promise<string> {
  const { blueprint: replaces, document: earlier } = moorings.network
  const document = structuredClone(earlier)
  document.version = '2.0.0'
  stepOf(document, 'survey').deadline!.count = hours
  const mapping = { ask: 'ask', assign: 'assign', survey: 'survey', quote: 'quote' }
  const proposed = { document: JSON.parse(JSON.stringify(document)) as JsonObject, replaces, mapping }
  const { proposal, blueprint } = await moorings.client('harbour').propose({ ...proposed, ...moorings.key() })
  const open: Record<string, string[]> = { yard: ['yard'], surveyor: ['surveyor'], pilots: ['pilots'] }
  for (const [id, client] of moorings.network.clients) {
    assert.equal((await client.getBlueprint(replaces)).live, true)
    await client.approve({ proposal, target: blueprint, roles: open[id] ?? [], ...moorings.key() })
  }
  assert.equal((await moorings.client('harbour').getBlueprint(blueprint)).live, true)
  return blueprint
}

/** Ids of open steps, in the order of their openings. */
function stepsOf(open: CaseView['open'], which: (opening: CaseView['open'][number]) => boolean = () => true): string {
  return open
    .filter(which)
    .map(({ step }) => step)
    .join()
}

function isSuspended(role: string) {
  return ({ detail }: ConcordatError) => detail.code === 'ROLE_SUSPENDED' && 'role' in detail && detail.role === role
}
