import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { type Calendar, type Deadline, deadlineAt, parseDeadline } from './deadline.ts'
import { Shape } from './shape.ts'

const seconds = (iso: string) => Date.parse(iso) / 1000
const shape = new Shape('SKELETON_INVALID')

/** Britain in 2026: summer time from 29 March 01:00 UTC to 25 October 01:00 UTC, bank holidays, Monday to Friday. */
const britain: Calendar = {
  from: '2026-01-01',
  to: '2026-12-31',
  weekdays: [1, 2, 3, 4, 5],
  nonWorking: ['2026-01-01', '2026-04-03', '2026-04-06', '2026-05-04', '2026-12-25', '2026-12-28'],
  offsets: [
    [0, 0],
    [seconds('2026-03-29T01:00:00Z'), 60],
    [seconds('2026-10-25T01:00:00Z'), 0],
  ],
}
const days = (count: number, unit: 'days' | 'workingDays'): Deadline => ({ count, unit, calendar: britain })

for (const [name, from, deadline, until] of [
  ['hours', '2026-03-28T12:00:00Z', { count: 36, unit: 'hours', calendar: null }, '2026-03-30T00:00:00Z'],
  ['a day ends at local midnight', '2026-02-10T09:30:00Z', days(1, 'days'), '2026-02-12T00:00:00Z'],
  ['days count weekends', '2026-02-13T09:30:00Z', days(3, 'days'), '2026-02-17T00:00:00Z'],
  ['in summer midnight is an hour earlier', '2026-06-10T09:30:00Z', days(1, 'days'), '2026-06-11T23:00:00Z'],
  [
    'late on a summer evening the local date is the next one',
    '2026-06-10T23:30:00Z',
    days(1, 'days'),
    '2026-06-12T23:00:00Z',
  ],
  ['over the start of summer time', '2026-03-27T12:00:00Z', days(3, 'days'), '2026-03-30T23:00:00Z'],
  ['the day before the clock goes forward', '2026-03-28T12:00:00Z', days(1, 'days'), '2026-03-29T23:00:00Z'],
  ['the day on which the clock goes back', '2026-10-24T12:00:00Z', days(1, 'days'), '2026-10-26T00:00:00Z'],
  ['working days skip a weekend', '2026-02-13T09:30:00Z', days(1, 'workingDays'), '2026-02-17T00:00:00Z'],
  ['working days skip Easter', '2026-04-02T09:00:00Z', days(2, 'workingDays'), '2026-04-08T23:00:00Z'],
  ['an opening on a Sunday', '2026-02-15T09:00:00Z', days(5, 'workingDays'), '2026-02-21T00:00:00Z'],
  ['the last day of the calendar', '2026-12-30T09:00:00Z', days(1, 'days'), '2027-01-01T00:00:00Z'],
] as const) {
  test(`deadline: ${name}`, () => {
    assert.equal(new Date(deadlineAt(seconds(from), deadline) * 1000).toISOString(), new Date(until).toISOString())
  })
}

test('a clock that goes back at midnight gives the later midnight, one that skips it the moment it is set', () => {
  const at = seconds('2026-05-10T00:00:00Z')
  const back: Calendar = {
    ...britain,
    offsets: [
      [0, 0],
      [at + 1800, -60],
    ],
  }
  assert.equal(deadlineAt(at - 86_400, { count: 1, unit: 'days', calendar: back }), at + 86_400 + 3600)
  assert.equal(deadlineAt(at - 100_000, { count: 1, unit: 'days', calendar: back }), at + 3600)
  const forward: Calendar = {
    ...britain,
    offsets: [
      [0, 0],
      [at, 60],
    ],
  }
  assert.equal(deadlineAt(at - 100_000, { count: 1, unit: 'days', calendar: forward }), at)
})

for (const [name, from, count] of [
  ['after its last day', '2026-12-30T09:00:00Z', 2],
  ['before its first day', '2025-12-31T09:00:00Z', 1],
] as const) {
  test(`a calendar that does not reach is refused: ${name}`, () => {
    assert.throws(
      () => deadlineAt(seconds(from), days(count, 'days')),
      (error) => error instanceof ConcordatError && error.code === 'CALENDAR_EXCEEDED',
    )
  })
}

test('a calendar without the offset of that time is refused', () => {
  const late: Calendar = { ...britain, offsets: [[seconds('2026-06-01T00:00:00Z'), 60]] }
  assert.throws(
    () => deadlineAt(seconds('2026-02-01T00:00:00Z'), { count: 1, unit: 'days', calendar: late }),
    (error) => error instanceof ConcordatError && error.code === 'CALENDAR_EXCEEDED',
  )
})

test('agrees with a count of days by hand, wherever it starts', () => {
  const first = seconds('2026-01-02T00:00:00Z')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 * 86_400 }), fc.integer({ min: 1, max: 30 }), (after, count) => {
      const from = first + after
      const local = (time: number) =>
        time + (time >= britain.offsets[1]![0] && time < britain.offsets[2]![0] ? 3600 : 0)
      const until = deadlineAt(from, days(count, 'days'))
      assert.equal(local(until) % 86_400, 0)
      assert.equal(local(until) / 86_400 - Math.floor(local(from) / 86_400), count + 1)
    }),
    { numRuns: 1000 },
  )
})

const valid = { count: 1, unit: 'workingDays', calendar: britain }
for (const [name, value, at] of [
  ['no calendar for days', { ...valid, calendar: null }, '/calendar'],
  ['a calendar for hours', { ...valid, unit: 'hours' }, '/calendar'],
  ['another unit', { ...valid, unit: 'weeks' }, '/unit'],
  ['no count', { ...valid, count: 0 }, '/count'],
  ['a fraction', { ...valid, count: 1.5 }, '/count'],
  ['a member too many', { ...valid, zone: 'Europe/London' }, ''],
  ['a date that does not exist', { ...valid, calendar: { ...britain, from: '2026-02-30' } }, '/calendar/from'],
  ['an end before the start', { ...valid, calendar: { ...britain, to: '2025-01-01' } }, '/calendar/to'],
  ['no working weekday', { ...valid, calendar: { ...britain, weekdays: [] } }, '/calendar/weekdays'],
  ['an eighth weekday', { ...valid, calendar: { ...britain, weekdays: [8] } }, '/calendar/weekdays/0'],
  ['weekdays out of order', { ...valid, calendar: { ...britain, weekdays: [2, 1] } }, '/calendar/weekdays/1'],
  [
    'a holiday twice',
    { ...valid, calendar: { ...britain, nonWorking: ['2026-01-01', '2026-01-01'] } },
    '/calendar/nonWorking/1',
  ],
  [
    'offsets out of order',
    {
      ...valid,
      calendar: {
        ...britain,
        offsets: [
          [1, 0],
          [1, 60],
        ],
      },
    },
    '/calendar/offsets/1/0',
  ],
  ['an offset of a day', { ...valid, calendar: { ...britain, offsets: [[0, 1440]] } }, '/calendar/offsets/0/1'],
] as const) {
  test(`deadline refused: ${name}`, () => {
    assert.throws(
      () => parseDeadline(shape, structuredClone(value) as unknown as JsonValue, ''),
      (error) => error instanceof ConcordatError && error.detail.code === 'SKELETON_INVALID' && error.detail.at === at,
    )
  })
}

test('parses what it is given', () => {
  assert.deepEqual(parseDeadline(shape, structuredClone(valid) as unknown as JsonValue, ''), valid)
})
