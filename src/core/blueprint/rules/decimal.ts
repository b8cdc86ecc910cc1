import { Decimal as DecimalJs } from 'decimal.js'

/**
 * Decimals of the rule profile: 28 significant digits, ties to even. The exponent is bounded so that every double fits and no
 * operation handles more than about a thousand digits.
 */
export const Decimal = DecimalJs.clone({
  precision: 28,
  rounding: DecimalJs.ROUND_HALF_EVEN,
  minE: -500,
  maxE: 500,
  toExpNeg: -500,
  toExpPos: 500,
  modulo: DecimalJs.ROUND_DOWN,
  crypto: false,
  defaults: true,
})
export type Decimal = DecimalJs

const DECIMAL_TEXT = /^-?(0|[1-9]\d{0,99})(\.\d{1,100})?$/

/** The texts that `format: decimal` allows: no exponent, no leading zeros, no sign but minus. */
export function isDecimalText(text: string): boolean {
  return DECIMAL_TEXT.test(text)
}

/** A JSON number is the decimal of its RFC 8785 text, which is what ECMAScript writes for it (RULES 20). */
export function fromJsonNumber(value: number): Decimal {
  return new Decimal(String(value))
}

/** The JSON number that stands for exactly this decimal, undefined where a double would lose digits. */
export function toJsonNumber(value: Decimal): number | undefined {
  const double = Number(value.toString())
  if (!Number.isFinite(double) || !fromJsonNumber(double).equals(value)) return undefined
  return double === 0 ? 0 : double
}

/** Plain notation, without exponent and without trailing zeros. */
export function toDecimalText(value: Decimal): string {
  return value.isZero() ? '0' : value.toFixed()
}

/** Exact, whatever the number of digits: both are scaled to integers. `divisor` is greater than zero. */
export function isMultipleOf(value: Decimal, divisor: Decimal): boolean {
  const places = Math.max(value.decimalPlaces(), divisor.decimalPlaces())
  return scaled(value, places) % scaled(divisor, places) === 0n
}

function scaled(value: Decimal, places: number): bigint {
  const [whole = '0', fraction = ''] = value.toFixed().split('.')
  return BigInt(whole + fraction.padEnd(places, '0'))
}
