import { ConcordatError } from '../../error.ts'
import {
  addMonths,
  type CalendarDate,
  formatDate,
  fromDayNumber,
  monthsBetween,
  parseDate,
  toDayNumber,
} from '../dates.ts'
import { Decimal, isDecimalText } from './decimal.ts'
import { finite, isNumber, isTruthy, type RuleValue, strictlyEqual, toDecimal, toText, typeOf } from './rule-value.ts'

/** Charges work to the rule's budget and throws RULE_TOO_LONG once it is spent. */
type Charge = (steps: number) => void
export type Operator = (values: RuleValue[], charge: Charge, name: string) => RuleValue

export const RESULT_LIMITS = { characters: 65_536, items: 10_000 } as const

const ROUNDING: Readonly<Record<string, 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8>> = {
  'half-even': Decimal.ROUND_HALF_EVEN,
  'half-up': Decimal.ROUND_HALF_UP,
  up: Decimal.ROUND_UP,
  down: Decimal.ROUND_DOWN,
  ceiling: Decimal.ROUND_CEIL,
  floor: Decimal.ROUND_FLOOR,
}

/** Operators whose arguments are all evaluated first. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['!', ([value = null]) => !isTruthy(value)],
  ['!!', ([value = null]) => isTruthy(value)],
  ['+', (values, _charge, name) => fold(values, new Decimal(0), (a, b) => a.plus(b), name)],
  ['*', (values, _charge, name) => fold(values, new Decimal(1), (a, b) => a.times(b), name)],
  ['-', subtract],
  ['/', divide],
  ['%', remainder],
  ['max', (values, _charge, name) => extreme(values, (a, b) => (b.greaterThan(a) ? b : a), name)],
  ['min', (values, _charge, name) => extreme(values, (a, b) => (b.lessThan(a) ? b : a), name)],
  ['in', contains],
  ['merge', merge],
  ['cat', concatenate],
  ['substr', substring],
  ['dec.round', round],
  ['date.age', age],
  ['date.diff', difference],
  ['date.add', add],
])

/** Comparisons, which stop at the first pair that decides: every pair must hold. */
export const COMPARISONS: ReadonlyMap<string, (a: RuleValue, b: RuleValue, name: string) => boolean> = new Map([
  ['==', softlyEqual],
  ['!=', (a: RuleValue, b: RuleValue, name: string) => !softlyEqual(a, b, name)],
  ['===', strictlyEqual],
  ['!==', (a: RuleValue, b: RuleValue) => !strictlyEqual(a, b)],
  ['<', (a: RuleValue, b: RuleValue, name: string) => compare(a, b, name) < 0],
  ['<=', (a: RuleValue, b: RuleValue, name: string) => compare(a, b, name) <= 0],
  ['>', (a: RuleValue, b: RuleValue, name: string) => compare(a, b, name) > 0],
  ['>=', (a: RuleValue, b: RuleValue, name: string) => compare(a, b, name) >= 0],
])

export function wrongArguments(operator: string, expected: string): never {
  throw new ConcordatError({ code: 'RULE_INVALID', expected, got: 'other arguments', operator })
}

/**
 * Two texts compare by UTF-16 code unit, unless both are decimals of `format: decimal`: amounts travel as texts, and 9.50 is less
 * than 16. Anything else compares by its reading as a number.
 */
function compare(a: RuleValue, b: RuleValue, name: string): number {
  if (typeof a === 'string' && typeof b === 'string' && !(isDecimalText(a) && isDecimalText(b))) {
    return a < b ? -1 : a > b ? 1 : 0
  }
  return toDecimal(a, name).comparedTo(toDecimal(b, name))
}

function softlyEqual(a: RuleValue, b: RuleValue, name: string): boolean {
  return compare(a, b, name) === 0
}

function fold(values: RuleValue[], start: Decimal, join: (a: Decimal, b: Decimal) => Decimal, name: string): Decimal {
  return values.reduce<Decimal>((total, value) => finite(join(total, toDecimal(value, name)), name), start)
}

function subtract(values: RuleValue[], _charge: Charge, name: string): RuleValue {
  const [first, ...rest] = values.map((value) => toDecimal(value, name))
  if (!first) return wrongArguments(name, 'at least one number')
  if (rest.length === 0) return first.negated()
  return rest.reduce((left, right) => finite(left.minus(right), name), first)
}

function divide(values: RuleValue[], _charge: Charge, name: string): RuleValue {
  const numbers = values.map((value) => toDecimal(value, name))
  const [first, ...rest] = numbers.length === 1 ? [new Decimal(1), ...numbers] : numbers
  if (!first) return wrongArguments(name, 'at least one number')
  return rest.reduce((left, right) => finite(left.dividedBy(notZero(right, name)), name), first)
}

function remainder(values: RuleValue[], _charge: Charge, name: string): RuleValue {
  const [first, ...rest] = values.map((value) => toDecimal(value, name))
  if (!first || rest.length === 0) return wrongArguments(name, 'at least two numbers')
  return rest.reduce((left, right) => left.modulo(notZero(right, name)), first)
}

function notZero(value: Decimal, operator: string): Decimal {
  if (!value.isZero()) return value
  throw new ConcordatError({ code: 'RULE_NOT_A_NUMBER', expected: 'a divisor other than zero', got: 'zero', operator })
}

