import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import type { Rule } from '../blueprint.ts'
import { isObject } from './read-source.ts'

export type RuleType = 'number' | 'string' | 'boolean'

const BOOLEAN = ['==', '===', '!=', '!==', '<', '<=', '>', '>=', '!', '!!', 'in', 'some', 'all', 'none', 'and', 'or']
const NUMBER = ['+', '-', '*', '/', '%', 'max', 'min']
const TEXT = ['cat', 'substr']

/** The type of a rule's result, as far as its text tells; `typeOfName` gives that of an input. `and` and `or` count as boolean. */
export function typeOfRule(rule: Rule, typeOfName: (name: string) => JsonValue | undefined): RuleType | undefined {
  if (!isObject(rule)) return typeOfValue(rule)
  const [operator = ''] = Object.keys(rule)
  const argument = rule[operator]!
  const list = Array.isArray(argument) ? argument : [argument]
  if (BOOLEAN.includes(operator)) return 'boolean'
  if (NUMBER.includes(operator)) return 'number'
  if (TEXT.includes(operator)) return 'string'
  if (operator === 'var') {
    const type = typeof list[0] === 'string' ? typeOfName(list[0]) : undefined
    return type === 'integer' ? 'number' : (['number', 'string', 'boolean'] as const).find((known) => known === type)
  }
  if (operator === 'reduce') return list[2] === undefined ? undefined : typeOfRule(list[2], typeOfName)
  if (operator !== 'if' && operator !== '?:') return undefined
  const results = list.filter((_, place) => place % 2 === 1 || (place === list.length - 1 && list.length % 2 === 1))
  const types = new Set(results.map((result) => typeOfRule(result, typeOfName)))
  return types.size === 1 ? [...types][0] : undefined
}

/** The type that a name must have where it is compared with a literal; for names that the source declares nowhere. */
export function typeComparedWith(rule: Rule, name: string): RuleType | undefined {
  if (Array.isArray(rule)) return firstOf(rule, name)
  if (!isObject(rule)) return undefined
  for (const argument of Object.values(rule)) {
    const list = Array.isArray(argument) ? argument : [argument]
    const reads = list.some(
      (item) => isObject(item) && (item.var === name || (Array.isArray(item.var) && item.var[0] === name)),
    )
    const literal = list.find((item) => item !== null && typeof item !== 'object')
    if (reads && literal !== undefined) return typeOfValue(literal)
  }
  return firstOf(Object.values(rule), name)
}

/** What stands in for an input that may be absent: what JSON Logic makes of null, as the field's type has it. */
export function emptyValue(schema: JsonObject): JsonValue {
  switch (schema.type) {
    case 'boolean':
      return false
    case 'number':
    case 'integer':
      return 0
    case 'string':
      return ''
    default:
      return schema.type === 'array' ? [] : null
  }
}

function firstOf(rules: readonly JsonValue[], name: string): RuleType | undefined {
  for (const rule of rules) {
    const type = typeComparedWith(rule, name)
    if (type !== undefined) return type
  }
  return undefined
}

function typeOfValue(value: JsonValue): RuleType | undefined {
  return (['number', 'string', 'boolean'] as const).find((type) => type === typeof value)
}
