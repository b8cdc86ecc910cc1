import { ConcordatError } from '../../error.ts'
import type { Blueprint, DocumentDeadline, Step } from '../blueprint.ts'
import type { BlueprintError } from '../problem.ts'
import { compileSchema } from '../schema.ts'
import { formReferences } from './check-form.ts'
import { refusals, ruleReferences } from './check-rule.ts'

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
  return [...errors, ...stepUnknown(blueprint, blueprint.start, '/start'), ...reviewReferences(blueprint)]
}

function reviewReferences(blueprint: Blueprint): BlueprintError[] {
  const { review } = blueprint
  if (!review) return []
  return [
    ...stepsUnknown(blueprint, review.of, '/review/of'),
    ...stepsUnknown(blueprint, review.request, '/review/request'),
    ...stepUnknown(blueprint, review.decide, '/review/decide'),
    ...calendarUnknown(blueprint, review.until, '/review/until'),
  ]
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
  errors.push(...roleUnknown(blueprint, step.role, `${at}/role`))
  errors.push(...retentionUnknown(blueprint, step.retention, `${at}/retention`))
  errors.push(...subjectUnknown(blueprint, step.subject, `${at}/subject`))
  for (const [field, subject] of Object.entries(step.subjects ?? {})) {
    errors.push(...fieldUnknown(step, field, `${at}/subjects`), ...subjectUnknown(blueprint, subject, `${at}/subjects`))
  }
  for (const field of Object.keys(step.special ?? {})) errors.push(...fieldUnknown(step, field, `${at}/special`))
  errors.push(...formReferences(blueprint, step, `${at}/form`))
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
  for (const [i, { to, closes, when }] of step.routes.entries()) {
    errors.push(...stepsUnknown(blueprint, to, `${at}/routes/${i}/to`))
    errors.push(...stepsUnknown(blueprint, closes, `${at}/routes/${i}/closes`))
    if (when !== undefined) errors.push(...ruleReferences(blueprint, when, `${at}/routes/${i}/when`))
  }
  if (step.decision) errors.push(...fieldUnknown(step, step.decision.explanation, `${at}/decision/explanation`))
  return [...errors, ...partReferences(blueprint, step, at)]
}

/** Of the parts that say who else acts, when, and what opens and closes besides the routes. */
function partReferences(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const { join, lapse, extend, confirm, dispute } = step
  return [
    ...stepsUnknown(blueprint, join?.steps, `${at}/join/steps`),
    ...stepsUnknown(blueprint, join?.closes, `${at}/join/closes`),
    ...stepsUnknown(blueprint, lapse?.to, `${at}/lapse/to`),
    ...stepsUnknown(blueprint, lapse?.closes, `${at}/lapse/closes`),
    ...(extend ? roleUnknown(blueprint, extend.role, `${at}/extend/role`) : []),
    ...(confirm?.roles ?? []).flatMap((role, i) => roleUnknown(blueprint, role, `${at}/confirm/roles/${i}`)),
    ...(dispute?.resolver ? roleUnknown(blueprint, dispute.resolver, `${at}/dispute/resolver`) : []),
    ...deadlinesOf(step, at).flatMap(([deadline, place]) => calendarUnknown(blueprint, deadline, place)),
  ]
}

/** A step's deadlines with their places. */
export function deadlinesOf(step: Step, at: string): [DocumentDeadline, string][] {
  const { deadline, extend, confirm, dispute } = step
  return [
    ...(deadline ? [[deadline, `${at}/deadline`] as [DocumentDeadline, string]] : []),
    ...(extend ? [[extend.limit, `${at}/extend/limit`] as [DocumentDeadline, string]] : []),
    ...(confirm ? [[confirm.deadline, `${at}/confirm/deadline`] as [DocumentDeadline, string]] : []),
    ...(dispute ? [[dispute.window, `${at}/dispute/window`] as [DocumentDeadline, string]] : []),
    ...(dispute ? [[dispute.deadline, `${at}/dispute/deadline`] as [DocumentDeadline, string]] : []),
  ]
}

function roleUnknown(blueprint: Blueprint, role: string, at: string): BlueprintError[] {
  if (blueprint.roles.some((candidate) => candidate.id === role)) return []
  return [{ code: 'ROLE_UNKNOWN', at, message: `There is no role ${role}. Add it under roles, or name another.` }]
}

function stepUnknown(blueprint: Blueprint, step: string, at: string): BlueprintError[] {
  if (blueprint.steps.some((candidate) => candidate.id === step)) return []
  return [{ code: 'STEP_UNKNOWN', at, message: `There is no step ${step}. Add it under steps, or name another.` }]
}

function stepsUnknown(blueprint: Blueprint, steps: readonly string[] | undefined, at: string): BlueprintError[] {
  return (steps ?? []).flatMap((step, i) => stepUnknown(blueprint, step, `${at}/${i}`))
}

function calendarUnknown(blueprint: Blueprint, { calendar }: DocumentDeadline, at: string): BlueprintError[] {
  if (typeof calendar !== 'string' || blueprint.calendars?.some(({ id }) => id === calendar)) return []
  const message = `There is no calendar ${calendar}. Add it under calendars, or write the calendar out here.`
  return [{ code: 'CALENDAR_UNKNOWN', at: `${at}/calendar`, message }]
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
