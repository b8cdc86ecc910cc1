import type { Calendar, Deadline } from '../../src/core/ledger/deadline.ts'

/** RULES 15 once more, date by date, for calendars whose clocks never change at midnight. */
export function naiveDeadline(from: number, { count, unit, calendar }: Deadline): number {
  if (calendar === null) return from + count * 3600
  let date = dateOf(from + offsetAt(calendar, from) * 60)
  for (let left = count; left > 0; ) {
    date = dayAfter(date)
    if (unit === 'days' || isWorking(calendar, date)) left--
  }
  const midnight = Date.parse(`${dayAfter(date)}T00:00:00Z`) / 1000
  const moments = calendar.offsets.map(([, minutes]) => midnight - minutes * 60)
  return Math.max(...moments.filter((time) => time + offsetAt(calendar, time) * 60 === midnight))
}

function offsetAt(calendar: Calendar, time: number): number {
  return calendar.offsets.findLast(([since]) => since <= time)![1]
}

function isWorking(calendar: Calendar, date: string): boolean {
  const sundayIsZero = new Date(`${date}T12:00:00Z`).getUTCDay()
  return calendar.weekdays.includes(sundayIsZero === 0 ? 7 : sundayIsZero) && !calendar.nonWorking.includes(date)
}

function dateOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

function dayAfter(date: string): string {
  return dateOf(Date.parse(`${date}T00:00:00Z`) / 1000 + 86_400)
}
