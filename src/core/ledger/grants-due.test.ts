import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMember } from '../../../test/register-builder.ts'
import { buildStep, sampleSkeleton } from '../../../test/sample-register.ts'
import { findGrantDue, findGrantsDue, grantsDue } from './grants-due.ts'
import type { CaseRow } from './state.ts'

const council = buildMember('Council', { voting: true })
const skeleton = sampleSkeleton(council, buildMember('Auditor', { voting: true }))
const bound = (member: string, by: string | null) => ({ member, pk: null, by })

function record(id: string, step: string, index: number): CaseRow['records'][number] {
  return {
    id,
    bp: '',
    step,
    as: skeleton.steps[Number(step.slice(1)) - 1]!.role,
    iss: id,
    index,
    time: 1000 + index,
    prev: [],
    next: [],
    bind: {},
    replaces: null,
    void: null,
    replacedBy: null,
  }
}

function caseOf(records: CaseRow['records'], roles: CaseRow['roles']): CaseRow {
  const waiting = { openings: [], arrivals: [], confirmations: [], review: null }
  const facts = { records, disputes: [], acts: [] }
  return { bp: '', versions: [], roles, ...waiting, ...facts, ended: false, endedAt: null, changed: 0 }
}

const fixed = { council: bound(council.id, null), applicant: bound('portal', 'r1') }
const due = (row: CaseRow) =>
  grantsDue(skeleton, row).map((grant) => [grant.record, grant.role, grant.authorisedBy, grant.groups])

test("a fixed role's grant is authorised by the record that discloses, all its groups at once", () => {
  const row = caseOf([record('r1', 's1', 4)], fixed)
  assert.deepEqual(grantsDue(skeleton, row), [
    {
      record: 'r1',
      role: 'council',
      member: council.id,
      authorisedBy: 'r1',
      authorisedIndex: 4,
      authorisedTime: 1004,
      groups: [1, 2],
    },
  ])
})

test('a role that is bound earlier waits for the step that discloses', () => {
  const roles = { ...fixed, checker: bound('bureau', 'r1') }
  const first = [record('r1', 's1', 4)]
  assert.deepEqual(due(caseOf(first, roles)), [['r1', 'council', 'r1', [1, 2]]])
  assert.deepEqual(due(caseOf([...first, record('r2', 's2', 9)], roles)), [
    ['r1', 'council', 'r1', [1, 2]],
    ['r1', 'checker', 'r2', [2]],
    ['r2', 'checker', 'r2', [1]],
  ])
})

test('a role that is bound later than the disclosure gets its grants by the entry that bound it', () => {
  const records = [record('r1', 's1', 4), record('r2', 's2', 9), record('r3', 's5', 11), record('r4', 's2', 12)]
  assert.deepEqual(due(caseOf(records.slice(0, 3), fixed)), [
    ['r1', 'council', 'r1', [1, 2]],
    ['r3', 'applicant', 'r3', [1]],
  ])
  assert.deepEqual(due(caseOf(records, { ...fixed, checker: bound('bureau', 'r4') })), [
    ['r1', 'council', 'r1', [1, 2]],
    ['r1', 'checker', 'r4', [2]],
    ['r2', 'checker', 'r4', [1]],
    ['r3', 'applicant', 'r3', [1]],
    ['r4', 'checker', 'r4', [1]],
  ])
})

test('in a loop each record is disclosed by the first record of the later step that follows it', () => {
  const loop = {
    ...skeleton,
    steps: [
      buildStep('s1', 'applicant', [['s2']], [[['checker', 's2', 'check']]]),
      buildStep('s2', 'council', [['s1'], []], []),
    ],
  }
  const records = [
    record('a', 's1', 1),
    record('x', 's2', 2),
    record('b', 's1', 3),
    record('y', 's2', 4),
    record('z', 's2', 5),
  ]
  const row = caseOf(records, { ...fixed, checker: bound('bureau', 'a') })
  assert.deepEqual(
    grantsDue(loop, row).map(({ record, authorisedBy }) => [record, authorisedBy]),
    [
      ['a', 'x'],
      ['b', 'y'],
    ],
  )
})

test('a group that two steps disclose to one role is granted by both, each once', () => {
  const twice = {
    ...skeleton,
    steps: [
      buildStep(
        's1',
        'applicant',
        [['s2']],
        [
          [
            ['council', 's1', 'file'],
            ['council', 's1', 'log'],
            ['council', 's2', 'file'],
          ],
        ],
      ),
      buildStep('s2', 'council', [[]], []),
    ],
  }
  const row = caseOf([record('a', 's1', 1), record('b', 's2', 2)], fixed)
  assert.deepEqual(
    grantsDue(twice, row).map(({ authorisedBy, groups }) => [authorisedBy, groups]),
    [
      ['a', [1]],
      ['b', [1]],
    ],
  )
})

test('what no entry authorises is not found', () => {
  const row = caseOf([record('r1', 's1', 4), record('r2', 's2', 9)], { ...fixed, checker: bound('bureau', 'r2') })
  assert.equal(findGrantDue(skeleton, row, { record: 'r1', role: 'checker', authorisedBy: 'r2' })?.groups.join(), '2')
  assert.equal(findGrantDue(skeleton, row, { record: 'r1', role: 'checker', authorisedBy: 'r1' }), undefined)
  assert.equal(findGrantDue(skeleton, row, { record: 'r1', role: 'carrier', authorisedBy: 'r1' }), undefined)
  assert.equal(findGrantDue(skeleton, row, { record: 'r9', role: 'council', authorisedBy: 'r9' }), undefined)
  assert.deepEqual(findGrantsDue(skeleton, row, 'r2', 'council'), [])
  // The signer's own group is never granted.
  assert.ok(grantsDue(skeleton, row).every(({ groups }) => !groups.includes(0)))
})
