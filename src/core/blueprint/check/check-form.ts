import type { JsonObject } from '../../canonical-json.ts'
import type { Blueprint, FormItem, Step } from '../blueprint.ts'
import { type Field, fieldsOf } from '../pointer.ts'
import type { BlueprintError } from '../problem.ts'
import { compileSchema } from '../schema.ts'
import { readsOf } from '../view.ts'
import { ruleReferences } from './check-rule.ts'

interface PlacedItem {
  item: FormItem
  place: string
  /** What `field` may name here: the step's fields, or within a list those of its items. */
  fields: readonly Field[]
  /** The places of the conditions under which it is asked. */
  conditions: string[]
}

/** Fields and rules that a step's form names, for `checkReferences`. */
export function formReferences(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  return itemsOf(step, at).flatMap(({ item, place, fields }): BlueprintError[] => {
    const errors = item.when === undefined ? [] : ruleReferences(blueprint, item.when, `${place}/when`)
    if ('group' in item) return errors
    const field = fields.find(({ pointer }) => pointer === item.field)
    if (!field) {
      const message = `There is no field ${item.field} here. A field is a property that is no object, as a pointer; within a list, one of its items.`
      return [...errors, { code: 'FIELD_UNKNOWN', at: `${place}/field`, message }]
    }
    if (item.items === undefined || listedFields(field).length > 0) return errors
    const message = `${item.field} is no list of objects, so it has no items. Remove items, or make the field such a list.`
    return [...errors, { code: 'FIELD_UNKNOWN', at: `${place}/items`, message }]
  })
}

/** A page asks for a field only where its conditions hold, so they must speak of that page, and the schema must do without it. */
export function checkForm(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, i) => {
    return itemsOf(step, `/steps/${i}/form`).flatMap(({ item, place, fields, conditions }): BlueprintError[] => {
      const errors: BlueprintError[] = []
      const other = readsOf(blueprint, item.when ?? null).find((read) => read.step !== step.id)
      if (other) {
        const message = `The condition reads ${other.path}, which is not on this page. Read fields of ${step.id} alone.`
        errors.push({ code: 'FORM_RULE_READS_ELSEWHERE', at: `${place}/when`, message })
      }
      const condition = conditions.at(-1)
      if ('group' in item || condition === undefined || isCalculated(step, item.field)) return errors
      if (!fields.some(({ pointer, required }) => pointer === item.field && required)) return errors
      const message = `${item.field} is required, so no action could leave it out. Take it out of required, or ask for it always.`
      return [...errors, { code: 'FORM_HIDES_REQUIRED', at: condition, message }]
    })
  })
}

/** Filled in whether the page shows it or not. */
function isCalculated(step: Step, field: string): boolean {
  return (step.calculations ?? []).some((calculation) => calculation.field === field)
}

function itemsOf(step: Step, at: string): PlacedItem[] {
  return placed(step.form ?? [], at, compileSchema(step.schema).fields, [])
}

function placed(
  items: readonly FormItem[],
  at: string,
  fields: readonly Field[],
  outer: readonly string[],
): PlacedItem[] {
  return items.flatMap((item, i) => {
    const place = `${at}/${i}`
    const conditions = item.when === undefined ? [...outer] : [...outer, `${place}/when`]
    const own = { item, place, fields, conditions }
    if ('group' in item) return [own, ...placed(item.items, `${place}/items`, fields, conditions)]
    const field = fields.find(({ pointer }) => pointer === item.field)
    // Without the list there are no items to lack a field.
    return [own, ...placed(item.items ?? [], `${place}/items`, field ? listedFields(field) : [], [])]
  })
}

/** The fields of each item of a list of objects; none of another field. */
function listedFields({ schema }: Field): Field[] {
  const items = schema.items as JsonObject | undefined
  return schema.type === 'array' && items?.type === 'object' ? fieldsOf(items) : []
}
