import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { assertRefused } from '../../../../test/sample-register.ts'

let permit: Permit
let first: string
/** The record that waits to be confirmed. */
let decision: string

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
  const check = await permit.act('checker', 's2', [first], ['s4'])
  const visit = await permit.act('council', 's3', [first], ['s4'])
  decision = await permit.act('council', 's4', [check, visit], ['s2', 's3'])
})

test('nothing opens until every role has said yes; then it opens by the record', async () => {
  const fork = permit.fork()
  const due = fork.builder.time + 20 * 3600
  assert.deepEqual(fork.row.confirmations, [{ record: decision, roles: ['checker'], due, waits: null }])
  assert.deepEqual(fork.row.openings, [])
  assert.equal(fork.row.ended, false)
  await fork.builder.add(fork.confirm('checker', decision, true))
  assert.deepEqual(fork.open({ [decision]: '4' }), ['s2 by 4', 's3 by 4'])
  await assertRefused(fork.builder, fork.confirm('checker', decision, true), 'CONFIRM_NOT_OPEN', { role: 'checker' })
})

test('a no makes the record void and opens its step anew, by the no', async () => {
  const fork = permit.fork()
  const no = await fork.builder.add(fork.confirm('checker', decision, false))
  assert.deepEqual(fork.open({ [no]: 'no' }), ['s4 by no'])
  assert.equal(fork.row.records.at(-1)!.void, fork.row.changed)
  await assertRefused(fork.builder, fork.confirm('checker', decision, true), 'RECORD_VOID')
  const again = await fork.act('council', 's4', [no], [])
  await fork.builder.add(fork.confirm('checker', again, true))
  assert.equal(fork.row.ended, true)
})

test('after the deadline a yes still counts, until the default is entered, once', async () => {
  const what = { type: 'confirm', record: decision }
  const fork = permit.fork()
  fork.builder.time += 20 * 3600 - 1
  await assertRefused(fork.builder, fork.lapse('panel', what), 'LAPSE_TOO_EARLY')
  fork.builder.time += 1
  const late = fork.fork()
  await late.builder.add(late.confirm('checker', decision, true))
  assert.deepEqual(late.open({ [decision]: '4' }), ['s2 by 4', 's3 by 4'])
  const lapse = await fork.builder.add(fork.lapse('panel', what))
  assert.deepEqual(fork.open({ [lapse]: 'lapse' }), ['s4 by lapse'])
  await assertRefused(fork.builder, fork.lapse('council', what), 'RECORD_VOID')
})

test('confirmations refused', async () => {
  const { builder } = permit
  await assertRefused(builder, permit.confirm('other', decision, true), 'ROLE_UNBOUND')
  await assertRefused(builder, permit.confirm('council', decision, true), 'CONFIRM_BY_SIGNER')
  await assertRefused(builder, permit.confirm('panel', decision, true), 'CONFIRM_NOT_OPEN', { role: 'panel' })
  await assertRefused(builder, permit.confirm('checker', first, true), 'CONFIRM_NOT_OPEN')
  await assertRefused(builder, permit.confirm('checker', permit.proposal, true), 'RECORD_UNKNOWN')
})

test('while the record is in dispute its deadline stands still', async () => {
  const fork = permit.fork()
  const { due } = fork.row.confirmations[0]!
  const dispute = await fork.builder.add(fork.dispute('panel', decision))
  await assertRefused(fork.builder, fork.lapse('panel', { type: 'confirm', record: decision }), 'CONFIRM_WAITS')
  const since = fork.builder.time
  fork.wait(5)
  await fork.builder.add(fork.resolve('panel', dispute, 'withdrawn'))
  assert.equal(fork.row.confirmations[0]!.due, due + fork.builder.time - since)
})
