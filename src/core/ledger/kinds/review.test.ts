import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { assertRefused } from '../../../../test/sample-register.ts'

let permit: Permit
let first: string
/** Confirmed, and the end of the case. */
let decision: string

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
  const check = await permit.act('checker', 's2', [first], ['s4'])
  const visit = await permit.act('council', 's3', [first], ['s4'])
  decision = await permit.act('council', 's4', [check, visit], [])
})

/** The case has ended. */
async function ended(): Promise<Permit> {
  const fork = permit.fork()
  await fork.builder.add(fork.confirm('checker', decision, true))
  return fork
}

test('a finished case is reviewed: asked, decided by another, replaced, gone on with', async () => {
  const fork = await ended()
  await assertRefused(permit.builder, permit.action('checker', 's5', [decision], ['s6']), 'CASE_NOT_ENDED')
  const request = await fork.act('checker', 's5', [decision], ['s6'])
  assert.deepEqual([fork.row.review, fork.row.ended], [{ record: decision, request }, false])
  await assertRefused(fork.builder, fork.action('panel', 's6', [request], []), 'REPLACES_NOT_ALLOWED')
  const wrong = fork.action('panel', 's6', [request], [], { replaces: first })
  await assertRefused(fork.builder, wrong, 'REPLACES_NOT_ALLOWED')
  const overturned = await fork.act('panel', 's6', [request], ['s4'], { replaces: decision })
  assert.equal(fork.row.records.find(({ id }) => id === decision)!.replacedBy, overturned)
  assert.deepEqual([fork.row.review, fork.open({ [overturned]: '6' })], [null, ['s4 by 6']])
  const again = await fork.act('council', 's4', [overturned], [])
  await fork.builder.add(fork.confirm('checker', again, true))
  await assertRefused(fork.builder, fork.action('checker', 's5', [decision], ['s6']), 'OPENING_USED')
  await fork.act('checker', 's5', [again], ['s6'])
})

test('until a date after the end, and each record once', async () => {
  const fork = await ended()
  const late = fork.fork().wait(240)
  await assertRefused(late.builder, late.action('checker', 's5', [decision], ['s6']), 'REVIEW_TOO_LATE')
  late.builder.time -= 1
  await late.act('checker', 's5', [decision], ['s6'])
  await assertRefused(fork.builder, fork.action('checker', 's5', [first], ['s6']), 'PREV_NOT_OPEN')
  await assertRefused(fork.builder, fork.action('checker', 's5', [first, decision].sort(), ['s6']), 'PREV_NOT_OPEN')
  await assertRefused(fork.builder, fork.action('checker', 's5', [fork.proposal], ['s6']), 'RECORD_UNKNOWN')
  await assertRefused(fork.builder, fork.action('council', 's5', [decision], ['s6']), 'SIGNER_NOT_BOUND_TO_ROLE')
})

test('whoever decided first does not decide the review', async () => {
  const own = await Permit.open((skeleton) => ({
    ...skeleton,
    roles: skeleton.roles.map((role) => (role.id === 'panel' ? { ...role, member: skeleton.roles[0]!.member } : role)),
  }))
  const start = await own.start()
  const check = await own.act('checker', 's2', [start], ['s4'])
  const visit = await own.act('council', 's3', [start], ['s4'])
  const decided = await own.act('council', 's4', [check, visit], [])
  await own.builder.add(own.confirm('checker', decided, true))
  const request = await own.act('checker', 's5', [decided], ['s6'])
  const review = own.action('council', 's6', [request], [], { replaces: decided })
  await assertRefused(own.builder, review, 'REVIEW_BY_FIRST_DECIDER', { step: 's6' })
})
