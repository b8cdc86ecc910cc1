import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed } from '../../../../test/blueprint-cases.ts'
import { chose, process } from '../../../../test/process-sample.ts'
import { SAMPLE_MEMBERS, sampleData, stepOf } from '../../../../test/sample-blueprint.ts'
import type { JsonObject } from '../../canonical-json.ts'
import type { Blueprint } from '../blueprint.ts'
import type { SimulatedAct } from './simulated-entry.ts'
import { simulateRegister } from './simulated-register.ts'
import { Simulation } from './simulation.ts'

const START = Date.UTC(2026, 10, 2, 9) / 1000
const HOUR = 3_600
const { council, inspector, registry } = SAMPLE_MEMBERS
const hours = (count: number) => ({ count, unit: 'hours' as const, calendar: null })
const data = sampleData()

/** The sample with a deadline, an extension and a countersignature at the inspection. */
function timed(blueprint: Blueprint): void {
  Object.assign(stepOf(blueprint, 'inspect'), {
    deadline: hours(100),
    lapse: { to: [] },
    extend: { role: 'council', limit: hours(300) },
    confirm: { roles: ['council'], deadline: hours(48), default: 'accept' },
  })
}

/** The sample whose applications may be disputed. */
function disputable(blueprint: Blueprint): void {
  stepOf(blueprint, 'apply').dispute = stepOf(blueprint, 'assess').dispute!
}

function start(change: (blueprint: Blueprint) => void = timed): Simulation {
  return Simulation.start(simulateRegister(changed(change), [inspector]), { applicant: council })
}

function act(step: keyof typeof data, by: string, changes: JsonObject = {}): SimulatedAct {
  return { kind: 'action', step, by, data: { ...data[step], ...changes }, corrects: false }
}

/** Enters one act after the other, an hour apart. */
function play(simulation: Simulation, ...acts: readonly SimulatedAct[]): Simulation {
  return acts.reduce((sofar, one) => sofar.enter(one, START + sofar.events.length * HOUR), simulation)
}

const untilInspection = [act('apply', 'applicant'), act('assess', 'council')]
const inspected = [...untilInspection, act('inspect', 'inspector')]
const last = (simulation: Simulation) => simulation.events.at(-1)!

test('an action calculates, opens, binds, and shows each recipient what the register authorises', () => {
  const applied = play(start(), untilInspection[0]!)
  assert.deepEqual(last(applied).calculated, { '/age': 36, '/share': '4115.22' })
  assert.deepEqual(last(applied).opened, ['assess'])
  assert.deepEqual(
    last(applied).shown.map(({ step, role, member }) => ({ step, role, member })),
    [{ step: 'apply', role: 'council', member: council }],
  )
  assert.deepEqual(applied.seenBy('inspector'), [])
  const assessed = play(start(), ...untilInspection)
  assert.equal(assessed.row?.roles.inspector?.member, inspector)
  assert.equal(last(assessed).route, 1)
  assert.deepEqual(assessed.seenBy('inspector'), ['apply:/name/family', 'apply:/name/given', 'apply:/people'])
  assert.deepEqual(assessed.seenBy('registry'), [])
  assert.deepEqual(assessed.viewFor('inspect').values, {
    apply: { name: { given: 'Ada', family: 'Sample' }, people: 3 },
    assess: {},
  })
  assert.equal(applied.seenBy('inspector').length, 0, 'a simulation never changes')
})

test('a recipient that cannot check something says which inputs it misses, and nobody finds a contradiction', () => {
  const { findings } = last(play(start(), ...untilInspection))
  const [finding] = findings.filter(({ role, step }) => role === 'inspector' && step === 'apply')
  assert.equal(finding?.finding.verdict, 'not checkable')
  assert(finding.finding.missing?.includes('apply.born'))
  const all = play(start(), ...inspected).events.flatMap((event) => event.findings)
  assert(all.every(({ finding: { verdict } }) => verdict !== 'contradicts'))
})

test('a countersignature opens what waits for it; a no makes the record void and its step opens anew', () => {
  const waiting = play(start(), ...inspected)
  assert.equal(waiting.ended, false)
  assert.deepEqual(waiting.open, [])
  const confirmed = play(waiting, { kind: 'confirm', step: 'inspect', by: 'council', accept: true })
  assert.equal(confirmed.ended, true)
  const refused = play(waiting, { kind: 'confirm', step: 'inspect', by: 'council', accept: false })
  assert.deepEqual(last(refused).opened, ['inspect'])
  assert.equal(refused.valueAt('/inspect/passed'), undefined)
  assert(refused.seenBy('council').includes('inspect:/passed'), 'what was shown cannot be taken back')
  const again = play(refused, act('inspect', 'inspector', { passed: 'yes' }))
  assert.equal(again.valueAt('/inspect/passed'), 'yes')
})

