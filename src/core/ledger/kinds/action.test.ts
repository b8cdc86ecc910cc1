import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { blueprintHash, buildMember, randomDigest, randomId } from '../../../../test/register-builder.ts'
import {
  assertRefused,
  buildSample,
  forkSample,
  type Sample,
  sampleSkeleton,
  startCase,
} from '../../../../test/sample-register.ts'

let sample: Sample
/** A case of which only s1 is done, in a fork of the sample. */
let running: Sample & { case: string; first: string }

before(async () => {
  sample = await buildSample()
  const fork = forkSample(sample)
  running = { ...fork, ...(await startCase(fork)) }
})

function opening(step: string, by: string, since: number) {
  return { step, prev: [by], since, due: null, stood: 0, waits: null, extended: false }
}

/** The case's openings, as step and openers. */
function openOf(builder: Sample['builder'], id: string) {
  return builder.caseRow(id).openings.map(({ step, prev }) => ({ step, prev }))
}

function forkRunning() {
  return { ...running, builder: running.builder.fork() }
}

test('a start binds the signer and fixed roles, and opens the next step', () => {
  const { builder, council, auditor, carrier, bp, first } = running
  assert.deepEqual(builder.caseRow(running.case), {
    bp,
    roles: {
      council: { member: council.id, pk: null, by: null },
      auditor: { member: auditor.id, pk: null, by: null },
      applicant: { member: carrier.id, pk: null, by: first },
    },
    versions: [],
    openings: [opening('s2', first, builder.time)],
    arrivals: [],
    confirmations: [],
    review: null,
    records: [
      {
        id: first,
        bp,
        step: 's1',
        as: 'applicant',
        iss: carrier.id,
        index: 11,
        time: builder.time,
        prev: [],
        next: ['s2'],
        bind: { applicant: { member: carrier.id } },
        replaces: null,
        void: null,
        replacedBy: null,
      },
    ],
    disputes: [],
    acts: [],
    ended: false,
    endedAt: null,
    changed: 11,
  })
})

test('a case from start to end: two branches, roles bound at run time, a loop, an end', async () => {
  const { builder, skeleton, council, bureau, carrier, first, case: id } = forkRunning()
  const on = { skeleton, case: id }
  const bind = { checker: bureau, carrier }
  const second = await builder.add(
    builder.action(council, { ...on, step: 's2', as: 'council', prev: [first], next: ['s3', 's4'], bind }),
  )
  assert.deepEqual(openOf(builder, id), [
    { step: 's3', prev: [second] },
    { step: 's4', prev: [second] },
  ])
  assert.deepEqual(builder.caseRow(id).roles.checker, { member: bureau.id, pk: null, by: second })
  await builder.add(builder.action(carrier, { ...on, step: 's4', as: 'carrier', prev: [second], next: [] }))
  const third = await builder.add(
    builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [second], next: ['s5'] }),
  )
  const back = await builder.add(
    builder.action(council, { ...on, step: 's5', as: 'council', prev: [third], next: ['s2'] }),
  )
  assert.deepEqual(openOf(builder, id), [{ step: 's2', prev: [back] }])
  // The same step again, with a new prev; the old opening stays used and a bound role stays bound.
  const again = { ...on, step: 's2', as: 'council', next: ['s3'] }
  await assertRefused(builder, builder.action(council, { ...again, prev: [first] }), 'OPENING_USED')
  const rebinding = builder.action(council, { ...again, prev: [back], bind: { checker: bureau } })
  await assertRefused(builder, rebinding, 'ROLE_ALREADY_BOUND', { role: 'checker' })
  const fourth = await builder.add(builder.action(council, { ...again, prev: [back] }))
  const last = builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [fourth], next: [] })
  assert.equal(builder.caseRow(id).ended, false)
  await builder.add(last)
  const row = builder.caseRow(id)
  assert.equal(row.ended, true)
  assert.deepEqual(row.openings, [])
  assert.deepEqual(
    row.records.map(({ step }) => step),
    ['s1', 's2', 's4', 's3', 's5', 's2', 's3'],
  )
  await assertRefused(builder, last, 'JTI_USED')
  const late = builder.action(council, { ...on, step: 's5', as: 'council', prev: [fourth], next: [] })
  await assertRefused(builder, late, 'CASE_ENDED')
})

