import type { JsonObject } from '../../canonical-json.ts'
import type { Calculation, Rule } from '../blueprint.ts'
import type { DraftStep } from './draft-step.ts'
import type { Losses } from './losses.ts'
import { isObject } from './read-source.ts'
import type { RuleTranslator } from './translate-rule.ts'

/** Operators whose result is true or false already; of the others a boolean field takes what counts as true. */
const BOOLEAN = ['==', '===', '!=', '!==', '<', '<=', '>', '>=', '!', '!!', 'in', 'some', 'all', 'none', 'var']
const DECIMAL_PLACES = 10

/** In the source's order, each able to read those before it. */
export function translateCalculations(step: DraftStep, translator: RuleTranslator, losses: Losses): Calculation[] {
  const unset = new Set(step.source.calculations.flatMap(({ name }) => step.pointers.get(name) ?? []))
  return step.source.calculations.flatMap(({ at, name, rule }): Calculation[] => {
    const field = step.pointers.get(name)
    // Its loss was reported when its type could not be told.
    if (field === undefined) return []
    const result = translator.translate(rule, { step, at, unset })
    if ('refused' in result) {
      losses.add('CALCULATION_DROPPED', at, `${name.slice(0, 64)} of ${step.id}`, result.refused)
      step.sure.delete(field)
      return []
    }
    unset.delete(field)
    const { type } = (step.schema.properties as JsonObject)[field.slice(1)] as JsonObject
    if (type === 'boolean') return [{ field, rule: asBoolean(result.rule) }]
    if ((type === 'number' || type === 'integer') && dividesInexactly(result.rule)) {
      losses.add(
        'RULE_ROUNDED',
        at,
        `${field} of ${step.id} to ${DECIMAL_PLACES} places`,
        'it divides, and a number here keeps all its digits or none',
      )
      return [{ field, rule: { 'dec.round': [result.rule, DECIMAL_PLACES, 'half-even'] } }]
    }
    return [{ field, rule: result.rule }]
  })
}

function asBoolean(rule: Rule): Rule {
  const [operator] = isObject(rule) ? Object.keys(rule) : []
  return operator === undefined || BOOLEAN.includes(operator) ? rule : { '!!': [rule] }
}

function dividesInexactly(rule: Rule): boolean {
  if (Array.isArray(rule)) return rule.some(dividesInexactly)
  if (!isObject(rule)) return false
  const division = rule['/']
  if (Array.isArray(division) && !division.slice(1).every(endsInDecimal)) return true
  return Object.values(rule).some(dividesInexactly)
}

/** A literal divisor of twos and fives only: the quotient's digits end. */
function endsInDecimal(divisor: Rule): boolean {
  if (typeof divisor !== 'number' || divisor === 0) return false
  let whole = Math.abs(divisor)
  for (let places = 0; places < 6 && !Number.isInteger(whole); places++) whole = Number((whole * 10).toPrecision(12))
  if (!Number.isSafeInteger(whole)) return false
  while (whole % 2 === 0) whole /= 2
  while (whole % 5 === 0) whole /= 5
  return whole === 1
}
