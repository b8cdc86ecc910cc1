import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActView, CaseView, DisputeView, RecordView } from '../api/cases.ts'
import { caseText } from './case-text.ts'

const START = 1_790_000_000 // 2026-09-21T14:13:20Z
const at = (minutes: number) => START + minutes * 60

function record(id: string, step: string, change: Partial<RecordView> = {}): RecordView {
  return {
    record: id,
    index: 9,
    time: START,
    step,
    as: 'council',
    from: 'member',
    next: [],
    void: false,
    replaces: null,
    replacedBy: null,
    confirmation: null,
    fields: [],
    verdict: null,
    notCheckable: [],
    awaiting: false,
    erased: false,
    recalled: [],
    leaf: '',
    proof: [],
    ...change,
  }
}

function dispute(id: string, of: string, end: DisputeView['end'] = null): DisputeView {
  return { dispute: id, record: of, as: 'agency', index: 10, time: at(1), due: at(60), end }
}

const act = { as: 'transport', from: 'member', index: 11, time: at(2) }
const resolve = (id: string, of: string, outcome: 'upheld' | 'settled', correction: string | null): ActView => ({
  kind: 'resolve',
  id,
  ...act,
  dispute: of,
  outcome,
  correction,
})

function viewOf(change: Partial<CaseView>): CaseView {
  return {
    case: 'C',
    blueprint: 'B',
    name: 'travel-card',
    startedAt: START,
    ended: false,
    roles: {},
    records: [],
    open: [],
    waiting: [],
    disputes: [],
    acts: [],
    review: null,
    movedFrom: [],
    sharedWith: [],
    recalls: [],
    erasures: [],
    checkpoint: '',
    ...change,
  }
}

/** All but the lines that name the case and its records. */
function show(change: Partial<CaseView>): string[] {
  return caseText(viewOf(change))
    .split('\n')
    .filter((line) => line !== '' && !/^case | {2}record R\d$/.test(line))
    .map((line) => line.trim())
}

const VOID = 'void, it no longer counts:'

