import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { blueprintHash, randomDigest, randomId } from '../../../../test/register-builder.ts'
import {
  assertRefused,
  buildSample,
  buildStep,
  forkSample,
  type Sample,
  sampleSkeleton,
  startCase,
} from '../../../../test/sample-register.ts'

/** s1 by the applicant's member (carrier), then s2 by the council, which bound bureau as checker and opened s3 and s4. */
let asked: Sample & { case: string; first: string; second: string }

before(async () => {
  const sample = await buildSample()
  const { builder, skeleton, council, bureau, carrier } = sample
  const started = await startCase(sample)
  const bind = { checker: bureau, carrier }
  const action = {
    skeleton,
    case: started.case,
    step: 's2',
    as: 'council',
    prev: [started.first],
    next: ['s3', 's4'],
    bind,
  }
  asked = { ...sample, ...started, second: await builder.add(builder.action(council, action)) }
})

const HOUR = 3600

test('a dispute makes what the record opened wait, and nothing else', async () => {
  const {
    builder,
    skeleton,
    bureau,
    carrier,
    bp,
    case: id,
    first,
    second,
  } = { ...asked, builder: asked.builder.fork() }
  const dispute = await builder.add(builder.dispute(bureau, { bp, case: id, record: second, as: 'checker' }))
  assert.deepEqual(builder.caseRow(id).disputes, [
    {
      id: dispute,
      record: second,
      as: 'checker',
      iss: bureau.id,
      index: 13,
      time: builder.time,
      due: builder.time + 96 * HOUR,
      end: null,
      void: null,
    },
  ])
  const third = { skeleton, case: id, step: 's3', as: 'checker', prev: [second], next: [] }
  await assertRefused(builder, builder.action(bureau, third), 'OPENING_WAITS', { step: 's3', disputed: [second] })
  const fourth = { skeleton, case: id, step: 's4', as: 'carrier', prev: [second], next: [] }
  await assertRefused(builder, builder.action(carrier, fourth), 'OPENING_WAITS')
  // A withdrawal is always open to its role; what waits is closed by it, but the dispute keeps the case from ending.
  const withdrawal = { skeleton, case: id, step: 's6', as: 'applicant', prev: [first], next: [] }
  await builder.add(builder.action(carrier, withdrawal))
  const row = builder.caseRow(id)
  assert.deepEqual([row.openings, row.ended], [[], false])
  await assertRefused(builder, builder.action(bureau, third), 'STEP_NOT_OPEN', { open: [] })
})

test('other branches go on', async () => {
  const {
    builder,
    skeleton,
    council,
    bureau,
    carrier,
    bp,
    case: id,
    second,
  } = { ...asked, builder: asked.builder.fork() }
  const on = { skeleton, case: id }
  const third = await builder.add(
    builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [second], next: ['s5'] }),
  )
  await builder.add(builder.dispute(council, { bp, case: id, record: third, as: 'council' }))
  await assertRefused(
    builder,
    builder.action(council, { ...on, step: 's5', as: 'council', prev: [third], next: [] }),
    'OPENING_WAITS',
  )
  await builder.add(builder.action(carrier, { ...on, step: 's4', as: 'carrier', prev: [second], next: [] }))
})

test('a dispute after the last record opens the case again', async () => {
  const {
    builder,
    skeleton,
    council,
    bureau,
    carrier,
    bp,
    case: id,
    second,
  } = { ...asked, builder: asked.builder.fork() }
  const on = { skeleton, case: id, next: [] }
  await builder.add(builder.action(carrier, { ...on, step: 's4', as: 'carrier', prev: [second] }))
  const third = await builder.add(builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [second] }))
  assert.equal(builder.caseRow(id).ended, true)
  await builder.add(builder.dispute(council, { bp, case: id, record: third, as: 'council' }))
  assert.equal(builder.caseRow(id).ended, false)
})

test('the window starts at the entry that authorised the grant, its last second included', async () => {
  const { builder, bureau, council, bp, case: id, first, second } = { ...asked, builder: asked.builder.fork() }
  const start = builder.caseRow(id).records[1]!.time
  // The checker was bound, and s1 disclosed to it, by s2 alone; the council's window for s1 began with s1.
  builder.time = start + 48 * HOUR - 1
  const late = builder.dispute(council, { bp, case: id, record: first, as: 'council' })
  await assertRefused(builder, late, 'DISPUTE_TOO_LATE', { until: start - 1 + 48 * HOUR })
  const fork = builder.fork()
  await builder.add(builder.dispute(bureau, { bp, case: id, record: first, as: 'checker' }))
  fork.time++
  const tooLate = fork.dispute(bureau, { bp, case: id, record: second, as: 'checker' })
  await assertRefused(fork, tooLate, 'DISPUTE_TOO_LATE', { until: start + 48 * HOUR, time: start + 48 * HOUR + 1 })
})