test('withdrawal is open to its role from the first record on, closes what its step names, and is used once', async () => {
  const { builder, skeleton, council, carrier, first, case: id, bureau } = forkRunning()
  const on = { skeleton, case: id }
  const second = await builder.add(
    builder.action(council, {
      ...on,
      step: 's2',
      as: 'council',
      prev: [first],
      next: ['s3', 's4'],
      bind: { checker: bureau },
    }),
  )
  const withdrawal = { ...on, step: 's6', as: 'applicant', next: [] }
  await assertRefused(builder, builder.action(carrier, { ...withdrawal, prev: [second] }), 'PREV_NOT_OPEN', {
    step: 's6',
  })
  await assertRefused(builder, builder.action(carrier, { ...withdrawal, prev: [] }), 'PREV_NOT_OPEN')
  const other = builder.action(council, { ...withdrawal, prev: [first] })
  await assertRefused(builder, other, 'SIGNER_NOT_BOUND_TO_ROLE', { role: 'applicant' })
  await builder.add(builder.action(carrier, { ...withdrawal, prev: [first] }))
  assert.deepEqual(openOf(builder, id), [])
  assert.equal(builder.caseRow(id).ended, true)
  await assertRefused(builder, builder.action(carrier, { ...withdrawal, prev: [first] }), 'OPENING_USED')
  await assertRefused(
    builder,
    builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [second], next: [] }),
    'CASE_ENDED',
  )
})

test('an action closes the openings that its step names and no others, before it opens its own', async () => {
  const { builder, council, auditor, bureau, carrier } = forkSample(sample)
  const skeleton = sampleSkeleton(council, auditor)
  const steps = skeleton.steps.map((step) =>
    step.id === 's5' ? { ...step, closes: step.next.map(() => ['s2', 's4']) } : step,
  )
  const closing = { ...skeleton, steps }
  const bp = blueprintHash(closing)
  const proposal = await builder.add(builder.blueprint(council, closing))
  for (const member of [council, auditor]) await builder.add(builder.approval(member, proposal, bp, []))
  for (const member of [bureau, carrier])
    await builder.add(builder.approval(member, proposal, bp, ['carrier', 'checker', 'portal']))
  const fork = { ...sample, builder, skeleton: closing }
  const { case: id, first } = await startCase(fork)
  const on = { skeleton: closing, case: id }
  const bind = { checker: bureau, carrier }
  const second = await builder.add(
    builder.action(council, { ...on, step: 's2', as: 'council', prev: [first], next: ['s3', 's4'], bind }),
  )
  const third = await builder.add(
    builder.action(bureau, { ...on, step: 's3', as: 'checker', prev: [second], next: ['s5'] }),
  )
  const back = await builder.add(
    builder.action(council, { ...on, step: 's5', as: 'council', prev: [third], next: ['s2'] }),
  )
  assert.deepEqual(openOf(builder, id), [{ step: 's2', prev: [back] }])
  const closed = builder.action(carrier, { ...on, step: 's4', as: 'carrier', prev: [second], next: [] })
  await assertRefused(builder, closed, 'STEP_NOT_OPEN', { step: 's4', open: ['s2'] })
})

test('a start by the fixed member of a role that serves the person, with others bound at once', async () => {
  const { builder, skeleton, council, bureau, carrier } = forkSample(sample)
  const id = randomId()
  const bind = { applicant: council, checker: bureau, carrier }
  const first = await builder.add(
    builder.action(council, { skeleton, case: id, step: 's1', as: 'applicant', prev: [], next: ['s2'], bind }),
  )
  assert.deepEqual(builder.caseRow(id).roles.carrier, { member: carrier.id, pk: null, by: first })
})

