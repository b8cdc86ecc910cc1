import type { JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { Decimal, fromJsonNumber, toDecimalText } from './decimal.ts'

/** A value inside a rule: JSON, in which a number may also be a decimal that no double holds. */
export type RuleValue = null | boolean | number | string | Decimal | RuleValue[] | RuleObject
interface RuleObject {
  [key: string]: RuleValue
}

/** Longer texts are no numbers, so that reading one is cheap. */
const NUMBER_TEXT = /^-?\d{1,100}(\.\d{1,100})?([eE][+-]?\d{1,3})?$/

/** JSON Logic's reading of a value as a number, refused where the original would yield NaN. */
export function toDecimal(value: RuleValue, operator: string): Decimal {
  if (typeof value === 'number') return fromJsonNumber(value)
  if (value instanceof Decimal) return value
  if (value === null || value === false || value === '') return new Decimal(0)
  if (value === true) return new Decimal(1)
  if (typeof value === 'string' && NUMBER_TEXT.test(value)) return finite(new Decimal(value), operator)
  throw new ConcordatError({
    code: 'RULE_NOT_A_NUMBER',
    expected: 'a number, or a text that is one',
    got: typeOf(value),
    operator,
  })
}

/** Refuses overflow, which would otherwise go on as infinity. */
export function finite(value: Decimal, operator: string): Decimal {
  if (value.isFinite()) return value
  throw new ConcordatError({
    code: 'RULE_NOT_A_NUMBER',
    expected: 'a result below 10^500',
    got: 'an overflow',
    operator,
  })
}

export function isTruthy(value: RuleValue): boolean {
  if (value === null || value === false || value === '') return false
  if (typeof value === 'number') return value !== 0
  if (value instanceof Decimal) return !value.isZero()
  return Array.isArray(value) ? value.length > 0 : true
}

export function typeOf(value: RuleValue): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || value instanceof Decimal) return 'a number'
  if (typeof value === 'string') return 'a text'
  if (typeof value === 'boolean') return 'a boolean'
  return Array.isArray(value) ? 'a list' : 'an object'
}

/** Numbers are equal by value, whatever their form; lists and objects never are. */
export function strictlyEqual(a: RuleValue, b: RuleValue): boolean {
  if (isNumber(a) && isNumber(b)) return toDecimal(a, '===').equals(toDecimal(b, '==='))
  return typeof a !== 'object' || a === null ? a === b : false
}

export function isNumber(value: RuleValue): value is number | Decimal {
  return typeof value === 'number' || value instanceof Decimal
}

export function toText(value: RuleValue, operator: string): string {
  if (value === null) return ''
  if (isNumber(value)) return toDecimalText(toDecimal(value, operator))
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  throw new ConcordatError({ code: 'RULE_TYPE_WRONG', expected: 'a text or a number', got: typeOf(value), operator })
}

/** The value as JSON; a decimal that no double holds becomes its text (RULES 20). */
export function toJsonValue(value: RuleValue): JsonValue {
  if (value instanceof Decimal) {
    const text = toDecimalText(value)
    const double = Number(text)
    return Number.isFinite(double) && fromJsonNumber(double).equals(value) ? double : text
  }
  if (Array.isArray(value)) return value.map(toJsonValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJsonValue(item)]))
}
