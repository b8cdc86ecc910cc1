import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { type Blueprint, getStep } from '../blueprint.ts'
import { type CalendarDate, fromDayNumber, monthsBetween, parseDate, toDayNumber } from '../dates.ts'
import { getAt } from '../pointer.ts'
import { compileSchema } from '../schema.ts'
import { comparisonsOf, readsAny, rulesOf } from '../simulate/rule-conditions.ts'

const DAY = 86_400

const known = new WeakMap<Blueprint, Map<string, unknown>>()

/** The path by which rules read a field of a step. */
export function pathOfField(stepId: string, pointer: string): string {
  return `${stepId}${pointer.replaceAll('/', '.')}`
}

/** Fields of a step that some rule, binding or condition of the schema looks at. */
export function decidingFields(blueprint: Blueprint, stepId: string): readonly string[] {
  return remembered(blueprint, `fields ${stepId}`, () => {
    const step = getStep(blueprint, stepId)
    const { fields, schema } = compileSchema(step.schema)
    const rules = blueprint.steps.flatMap(rulesOf)
    const conditional = /"(?:if|not|anyOf|oneOf|allOf)":/.test(JSON.stringify(schema))
    const named = [...(step.bind ?? []).map(({ field }) => field), step.decision?.explanation]
    return fields.flatMap(({ pointer }) => {
      const path = pathOfField(stepId, pointer)
      const decides = conditional || named.includes(pointer) || rules.some((rule) => readsAny(rule, [path]))
      return decides ? [pointer] : []
    })
  })
}

/** A field's path and those of all that is calculated from it, in any step. */
export function dependents(blueprint: Blueprint, path: string): readonly string[] {
  return remembered(blueprint, `dependents ${path}`, () => {
    const found = [path]
    for (const from of found) {
      for (const { id, calculations = [] } of blueprint.steps) {
        for (const { field, rule } of calculations) {
          const target = pathOfField(id, field)
          if (!found.includes(target) && readsAny(rule, [from])) found.push(target)
        }
      }
    }
    return found
  })
}

/**
 * Where the dates and numbers of a step's data stand to the numbers that rules compare them with, or what is calculated from
 * them: cases of one class are likely to go the same way later too.
 */
export function classesOf(blueprint: Blueprint, stepId: string, data: JsonObject, asOf: number): string {
  return decidingFields(blueprint, stepId)
    .map((pointer) => classOf(getAt(data, pointer), thresholds(blueprint, pathOfField(stepId, pointer)), asOf))
    .join()
}

function classOf(value: JsonValue | undefined, numbers: readonly number[], asOf: number): string {
  if (typeof value === 'number') return `${numbers.filter((number) => number <= value).length}`
  const date = typeof value === 'string' ? parseDate(value) : undefined
  const today = fromDayNumber(Math.floor(asOf / DAY))
  if (date === undefined || today === undefined) return ''
  return dateClass(date, today, numbers)
}

/** As far back or ahead as so many of the numbers of months, and of years. */
function dateClass(date: CalendarDate, today: CalendarDate, numbers: readonly number[]): string {
  const months = monthsBetween(date, today)
  const passed = (length: number) => numbers.filter((number) => number * length <= Math.abs(months)).length
  return `${toDayNumber(date) < toDayNumber(today) ? '-' : '+'}${passed(1)}/${passed(12)}`
}

/** Numbers in the comparisons that read the field, or what is calculated from it. */
function thresholds(blueprint: Blueprint, path: string): readonly number[] {
  return remembered(blueprint, `thresholds ${path}`, () => {
    const paths = dependents(blueprint, path)
    const compared = blueprint.steps.flatMap(rulesOf).flatMap(comparisonsOf)
    const numbers = compared
      .filter((operands) => operands.some((operand) => readsAny(operand, paths)))
      .flatMap((operands) => operands.filter((operand) => typeof operand === 'number'))
    return [...new Set(numbers)]
  })
}

function remembered<T>(blueprint: Blueprint, what: string, compute: () => T): T {
  const values = known.get(blueprint) ?? new Map<string, unknown>()
  known.set(blueprint, values)
  if (!values.has(what)) values.set(what, compute())
  return values.get(what) as T
}
