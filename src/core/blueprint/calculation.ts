import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import type { Calculation } from './blueprint.ts'
import { toDecimalText, toJsonNumber } from './rules/decimal.ts'
import { evaluate } from './rules/json-logic.ts'
import { isNumber, type RuleValue, toDecimal, toJsonValue, typeOf } from './rules/rule-value.ts'
import type { CompiledSchema } from './schema.ts'

/**
 * A calculation's result as its field holds it: a JSON number where the schema says number or integer, refused if a double
 * would lose digits; a decimal's text where it says `format: decimal`. Nothing is rounded here: a rule rounds with dec.round.
 */
export function calculatedValue({ field, rule }: Calculation, schema: CompiledSchema, data: JsonObject): JsonValue {
  const target = schema.fields.find(({ pointer }) => pointer === field)
  if (!target) {
    throw new ConcordatError({
      code: 'BLUEPRINT_REFERENCE_UNKNOWN',
      expected: 'a field of the step',
      got: 'a name that it does not have',
      at: '/calculations',
      name: field,
    })
  }
  return toFieldValue(evaluate(rule, data), field, target.schema)
}

function toFieldValue(result: RuleValue, at: string, { type, format }: JsonObject): JsonValue {
  const wrong = (expected: string): never => {
    throw new ConcordatError({ code: 'CALCULATION_RESULT_INVALID', expected, got: typeOf(result), at })
  }
  if (type === 'number' || type === 'integer') {
    const number = isNumber(result) ? toJsonNumber(toDecimal(result, 'calculation')) : undefined
    return number ?? wrong('a number that keeps its digits as a double')
  }
  if (type === 'string' && format === 'decimal' && isNumber(result))
    return toDecimalText(toDecimal(result, 'calculation'))
  if (type === 'string') return typeof result === 'string' ? result : wrong('a text')
  if (type === 'boolean') return typeof result === 'boolean' ? result : wrong('true or false')
  return Array.isArray(result) ? toJsonValue(result) : wrong('a list')
}
