import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { addMonths, type CalendarDate, formatDate, fromDayNumber, toDayNumber } from '../dates.ts'
import { Decimal, fromJsonNumber, isDecimalText, toDecimalText, toJsonNumber } from '../rules/decimal.ts'
import { type Pick, textOfPattern } from './sample-text.ts'

const DAY = 86_400
const PATTERN_TRIES = 8
const TEXT = 'Sample text'

/** What may be worth trying in a field besides what its schema names: values and numbers that rules compare it with. */
export interface Hints {
  values: readonly JsonValue[]
  numbers: readonly number[]
}

/** Values for a field or a list's item, those most likely to be accepted first; not all of them need be valid. */
export function valuesFor(schema: JsonObject, hints: Hints, asOf: number, pick: Pick): JsonValue[] {
  if (schema.const !== undefined) return [schema.const]
  if (Array.isArray(schema.enum)) return schema.enum
  const values = [...ofType(schema, hints, asOf, pick), ...hints.values]
  return [...new Map(values.map((value) => [canonicalize(value), value])).values()]
}

function ofType(schema: JsonObject, hints: Hints, asOf: number, pick: Pick): JsonValue[] {
  switch (schema.type) {
    case 'boolean':
      return [true, false]
    case 'integer':
    case 'number':
      return numbersFor(schema, hints).flatMap((value) => toJsonNumber(value) ?? [])
    case 'array':
      return listsFor(schema, hints, asOf, pick)
    case 'object':
      return [objectFor(schema, asOf, pick)]
    default:
      return textsFor(schema, hints, asOf, pick)
  }
}

/** Bounds, and the numbers of the rules with their neighbours. */
function numbersFor(schema: JsonObject, hints: Hints): Decimal[] {
  const unit = toNumber(schema.multipleOf) ?? new Decimal(1)
  const bounds = [schema.minimum, schema.exclusiveMinimum, schema.maximum, schema.exclusiveMaximum].flatMap(
    (bound) => toNumber(bound) ?? [],
  )
  const named = hints.values.flatMap((value) => toNumber(value) ?? [])
  const around = [...bounds, ...named, ...hints.numbers.map((number) => new Decimal(number))]
  const near = around.flatMap((value) => [value, value.minus(unit), value.plus(unit)])
  return [new Decimal(1), new Decimal(0), ...near, new Decimal(10), new Decimal(1_000)]
}

function textsFor(schema: JsonObject, hints: Hints, asOf: number, pick: Pick): string[] {
  if (schema.format === 'date') return datesFor(hints, asOf)
  if (schema.format === 'decimal') return numbersFor(schema, hints).map(toDecimalText)
  if (schema.format === 'email') return ['sample@example.org']
  if (schema.format === 'uuid') return ['00000000-0000-4000-8000-000000000000']
  if (typeof schema.pattern === 'string') {
    const { pattern } = schema
    return Array.from({ length: PATTERN_TRIES }, () => textOfPattern(pattern, pick)).flatMap((text) => text ?? [])
  }
  const least = Number(schema.minLength ?? 0)
  const most = Number(schema.maxLength ?? TEXT.length)
  return [TEXT.padEnd(least, '.').slice(0, most)]
}

/** Around the day of the action, and as far from it as the rules' numbers of years, months and days. */
function datesFor(hints: Hints, asOf: number): string[] {
  const today = fromDayNumber(Math.floor(asOf / DAY))
  if (today === undefined) return []
  const spans = [...new Set(hints.numbers.map(Math.abs))].filter((number) => Number.isInteger(number) && number > 0)
  const bySpan = spans.flatMap((span) => [
    ...(span <= 150 ? [-12 * span, 12 * span] : []).flatMap((months) => around(addMonths(today, months))),
    ...(span <= 60 ? [-span, span] : []).flatMap((months) => around(addMonths(today, months))),
    ...[-span, span].flatMap((days) => around(fromDayNumber(toDayNumber(today) + days))),
  ])
  const usual = [-480, 0, 12, -1, -12, -120, -840, 60].flatMap((months) => addMonths(today, months) ?? [])
  return [...usual.map(formatDate), ...around(today), ...bySpan]
}

function around(date: CalendarDate | undefined): string[] {
  if (date === undefined) return []
  const day = toDayNumber(date)
  return [day, day - 1, day + 1].flatMap((number) => {
    const found = fromDayNumber(number)
    return found === undefined ? [] : [formatDate(found)]
  })
}

/** None, one and two items where they may be. */
function listsFor(schema: JsonObject, hints: Hints, asOf: number, pick: Pick): JsonValue[] {
  const items = valuesFor(schema.items as JsonObject, hints, asOf, pick)
  const least = Number(schema.minItems ?? 0)
  const most = Number(schema.maxItems ?? 2)
  const [first] = items
  if (first === undefined) return []
  const fill = (item: JsonValue) => {
    const others = items.filter((other) => other !== item)
    return Array.from({ length: Math.max(1, least) }, (_, i) => (i === 0 ? item : (others[i - 1] ?? item)))
  }
  const lists = items.map(fill)
  return [...lists, ...(least === 0 ? [[]] : []), ...(items.length > 1 ? [items.slice(0, 2)] : [])].filter(
    (list) => list.length <= most,
  )
}

/** An item of a list, with what it must have. */
function objectFor(schema: JsonObject, asOf: number, pick: Pick): JsonObject {
  const required = (schema.required ?? []) as string[]
  const none: Hints = { values: [], numbers: [] }
  return Object.fromEntries(
    required.flatMap((name): [string, JsonValue][] => {
      const values = valuesFor((schema.properties as JsonObject)[name] as JsonObject, none, asOf, pick)
      return values.length === 0 ? [] : [[name, values[pick(values.length)]!]]
    }),
  )
}

function toNumber(value: JsonValue | undefined): Decimal | undefined {
  if (typeof value === 'number') return fromJsonNumber(value)
  return typeof value === 'string' && isDecimalText(value) ? new Decimal(value) : undefined
}
