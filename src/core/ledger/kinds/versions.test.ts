import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Permit } from '../../../../test/permit-register.ts'
import { blueprintHash, randomId } from '../../../../test/register-builder.ts'
import { assertRefused } from '../../../../test/sample-register.ts'
import type { Skeleton } from '../skeleton.ts'

let permit: Permit
let first: string

before(async () => {
  permit = await Permit.open()
  first = await permit.start()
})

const SAME = Object.fromEntries(['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8'].map((step) => [step, step]))

interface Later {
  mapping: { [step: string]: string }
  /** The version before; the first one where absent. */
  after?: string
  /** Hours for the visit. */
  hours?: number
  /** What a check that sends the case to s8 closes. */
  closes?: string[]
}

/** A version whose visit has a longer deadline, live. */
async function succeed(
  fork: Permit,
  { mapping, after = fork.bp, hours = 72, closes = [] }: Later,
): Promise<{ bp: string; skeleton: Skeleton }> {
  const { builder, members } = fork
  const deadline = { count: hours, unit: 'hours' as const, calendar: null }
  const steps = fork.skeleton.steps.map((step) => {
    if (step.id === 's2') return { ...step, closes: [[], closes] }
    return step.id === 's3' ? { ...step, deadline } : step
  })
  const skeleton = { ...fork.skeleton, steps }
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(members.council, skeleton, { replaces: after, mapping }))
  for (const who of ['council', 'panel'] as const) await builder.add(builder.approval(members[who], proposal, bp, []))
  await builder.add(builder.approval(members.checker, proposal, bp, ['checker']))
  return { bp, skeleton }
}

test('an action under the newer version moves its case, deadlines and all', async () => {
  const fork = permit.fork()
  const since = fork.row.openings[1]!.since
  const { bp } = await succeed(fork, { mapping: SAME })
  const check = await fork.act('checker', 's2', [first], ['s4'], { bp })
  assert.equal(fork.row.bp, bp)
  assert.deepEqual(
    fork.row.versions.map(({ bp: earlier }) => earlier),
    [fork.bp],
  )
  assert.equal(fork.row.openings[0]!.due, since + 72 * 3600)
  await assertRefused(fork.builder, fork.action('council', 's3', [first], ['s4']), 'CASE_BLUEPRINT_DIFFERS')
  const visit = await fork.act('council', 's3', [first], ['s4'], { bp })
  assert.deepEqual(fork.open({ [check]: '2', [visit]: '3' }), ['s4 by 2,3'])
  await assertRefused(fork.builder, fork.dispute('checker', first), 'CASE_BLUEPRINT_DIFFERS')
})

test('a record of the version before is disputed and upheld under the newer one', async () => {
  const fork = permit.fork()
  const { bp } = await succeed(fork, { mapping: SAME })
  const check = await fork.act('checker', 's2', [first], ['s4'], { bp })
  const { builder, members, id } = fork
  const dispute = await builder.add(builder.dispute(members.checker, { bp, case: id, record: first, as: 'checker' }))
  const claims = { bp, case: id, dispute, as: 'panel', outcome: 'upheld', correction: null }
  const by = await builder.add(builder.inCase('resolve', members.panel, claims))
  assert.deepEqual(fork.open({ [by]: 'resolve' }), ['s1 by resolve'])
  assert.deepEqual(
    fork.row.records.map((record) => [record.id, record.void !== null]),
    [
      [first, true],
      [check, true],
    ],
  )
})

test('a case goes on under its own version, and cannot move where a step of it is not mapped', async () => {
  const fork = permit.fork()
  const { s1: _, ...others } = SAME
  const { bp } = await succeed(fork, { mapping: others })
  const refused = fork.action('checker', 's2', [first], ['s4'], { bp })
  await assertRefused(fork.builder, refused, 'CASE_NOT_MAPPED', { step: 's1' })
  await fork.act('checker', 's2', [first], ['s4'])
})

