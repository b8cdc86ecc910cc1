import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { disclosureOf, sampleBlueprint, stepOf } from '../../../test/sample-blueprint.ts'
import { canonicalize, type JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import type { Calendar } from '../ledger/deadline.ts'
import { parseSkeleton } from '../ledger/skeleton.ts'
import type { Blueprint, DocumentDeadline, Step } from './blueprint.ts'
import { fieldsSeen, groupsOf, retentionOf } from './groups.ts'
import { compileSchema } from './schema.ts'
import { skeletonOf } from './skeleton.ts'

test('groups are by subject and whole audience, later steps included, in the order of RULES 21', () => {
  assert.deepEqual(groupsOf(sampleBlueprint(), 'apply'), [
    { index: 0, subject: 'applicant', audience: [], fields: ['/$actor'] },
    // In canonical JSON a comma comes before a closing bracket.
    {
      index: 1,
      subject: 'applicant',
      audience: [
        ['council', 's1', 'file'],
        ['inspector', 's2', 'file'],
      ],
      fields: ['/name/family', '/name/given', '/people'],
    },
    {
      index: 2,
      subject: 'applicant',
      audience: [['council', 's1', 'file']],
      fields: ['/age', '/born', '/health', '/income', '/share'],
    },
    { index: 3, subject: 'partner', audience: [['council', 's1', 'file']], fields: ['/partner/name'] },
  ])
})

test('a field that nobody is shown has a group with no audience, apart from the own one', () => {
  const blueprint = sampleBlueprint()
  disclosureOf(blueprint, 'inspect', 1).fields = ['/passed', '/reason']
  const groups = groupsOf(blueprint, 'inspect')
  assert.deepEqual(groups.at(-1), { index: 3, subject: 'applicant', audience: [], fields: ['/hours'] })
})

test('who has seen what depends on which disclosing steps have followed', () => {
  const blueprint = sampleBlueprint()
  const inspector = (disclosedBy: string[]) => fieldsSeen(blueprint, { step: 'apply', role: 'inspector', disclosedBy })
  assert.deepEqual(inspector([]), [])
  assert.deepEqual(inspector(['assess']), ['/name/family', '/name/given', '/people'])
  assert.equal(fieldsSeen(blueprint, { step: 'apply', role: 'applicant', disclosedBy: [] }).length, 9)
})

test('each holder keeps a group under its own retention class', () => {
  const blueprint = sampleBlueprint()
  stepOf(blueprint, 'apply').retention = 'short'
  const group = groupsOf(blueprint, 'apply')[1]!
  assert.equal(retentionOf(blueprint, 'apply', group, 'applicant'), 'short')
  assert.equal(retentionOf(blueprint, 'apply', group, 'inspector'), 'file')
  assert.equal(retentionOf(blueprint, 'apply', group, 'registry'), undefined)
})

test('the skeleton of the sample is one that a register takes, and has nothing of its words', () => {
  const skeleton = skeletonOf(sampleBlueprint())
  assert.deepEqual(parseSkeleton(JSON.parse(canonicalize(skeleton as unknown as JsonValue))), skeleton)
  const text = JSON.stringify(skeleton)
  for (const word of ['assess', 'verdict', 'income', 'Permit', 'Decide']) assert.ok(!text.includes(word), word)
  const [apply, assess, inspect, withdraw] = skeleton.steps
  assert.deepEqual([apply!.digests, apply!.next, apply!.closes], [16, [['s2']], [[]]])
  assert.deepEqual(
    [assess!.next, assess!.binds, assess!.dispute?.resolver],
    [[['s1'], ['s3']], ['inspector'], 'registry'],
  )
  assert.deepEqual(inspect!.next, [[]])
  assert.deepEqual([withdraw!.withdrawal, withdraw!.closes], [true, [['s1', 's2', 's3', 's5', 's6']]])
  assert.deepEqual([skeleton.review?.of, skeleton.review?.request, skeleton.review?.decide], [['s3'], ['s5'], 's6'])
})

test('the skeleton depends on nothing but the document, and not on the order of its keys', () => {
  const reversed = JSON.parse(JSON.stringify(sampleBlueprint()), (_, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).reverse())
  }) as Blueprint
  assert.deepEqual(skeletonOf(reversed), skeletonOf(sampleBlueprint()))
})

