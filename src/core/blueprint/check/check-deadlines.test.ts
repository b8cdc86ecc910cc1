import { testCases } from '../../../../test/blueprint-cases.ts'
import { stepOf } from '../../../../test/sample-blueprint.ts'
import type { Calendar } from '../../ledger/deadline.ts'
import type { Blueprint, DocumentDeadline } from '../blueprint.ts'

const HOURS: DocumentDeadline = { count: 240, unit: 'hours', calendar: null }

/** From the sample's impact assessment on 2026-01-31, a Saturday, to the given day. */
function calendar(to: string, change: Partial<Calendar> = {}): Calendar {
  return { from: '2026-01-31', to, weekdays: [1, 2, 3, 4, 5], nonWorking: [], offsets: [[0, 0]], ...change }
}

function due(count: number, unit: 'days' | 'workingDays', known: Calendar) {
  return (b: Blueprint) => {
    stepOf(b, 'inspect').deadline = { count, unit, calendar: known }
  }
}

testCases('errors', [
  {
    code: 'LAPSE_WITHOUT_DEADLINE',
    at: '/steps/2/lapse',
    fails: (b) => {
      stepOf(b, 'inspect').lapse = { to: ['assess'] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').lapse = { to: ['assess'] }
      stepOf(b, 'inspect').deadline = HOURS
    },
  },
  {
    code: 'EXTEND_WITHOUT_DEADLINE',
    at: '/steps/2/extend',
    fails: (b) => {
      stepOf(b, 'inspect').extend = { role: 'council', limit: HOURS }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').extend = { role: 'council', limit: HOURS }
      stepOf(b, 'inspect').deadline = HOURS
    },
  },
  {
    code: 'EXTEND_LIMIT_SHORT',
    at: '/steps/2/extend/limit',
    fails: (b) => {
      stepOf(b, 'inspect').deadline = HOURS
      stepOf(b, 'inspect').extend = { role: 'council', limit: { ...HOURS, count: 239 } }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').deadline = HOURS
      // Other units cannot be compared without knowing the day.
      stepOf(b, 'inspect').extend = {
        role: 'council',
        limit: { count: 5, unit: 'days', calendar: calendar('2026-12-31') },
      }
    },
  },
  {
    code: 'CALENDAR_TOO_SHORT',
    at: '/steps/2/deadline/calendar',
    fails: due(4, 'days', calendar('2026-02-03')),
    nearMiss: due(3, 'days', calendar('2026-02-03')),
  },
  {
    code: 'CALENDAR_TOO_SHORT',
    at: '/steps/2/deadline/calendar',
    // Monday to Friday, of which one day is none.
    fails: due(5, 'workingDays', calendar('2026-02-08', { nonWorking: ['2026-02-04', '2026-02-07'] })),
    nearMiss: due(4, 'workingDays', calendar('2026-02-08', { nonWorking: ['2026-02-04', '2026-02-07'] })),
  },
  {
    code: 'CALENDAR_TOO_SHORT',
    at: '/steps/2/deadline/calendar',
    fails: due(1, 'days', calendar('2027-12-31', { from: '2026-02-01' })),
    nearMiss: due(1, 'days', calendar('2027-12-31')),
  },
  {
    code: 'CALENDAR_TOO_SHORT',
    at: '/steps/2/deadline/calendar',
    // Its clock is known only from later on.
    fails: due(1, 'days', calendar('2027-12-31', { offsets: [[1_800_000_000, 0]] })),
    nearMiss: due(1, 'days', calendar('2027-12-31', { offsets: [[1_700_000_000, 0]] })),
  },
  {
    code: 'CALENDAR_TOO_SHORT',
    at: '/review/until/calendar',
    fails: (b) => {
      b.calendars = [{ id: 'local', ...calendar('2026-02-10') }]
      b.review!.until.calendar = 'local'
    },
    nearMiss: (b) => {
      b.calendars = [{ id: 'local', ...calendar('2026-02-28') }]
      b.review!.until.calendar = 'local'
    },
  },
  {
    code: 'SKELETON_INVALID',
    at: '/steps/2/deadline/calendar/nonWorking/1',
    fails: due(1, 'days', calendar('2027-12-31', { nonWorking: ['2026-12-28', '2026-12-25'] })),
    nearMiss: due(1, 'days', calendar('2027-12-31', { nonWorking: ['2026-12-25', '2026-12-28'] })),
  },
  {
    code: 'SKELETON_INVALID',
    at: '/steps/2/deadline/calendar/offsets',
    fails: due(1, 'days', calendar('2027-12-31', { offsets: 'none' as never })),
    nearMiss: due(1, 'days', calendar('2027-12-31')),
  },
])

testCases('warnings', [
  {
    code: 'LAPSE_AGAINST_PERSON',
    at: '/steps/2/lapse',
    fails: (b) => {
      stepOf(b, 'inspect').deadline = HOURS
      stepOf(b, 'inspect').lapse = { to: [] }
    },
    nearMiss: (b) => {
      stepOf(b, 'inspect').deadline = HOURS
      stepOf(b, 'inspect').lapse = { to: ['assess'], outcome: { adverse: false } }
    },
  },
  {
    code: 'LAPSE_AGAINST_PERSON',
    at: '/steps/1/lapse',
    fails: (b) => {
      stepOf(b, 'assess').deadline = HOURS
      stepOf(b, 'assess').lapse = { to: ['inspect'], outcome: { adverse: true } }
    },
    // Who does not go on with their own application ends it.
    nearMiss: (b) => {
      stepOf(b, 'apply').deadline = HOURS
      stepOf(b, 'apply').lapse = { to: [] }
    },
  },
])
