import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { assertRefused } from '../../../../test/sample-register.ts'

let permit: Permit
let first: string
let check: string
/** The council disputes the checker's record while s3 is still open. */
let dispute: string

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
  check = await permit.act('checker', 's2', [first], ['s8'])
  permit = permit.fork()
  dispute = await permit.builder.add(permit.dispute('council', check))
})

test('rejected and withdrawn: what waited goes on', async () => {
  for (const [who, outcome] of [
    ['panel', 'rejected'],
    ['council', 'withdrawn'],
  ] as const) {
    const fork = permit.fork()
    assert.notEqual(fork.row.openings[0]!.waits, null)
    const by = await fork.builder.add(fork.resolve(who, dispute, outcome))
    assert.deepEqual(fork.row.disputes[0]!.end, { outcome, by, index: fork.row.changed })
    assert.deepEqual(fork.open({ [check]: '2' }), ['s8 by 2'])
    await fork.act('council', 's8', [check], [])
    assert.equal(fork.row.ended, true)
  }
})

test('upheld: the record and what it closed are undone, its step opens anew', async () => {
  const fork = permit.fork()
  const by = await fork.builder.add(fork.resolve('panel', dispute, 'upheld'))
  // The any join had closed s3, which is open again, with its deadline anew.
  assert.deepEqual(fork.open({ [first]: '1', [by]: 'resolve' }).sort(), ['s2 by resolve', 's3 by 1'])
  assert.equal(fork.row.openings.find(({ step }) => step === 's3')!.since, fork.builder.time)
  assert.equal(fork.row.records[1]!.void, fork.row.changed)
  await assertRefused(fork.builder, fork.action('checker', 's2', [first], ['s4']), 'OPENING_USED')
  await assertRefused(fork.builder, fork.dispute('council', check), 'RECORD_VOID')
  await fork.act('checker', 's2', [by], ['s4'])
})

test('upheld late: all that followed is void, other branches stand', async () => {
  const fork = await Permit.open()
  const start = await fork.start()
  const visit = await fork.act('council', 's3', [start], ['s4'])
  const bad = await fork.act('checker', 's2', [start], ['s4'])
  const decision = await fork.act('council', 's4', [bad, visit], [])
  await fork.builder.add(fork.confirm('checker', decision, true))
  assert.equal(fork.row.ended, true)
  const late = await fork.builder.add(fork.dispute('council', bad))
  assert.equal(fork.row.ended, false)
  const by = await fork.builder.add(fork.resolve('panel', late, 'upheld'))
  assert.deepEqual(fork.open({ [by]: 'resolve' }), ['s2 by resolve'])
  assert.deepEqual(fork.row.arrivals, [{ step: 's4', from: 's3', by: visit }])
  assert.deepEqual(
    fork.row.records.map((record) => record.void !== null),
    [false, false, true, true],
  )
  const good = await fork.act('checker', 's2', [by], ['s4'])
  assert.deepEqual(fork.open({ [visit]: '3', [good]: '5' }), ['s4 by 3,5'])
})

test('upheld against the first record: the case starts anew with who started it', async () => {
  const fork = permit.fork()
  await fork.builder.add(fork.resolve('council', dispute, 'withdrawn'))
  const second = await fork.builder.add(fork.dispute('checker', first))
  const by = await fork.builder.add(fork.resolve('panel', second, 'upheld'))
  assert.deepEqual(fork.open({ [by]: 'resolve' }), ['s1 by resolve'])
  assert.deepEqual(Object.keys(fork.row.roles).sort(), ['council', 'panel'])
  await fork.act('council', 's1', [by], ['s2', 's3'], { bind: { checker: { member: fork.members.other.id } } })
  assert.equal(fork.row.roles.checker!.member, fork.members.other.id)
})

test('upheld after a withdrawal: the record is void, and the case stays withdrawn', async () => {
  const fork = permit.fork()
  const withdrawal = await fork.act('council', 's7', [first], [])
  await fork.builder.add(fork.resolve('panel', dispute, 'upheld'))
  assert.deepEqual([fork.row.openings, fork.row.ended], [[], true])
  assert.equal(fork.row.records.find(({ id }) => id === withdrawal)!.void, null)
})