function extreme(values: RuleValue[], pick: (a: Decimal, b: Decimal) => Decimal, name: string): RuleValue {
  if (values.length === 0) return wrongArguments(name, 'at least one number')
  return values.map((value) => toDecimal(value, name)).reduce(pick)
}

function contains([needle = null, haystack = null]: RuleValue[], charge: Charge, name: string): RuleValue {
  if (typeof haystack === 'string') {
    charge(Math.ceil(haystack.length / 100))
    return haystack.includes(toText(needle, name))
  }
  if (!Array.isArray(haystack)) return wrongArguments(name, 'a value, then a list or a text')
  charge(haystack.length)
  return haystack.some((item) => strictlyEqual(item, needle))
}

function merge(values: RuleValue[], charge: Charge): RuleValue {
  const length = values.reduce<number>((total, value) => total + (Array.isArray(value) ? value.length : 1), 0)
  refuseLong(length, RESULT_LIMITS.items)
  charge(length)
  return values.flatMap((value) => (Array.isArray(value) ? value : [value]))
}

function concatenate(values: RuleValue[], charge: Charge, name: string): RuleValue {
  const texts = values.map((value) => toText(value, name))
  const length = texts.reduce((total, text) => total + text.length, 0)
  refuseLong(length, RESULT_LIMITS.characters)
  charge(Math.ceil(length / 100))
  return texts.join('')
}

function substring([value = null, start = 0, length]: RuleValue[], charge: Charge, name: string): RuleValue {
  const text = toText(value, name)
  charge(Math.ceil(text.length / 100))
  const from = text.slice(integer(start, name))
  if (length === undefined) return from
  return from.slice(0, integer(length, name))
}

function round(
  [value = null, places = null, mode = null, ...rest]: RuleValue[],
  _charge: Charge,
  name: string,
): RuleValue {
  const rounding = typeof mode === 'string' && Object.hasOwn(ROUNDING, mode) ? ROUNDING[mode] : undefined
  const count = isNumber(places) ? integer(places, name) : -1
  if (rounding === undefined || count < 0 || count > 28 || rest.length > 0) {
    return wrongArguments(name, `a number, decimal places from 0 to 28, and one of ${Object.keys(ROUNDING).join(', ')}`)
  }
  return toDecimal(value, name).toDecimalPlaces(count, rounding)
}

/** Whole years lived on the second date, which may be seconds since 1970 (UTC), as `$meta.asOf` is. */
function age([birth = null, on = null, ...rest]: RuleValue[], _charge: Charge, name: string): RuleValue {
  if (rest.length > 0) return wrongArguments(name, 'a date of birth and a date')
  const [born, then] = [date(birth, name), date(on, name)]
  if (toDayNumber(then) < toDayNumber(born))
    wrongArguments(name, 'a date of birth that is not later than the other date')
  return Math.floor(monthsBetween(born, then) / 12)
}

function difference(
  [from = null, to = null, unit = null, ...rest]: RuleValue[],
  _charge: Charge,
  name: string,
): RuleValue {
  const [start, end] = [date(from, name), date(to, name)]
  if (rest.length > 0) return wrongArguments(name, 'two dates and a unit')
  if (unit === 'days') return toDayNumber(end) - toDayNumber(start)
  if (unit === 'months') return monthsBetween(start, end)
  if (unit === 'years') return Math.trunc(monthsBetween(start, end) / 12) + 0
  return wrongArguments(name, 'two dates and one of days, months, years')
}

function add([from = null, count = null, unit = null, ...rest]: RuleValue[], _charge: Charge, name: string): RuleValue {
  const start = date(from, name)
  const amount = integer(count, name)
  if (rest.length > 0) return wrongArguments(name, 'a date, a count and a unit')
  const end =
    unit === 'days'
      ? fromDayNumber(toDayNumber(start) + amount)
      : unit === 'months'
        ? addMonths(start, amount)
        : unit === 'years'
          ? addMonths(start, amount * 12)
          : wrongArguments(name, 'a date, a count and one of days, months, years')
  return end ? formatDate(end) : wrongArguments(name, 'a result within the years 1 to 9999')
}

function date(value: RuleValue, operator: string): CalendarDate {
  const found =
    typeof value === 'string'
      ? parseDate(value)
      : isNumber(value)
        ? fromDayNumber(Math.floor(integer(value, operator) / 86_400))
        : undefined
  if (found) return found
  throw new ConcordatError({
    code: 'RULE_TYPE_WRONG',
    expected: 'a date such as 2026-01-31, or seconds since 1970',
    got: typeof value === 'string' ? 'a text of another form' : typeOf(value),
    operator,
  })
}

function integer(value: RuleValue, operator: string): number {
  const number = toDecimal(value, operator)
  if (number.isInteger() && number.abs().lessThanOrEqualTo(1e12)) return number.toNumber()
  throw new ConcordatError({ code: 'RULE_TYPE_WRONG', expected: 'a whole number', got: 'another number', operator })
}

function refuseLong(length: number, limit: number): void {
  if (length <= limit) return
  throw new ConcordatError({ code: 'RULE_RESULT_TOO_LARGE', expected: `at most ${limit}`, got: `${length}`, limit })
}