test('starts refused', async () => {
  const { builder, skeleton, council, auditor, bureau, carrier, observer } = sample
  const start = { skeleton, case: randomId(), step: 's1', as: 'applicant', prev: [], next: ['s2'] }
  const bind = { applicant: carrier }
  const refuse = (jws: string, code: Parameters<typeof assertRefused>[2], facts = {}) =>
    assertRefused(builder, jws, code, facts)
  await refuse(builder.action(carrier, { ...start, bind, bp: randomDigest() }), 'BLUEPRINT_UNKNOWN')
  await refuse(builder.action(carrier, start, { step: 's7' }), 'STEP_UNKNOWN', { step: 's7' })
  await refuse(builder.action(carrier, { ...start, bind, as: 'carrier' }), 'ROLE_NOT_OF_STEP', {
    role: 'applicant',
    step: 's1',
  })
  await refuse(builder.action(council, { ...start, step: 's2', as: 'council', next: ['s3'] }), 'CASE_UNKNOWN')
  await refuse(builder.action(carrier, { ...start, bind, prev: [randomDigest()] }), 'PREV_NOT_OPEN')
  await refuse(builder.action(carrier, start), 'START_ROLE_NOT_BOUND', { role: 'applicant' })
  await refuse(builder.action(carrier, { ...start, bind: { applicant: council } }), 'START_ROLE_NOT_BOUND')
  // Acceded as checker and carrier, but not to serve persons.
  await refuse(builder.action(bureau, { ...start, bind: { applicant: bureau } }), 'ROLE_NOT_ELIGIBLE', {
    role: 'applicant',
  })
  await refuse(builder.action(observer, { ...start, bind: { applicant: observer } }), 'ROLE_NOT_ELIGIBLE')
  await refuse(builder.action(carrier, { ...start, bind: { ...bind, portal: carrier } }), 'BIND_NOT_ALLOWED', {
    role: 'portal',
  })
  await refuse(builder.action(carrier, { ...start, bind: { ...bind, council } }), 'BIND_NOT_ALLOWED', {
    role: 'council',
  })
  await refuse(builder.action(carrier, { ...start, bind: { ...bind, nobody: carrier } }), 'BIND_NOT_ALLOWED')
  await refuse(builder.action(carrier, { ...start, bind: { ...bind, checker: auditor } }), 'ROLE_NOT_ELIGIBLE', {
    role: 'checker',
  })
  await refuse(builder.action(carrier, { ...start, bind: { ...bind, checker: observer } }), 'ROLE_NOT_ELIGIBLE')
  const twice = { ...bind, checker: carrier, carrier }
  await refuse(builder.action(carrier, { ...start, bind: twice }), 'ROLES_NOT_DISTINCT', {
    roles: ['carrier', 'checker'],
  })
  await refuse(builder.action(carrier, { ...start, bind, next: [] }), 'NEXT_NOT_ALLOWED', { step: 's1' })
  await refuse(builder.action(carrier, { ...start, bind }, { groups: [randomDigest()] }), 'GROUP_COUNT_WRONG', {
    count: 3,
  })
  const _sd = Array.from({ length: 16 }, randomDigest).sort()
  await refuse(builder.action(carrier, { ...start, bind }, { _sd }), 'DIGEST_COUNT_WRONG', { count: 8 })
  const pk = { applicant: { member: carrier.id, pk: randomDigest() } }
  await refuse(builder.action(carrier, start, { bind: pk }), 'PERSON_KEY_NOT_BUILT')
  await refuse(builder.action(carrier, { ...start, bind }, { psig: 'x' }), 'PERSON_KEY_NOT_BUILT')
  await refuse(builder.action(carrier, { ...start, bind }, { replaces: randomDigest() }), 'REPLACES_NOT_ALLOWED')
})

test('a fixed start role is never in bind, and only its member starts', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const skeleton = { ...sampleSkeleton(council, auditor), start: 's2' }
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  for (const member of [council, auditor]) await builder.add(builder.approval(member, proposal, bp, []))
  const start = { skeleton, case: randomId(), step: 's2', as: 'council', prev: [], next: ['s3'] }
  await assertRefused(builder, builder.action(bureau, start), 'SIGNER_NOT_BOUND_TO_ROLE', { role: 'council' })
  await assertRefused(builder, builder.action(council, { ...start, bind: { council } }), 'BIND_NOT_ALLOWED')
  await builder.add(builder.action(council, start))
})

test('a version that waits for approvals starts no case', async () => {
  const { builder, council, auditor, carrier } = forkSample(sample)
  const skeleton = { ...sampleSkeleton(council, auditor), distinct: [] }
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  await builder.add(builder.approval(council, proposal, blueprintHash(skeleton), []))
  const start = {
    skeleton,
    case: randomId(),
    step: 's1',
    as: 'applicant',
    prev: [],
    next: ['s2'],
    bind: { applicant: carrier },
  }
  await assertRefused(builder, builder.action(carrier, start), 'BLUEPRINT_NOT_LIVE', { missing: [auditor.id] })
})