test('settled by a correction with the same next: it takes the place of the record', async () => {
  const fork = permit.fork()
  const correction = await fork.act('checker', 's2', [first], ['s8'], { replaces: check })
  assert.deepEqual(fork.open({ [check]: '2' }), ['s8 by 2'])
  await fork.builder.add(fork.resolve('checker', dispute, 'settled', correction))
  assert.equal(fork.row.records.find(({ id }) => id === check)!.replacedBy, correction)
  assert.deepEqual(fork.open({ [check]: '2' }), ['s8 by 2'])
  await assertRefused(
    fork.builder,
    fork.action('checker', 's2', [first], ['s8'], { replaces: check }),
    'RECORD_REPLACED',
  )
  await fork.act('council', 's8', [check], [])
})

test('settled by a correction that leads elsewhere, as long as nobody has gone on', async () => {
  const fork = permit.fork()
  const correction = await fork.act('checker', 's2', [first], ['s4'], { replaces: check })
  await fork.builder.add(fork.resolve('checker', dispute, 'settled', correction))
  assert.deepEqual(fork.open({ [first]: '1' }), ['s3 by 1'])
  assert.deepEqual(fork.row.arrivals, [{ step: 's4', from: 's2', by: correction }])
  assert.notEqual(fork.row.records.find(({ id }) => id === check)!.void, null)

  const gone = await Permit.open()
  const start = await gone.start()
  const bad = await gone.act('checker', 's2', [start], ['s8'])
  await gone.act('council', 's8', [bad], [])
  const late = await gone.builder.add(gone.dispute('council', bad))
  const offered = await gone.act('checker', 's2', [start], ['s4'], { replaces: bad })
  await assertRefused(gone.builder, gone.resolve('checker', late, 'settled', offered), 'SETTLEMENT_TOO_LATE')
  await gone.builder.add(gone.resolve('panel', late, 'rejected'))
  assert.notEqual(gone.row.records.find(({ id }) => id === offered)!.void, null)
  assert.equal(gone.row.ended, true)
})

test('the default is entered after the deadline, or at once where nobody can decide', async () => {
  const fork = permit.fork()
  const what = { type: 'dispute', dispute }
  await assertRefused(fork.builder, fork.lapse('panel', what), 'LAPSE_TOO_EARLY')
  fork.wait(10)
  await fork.builder.add(fork.lapse('checker', what))
  assert.equal(fork.row.disputes[0]!.end!.outcome, 'upheld')
  // The panel signs s6 itself here, so that it is a party.
  const party = await Permit.open((skeleton) => ({
    ...skeleton,
    steps: skeleton.steps.map((step) =>
      step.id === 's2' ? { ...step, dispute: { ...step.dispute!, resolver: 'checker' } } : step,
    ),
  }))
  const start = await party.start()
  const record = await party.act('checker', 's2', [start], ['s8'])
  const open = await party.builder.add(party.dispute('council', record))
  await assertRefused(party.builder, party.resolve('checker', open, 'rejected'), 'RESOLVE_NOT_ALLOWED')
  await party.builder.add(party.lapse('panel', { type: 'dispute', dispute: open }))
  assert.equal(party.row.disputes[0]!.end!.outcome, 'upheld')
})

test('resolutions and corrections refused', async () => {
  const { builder } = permit
  await assertRefused(builder, permit.resolve('panel', first, 'rejected'), 'DISPUTE_UNKNOWN')
  for (const [who, outcome] of [
    ['panel', 'withdrawn'],
    ['checker', 'withdrawn'],
    ['council', 'upheld'],
    ['checker', 'rejected'],
  ] as const) {
    await assertRefused(builder, permit.resolve(who, dispute, outcome), 'RESOLVE_NOT_ALLOWED', { role: who })
  }
  await assertRefused(builder, permit.resolve('other', dispute, 'rejected'), 'ROLE_UNBOUND')
  await assertRefused(builder, permit.resolve('council', dispute, 'settled', first), 'RESOLVE_NOT_ALLOWED')
  await assertRefused(builder, permit.resolve('checker', dispute, 'settled', first), 'CORRECTION_UNKNOWN')
  await assertRefused(builder, permit.resolve('checker', dispute, 'settled'), 'CLAIM_INVALID', { at: '/correction' })
  const replaces = (record: string) => ({ replaces: record })
  const correct = (prev: string[], changes: object) => permit.action('checker', 's2', prev, ['s8'], { ...changes })
  await assertRefused(builder, correct([check], replaces(check)), 'PREV_NOT_OPEN')
  const bind = { checker: { member: permit.members.other.id } }
  await assertRefused(builder, correct([first], { ...replaces(check), bind }), 'BIND_NOT_ALLOWED')
  const unasked = permit.action('council', 's1', [], ['s2', 's3'], replaces(first))
  await assertRefused(builder, unasked, 'CORRECTION_NOT_OPEN', { step: 's1' })
})
