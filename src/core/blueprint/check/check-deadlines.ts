import { type Calendar, type Deadline, parseDeadline } from '../../ledger/deadline.ts'
import { Shape } from '../../ledger/shape.ts'
import { type Blueprint, type DocumentDeadline, getRole, resolveDeadline, type Step } from '../blueprint.ts'
import { parseDate, toDayNumber } from '../dates.ts'
import type { BlueprintError, BlueprintWarning } from '../problem.ts'
import { deadlinesOf } from './check-references.ts'
import { refusals } from './check-rule.ts'

const shape = new Shape('SKELETON_INVALID')
const DAY = 86_400

/** Deadlines, what follows when they have passed, who may move them, and that calendars reach them. */
export function checkDeadlines(blueprint: Blueprint): BlueprintError[] {
  return [
    ...(blueprint.review ? checkCalendar(blueprint, blueprint.review.until, '/review/until') : []),
    ...blueprint.steps.flatMap((step, place) => [
      ...checkMoving(step, `/steps/${place}`),
      ...deadlinesOf(step, `/steps/${place}`).flatMap(([deadline, at]) => checkCalendar(blueprint, deadline, at)),
    ]),
  ]
}

/** DESIGN 4: a public body that lets a deadline pass should not thereby decide against a person. */
export function warnAboutLapses(blueprint: Blueprint): BlueprintWarning[] {
  const people = blueprint.roles.some(({ kind }) => kind === 'person') || (blueprint.persons ?? []).length > 0
  return blueprint.steps.flatMap(({ id, role, lapse }, place): BlueprintWarning[] => {
    if (!lapse || !people || getRole(blueprint, role).kind === 'person') return []
    if (lapse.to.length > 0 && !lapse.outcome?.adverse) return []
    const message = `If ${role} lets the deadline of ${id} pass, the person's case ends or is decided against them. Let the lapse lead to a step at which somebody else acts.`
    return [{ code: 'LAPSE_AGAINST_PERSON', at: `/steps/${place}/lapse`, message }]
  })
}

function checkMoving({ id, deadline, lapse, extend }: Step, at: string): BlueprintError[] {
  const errors: BlueprintError[] = []
  if (lapse && !deadline) {
    const message = `${id} has no deadline that could pass. Give it one, or remove the lapse.`
    errors.push({ code: 'LAPSE_WITHOUT_DEADLINE', at: `${at}/lapse`, message })
  }
  if (extend && !deadline) {
    const message = `${id} has no deadline that could be moved. Give it one, or remove extend.`
    errors.push({ code: 'EXTEND_WITHOUT_DEADLINE', at: `${at}/extend`, message })
  }
  if (extend && deadline && extend.limit.unit === deadline.unit && extend.limit.count < deadline.count) {
    const message = `The limit is counted from the opening, as the deadline is, and ends before it. Make it longer than ${deadline.count} ${deadline.unit}.`
    errors.push({ code: 'EXTEND_LIMIT_SHORT', at: `${at}/extend/limit`, message })
  }
  return errors
}

function checkCalendar(blueprint: Blueprint, deadline: DocumentDeadline, at: string): BlueprintError[] {
  const resolved = resolveDeadline(blueprint, deadline)
  const malformed = refusals('', () => void parseDeadline(shape, { ...resolved }, at))
  if (malformed.length > 0) return malformed
  const { date } = blueprint.dpia
  if (resolved.calendar === null || resolved.count <= daysKnown(resolved.calendar, resolved.unit, date)) return []
  const message = `Of a deadline that starts on ${date}, the date of the impact assessment, the calendar does not reach the end. Let it run from before that date to well after the last case.`
  return [{ code: 'CALENDAR_TOO_SHORT', at: `${at}/calendar`, message }]
}

/** How many (working) days after a date a calendar knows. */
function daysKnown(calendar: Calendar, unit: Deadline['unit'], date: string): number {
  const [start, first, last] = [dayOf(date), dayOf(calendar.from), dayOf(calendar.to)]
  if (start < first || calendar.offsets[0]![0] > start * DAY) return 0
  if (unit === 'days') return last - start
  const isWeekday = (day: number) => calendar.weekdays.includes(((((day + 3) % 7) + 7) % 7) + 1)
  const lost = calendar.nonWorking.map(dayOf).filter((day) => day > start && day <= last && isWeekday(day))
  let days = -lost.length
  for (let day = start + 1; day <= last; day++) if (isWeekday(day)) days++
  return days
}

/** Days since 1970-01-01, of a date that has been parsed before. */
function dayOf(date: string): number {
  return toDayNumber(parseDate(date)!)
}
