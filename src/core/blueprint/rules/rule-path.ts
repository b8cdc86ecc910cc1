import { Decimal } from './decimal.ts'
import { wrongArguments } from './rule-operators.ts'
import { type RuleValue, toText } from './rule-value.ts'

export const MAX_PATH_LENGTH = 256

const PLACE = /^(0|[1-9]\d{0,8})$/

/** `a.b` of `var` and `missing`; the empty path is the scope itself. */
export function namesOfPath(path: RuleValue): string[] {
  return path === null || path === '' ? [] : toText(path, 'var').split('.')
}

/** The names and places of `val` and `exists`, each one argument, in which a dot is a dot. */
export function namesOfList(names: readonly RuleValue[], operator: string): string[] {
  return names.map((name) => {
    if (typeof name === 'string') return name
    // A list in front would count levels up, out of the scope.
    return typeof name === 'number' ? toText(name, operator) : wrongArguments(operator, 'names and places')
  })
}

/** What a path leads to; undefined if it leads nowhere. Own properties only: a path never reaches a prototype. */
export function follow(scope: RuleValue, names: readonly string[]): RuleValue | undefined {
  if (names.join('.').length > MAX_PATH_LENGTH) return undefined
  let value: RuleValue = scope
  for (const name of names) {
    if (typeof value !== 'object' || value === null || value instanceof Decimal) return undefined
    if (!Object.hasOwn(value, name) || (Array.isArray(value) && !PLACE.test(name))) return undefined
    value = (value as { [key: string]: RuleValue })[name]!
  }
  return value
}