describe('case show, in words', () => {
  it('says nothing of what did not happen', () => {
    assert.equal(
      caseText(viewOf({ records: [record('R1', 'decide')] })),
      'case C  travel-card  open, started 2026-09-21T14:13:20Z\n\ndecide (council)  2026-09-21T14:13:20Z  record R1\n',
    )
  })
  it('says what was recalled, and who has not answered yet', () => {
    const erased = { entry: 'E', opened: true, time: at(3) }
    const recall = { recall: 'X', as: 'council', from: 'member', index: 12, time: at(2), reason: 'wrong-data' as const }
    const records = [{ record: 'R1', fields: ['/fee', '/note'] }]
    const answers = [
      { member: 'M', erased },
      { member: 'N', erased: null },
      { member: 'O', erased: { ...erased, opened: false } },
    ]
    assert.deepEqual(
      show({
        records: [record('R1', 'decide', { recalled: ['/fee', '/note'] }), record('R2', 'pay')],
        recalls: [{ ...recall, records, answers }],
        erasures: [{ erased: 'F', member: 'M', index: 14, time: at(4) }],
      }),
      [
        'recalled by council, 2026-09-21T14:15:20Z, wrong-data: /fee, /note  recall X',
        'M: erased, had been opened, 2026-09-21T14:16:20Z',
        'N: not answered yet',
        'O: erased, never opened, 2026-09-21T14:16:20Z',
        'erased by M, 2026-09-21T14:17:20Z',
      ],
    )
  })
  it('says when a step is due, and that its deadline stands still in a dispute', () => {
    const step = { step: 'pay', role: 'council', since: START }
    assert.deepEqual(
      show({
        open: [
          { ...step, waits: false, due: at(1) },
          { ...step, waits: false, due: null },
          { ...step, waits: true, due: at(1) },
        ],
        waiting: [{ step: 'award', from: 'visit' }],
      }),
      [
        'open: pay (council), due 2026-09-21T14:14:20Z',
        'open: pay (council)',
        'open: pay (council), waits for a dispute; its deadline stands still',
        'waits: award, for other steps than visit',
      ],
    )
  })
  it('says what was extended and what lapsed', () => {
    assert.deepEqual(
      show({
        acts: [
          { kind: 'extend', id: 'E1', ...act, step: 'pay', until: at(3) },
          { kind: 'lapse', id: 'L1', ...act, what: { type: 'opening', step: 'pay' } },
        ],
      }),
      [
        'extended: pay until 2026-09-21T14:16:20Z, by transport, 2026-09-21T14:15:20Z',
        'lapsed: pay, entered by transport, 2026-09-21T14:15:20Z',
      ],
    )
  })
  it('says who has countersigned and who is waited for', () => {
    const confirmation = { waitingFor: ['agency', 'bureau'], due: at(4) }
    assert.deepEqual(
      show({
        records: [record('R1', 'decide', { confirmation })],
        acts: [{ kind: 'confirm', id: 'Y1', ...act, record: 'R1', accept: true }],
      }),
      [
        'countersigned by transport, 2026-09-21T14:15:20Z',
        'waits for the countersignature of agency, bureau, due 2026-09-21T14:17:20Z',
      ],
    )
  })
  it('says why a record is void', () => {
    const refused: ActView = { kind: 'confirm', id: 'Y1', ...act, record: 'R1', accept: false }
    const late: ActView = { kind: 'lapse', id: 'L1', ...act, what: { type: 'confirm', record: 'R1' } }
    const gone = record('R1', 'decide', { void: true })
    const first = (change: Partial<CaseView>) => show({ records: [gone], ...change })[0]
    assert.equal(first({ acts: [refused] }), `${VOID} its countersignature was refused`)
    assert.equal(first({ acts: [late] }), `${VOID} not all countersigned it in time`)
    assert.equal(first({}), `${VOID} it followed from a record that is void`)
    const upheld = { disputes: [dispute('D1', 'R1', { outcome: 'upheld', by: 'S1' })] }
    assert.equal(first(upheld), `${VOID} a dispute about it was upheld`)
    const dropped = { records: [record('R2', 'decide'), { ...gone, replaces: 'R2' }] }
    assert.equal(first(dropped), `${VOID} the dispute that it was to settle ended otherwise`)
  })
  it('says how each dispute stands', () => {
    const lapse: ActView = { kind: 'lapse', id: 'L1', ...act, what: { type: 'dispute', dispute: 'D3' } }
    assert.deepEqual(
      show({
        records: [record('R1', 'decide', { void: true })],
        disputes: [
          dispute('D1', 'R1', { outcome: 'upheld', by: 'S1' }),
          dispute('D2', 'R1', { outcome: 'void', by: 'S1' }),
          dispute('D3', 'R1', { outcome: 'rejected', by: 'L1' }),
          dispute('D4', 'R1'),
        ],
        acts: [resolve('S1', 'D1', 'upheld', null), lapse],
      }).slice(1),
      [
        'disputed by agency, 2026-09-21T14:14:20Z, upheld by transport, 2026-09-21T14:15:20Z  dispute D1',
        'disputed by agency, 2026-09-21T14:14:20Z, ended: the record is void  dispute D2',
        'disputed by agency, 2026-09-21T14:14:20Z, lapsed: rejected by default, entered by transport, 2026-09-21T14:15:20Z  dispute D3',
        'disputed by agency, 2026-09-21T14:14:20Z, to be decided by 2026-09-21T15:13:20Z  dispute D4',
      ],
    )
  })
  it('says what a record corrects, offers to correct or decides anew, and what took its place', () => {
    assert.deepEqual(
      show({
        records: [
          record('R1', 'decide', { replacedBy: 'R2' }),
          record('R2', 'decide', { replaces: 'R1', replacedBy: 'R4' }),
          record('R3', 'decide', { replaces: 'R2' }),
          record('R4', 'rehear', { replaces: 'R2' }),
        ],
        review: { record: 'R2', request: 'Q1' },
        movedFrom: ['B0'],
      }),
      [
        'moved from version B0',
        'corrected by: R2',
        'corrects: R1',
        'decided anew by: R4',
        'offered as a correction of: R2',
        'decides anew: R2',
        'review asked for: of record R2',
      ],
    )
  })
})