test("parts of a step go into the skeleton with the register's names and calendars written out", () => {
  const blueprint = sampleBlueprint()
  const { calendar } = blueprint.review!.until
  blueprint.calendars = [{ id: 'local', ...(calendar as Calendar) }]
  blueprint.review!.until.calendar = 'local'
  const days: DocumentDeadline = { count: 5, unit: 'workingDays', calendar: 'local' }
  Object.assign(stepOf(blueprint, 'inspect'), {
    join: { mode: 'any', steps: ['withdraw', 'assess'], closes: ['apply'] },
    deadline: days,
    lapse: { to: ['assess', 'apply'], closes: ['rehear'], outcome: { adverse: true } },
    extend: { role: 'council', limit: { count: 90, unit: 'hours', calendar: null } },
    confirm: { roles: ['registry', 'council'], deadline: days, default: 'accept' },
  } satisfies Partial<Step>)
  stepOf(blueprint, 'assess').routes[0]!.closes = ['rehear', 'inspect']
  const skeleton = skeletonOf(blueprint)
  const [, assess, inspect] = skeleton.steps
  const written = { count: 5, unit: 'workingDays', calendar }
  assert.deepEqual(skeleton.review?.until.calendar, calendar)
  assert.deepEqual(inspect?.join, { mode: 'any', steps: ['s2', 's4'], closes: ['s1'] })
  assert.deepEqual(inspect?.deadline, written)
  assert.deepEqual(inspect?.lapse, { next: ['s1', 's2'], closes: ['s6'] })
  assert.deepEqual(inspect?.extend, { role: 'council', limit: { count: 90, unit: 'hours', calendar: null } })
  assert.deepEqual(inspect?.confirm, { roles: ['council', 'registry'], deadline: written, default: 'accept' })
  assert.deepEqual(
    [assess?.next, assess?.closes],
    [
      [['s1'], ['s3']],
      [['s3', 's6'], []],
    ],
  )
})

test('a document that says two things of one part has no skeleton', () => {
  const closing = sampleBlueprint()
  stepOf(closing, 'assess').routes.push({ to: ['inspect'], closes: ['apply'] })
  assert.throws(() => skeletonOf(closing), { code: 'BLUEPRINT_INVALID' })
  const open = sampleBlueprint()
  stepOf(open, 'inspect').confirm = { roles: ['council'], deadline: { count: 1, unit: 'hours', calendar: null } }
  assert.throws(() => skeletonOf(open), { code: 'BLUEPRINT_INVALID' })
  const unknown = sampleBlueprint()
  unknown.review!.until.calendar = 'nowhere'
  assert.throws(() => skeletonOf(unknown), { code: 'BLUEPRINT_REFERENCE_UNKNOWN' })
})

test('a template has no skeleton until its roles are fixed', () => {
  const blueprint = sampleBlueprint()
  blueprint.roles[1] = { id: 'council', title: 'Council', kind: 'member', fixed: true }
  assert.throws(() => skeletonOf(blueprint), { code: 'BLUEPRINT_IS_TEMPLATE' })
})

test('a reference that leads nowhere is refused, not followed', () => {
  for (const break_ of [
    (b: Blueprint) => void b.steps[0]!.routes[0]!.to.push('nowhere'),
    (b: Blueprint) => void Object.assign(b.steps[0]!, { role: 'nobody' }),
    (b: Blueprint) => void Object.assign(b.steps[0]!.disclosures[0]!, { to: 'nobody' }),
    (b: Blueprint) => void Object.assign(b.steps[0]!.disclosures[0]!, { retention: 'never' }),
  ]) {
    const blueprint = sampleBlueprint()
    break_(blueprint)
    assert.throws(() => skeletonOf(blueprint), ConcordatError)
  }
})

test('no field is in a group whose audience misses or exceeds the declared disclosures', () => {
  const stepId = fc.constantFrom('apply', 'assess', 'inspect')
  const disclosure = fc.record({
    by: fc.constantFrom('apply', 'assess', 'inspect', 'withdraw'),
    of: stepId,
    to: fc.constantFrom('applicant', 'council', 'inspector', 'registry'),
    retention: fc.constantFrom('file', 'short'),
    fields: fc.array(fc.nat({ max: 8 }), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(fc.array(disclosure, { maxLength: 12 }), (chosen) => {
      const blueprint = sampleBlueprint()
      for (const step of blueprint.steps) step.disclosures = []
      const declared = chosen.map(({ by, of, to, retention, fields }) => {
        const names = compileSchema(stepOf(blueprint, of).schema).fields.map(({ pointer }) => pointer)
        const pointers = [...new Set(fields.map((place) => names[place % names.length]!))]
        stepOf(blueprint, by).disclosures.push({ to, step: of, fields: pointers, purpose: 'p', basis: 'b', retention })
        return { by: `s${blueprint.steps.findIndex(({ id }) => id === by) + 1}`, of, to, retention, pointers }
      })
      for (const step of blueprint.steps) {
        const groups = groupsOf(blueprint, step.id)
        const fields = compileSchema(step.schema).fields.map(({ pointer }) => pointer)
        assert.deepEqual(
          groups
            .slice(1)
            .flatMap((group) => group.fields)
            .sort(),
          [...fields].sort(),
        )
        for (const { index, fields: held, audience } of groups) {
          for (const field of held) {
            const due = declared.filter(
              ({ of, to, pointers }) => of === step.id && to !== step.role && pointers.includes(field),
            )
            const wanted = new Set(due.map(({ to, by, retention }) => canonicalize([to, by, retention])))
            assert.deepEqual(
              audience.map((entry) => canonicalize(entry)),
              index === 0 ? [] : [...wanted].sort(),
            )
          }
        }
      }
      parseSkeleton(skeletonOf(blueprint) as unknown as JsonValue)
    }),
    { numRuns: 1_000 },
  )
})
