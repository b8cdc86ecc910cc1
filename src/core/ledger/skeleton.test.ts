import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildMember, json } from '../../../test/register-builder.ts'
import { sampleSkeleton } from '../../../test/sample-register.ts'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { findRole, findStep, parseSkeleton } from './skeleton.ts'

const valid = json(sampleSkeleton(buildMember('A', { voting: true }), buildMember('B', { voting: true }))) as JsonObject
const hours = { count: 1, unit: 'hours', calendar: null }

/** The sample with the value at a pointer set to another; undefined takes the member away. */
function changed(at: string, value: unknown): JsonValue {
  const copy = structuredClone(valid)
  const path = at.split('/').slice(1)
  const last = path.pop()!
  const parent = path.reduce<JsonValue>((node, key) => (node as JsonObject)[key]!, copy) as JsonObject
  if (value === undefined) delete parent[last]
  else parent[last] = value as JsonValue
  return copy
}

test('takes the sample as it is', () => {
  const skeleton = parseSkeleton(valid)
  assert.deepEqual(skeleton, valid)
  assert.equal(findStep(skeleton, 's2')?.role, 'council')
  assert.equal(findStep(skeleton, 's9'), undefined)
  assert.equal(findRole(skeleton, 'checker')?.open, true)
})

test('takes every feature by its format', () => {
  const features = {
    join: { mode: 'all', steps: ['s3', 's4'], closes: ['s2'] },
    deadline: hours,
    lapse: { next: [], closes: ['s4'] },
    extend: { role: 'council', limit: hours },
    confirm: { roles: ['applicant', 'auditor'], deadline: hours, default: 'reject' },
  }
  const step = { ...((valid.steps as JsonObject[])[4] as JsonObject), ...features }
  const skeleton = changed('/steps/4', step) as JsonObject
  assert.deepEqual(parseSkeleton(skeleton), skeleton)
})

