import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { assertRefused } from '../../../../test/sample-register.ts'

let permit: Permit
let first: string

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
})

test('an all join opens when the last branch has come, by all of them', async () => {
  const fork = permit.fork()
  assert.deepEqual(fork.open({ [first]: '1' }), ['s2 by 1', 's3 by 1'])
  const check = await fork.act('checker', 's2', [first], ['s4'])
  assert.deepEqual(fork.open({ [first]: '1' }), ['s3 by 1'])
  assert.deepEqual(fork.row.arrivals, [{ step: 's4', from: 's2', by: check }])
  await assertRefused(fork.builder, fork.action('council', 's4', [check], []), 'STEP_NOT_OPEN', { open: ['s3'] })
  const visit = await fork.act('council', 's3', [first], ['s4'])
  assert.deepEqual(fork.open({ [check]: '2', [visit]: '3' }), ['s4 by 2,3'])
  assert.deepEqual(fork.row.arrivals, [])
  await assertRefused(fork.builder, fork.action('council', 's4', [visit], []), 'PREV_NOT_OPEN')
})

test('a step led to from outside the join opens at once', async () => {
  const fork = permit.fork()
  const skeleton = fork.skeleton.steps.map((step) => (step.id === 's2' ? { ...step, next: [['s3'], ['s8']] } : step))
  const other = await Permit.open((whole) => ({
    ...whole,
    steps: skeleton.map((step, i) => ({ ...whole.steps[i]!, next: step.next })),
  }))
  const start = await other.start()
  await other.act('council', 's3', [start], ['s4'])
  const check = await other.act('checker', 's2', [start], ['s3'])
  assert.deepEqual(other.open({ [check]: '2' }), ['s3 by 2'])
})

test('an any join opens by the first branch and closes the others', async () => {
  const fork = permit.fork()
  const check = await fork.act('checker', 's2', [first], ['s8'])
  assert.deepEqual(fork.open({ [check]: '2' }), ['s8 by 2'])
  await assertRefused(fork.builder, fork.action('council', 's3', [first], ['s8']), 'STEP_NOT_OPEN', { open: ['s8'] })
  await fork.act('council', 's8', [check], [])
  assert.equal(fork.row.ended, true)
  assert.equal(fork.row.endedAt, fork.builder.time)
})

test('a withdrawal closes openings, branches that wait and what waits to be confirmed', async () => {
  const fork = permit.fork()
  await fork.act('checker', 's2', [first], ['s4'])
  const withdrawn = fork.fork()
  await withdrawn.act('council', 's7', [first], [])
  assert.deepEqual([withdrawn.row.openings, withdrawn.row.arrivals, withdrawn.row.ended], [[], [], true])
  const visit = await fork.act('council', 's3', [first], ['s4'])
  const { prev } = fork.row.openings[0]!
  assert.ok(prev.includes(visit))
  await fork.act('council', 's4', prev, [])
  assert.equal(fork.row.ended, false)
  await fork.act('council', 's7', [first], [])
  assert.deepEqual([fork.row.confirmations, fork.row.ended], [[], true])
})