test('time passes an opening, a confirmation and a dispute by', () => {
  const lapse = { kind: 'lapse', step: 'inspect', by: 'council', of: 'opening' } as const
  const open = play(start(), ...untilInspection)
  const due = START + HOUR + 100 * HOUR
  assert.throws(() => open.enter(lapse, due), { code: 'LAPSE_TOO_EARLY' })
  assert.equal(open.enter(lapse, due + 1).ended, true)
  const extended = open.enter({ kind: 'extend', step: 'inspect', by: 'council', until: due + HOUR }, due + 1)
  assert.throws(() => extended.enter(lapse, due + 2), { code: 'LAPSE_TOO_EARLY' })
  assert.equal(extended.enter(lapse, due + HOUR + 1).ended, true)
  const waiting = play(start(), ...inspected)
  const accepted = waiting.enter({ ...lapse, of: 'confirm' }, START + 2 * HOUR + 48 * HOUR + 1)
  assert.equal(accepted.ended, true)
  assert.equal(accepted.valueAt('/inspect/passed'), 'no')
  const disputed = play(start(disputable), ...untilInspection, { kind: 'dispute', step: 'apply', by: 'inspector' })
  const dispute = { ...lapse, step: 'apply', of: 'dispute' } as const
  assert.throws(() => disputed.enter(dispute, START + 242 * HOUR), { code: 'LAPSE_TOO_EARLY' })
  assert.deepEqual(disputed.enter(dispute, START + 242 * HOUR + 1).open, ['inspect'])
})

test('a dispute holds up what the record opened, and is upheld, rejected, withdrawn or settled', () => {
  const change = (blueprint: Blueprint) => {
    timed(blueprint)
    blueprint.roles[0]!.servedBy = ['council', 'registry']
  }
  const simulation = Simulation.start(simulateRegister(changed(change), [inspector]), { applicant: registry })
  const open = play(simulation, ...untilInspection)
  const disputed = play(open, { kind: 'dispute', step: 'assess', by: 'applicant' })
  assert.deepEqual(last(disputed).waits, ['inspect'])
  assert.deepEqual(last(disputed).opened, [])
  const resolve = (by: string, outcome: 'upheld' | 'rejected' | 'withdrawn' | 'settled') =>
    ({ kind: 'resolve', step: 'assess', by, outcome }) as const
  assert.throws(() => play(disputed, act('inspect', 'inspector')), { code: 'OPENING_WAITS' })
  assert.throws(() => play(disputed, resolve('registry', 'upheld')), { code: 'RESOLVE_NOT_ALLOWED' }, 'a party')
  assert.deepEqual(play(disputed, resolve('applicant', 'withdrawn')).open, ['inspect'])
  const correction = { ...act('assess', 'council', { note: 'Measured again' }), corrects: true } as SimulatedAct
  const offered = play(disputed, correction)
  assert.equal(offered.valueAt('/assess/note'), undefined, 'it counts once the dispute is settled by it')
  const settled = play(offered, resolve('council', 'settled'))
  assert.equal(settled.valueAt('/assess/note'), 'Measured again')
  assert.deepEqual(settled.open, ['inspect'])
  const ended = play(settled, act('inspect', 'inspector'), {
    kind: 'confirm',
    step: 'inspect',
    by: 'council',
    accept: true,
  })
  assert.equal(ended.ended, true)
  const elsewhere = { ...act('assess', 'council', { verdict: 'back' }), corrects: true } as SimulatedAct
  const back = play(disputed, elsewhere, resolve('council', 'settled'))
  assert.deepEqual(last(back).opened, ['apply'])
  assert.deepEqual(last(back).closed, ['inspect'])
  const all = [ended, back].flatMap(({ events }) => events.flatMap(({ findings }) => findings))
  assert(all.every(({ finding }) => finding.verdict !== 'contradicts'))
})

