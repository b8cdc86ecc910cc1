import type { JsonObject, JsonValue } from '../canonical-json.ts'
import type { FormItem, Rule, Step } from './blueprint.ts'
import { getAt } from './pointer.ts'

/** A value for a field that the step's form does not ask for. */
interface Unasked {
  /** The field's pointer, within a list with the place of the object. */
  at: string
  /** The conditions that decide it and cannot be told; none if the field is not asked for certain. */
  unknown: Rule[]
}

/**
 * The values that a form with conditions would not have asked for (docs/formats/blueprint.md). A field is asked if it stands in
 * the form where every condition around it is true, or nowhere in the form. Calculated fields are nobody's answer.
 * `isTrue` tells of a condition, or undefined where it cannot be told.
 */
export function unaskedValues(
  step: Step,
  data: JsonObject,
  isTrue: (condition: Rule) => boolean | undefined,
): Unasked[] {
  const calculated = (step.calculations ?? []).map(({ field }) => field)
  const known = new Map<Rule, boolean | undefined>()
  const tell = (condition: Rule) => {
    if (!known.has(condition)) known.set(condition, isTrue(condition))
    return known.get(condition)
  }
  const ways = new Map<string, Rule[][]>()
  for (const [at, conditions] of placesOf(step.form ?? [], data, '', [])) {
    ways.set(at, [...(ways.get(at) ?? []), conditions])
  }
  return [...ways].flatMap(([at, all]): Unasked[] => {
    if (calculated.includes(at)) return []
    const open = all.filter((conditions) => conditions.every((condition) => tell(condition) !== false))
    const unknown = open.map((conditions) => conditions.filter((condition) => tell(condition) === undefined))
    if (unknown.some((conditions) => conditions.length === 0)) return []
    return [{ at, unknown: unknown.flat() }]
  })
}

/** Each value that the form names, with the conditions around it. What a list's objects hold is asked wherever the list is. */
function placesOf(
  items: readonly FormItem[],
  data: JsonObject,
  at: string,
  outer: readonly Rule[],
): [at: string, conditions: Rule[]][] {
  return items.flatMap((item): [string, Rule[]][] => {
    const conditions = item.when === undefined ? [...outer] : [...outer, item.when]
    if ('group' in item) return placesOf(item.items, data, at, conditions)
    const value = getAt(data, item.field)
    if (value === undefined) return []
    const place = `${at}${item.field}`
    const listed = Array.isArray(value) ? value : []
    const inner = listed.flatMap((entry, i) => {
      return isObject(entry) ? placesOf(item.items ?? [], entry, `${place}/${i}`, []) : []
    })
    return [[place, conditions], ...inner]
  })
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
