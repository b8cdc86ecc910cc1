/** Whole days of the proleptic Gregorian calendar, years 1 to 9999, in integers alone: no time zone, no clock, no Date. */
export interface CalendarDate {
  year: number
  month: number
  day: number
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/

export function parseDate(text: string): CalendarDate | undefined {
  const match = DATE.exec(text)
  if (!match) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  return { year, month, day }
}

export function formatDate({ year, month, day }: CalendarDate): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** Days since 1970-01-01. */
export function toDayNumber({ year, month, day }: CalendarDate): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Undefined outside years 1 to 9999. */
export function fromDayNumber(days: number): CalendarDate | undefined {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const place = Math.floor((5 * dayOfYear + 2) / 153)
  const month = place < 10 ? place + 3 : place - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  if (year < 1 || year > 9999) return undefined
  return { year, month, day: dayOfYear - Math.floor((153 * place + 2) / 5) + 1 }
}

/** Adds months; a day that the month lacks becomes its last day. Undefined outside years 1 to 9999. */
export function addMonths({ year, month, day }: CalendarDate, count: number): CalendarDate | undefined {
  const months = year * 12 + (month - 1) + count
  const target = { year: Math.floor(months / 12), month: (((months % 12) + 12) % 12) + 1 }
  if (target.year < 1 || target.year > 9999) return undefined
  return { ...target, day: Math.min(day, daysInMonth(target.year, target.month)) }
}

/** Whole months from one date to another, negative if the other is earlier. A birthday of 29 February is reached on 1 March. */
export function monthsBetween(from: CalendarDate, to: CalendarDate): number {
  if (toDayNumber(to) < toDayNumber(from)) return 0 - monthsBetween(to, from)
  const months = (to.year - from.year) * 12 + to.month - from.month
  return to.day < from.day ? months - 1 : months
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
