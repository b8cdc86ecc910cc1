import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { type Blueprint, FEATURES_NOT_BUILT, type Rule, type Step } from './blueprint.ts'
import { inputs } from './json-logic.ts'
import type { BlueprintError, BlueprintErrorCode } from './problem.ts'
import { compileSchema } from './schema.ts'
import { AS_OF, readsOf } from './view.ts'

/**
 * Everything that a document names must exist, and every schema and rule must be of the profile. The other checks, and the
 * functions that run a blueprint, build on that.
 */
export function checkReferences(blueprint: Blueprint): BlueprintError[] {
  const found = [...topLevel(blueprint), ...schemas(blueprint)]
  if (found.length > 0) return found
  return blueprint.steps.flatMap((step, place) => stepReferences(blueprint, step, `/steps/${place}`))
}

function topLevel(blueprint: Blueprint): BlueprintError[] {
  const named: [string, string][] = [
    ...(blueprint.distinct ?? []).flatMap((roles, i) =>
      roles.map((role, j): [string, string] => [role, `/distinct/${i}/${j}`]),
    ),
    ...blueprint.roles.flatMap((role, i) =>
      (role.servedBy ?? []).map((server, j): [string, string] => [server, `/roles/${i}/servedBy/${j}`]),
    ),
    ...(blueprint.review?.ask ?? []).map((role, i): [string, string] => [role, `/review/ask/${i}`]),
    ...(blueprint.review ? [[blueprint.review.decide, '/review/decide'] as [string, string]] : []),
  ]
  const errors = named.flatMap(([role, at]) => roleUnknown(blueprint, role, at))
  for (const [i, person] of (blueprint.persons ?? []).entries()) {
    if (!blueprint.roles.some((role) => role.id === person.id)) continue
    const at = `/persons/${i}/id`
    errors.push({
      code: 'ID_NOT_UNIQUE',
      at,
      message: 'A role has this id too. Give the person another, so that a subject names one of them.',
    })
  }
  return [...errors, ...stepUnknown(blueprint, blueprint.start, '/start')]
}

function schemas(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, place) => {
    return refusals(`/steps/${place}/schema`, () => {
      const { schema } = compileSchema(step.schema)
      if (schema.type !== 'object') {
        throw new ConcordatError({
          code: 'SCHEMA_INVALID',
          expected: 'the type object',
          got: 'another type',
          at: '/type',
        })
      }
    })
  })
}

function stepReferences(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const errors: BlueprintError[] = []
  for (const feature of FEATURES_NOT_BUILT) {
    if (!Object.hasOwn(step, feature)) continue
    errors.push({
      code: 'NOT_BUILT',
      at: `${at}/${feature}`,
      message: `No node enforces ${feature} yet. Describe the step without it.`,
    })
  }
  errors.push(...roleUnknown(blueprint, step.role, `${at}/role`))
  errors.push(...retentionUnknown(blueprint, step.retention, `${at}/retention`))
  errors.push(...subjectUnknown(blueprint, step.subject, `${at}/subject`))
  for (const [field, subject] of Object.entries(step.subjects ?? {})) {
    errors.push(...fieldUnknown(step, field, `${at}/subjects`), ...subjectUnknown(blueprint, subject, `${at}/subjects`))
  }
  for (const field of Object.keys(step.special ?? {})) errors.push(...fieldUnknown(step, field, `${at}/special`))
  for (const [i, item] of (step.form ?? []).entries())
    errors.push(...fieldUnknown(step, item.field, `${at}/form/${i}/field`))
  for (const [i, { role, field }] of (step.bind ?? []).entries()) {
    errors.push(
      ...roleUnknown(blueprint, role, `${at}/bind/${i}/role`),
      ...fieldUnknown(step, field, `${at}/bind/${i}/field`),
    )
  }
  for (const [i, disclosure] of step.disclosures.entries()) {
    const place = `${at}/disclosures/${i}`
    errors.push(...roleUnknown(blueprint, disclosure.to, `${place}/to`))
    errors.push(...retentionUnknown(blueprint, disclosure.retention, `${place}/retention`))
    const from = disclosure.step === undefined ? step : blueprint.steps.find((other) => other.id === disclosure.step)
    if (!from) errors.push(...stepUnknown(blueprint, disclosure.step!, `${place}/step`))
    else errors.push(...disclosure.fields.flatMap((field, j) => fieldUnknown(from, field, `${place}/fields/${j}`)))
  }
  for (const [i, { field, rule }] of (step.calculations ?? []).entries()) {
    errors.push(...fieldUnknown(step, field, `${at}/calculations/${i}/field`))
    errors.push(...ruleReferences(blueprint, rule, `${at}/calculations/${i}/rule`))
  }
  for (const [i, { to, when }] of step.routes.entries()) {
    errors.push(...to.flatMap((next, j) => stepUnknown(blueprint, next, `${at}/routes/${i}/to/${j}`)))
    if (when !== undefined) errors.push(...ruleReferences(blueprint, when, `${at}/routes/${i}/when`))
  }
  if (step.dispute?.resolver) errors.push(...roleUnknown(blueprint, step.dispute.resolver, `${at}/dispute/resolver`))
  if (step.decision) errors.push(...fieldUnknown(step, step.decision.explanation, `${at}/decision/explanation`))
  return errors
}