test('later actions refused', async () => {
  const { builder, skeleton, council, auditor, bureau, carrier, case: id, first } = forkRunning()
  const start = {
    skeleton,
    case: id,
    step: 's1',
    as: 'applicant',
    prev: [],
    next: ['s2'],
    bind: { applicant: carrier },
  }
  await assertRefused(builder, builder.action(carrier, start), 'OPENING_USED', { step: 's1' })
  const action = { skeleton, case: id, step: 's2', as: 'council', prev: [first], next: ['s3'] }
  await assertRefused(builder, builder.action(bureau, action), 'SIGNER_NOT_BOUND_TO_ROLE', { role: 'council' })
  await assertRefused(builder, builder.action(council, { ...action, next: ['s4'] }), 'NEXT_NOT_ALLOWED')
  await assertRefused(builder, builder.action(council, { ...action, next: [] }), 'NEXT_NOT_ALLOWED')
  await assertRefused(builder, builder.action(council, { ...action, prev: [randomDigest()] }), 'PREV_NOT_OPEN')
  await assertRefused(builder, builder.action(council, { ...action, prev: [] }), 'PREV_NOT_OPEN')
  const extra = [first, randomDigest()]
  await assertRefused(builder, builder.action(council, { ...action, prev: extra }), 'PREV_NOT_OPEN')
  const early = builder.action(council, { ...action, step: 's5', next: [] })
  await assertRefused(builder, early, 'STEP_NOT_OPEN', { step: 's5', open: ['s2'] })
  const bind = { checker: bureau }
  await assertRefused(
    builder,
    builder.action(council, { ...action, bind: { ...bind, applicant: carrier } }),
    'ROLE_ALREADY_BOUND',
  )
  await assertRefused(builder, builder.action(council, { ...action, bind: { auditor } }), 'BIND_NOT_ALLOWED')
  await assertRefused(builder, builder.action(council, { ...action, bind: { checker: council } }), 'ROLE_NOT_ELIGIBLE')
  const unbound = await builder.add(builder.action(council, action))
  const third = { ...action, step: 's3', as: 'checker', prev: [unbound], next: [] }
  await assertRefused(builder, builder.action(bureau, third), 'ROLE_UNBOUND', { role: 'checker' })
})

test('a distinct role is not bound to the member that another one is fixed to', async () => {
  const { builder, skeleton, council, proposal, bp, case: id, first } = forkRunning()
  await builder.add(builder.approval(council, proposal, bp, ['checker']))
  const bind = { checker: council }
  const action = builder.action(council, {
    skeleton,
    case: id,
    step: 's2',
    as: 'council',
    prev: [first],
    next: ['s3'],
    bind,
  })
  await assertRefused(builder, action, 'ROLES_NOT_DISTINCT', { roles: ['checker', 'council'] })
})

test('a running case keeps its version, and a record fits no other case or register', async () => {
  const { builder, skeleton, council, auditor, case: id, first } = forkRunning()
  const second = { ...sampleSkeleton(council, auditor), distinct: [] }
  const bp = blueprintHash(second)
  const proposal = await builder.add(builder.blueprint(council, second))
  for (const member of [council, auditor]) await builder.add(builder.approval(member, proposal, bp, []))
  const action = { skeleton: second, case: id, step: 's2', as: 'council', prev: [first], next: ['s3'] }
  await assertRefused(builder, builder.action(council, action), 'CASE_BLUEPRINT_DIFFERS')
  const other = await startCase({ ...running, builder })
  const foreign = builder.action(council, { ...action, skeleton, prev: [other.first] })
  await assertRefused(builder, foreign, 'PREV_NOT_OPEN')
  await assertRefused(
    builder,
    builder.action(council, { ...action, skeleton }, { reg: randomDigest() }),
    'REGISTER_DIFFERS',
  )
})

test('a role is bound only to a member in standing', async () => {
  const { builder, skeleton, council, bureau, case: id, first } = forkRunning()
  const { register } = builder
  const members = register.members.map((m) => (m.id === bureau.id ? { ...m, standing: 'removed' as const } : m))
  builder.rows.set('register', structuredClone({ ...register, members }) as never)
  const bind = { checker: bureau }
  const action = builder.action(council, {
    skeleton,
    case: id,
    step: 's2',
    as: 'council',
    prev: [first],
    next: ['s3'],
    bind,
  })
  await assertRefused(builder, action, 'ROLE_NOT_ELIGIBLE')
})

test('a member that nobody bound signs nothing', async () => {
  const { builder, skeleton, case: id, first } = forkRunning()
  const stranger = buildMember('Stranger', { voting: true })
  const jws = builder.action(stranger, { skeleton, case: id, step: 's2', as: 'council', prev: [first], next: ['s3'] })
  await assertRefused(builder, jws, 'KEY_NOT_VALID', { use: 'record' })
})