test('a case that has moved twice needs every step that it came to in the second mapping too', async () => {
  const fork = permit.fork()
  const second = await succeed(fork, { mapping: SAME })
  const check = await fork.act('checker', 's2', [first], ['s4'], { bp: second.bp })
  const { s1: _, ...others } = SAME
  const third = await succeed(fork, { mapping: others, after: second.bp, hours: 80 })
  const visit = (bp: string) => fork.action('council', 's3', [first], ['s4'], { bp })
  await assertRefused(fork.builder, visit(third.bp), 'CASE_NOT_MAPPED', { step: 's1' })
  const by = await fork.builder.add(visit(second.bp))
  assert.deepEqual(fork.open({ [check]: '2', [by]: '3' }), ['s4 by 2,3'])
})

test('a correction of the version before closes what that version says, though it takes effect under the newer one', async () => {
  const fork = permit.fork()
  const { builder, members, id } = fork
  const check = await fork.act('checker', 's2', [first], ['s4'])
  const dispute = await builder.add(fork.dispute('council', check))
  const correction = await fork.act('checker', 's2', [first], ['s8'], { replaces: check })
  const { bp } = await succeed(fork, { mapping: SAME, closes: ['s4'] })
  await fork.act('council', 's3', [first], ['s4'], { bp })
  const claims = { bp, case: id, dispute, as: 'checker', outcome: 'settled', correction }
  await builder.add(builder.inCase('resolve', members.checker, claims))
  assert.deepEqual(fork.open({ [correction]: 'correction' }), ['s8 by correction'])
  assert.deepEqual(
    fork.row.arrivals.map(({ step, from }) => `${step} from ${from}`),
    ['s4 from s3'],
  )
})

test('mappings refused', async () => {
  const { builder, members, skeleton, bp } = permit
  const later = { ...skeleton, threshold: { fraction: [1, 2] as [number, number] } }
  const propose = (mapping: object, replaces: string | undefined = bp) =>
    builder.blueprint(members.council, later, { replaces, mapping } as never)
  await assertRefused(builder, propose({ s9: 's1' }), 'MAPPING_INVALID', { step: 's9' })
  await assertRefused(builder, propose({ s2: 's3' }), 'MAPPING_INVALID', { step: 's2' })
  await assertRefused(builder, propose({ s2: 's9' }), 'CLAIM_INVALID', { at: '/what/mapping/s2' })
  await assertRefused(builder, propose({ x: 's2' }), 'CLAIM_INVALID', { at: '/what/mapping' })
  const whole = { type: 'blueprint', blueprint: bp, skeleton: later, replaces: null, mapping: {} }
  const alone = builder.blueprint(members.council, later, { what: whole as never })
  await assertRefused(builder, alone, 'CLAIM_INVALID', { at: '/what/mapping' })
})

test('a member suspends and resumes new cases of its own roles, and running ones go on', async () => {
  const fork = permit.fork()
  const { builder, members, bp } = fork
  const suspend = (who: 'council' | 'checker' | 'panel', roles: string[], suspended: boolean) =>
    builder.suspend(members[who], { bp, roles, suspended })
  await assertRefused(builder, suspend('checker', ['council'], true), 'SUSPEND_NOT_OWN_ROLE', { role: 'council' })
  await assertRefused(builder, suspend('panel', ['panel'], false), 'SUSPEND_CHANGES_NOTHING')
  await assertRefused(builder, suspend('panel', [], true), 'CLAIM_INVALID', { at: '/roles' })
  await builder.add(suspend('checker', ['checker'], true))
  const start = {
    skeleton: fork.skeleton,
    bp,
    case: randomId(),
    step: 's1',
    as: 'council',
    prev: [],
    next: ['s2', 's3'],
  }
  const started = (checker: 'checker' | 'other') =>
    builder.action(members.council, { ...start, bind: { checker: members[checker] } })
  await assertRefused(builder, started('checker'), 'ROLE_SUSPENDED', { role: 'checker' })
  await fork.act('checker', 's2', [first], ['s4'])
  await builder.add(started('other'))
  await builder.add(suspend('panel', ['panel'], true))
  const another = builder.action(members.council, { ...start, case: randomId() })
  await assertRefused(builder, another, 'ROLE_SUSPENDED', { role: 'panel' })
  await builder.add(suspend('panel', ['panel'], false))
  await builder.add(suspend('checker', ['checker'], false))
  await builder.add(builder.action(members.council, { ...start, case: randomId(), bind: { checker: members.checker } }))
})