const A = 'A'.repeat(43)
const member = { id: 'x', kind: 'member', member: null, open: true, servedBy: [] }
const group = { audience: [], digests: 1 }
for (const [at, value, refusedAt] of [
  ['/format', 'concordat-skeleton/2', '/format'],
  ['/extra', 1, ''],
  ['/review', undefined, ''],
  ['/roles', [], '/roles'],
  ['/roles', Array.from({ length: 65 }, (_, i) => ({ ...member, id: `r${i}` })), '/roles'],
  ['/roles/3/id', 'portal', '/roles/3/id'],
  ['/roles/1/id', '1st', '/roles/1/id'],
  ['/roles/1/id', 'constructor', '/roles/1/id'],
  ['/roles/0/servedBy', [], '/roles/0'],
  ['/roles/0/servedBy', ['portal', 'council'], '/roles/0/servedBy/1'],
  ['/roles/0/servedBy', ['applicant'], '/roles/0/servedBy'],
  ['/roles/0/servedBy', ['nobody'], '/roles/0/servedBy'],
  ['/roles/0/open', true, '/roles/0'],
  ['/roles/0/member', A, '/roles/0'],
  ['/roles/1/member', null, '/roles/1'],
  ['/roles/1/member', 'me', '/roles/1/member'],
  ['/roles/1/open', true, '/roles/1'],
  ['/roles/1/servedBy', ['portal'], '/roles/1'],
  ['/distinct/0', ['checker'], '/distinct/0'],
  ['/distinct/0', ['checker', 'carrier'], '/distinct/0/1'],
  ['/distinct/0', ['checker', 'council'], '/distinct'],
  ['/distinct/0', ['checker', 'nobody'], '/distinct/0/1'],
  ['/start', 's7', '/start'],
  ['/start', 's6', '/start'],
  ['/steps', [], '/steps'],
  ['/steps/1/id', 's1', '/steps/1/id'],
  ['/steps/1/role', 'nobody', '/steps/1/role'],
  ['/steps/1/next', [], '/steps/1/next'],
  ['/steps/1/next', [['s3'], ['s3']], '/steps/1/next'],
  ['/steps/1/next/0', ['s4', 's3'], '/steps/1/next/0/1'],
  ['/steps/1/next/0', ['s3', 's3'], '/steps/1/next/0/1'],
  ['/steps/1/next/0', ['s7'], '/steps/1/next/0/0'],
  ['/steps/1/next/0', ['s03'], '/steps/1/next/0/0'],
  ['/steps/1/next/0', ['s6'], '/steps/5/withdrawal'],
  ['/steps/1/binds', ['council'], '/steps/1/binds'],
  ['/steps/1/binds', ['nobody'], '/steps/1/binds/0'],
  ['/steps/1/closes', [], '/steps/1/closes'],
  ['/steps/1/closes', [[], ['s3', 's2']], '/steps/1/closes/1/1'],
  ['/steps/1/closes', [[], ['s9']], '/steps/1/closes/1/0'],
  ['/steps/1/withdrawal', 1, '/steps/1/withdrawal'],
  ['/steps/1/deadline', { ...hours, unit: 'minutes' }, '/steps/1/deadline/unit'],
  ['/steps/1/join', { mode: 'some', steps: ['s1', 's5'], closes: [] }, '/steps/1/join/mode'],
  ['/steps/1/join', { mode: 'all', steps: ['s1'], closes: [] }, '/steps/1/join/steps'],
  ['/steps/1/join', { mode: 'all', steps: ['s1', 's5'] }, '/steps/1/join'],
  ['/steps/1/lapse', { next: ['s3'], closes: [] }, '/steps/1/lapse'],
  ['/steps/1/extend', { role: 'council', limit: hours }, '/steps/1/extend'],
  ['/steps/1/confirm', { roles: [], deadline: hours, default: 'accept' }, '/steps/1/confirm/roles'],
  ['/steps/1/confirm', { roles: ['council'], deadline: hours, default: 'accept' }, '/steps/1/confirm/roles'],
  ['/steps/5/deadline', hours, '/steps/5/deadline'],
  ['/steps/5/confirm', { roles: ['council'], deadline: hours, default: 'accept' }, '/steps/5/confirm'],
  ['/steps/1/dispute/resolver', 'nobody', '/steps/1/dispute/resolver'],
  ['/steps/1/dispute/default', 'accept', '/steps/1/dispute/default'],
  ['/steps/1/dispute/window', null, '/steps/1/dispute/window'],
  ['/steps/1/groups', [], '/steps/1/groups'],
  ['/steps/1/groups', Array.from({ length: 65 }, () => group), '/steps/1/groups'],
  ['/steps/1/groups/0/audience', [['checker', 's2', 'x']], '/steps/1/groups/0'],
  ['/steps/1/groups/0/digests', 2, '/steps/1/groups/0'],
  ['/steps/1/groups/1/digests', 0, '/steps/1/groups/1/digests'],
  ['/steps/1/groups/1/audience', [['council', 's2', 'x']], '/steps/1/groups/1/audience/0/0'],
  ['/steps/1/groups/1/audience', [['checker', 's9', 'x']], '/steps/1/groups/1/audience/0/1'],
  ['/steps/1/groups/1/audience', [['checker', 's2', '']], '/steps/1/groups/1/audience/0/2'],
  [
    '/steps/1/groups/1/audience',
    [
      ['checker', 's2', 'b'],
      ['checker', 's2', 'a'],
    ],
    '/steps/1/groups/1/audience/1',
  ],
  ['/steps/1/digests', 16, '/steps/1/digests'],
  ['/steps/1/digests', 3, '/steps/1/digests'],
  ['/steps/1/groups/1/digests', 1024, '/steps/1/digests'],
  ['/review', { of: [], request: ['s4'], decide: 's5', until: hours }, '/review/of'],
  ['/review', { of: ['s2'], request: [], decide: 's5', until: hours }, '/review/request'],
  ['/review', { of: ['s2'], request: ['s5'], decide: 's9', until: hours }, '/review/decide'],
  ['/review', { of: ['s2'], request: ['s3'], decide: 's5', until: hours }, '/review/request/0'],
  ['/review', { of: ['s2'], request: ['s1'], decide: 's5', until: hours }, '/review/request/0'],
  ['/review', { of: ['s2'], request: ['s6'], decide: 's5', until: hours }, '/review/request/0'],
  ['/threshold', { count: 2 }, '/threshold'],
  ['/threshold', { fraction: [3, 2] }, '/threshold/fraction/0'],
  ['/threshold', { fraction: [0, 2] }, '/threshold/fraction/0'],
] as const) {
  test(`refuses ${at} ${JSON.stringify(value)?.slice(0, 60)}`, () => {
    assert.throws(
      () => parseSkeleton(changed(at, structuredClone(value))),
      (error) =>
        error instanceof ConcordatError && error.detail.code === 'SKELETON_INVALID' && error.detail.at === refusedAt,
    )
  })
}

test('roles that must be distinct are not fixed to one member', () => {
  const { member: same } = (valid.roles as JsonObject[])[1]!
  const copy = changed('/roles/5/member', same) as JsonObject
  copy.distinct = [['auditor', 'council']]
  assert.throws(() => parseSkeleton(copy), ConcordatError)
})

test('whatever JSON comes, it is taken unchanged or refused with a code', () => {
  const places = [
    '/roles',
    '/roles/0',
    '/distinct',
    '/start',
    '/steps',
    '/steps/1',
    '/steps/1/next',
    '/steps/1/groups/1',
    '/review',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 }), (at, value) => {
      const skeleton = changed(at, value)
      try {
        assert.deepEqual(parseSkeleton(skeleton), skeleton)
      } catch (error) {
        assert.ok(error instanceof ConcordatError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})
