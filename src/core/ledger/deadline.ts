import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { MAX_TIME, type Shape } from './shape.ts'

/** RULES 15. Hours need no calendar; both kinds of days do. */
export type Deadline = { count: number; unit: 'hours' | 'days' | 'workingDays'; calendar: Calendar | null }

/** Local time and working days as agreed in the blueprint, so that no node needs a time-zone database. */
export type Calendar = {
  /** First and last local date that it knows, both included. */
  from: string
  to: string
  /** Working days of the week: 1 is Monday, 7 Sunday. */
  weekdays: number[]
  /** Local dates that are not working days although their weekday is. */
  nonWorking: string[]
  /** Unix second from which on the local clock is so many minutes ahead of UTC. */
  offsets: [number, number][]
}

const DAY = 86_400
const MAX_COUNT = 100_000
const MAX_NON_WORKING = 1_000
const MAX_OFFSETS = 200
const MAX_CALENDAR_DAYS = 20_000
const MAX_OFFSET_MINUTES = 14 * 60
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/

export function parseDeadline(shape: Shape, value: JsonValue | undefined, at: string): Deadline {
  const object = shape.object(value, at, ['calendar', 'count', 'unit'])
  const unit = shape.oneOf(object.unit, `${at}/unit`, ['hours', 'days', 'workingDays'])
  const count = shape.integer(object.count, `${at}/count`, 1, MAX_COUNT)
  if (unit === 'hours') {
    if (object.calendar !== null) shape.fail(`${at}/calendar`, 'null, as hours need none', 'a calendar')
    return { count, unit, calendar: null }
  }
  return { count, unit, calendar: parseCalendar(shape, object.calendar, `${at}/calendar`) }
}

/**
 * The last Unix second of a deadline that starts at `from`: it has passed when a leaf time is greater. Days end at 24:00 local
 * of the count-th (working) day after the local date of `from`. Refuses what the calendar does not reach.
 */
export function deadlineAt(from: number, deadline: Deadline): number {
  const { count, unit, calendar } = deadline
  if (calendar === null) return from + count * 3_600
  const first = dayOf(calendar.from)
  const last = dayOf(calendar.to)
  let day = floorDiv(from + offsetAt(calendar, from) * 60, DAY)
  if (day < first) throw exceeded(calendar)
  for (let left = count; left > 0; ) {
    day++
    if (day > last) throw exceeded(calendar)
    if (unit === 'days' || isWorkingDay(calendar, day)) left--
  }
  return startOfDay(calendar, day + 1)
}

function parseCalendar(shape: Shape, value: JsonValue | undefined, at: string): Calendar {
  const object = shape.object(value, at, ['from', 'nonWorking', 'offsets', 'to', 'weekdays'])
  const from = isDate(object.from) ? object.from : shape.fail(`${at}/from`, 'a date', 'something else')
  const to = isDate(object.to) ? object.to : shape.fail(`${at}/to`, 'a date', 'something else')
  const days = dayOf(to) - dayOf(from)
  if (days < 0 || days > MAX_CALENDAR_DAYS)
    shape.fail(`${at}/to`, `0 to ${MAX_CALENDAR_DAYS} days after from`, String(days))
  return {
    from,
    to,
    weekdays: parseWeekdays(shape, object.weekdays, `${at}/weekdays`),
    nonWorking: shape.sorted(object.nonWorking, `${at}/nonWorking`, MAX_NON_WORKING, isDate, 'a date'),
    offsets: parseOffsets(shape, object.offsets, `${at}/offsets`),
  }
}

function parseWeekdays(shape: Shape, value: JsonValue | undefined, at: string): number[] {
  const weekdays: number[] = []
  for (const [i, item] of shape.array(value, at, 1, 7).entries()) {
    weekdays.push(shape.integer(item, `${at}/${i}`, (weekdays.at(-1) ?? 0) + 1, 7))
  }
  return weekdays
}

function parseOffsets(shape: Shape, value: JsonValue | undefined, at: string): [number, number][] {
  const offsets: [number, number][] = []
  for (const [i, item] of shape.array(value, at, 1, MAX_OFFSETS).entries()) {
    const [since, minutes] = shape.array(item, `${at}/${i}`, 2, 2)
    offsets.push([
      shape.integer(since, `${at}/${i}/0`, (offsets.at(-1)?.[0] ?? -1) + 1, MAX_TIME),
      shape.integer(minutes, `${at}/${i}/1`, -MAX_OFFSET_MINUTES, MAX_OFFSET_MINUTES),
    ])
  }
  return offsets
}

function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !DATE.test(value)) return false
  const time = Date.parse(`${value}T00:00:00Z`)
  return time >= 0 && new Date(time).toISOString().slice(0, 10) === value
}

/** Days since 1970-01-01. */
function dayOf(date: string): number {
  return floorDiv(Date.parse(`${date}T00:00:00Z`) / 1000, DAY)
}

/** 1970-01-01 was a Thursday. */
function isWorkingDay(calendar: Calendar, day: number): boolean {
  const weekday = ((day + 3) % 7) + 1
  if (!calendar.weekdays.includes(weekday)) return false
  return !calendar.nonWorking.includes(new Date(day * DAY * 1000).toISOString().slice(0, 10))
}

function offsetAt(calendar: Calendar, time: number): number {
  const offset = calendar.offsets.findLast(([since]) => since <= time)
  if (offset === undefined) throw exceeded(calendar)
  return offset[1]
}

/** When the local clock shows 00:00: the later time if it does so twice, the moment it is set forward if it never does. */
function startOfDay(calendar: Calendar, day: number): number {
  const { offsets } = calendar
  for (let i = offsets.length - 1; i >= 0; i--) {
    const [since, minutes] = offsets[i]!
    const time = day * DAY - minutes * 60
    if (time < since) continue
    const until = offsets[i + 1]?.[0]
    return until === undefined || time < until ? time : until
  }
  throw exceeded(calendar)
}

function floorDiv(value: number, by: number): number {
  const rest = ((value % by) + by) % by
  return (value - rest) / by
}

function exceeded({ from, to }: Calendar): ConcordatError {
  return new ConcordatError({
    code: 'CALENDAR_EXCEEDED',
    expected: `days from ${from} to ${to}`,
    got: 'a day outside',
    from,
    to,
  })
}