test('disputes refused', async () => {
  const {
    builder,
    skeleton,
    council,
    auditor,
    bureau,
    carrier,
    bp,
    case: id,
    first,
    second,
  } = {
    ...asked,
    builder: asked.builder.fork(),
  }
  const dispute = { bp, case: id, record: second, as: 'checker' }
  const refuse = (jws: string, code: Parameters<typeof assertRefused>[2], facts = {}) =>
    assertRefused(builder, jws, code, facts)
  await refuse(builder.dispute(bureau, { ...dispute, case: randomId() }), 'CASE_UNKNOWN')
  await refuse(builder.dispute(bureau, { ...dispute, bp: randomDigest() }), 'CASE_BLUEPRINT_DIFFERS')
  await refuse(builder.dispute(bureau, { ...dispute, record: randomDigest() }), 'RECORD_UNKNOWN')
  await refuse(builder.dispute(bureau, { ...dispute, as: 'portal' }), 'ROLE_UNBOUND', { role: 'portal' })
  await refuse(builder.dispute(council, dispute), 'SIGNER_NOT_BOUND_TO_ROLE', { role: 'checker' })
  await refuse(builder.dispute(auditor, { ...dispute, as: 'auditor' }), 'DISPUTE_NOT_ENTITLED', { role: 'auditor' })
  await refuse(builder.dispute(council, { ...dispute, as: 'council' }), 'DISPUTE_BY_SIGNER')
  await refuse(builder.dispute(bureau, dispute, { reason: 'because' }), 'CLAIM_INVALID', { at: '/reason' })
  await refuse(builder.dispute(bureau, dispute, { explanation: 'none' }), 'CLAIM_INVALID', { at: '/explanation' })
  await builder.add(builder.dispute(bureau, dispute))
  await refuse(builder.dispute(bureau, dispute), 'DISPUTE_REPEATED', { role: 'checker' })
  await builder.add(builder.dispute(bureau, { ...dispute, record: first }))

  const fourth = { skeleton, case: id, step: 's4', as: 'carrier', prev: [second], next: [] }
  await refuse(builder.action(carrier, fourth), 'OPENING_WAITS')
})

test('a step without a dispute window cannot be disputed', async () => {
  const { builder, skeleton, council, carrier, bp, case: id, second } = { ...asked, builder: asked.builder.fork() }
  const action = { skeleton, case: id, step: 's4', as: 'carrier', prev: [second], next: [] }
  const record = await builder.add(builder.action(carrier, action))
  const dispute = builder.dispute(council, { bp, case: id, record, as: 'council' })
  await assertRefused(builder, dispute, 'DISPUTE_NOT_ALLOWED', { step: 's4' })
})

test('a window beyond its calendar refuses the dispute', async () => {
  const { council, auditor, carrier, ...fork } = forkSample(asked)
  const { builder } = fork
  const calendar = {
    from: '2020-01-01',
    to: '2020-12-31',
    weekdays: [1],
    nonWorking: [],
    offsets: [[0, 0]] as [number, number][],
  }
  const window = { count: 1, unit: 'days' as const, calendar }
  const { steps, ...others } = sampleSkeleton(council, auditor)
  const skeleton = {
    ...others,
    steps: steps.map((step) => (step.dispute ? { ...step, dispute: { ...step.dispute, window } } : step)),
  }
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  for (const member of [council, auditor]) await builder.add(builder.approval(member, proposal, bp, []))
  await builder.add(builder.approval(carrier, proposal, bp, ['portal']))
  const { case: id, first } = await startCase({ ...asked, builder, skeleton })
  const dispute = builder.dispute(council, { bp, case: id, record: first, as: 'council' })
  await assertRefused(builder, dispute, 'CALENDAR_EXCEEDED', { to: '2020-12-31' })
})

test('with several grants the newest one starts the window', async () => {
  const { builder, council, auditor, carrier } = forkSample(asked)
  const { steps, ...others } = sampleSkeleton(council, auditor)
  const { dispute, binds } = steps[0]!
  const disclosedTwice = [[['council', 's1', 'file']], [['council', 's2', 'file']]] as [string, string, string][][]
  const first = buildStep('s1', 'applicant', [['s2']], disclosedTwice, { dispute, binds })
  const skeleton = { ...others, steps: [first, ...steps.slice(1)] }
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  for (const member of [council, auditor]) await builder.add(builder.approval(member, proposal, bp, []))
  await builder.add(builder.approval(carrier, proposal, bp, ['portal']))
  const { case: id, first: record } = await startCase({ ...asked, builder, skeleton })
  builder.time += 49 * HOUR
  const late = builder.fork()
  await assertRefused(late, late.dispute(council, { bp, case: id, record, as: 'council' }), 'DISPUTE_TOO_LATE')
  const second = { skeleton, case: id, step: 's2', as: 'council', prev: [record], next: ['s3'] }
  await builder.add(builder.action(council, second))
  await builder.add(builder.dispute(council, { bp, case: id, record, as: 'council' }))
})