function ruleReferences(blueprint: Blueprint, rule: Rule, at: string): BlueprintError[] {
  const refused = refusals(at, () => inputs(rule as JsonValue))
  if (refused.length > 0) return refused
  return readsOf(blueprint, rule)
    .filter(({ path, step, fields }) => path !== AS_OF && (step === undefined || fields.length === 0))
    .map(({ path, step }): BlueprintError => {
      const message = `The rule reads ${path}, which is no ${step === undefined ? 'step' : 'field of that step'}. Name an input as step.field.`
      return { code: step === undefined ? 'STEP_UNKNOWN' : 'FIELD_UNKNOWN', at, message }
    })
}

/** A refusal of a part as an error of the document, at its place there. */
function refusals(at: string, run: () => void): BlueprintError[] {
  try {
    run()
    return []
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    const inner = 'at' in error.detail ? error.detail.at : ''
    const message = `Expected ${error.detail.expected}, got ${error.detail.got}.`
    return [{ code: error.code as BlueprintErrorCode, at: at + inner, message }]
  }
}

function roleUnknown(blueprint: Blueprint, role: string, at: string): BlueprintError[] {
  if (blueprint.roles.some((candidate) => candidate.id === role)) return []
  return [{ code: 'ROLE_UNKNOWN', at, message: `There is no role ${role}. Add it under roles, or name another.` }]
}

function stepUnknown(blueprint: Blueprint, step: string, at: string): BlueprintError[] {
  if (blueprint.steps.some((candidate) => candidate.id === step)) return []
  return [{ code: 'STEP_UNKNOWN', at, message: `There is no step ${step}. Add it under steps, or name another.` }]
}

function retentionUnknown(blueprint: Blueprint, retention: string, at: string): BlueprintError[] {
  if (blueprint.retention.some((candidate) => candidate.id === retention)) return []
  const message = `There is no retention class ${retention}. Add it under retention, or name another.`
  return [{ code: 'RETENTION_UNKNOWN', at, message }]
}

function subjectUnknown(blueprint: Blueprint, subject: string, at: string): BlueprintError[] {
  if ([...blueprint.roles, ...(blueprint.persons ?? [])].some((candidate) => candidate.id === subject)) return []
  const message = `There is neither a role nor a person ${subject}. Add it under persons, or name another.`
  return [{ code: 'SUBJECT_UNKNOWN', at, message }]
}

function fieldUnknown(step: Step, field: string, at: string): BlueprintError[] {
  if (compileSchema(step.schema).fields.some(({ pointer }) => pointer === field)) return []
  const message = `The step ${step.id} has no field ${field}. A field is a property that is no object, as a pointer.`
  return [{ code: 'FIELD_UNKNOWN', at, message }]
}
