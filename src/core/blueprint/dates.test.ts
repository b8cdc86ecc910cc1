import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addMonths, formatDate, fromDayNumber, monthsBetween, parseDate, toDayNumber } from './dates.ts'

const FIRST = -719_162 // 0001-01-01
const LAST = 2_932_896 // 9999-12-31

test('days and dates are the same calendar as ECMAScript, from the year 1 to 9999', () => {
  assert.deepEqual(
    [FIRST, LAST].map((day) => formatDate(fromDayNumber(day)!)),
    ['0001-01-01', '9999-12-31'],
  )
  assert.equal(fromDayNumber(FIRST - 1), undefined)
  assert.equal(fromDayNumber(LAST + 1), undefined)
  fc.assert(
    fc.property(fc.integer({ min: FIRST, max: LAST }), (day) => {
      const date = fromDayNumber(day)!
      assert.equal(formatDate(date), new Date(day * 86_400_000).toISOString().slice(0, 10))
      assert.equal(toDayNumber(date), day)
      assert.deepEqual(parseDate(formatDate(date)), date)
    }),
    { numRuns: 1_000 },
  )
})

test('no month is counted before it is full, and counting undoes adding', () => {
  const day = fc.integer({ min: 0, max: 40_000 })
  fc.assert(
    fc.property(day, fc.integer({ min: 0, max: 1_200 }), (from, count) => {
      const start = fromDayNumber(from)!
      const end = addMonths(start, count)!
      const counted = monthsBetween(start, end)
      // Only a day that the month lacks makes the last month fall short.
      assert.equal(counted, end.day < start.day ? count - 1 : count)
      assert.equal(monthsBetween(end, start) + counted, 0)
    }),
    { numRuns: 1_000 },
  )
})

test('what is no day of the calendar is no date', () => {
  for (const text of [
    '2026-02-29',
    '1900-02-29',
    '2026-00-01',
    '2026-13-01',
    '2026-04-31',
    '0000-01-01',
    '2026-1-01',
    ' 2026-01-01',
  ]) {
    assert.equal(parseDate(text), undefined, text)
  }
  assert.ok(parseDate('2000-02-29'))
})
