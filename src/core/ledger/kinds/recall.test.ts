import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { type BuiltMember, type Changes, randomDigest } from '../../../../test/register-builder.ts'
import { assertRefused } from '../../../../test/sample-register.ts'
import { findRecalls } from '../state.ts'

let opened: Permit

before(async () => {
  opened = await Permit.open()
})

/** A case of which the council has made the first record, shown to the checker, and the checker the second, shown to the council. */
async function begin(): Promise<{ permit: Permit; first: string; second: string }> {
  const permit = opened.fork()
  const first = await permit.start()
  const second = await permit.act('checker', 's2', [first], ['s4'])
  return { permit, first, second }
}

type Who = keyof Permit['members']

function recall(permit: Permit, who: Who, records: { [record: string]: number[] }, changes: Changes = {}): string {
  const claims = { as: who, records, reason: 'wrong-recipient', ...changes }
  return permit.builder.inCase('recall', permit.members[who], { bp: permit.bp, case: permit.id, ...claims })
}

function erased(
  permit: Permit,
  member: BuiltMember,
  answers: { recall: string | null; opened: boolean | null },
): string {
  return permit.builder.inCase('erased', member, { bp: permit.bp, case: permit.id, ...answers })
}

function recallsOf(permit: Permit) {
  return findRecalls(permit.builder.rows, permit.id)
}

test('a recall names whom it reaches, and changes nothing of the case', async () => {
  const { permit, first } = await begin()
  const row = permit.row
  const id = await permit.builder.add(recall(permit, 'council', { [first]: [1] }))
  const { time } = permit.builder
  assert.deepEqual(recallsOf(permit), {
    recalls: [
      {
        id,
        as: 'council',
        iss: permit.members.council.id,
        index: permit.builder.leaves.length - 1,
        time,
        reason: 'wrong-recipient',
        records: { [first]: [1] },
        recipients: [permit.members.checker.id],
      },
    ],
    erasures: [],
  })
  assert.equal(permit.row, row)
})

test('who was granted a recalled group answers, once', async () => {
  const { permit, first } = await begin()
  const { builder, members } = permit
  const id = await builder.add(recall(permit, 'council', { [first]: [1] }))
  const answer = (member: BuiltMember) => erased(permit, member, { recall: id, opened: true })
  await assertRefused(builder, answer(members.council), 'ERASED_NOT_ALLOWED')
  await assertRefused(builder, answer(members.panel), 'ERASED_NOT_ALLOWED')
  await assertRefused(
    builder,
    erased(permit, members.checker, { recall: randomDigest(), opened: true }),
    'RECALL_UNKNOWN',
  )
  const entry = await builder.add(answer(members.checker))
  const { time, leaves } = builder
  assert.deepEqual(recallsOf(permit)?.erasures, [
    { id: entry, iss: members.checker.id, index: leaves.length - 1, time, recall: id, opened: true },
  ])
  await assertRefused(builder, answer(members.checker), 'ERASED_REPEATED')
})

test('a member that took part says once that it has erased by itself, beside its answers', async () => {
  const { permit, first } = await begin()
  const { builder, members } = permit
  const own = (member: BuiltMember) => erased(permit, member, { recall: null, opened: null })
  await builder.add(own(members.checker))
  await builder.add(own(members.panel))
  await assertRefused(builder, own(members.checker), 'ERASED_REPEATED')
  await assertRefused(builder, own(members.other), 'ERASED_NOT_ALLOWED')
  const id = await builder.add(recall(permit, 'council', { [first]: [1] }))
  await builder.add(erased(permit, members.checker, { recall: id, opened: false }))
})

test('only its signer recalls a record, in the role in which it was made', async () => {
  const { permit, first, second } = await begin()
  const refuse = (jws: string, code: Parameters<typeof assertRefused>[2]) => assertRefused(permit.builder, jws, code)
  await refuse(recall(permit, 'checker', { [first]: [1] }), 'RECALL_NOT_ALLOWED')
  await refuse(recall(permit, 'council', { [second]: [1] }), 'RECALL_NOT_ALLOWED')
  await refuse(recall(permit, 'council', { [first]: [1] }, { as: 'panel' }), 'RECALL_NOT_ALLOWED')
  await refuse(recall(permit, 'council', { [randomDigest()]: [1] }), 'RECORD_UNKNOWN')
  await refuse(recall(permit, 'council', { [first]: [1], [second]: [1] }), 'RECALL_NOT_ALLOWED')
})

test('a group is recalled once, and only if somebody else was granted it', async () => {
  const { permit, first } = await begin()
  const { builder } = permit
  await assertRefused(builder, recall(permit, 'council', { [first]: [2] }), 'RECALL_NOT_GRANTED')
  await builder.add(recall(permit, 'council', { [first]: [1] }))
  await assertRefused(builder, recall(permit, 'council', { [first]: [1] }), 'RECALL_REPEATED')
})

test('a void record is recalled from whoever was bound when it counted', async () => {
  const { permit, first } = await begin()
  const { builder, members } = permit
  const dispute = await builder.add(permit.dispute('checker', first))
  await builder.add(permit.resolve('panel', dispute, 'upheld'))
  assert.equal(permit.row.roles.checker, undefined)
  await builder.add(recall(permit, 'council', { [first]: [1] }))
  assert.deepEqual(recallsOf(permit)?.recalls[0]?.recipients, [members.checker.id])
})

test('a case that has ended is open to recalls', async () => {
  const { permit, first } = await begin()
  await permit.act('council', 's7', [first], [])
  assert.equal(permit.row.ended, true)
  await permit.builder.add(recall(permit, 'council', { [first]: [1] }))
  assert.equal(permit.row.ended, true)
})

for (const [what, at, claims] of [
  ['no records', '/records', { records: {} }],
  ['a record that is no id', '/records', { records: { first: [1] } }],
  ["the signer's own group", '/records', { records: { ['A'.repeat(43)]: [0] } }],
  ['no groups', '/records', { records: { ['A'.repeat(43)]: [] } }],
  ['groups in disorder', '/records', { records: { ['A'.repeat(43)]: [2, 1] } }],
  ['a group twice', '/records', { records: { ['A'.repeat(43)]: [1, 1] } }],
  ['another reason', '/reason', { reason: 'regret' }],
] as const) {
  test(`a recall cannot say: ${what}`, async () => {
    const { permit, first } = await begin()
    const jws = recall(permit, 'council', { [first]: [1] }, structuredClone(claims) as unknown as Changes)
    await assertRefused(permit.builder, jws, 'CLAIM_INVALID', { at })
  })
}

for (const [what, at, answers] of [
  ['whether nothing recalled was opened', '/opened', { recall: null, opened: false }],
  ['nothing of what was recalled', '/opened', { recall: 'A'.repeat(43), opened: null }],
] as const) {
  test(`an erasure cannot say: ${what}`, async () => {
    const { permit } = await begin()
    const jws = erased(permit, permit.members.checker, answers)
    await assertRefused(permit.builder, jws, 'CLAIM_INVALID', { at })
  })
}
