import type { JsonObject } from '../canonical-json.ts'
import { type Blueprint, getStep, type Rule } from './blueprint.ts'
import { groupsOf } from './groups.ts'
import { inputs } from './rules/json-logic.ts'
import { compileSchema } from './schema.ts'

/**
 * What one role holds of a case when it acts or checks: exactly the records in the causal history of the record in question.
 * A step is a key of `values` and `sees` once it has happened, also where the role was shown none of it (`{}` and `[]`).
 */
export interface View {
  /** By document step id: the data that the role holds of the step's newest record. */
  values: Readonly<Record<string, JsonObject>>
  /**
   * By document step id: the fields of that record that the role was shown and still holds, present in it or not (`fieldsSeen`
   * tells). What has been erased or has not arrived is left out, or a check would find a contradiction where there is none.
   */
  sees: Readonly<Record<string, readonly string[]>>
  /** Roles bound so far to member ids; fixed roles need not be named. */
  bound: Readonly<Record<string, string>>
}

/** A rule's input: the fields of one step that a path reads, or `$meta.asOf`, which everyone knows. */
export interface Read {
  path: string
  /** The rule fails where the path leads nowhere. */
  required: boolean
  /** Undefined for `$meta.asOf`, and for a path that the blueprint does not have. */
  step: string | undefined
  fields: string[]
}

export const AS_OF = '$meta.asOf'

export function readsOf(blueprint: Blueprint, rule: Rule): Read[] {
  return inputs(rule).map(({ path, required }) => {
    const [stepId = '', ...names] = path.split('.')
    const step = blueprint.steps.find((candidate) => candidate.id === stepId)
    if (!step) return { path, required, step: undefined, fields: [] }
    const pointer = names.map((name) => `/${name}`).join('')
    const fields = compileSchema(step.schema).fields.map((field) => field.pointer)
    return { path, required, step: stepId, fields: fields.filter((field) => overlaps(field, pointer)) }
  })
}

/**
 * Paths that a role cannot know the value of, which is more than their being absent: evaluating such a rule, even with a
 * default, would give the role a result of its own. A step that has not happened hides nothing from anyone.
 */
export function hiddenInputs(
  blueprint: Blueprint,
  rule: Rule,
  { role, view, step: own, sees: seesOwn }: { role: string; view: View; step: string; sees: readonly string[] },
): string[] {
  return readsOf(blueprint, rule)
    .filter(({ path, step, fields }) => {
      if (path === AS_OF) return false
      if (step === undefined || fields.length === 0) return true
      if (step === own) return !fields.every((field) => seesOwn.includes(field))
      const ever = fieldsEverSeen(blueprint, step, role)
      const seen = Object.hasOwn(view.sees, step) ? view.sees[step]! : undefined
      const happened = seen !== undefined || Object.hasOwn(view.values, step)
      return fields.some((field) => !ever.includes(field) || (happened && !(seen ?? []).includes(field)))
    })
    .map(({ path }) => path)
}

/** The fields of a step that a role is shown in some case, by whichever step. */
function fieldsEverSeen(blueprint: Blueprint, step: string, role: string): string[] {
  const own = getStep(blueprint, step).role === role
  return groupsOf(blueprint, step)
    .filter(({ index, audience }) => index > 0 && (own || audience.some(([entitled]) => entitled === role)))
    .flatMap((group) => group.fields)
}

/** The data that a step's rules read (docs/formats/json-logic.md). */
export function ruleData(view: View, stepId: string, data: JsonObject, asOf: number): JsonObject {
  return { ...view.values, [stepId]: data, $meta: { asOf } }
}

function overlaps(field: string, pointer: string): boolean {
  return pointer === '' || field === pointer || field.startsWith(`${pointer}/`) || pointer.startsWith(`${field}/`)
}