test('an upheld dispute undoes the record, its bindings and what follows from it', () => {
  const other = `J${'A'.repeat(42)}`
  const change = (blueprint: Blueprint) => {
    blueprint.roles[0]!.servedBy = ['council', 'registry']
    stepOf(blueprint, 'assess').dispute!.default = 'uphold'
  }
  const register = simulateRegister(changed(change), [inspector, other])
  const disputed = play(Simulation.start(register, { applicant: registry }), ...untilInspection, {
    kind: 'dispute',
    step: 'assess',
    by: 'applicant',
  })
  // The resolver is a party: the default need not wait.
  const upheld = play(disputed, { kind: 'lapse', step: 'assess', by: 'council', of: 'dispute' })
  assert.deepEqual(last(upheld).opened, ['assess'])
  assert.deepEqual(last(upheld).closed, ['inspect'])
  const again = play(upheld, act('assess', 'council', { inspector: other }))
  assert.equal(again.row?.roles.inspector?.member, other)
  assert.deepEqual(
    last(again).shown.map(({ step, role, member }) => ({ step, role, member })),
    [
      { step: 'apply', role: 'inspector', member: other },
      { step: 'assess', role: 'applicant', member: registry },
    ],
  )
  const findings = again.events.flatMap((event) => event.findings)
  assert(findings.every(({ finding }) => finding.verdict !== 'contradicts'))
})

test('a recipient of what does not follow from the rules finds a contradiction, when it comes and when asked', () => {
  const applied = play(start(), untilInspection[0]!)
  const record = last(applied).id
  const forged = applied.forge(record, { ...applied.sight.dataOf(record), people: 0 })
  assert.equal(applied.recheck('council', record).verdict, 'agrees')
  assert.equal(forged.recheck('council', record).verdict, 'contradicts')
  const { findings } = last(play(forged, untilInspection[1]!))
  assert.deepEqual(
    findings.flatMap(({ role, step, finding }) => (finding.verdict === 'contradicts' ? [{ role, step }] : [])),
    [{ role: 'inspector', step: 'apply' }],
  )
})

test('a review of a finished case replaces the record', () => {
  const asked = play(
    start((blueprint) => blueprint),
    ...inspected,
    act('ask', 'applicant'),
  )
  assert.deepEqual(last(asked).opened, ['rehear'])
  const decided = play(asked, act('rehear', 'registry', { upheld: 'no' }))
  assert.equal(decided.ended, true)
  assert.equal(decided.valueAt('/inspect/passed'), 'no', 'what was decided first stays what the step said')
  assert.equal(decided.valueAt('/rehear/upheld'), 'no')
})

test('branches wait at a join for each other, and a withdrawal closes everything', () => {
  const steps = process({
    begin: { routes: [{ to: ['left', 'right'] }] },
    left: { routes: [{ to: ['both'] }] },
    right: { routes: [{ to: ['both'] }] },
    both: { join: { mode: 'all', steps: ['left', 'right'] }, routes: [{ to: [], when: chose('both', '0') }] },
    leave: { withdrawal: true, routes: [{ to: [] }] },
  })
  const choose = (step: string): SimulatedAct => {
    return { kind: 'action', step, by: 'council', data: { choice: '0' }, corrects: false }
  }
  const one = play(start(steps), choose('begin'), choose('right'))
  assert.deepEqual(last(one).opened, [])
  assert.deepEqual(one.open, ['left'])
  assert.deepEqual(last(play(one, choose('left'))).opened, ['both'])
  const left = play(one, choose('leave'))
  assert.deepEqual(last(left).closed, ['left'])
  assert.equal(left.ended, true)
})

const refusals: [title: string, acts: readonly SimulatedAct[], code: string][] = [
  ['an act before the start', [{ kind: 'confirm', step: 'inspect', by: 'council', accept: true }], 'CASE_UNKNOWN'],
  ['a step that does not wait', [untilInspection[0]!, act('inspect', 'inspector')], 'STEP_NOT_OPEN'],
  ['a step of another role', [untilInspection[0]!, act('assess', 'registry')], 'STEP_NOT_YOUR_ROLE'],
  ['data that the schema refuses', [act('apply', 'applicant', { people: 0 })], 'FIELD_INVALID'],
  [
    'a member in two distinct roles',
    [untilInspection[0]!, act('assess', 'council', { inspector: council })],
    'BIND_MEMBERS_NOT_DISTINCT',
  ],
  [
    'a member that acceded to nothing',
    [untilInspection[0]!, act('assess', 'council', { inspector: `X${'A'.repeat(42)}` })],
    'ROLE_NOT_ELIGIBLE',
  ],
  [
    'a countersignature of nothing',
    [...untilInspection, { kind: 'confirm', step: 'inspect', by: 'council', accept: true }],
    'RECORD_UNKNOWN',
  ],
  [
    'a decision of no dispute',
    [...untilInspection, { kind: 'resolve', step: 'assess', by: 'registry', outcome: 'upheld' }],
    'DISPUTE_UNKNOWN',
  ],
  ['a review of a case that goes on', [...untilInspection, act('ask', 'applicant')], 'CASE_NOT_ENDED'],
]
for (const [title, acts, code] of refusals) {
  test(`refused: ${title}`, () => {
    assert.throws(() => play(start(), ...acts), { code })
  })
}
