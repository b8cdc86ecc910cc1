import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { assertRefused } from '../../../../test/sample-register.ts'

let permit: Permit
let first: string
let visit: { type: string; step: string; prev: string[]; next: string[] }
let due: number

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
  due = permit.builder.time + 24 * 3600
  visit = { type: 'opening', step: 's3', prev: [first], next: ['s4'] }
})

test('an opening lapses after its last second, by any bound member, once', async () => {
  const fork = permit.fork()
  fork.builder.time = due - 1
  await assertRefused(fork.builder, fork.lapse('panel', visit), 'LAPSE_TOO_EARLY', { due, time: due })
  fork.builder.time = due
  await assertRefused(fork.builder, fork.lapse('other', visit), 'ROLE_UNBOUND')
  const lapse = await fork.builder.add(fork.lapse('panel', visit))
  assert.deepEqual(fork.row.arrivals, [{ step: 's4', from: 's3', by: lapse }])
  await assertRefused(fork.builder, fork.lapse('council', visit), 'OPENING_USED', { step: 's3' })
  await assertRefused(fork.builder, fork.action('council', 's3', [first], ['s4']), 'OPENING_USED')
  const check = await fork.act('checker', 's2', [first], ['s4'])
  assert.deepEqual(fork.open({ [lapse]: 'lapse', [check]: '2' }), ['s4 by 2,lapse'])
})

test('what has not lapsed may still be done', async () => {
  const fork = permit.fork()
  fork.builder.time = due + 3600
  await fork.act('council', 's3', [first], ['s4'])
  await assertRefused(fork.builder, fork.lapse('panel', visit), 'OPENING_USED')
})

test('lapses refused', async () => {
  const fork = permit.fork()
  fork.builder.time = due
  const { builder } = fork
  await assertRefused(builder, fork.lapse('panel', { ...visit, next: ['s8'] }), 'NEXT_NOT_ALLOWED', { step: 's3' })
  await assertRefused(builder, fork.lapse('panel', { ...visit, step: 's2' }), 'LAPSE_NOT_ALLOWED', { step: 's2' })
  await assertRefused(builder, fork.lapse('panel', { ...visit, prev: [fork.proposal] }), 'PREV_NOT_OPEN')
  await assertRefused(builder, fork.lapse('panel', { ...visit, step: 's4', next: [] }), 'STEP_NOT_OPEN')
  await assertRefused(builder, fork.lapse('panel', { type: 'confirm', record: first }), 'LAPSE_NOT_ALLOWED')
  await assertRefused(builder, fork.lapse('panel', { type: 'dispute', dispute: first }), 'DISPUTE_UNKNOWN')
})

test('an extension moves the deadline, within its limit, also after the date', async () => {
  const fork = permit.fork()
  const refuse = (until: number, code: 'EXTEND_OUTSIDE_LIMIT') =>
    assertRefused(fork.builder, fork.extend('council', 's3', [first], until), code, { due, limit: due + 24 * 3600 })
  await refuse(due, 'EXTEND_OUTSIDE_LIMIT')
  await refuse(due + 24 * 3600 + 1, 'EXTEND_OUTSIDE_LIMIT')
  await assertRefused(fork.builder, fork.extend('panel', 's3', [first], due + 1), 'EXTEND_NOT_ALLOWED')
  await assertRefused(fork.builder, fork.extend('checker', 's2', [first], due + 1), 'EXTEND_NOT_ALLOWED')
  fork.builder.time = due + 10
  await fork.builder.add(fork.extend('council', 's3', [first], due + 24 * 3600))
  await assertRefused(fork.builder, fork.lapse('panel', visit), 'LAPSE_TOO_EARLY', { due: due + 24 * 3600 })
  fork.builder.time = due + 24 * 3600
  await fork.builder.add(fork.lapse('panel', visit))
  await assertRefused(fork.builder, fork.extend('council', 's3', [first], due + 25 * 3600), 'STEP_NOT_OPEN')
})

test('a dispute adds the seconds that it lasted', async () => {
  const fork = permit.fork()
  const dispute = await fork.builder.add(fork.dispute('checker', first))
  const since = fork.builder.time
  fork.builder.time = due
  await assertRefused(fork.builder, fork.lapse('panel', visit), 'OPENING_WAITS', { disputed: [first] })
  await fork.builder.add(fork.lapse('panel', { type: 'dispute', dispute }))
  // The default of s1 is to uphold: its step opens anew, and what it opened is gone.
  assert.deepEqual(
    fork.row.openings.map(({ step }) => step),
    ['s1'],
  )
  const other = permit.fork()
  const withdrawn = await other.builder.add(other.dispute('checker', first))
  other.wait(3)
  await other.builder.add(other.resolve('checker', withdrawn, 'withdrawn'))
  const stood = other.builder.time - since
  const opening = other.row.openings.find(({ step }) => step === 's3')!
  assert.deepEqual([opening.due, opening.stood, opening.waits], [due + stood, stood, null])
})
