import type { JsonObject } from '../../canonical-json.ts'
import { fieldsOf } from '../pointer.ts'
import { addField, type DraftStep } from './draft-step.ts'
import type { Losses } from './losses.ts'
import { uniqueFieldName, uniqueId } from './names.ts'
import { typeOfRule } from './rule-type.ts'
import type { SourceProcess } from './source-process.ts'
import type { RuleTranslator } from './translate-rule.ts'
import { freeFieldName, translateSchemas } from './translate-schema.ts'

/** The fields that a rejection is made of. */
export interface RejectionFields {
  rejected: string
  reason: string
}

/** Steps with ids and fields, without rules and disclosures. */
export function draftSteps(
  { actions }: SourceProcess,
  roles: ReadonlyMap<string, string>,
  losses: Losses,
): DraftStep[] {
  const taken = new Set<string>()
  return actions.map((source, index): DraftStep => {
    const { schema, pointers } = translateSchemas(source.schemas, losses)
    const required = fieldsOf(schema).filter((field) => field.required)
    return {
      index,
      id: uniqueId(source.title, 'step', taken),
      role: roles.get(source.sender)!,
      source,
      schema,
      pointers,
      sure: new Set(required.map(({ pointer }) => pointer)),
      calculations: [],
      disclosed: [],
    }
  })
}

/** A field for each calculation that the schema does not declare, of the type that its rule yields. */
export function declareCalculations(step: DraftStep, translator: RuleTranslator, losses: Losses): void {
  for (const { at, name, rule } of step.source.calculations) {
    translator.addUndeclared(step, rule, at)
    const known = step.pointers.get(name)
    if (known !== undefined) {
      step.sure.add(known)
      continue
    }
    const type = typeOfRule(rule, (input) => translator.schemaOf(step, input)?.type)
    if (type === undefined) {
      losses.add(
        'CALCULATION_DROPPED',
        at,
        `${name.slice(0, 64)} of ${step.id}`,
        'its type cannot be told, and no schema declares it',
      )
      continue
    }
    const field = uniqueFieldName(name, new Set(Object.keys(step.schema.properties as JsonObject)))
    if (field !== name)
      losses.add('FIELD_RENAMED', at, `${name.slice(0, 64)} is now ${field}`, 'names are letters, digits, - and _')
    const pointer = addField(step, field, { type })
    step.pointers.set(name, pointer)
    step.sure.add(pointer)
  }
}

/**
 * A rejection is a choice in the step itself: one field says it, one says why. What the action requires, it requires only where
 * it is not rejected, unless calculations of the step need it.
 */
export function addRejection(step: DraftStep, losses: Losses): RejectionFields | undefined {
  const { rejection, calculations } = step.source
  if (rejection === undefined) return undefined
  const rejected = freeFieldName(step.schema, 'rejected')
  addField(step, rejected, { type: 'boolean', title: 'Rejected' })
  const reason = freeFieldName(step.schema, 'rejectionReason')
  addField(step, reason, { type: 'string', title: 'Reason for the rejection', minLength: 1, maxLength: 4_000 })
  const required = (step.schema.required ?? []) as string[]
  const movable = calculations.length === 0
  const isRejected = { properties: { [rejected]: { const: true } }, required: [rejected] }
  const rule: JsonObject = Object.fromEntries([
    ['if', isRejected],
    ...(rejection.reasonRequired ? [['then', { required: [reason] }]] : []),
    ...(movable && required.length > 0 ? [['else', { required }]] : []),
  ])
  const { required: _, ...rest } = step.schema
  const kept = movable ? rest : step.schema
  const existing = Array.isArray(kept.allOf) ? kept.allOf : []
  step.schema = { ...kept, ...(Object.keys(rule).length > 1 ? { allOf: [...existing, rule] } : {}) }
  const way = rejection.target === undefined ? 'ends the case there' : 'is a send-back'
  const why = `a rejection is an action like any other here: ${rejected} and ${reason} are fields, and the first route ${way}`
  losses.add('REJECTION_AS_FIELDS', rejection.at, step.id, why)
  return { rejected: `/${rejected}`, reason: `/${reason}` }
}
