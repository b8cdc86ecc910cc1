import { type Blueprint, getStep, type Rule, type Step } from '../blueprint.ts'
import { groupsOf } from '../groups.ts'
import { type BlueprintError, type BlueprintWarning, isBlank } from '../problem.ts'
import { compileSchema } from '../schema.ts'
import { type Read, readsOf } from '../view.ts'
import type { ProcessGraph } from './process-graph.ts'

interface PlacedRule {
  step: Step
  rule: Rule
  at: string
  /** The field that a calculation fills. */
  field: string | undefined
}

/** Who is told what, why and for how long; and that rules read nothing else (RULES 27). */
export function checkDisclosure(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  return [
    ...checkReasons(blueprint),
    ...checkEarlierSteps(blueprint, graph),
    ...checkRetention(blueprint),
    ...rulesOf(blueprint).flatMap((placed) => [
      ...checkReads(blueprint, graph, placed),
      ...checkInputs(blueprint, graph, placed),
    ]),
    ...checkCalculationOrder(blueprint),
  ]
}

export function warnAboutDisclosure(blueprint: Blueprint, graph: ProcessGraph): BlueprintWarning[] {
  return [
    ...rulesOf(blueprint).flatMap((placed) => warnAboutSelfAssertion(blueprint, graph, placed)),
    ...warnAboutAudiences(blueprint),
  ]
}

function checkReasons(blueprint: Blueprint): BlueprintError[] {
  const errors: BlueprintError[] = []
  if (isBlank(blueprint.justification)) {
    const message = 'Say why more than one organisation has to share this register.'
    errors.push({ code: 'JUSTIFICATION_MISSING', at: '/justification', message })
  }
  for (const [i, entry] of blueprint.retention.entries()) {
    if (!isBlank(entry.reason)) continue
    const message = `Say why ${entry.id} is kept so long.`
    errors.push({ code: 'RETENTION_REASON_MISSING', at: `/retention/${i}/reason`, message })
  }
  for (const [i, step] of blueprint.steps.entries()) {
    for (const [j, disclosure] of step.disclosures.entries()) {
      const at = `/steps/${i}/disclosures/${j}`
      if (isBlank(disclosure.purpose)) {
        errors.push({
          code: 'PURPOSE_MISSING',
          at: `${at}/purpose`,
          message: `Say what ${disclosure.to} needs these fields for.`,
        })
      }
      if (isBlank(disclosure.basis)) {
        errors.push({
          code: 'BASIS_MISSING',
          at: `${at}/basis`,
          message: `Say on what lawful basis ${disclosure.to} gets these fields.`,
        })
      }
    }
  }
  return errors
}

function checkEarlierSteps(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  return blueprint.steps.flatMap((step, i) => {
    return step.disclosures.flatMap((disclosure, j): BlueprintError[] => {
      const from = getStep(blueprint, disclosure.step ?? step.id)
      const at = `/steps/${i}/disclosures/${j}`
      const errors: BlueprintError[] = []
      if (from.role === disclosure.to) {
        const message = `${disclosure.to} signs ${from.id} and holds its fields already. Remove this disclosure.`
        errors.push({ code: 'DISCLOSURE_TO_SIGNER', at: `${at}/to`, message })
      }
      if (from !== step && !graph.canPrecede(from.id, step.id)) {
        const message = `${from.id} cannot have happened before ${step.id}. Disclose its fields by a step that comes after it.`
        errors.push({ code: 'DISCLOSURE_STEP_NEVER_BEFORE', at: `${at}/step`, message })
      }
      return errors
    })
  })
}

function checkRetention(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, i) => {
    return groupsOf(blueprint, step.id).flatMap(({ audience, fields }): BlueprintError[] => {
      const two = audience.find(([role, , kept]) => audience.some(([other, , also]) => other === role && also !== kept))
      if (!two) return []
      const message = `${two[0]} would get ${fields.join(', ')} of ${step.id} under two retention classes. Choose one for all disclosures.`
      return [{ code: 'RETENTION_CONFLICT', at: `/steps/${i}`, message }]
    })
  })
}

function rulesOf(blueprint: Blueprint): PlacedRule[] {
  return blueprint.steps.flatMap((step, i): PlacedRule[] => [
    ...(step.calculations ?? []).map(({ rule, field }, j) => ({
      step,
      rule,
      field,
      at: `/steps/${i}/calculations/${j}/rule`,
    })),
    ...step.routes.flatMap(({ when }, j): PlacedRule[] => {
      return when === undefined ? [] : [{ step, rule: when, field: undefined, at: `/steps/${i}/routes/${j}/when` }]
    }),
  ])
}

function checkReads(blueprint: Blueprint, graph: ProcessGraph, { step, rule, at }: PlacedRule): BlueprintError[] {
  return earlierReads(blueprint, step, rule).flatMap((read): BlueprintError[] => {
    if (!graph.canPrecede(read.step, step.id)) {
      const message = `The rule reads ${read.path}, but ${read.step} cannot have happened before ${step.id}. Read an earlier step.`
      return [{ code: 'RULE_READS_LATER_STEP', at, message }]
    }
    const unseen = read.fields.filter(
      (field) => disclosingSteps(blueprint, graph, read.step, field, step.role, step.id) === 'none',
    )
    if (unseen.length === 0) return []
    const message = `The rule reads ${read.path}, which ${step.role} is not shown before ${step.id}. Disclose ${unseen.join(', ')} of ${read.step} to ${step.role}, or let a role that sees it decide.`
    return [{ code: 'RULE_READS_UNSEEN', at, message }]
  })
}

/** A missing or hidden input refuses every action at the step, which would leave the case stuck. */
function checkInputs(blueprint: Blueprint, graph: ProcessGraph, { step, rule, at }: PlacedRule): BlueprintError[] {
  return earlierReads(blueprint, step, rule).flatMap((read): BlueprintError[] => {
    const errors: BlueprintError[] = []
    if (read.required && graph.canHappenWithout(step.id, [read.step])) {
      const message = `${step.id} can be reached without ${read.step}; its action would then be refused. Give ${read.path} a default, or lead every way through ${read.step}.`
      errors.push({ code: 'RULE_INPUT_MAY_BE_MISSING', at, message })
    }
    const risky = read.fields.some((field) => {
      const by = disclosingSteps(blueprint, graph, read.step, field, step.role, step.id)
      return Array.isArray(by) && graph.canFollowWithout(read.step, step.id, by)
    })
    if (risky) {
      const message = `${step.id} can be reached before a step has disclosed ${read.path} to ${step.role}; its action would then be refused. Disclose it at ${read.step} itself, or on every way.`
      errors.push({ code: 'RULE_INPUT_MAY_BE_HIDDEN', at, message })
    }
    return errors
  })
}

function checkCalculationOrder(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, i) => {
    const calculations = step.calculations ?? []
    return calculations.flatMap(({ rule, field }, j): BlueprintError[] => {
      const later = calculations.slice(j).map((calculation) => calculation.field)
      const again = calculations.findIndex((calculation) => calculation.field === field) < j
      const reads = readsOf(blueprint, rule).filter((read) => read.step === step.id)
      const early = reads.find((read) => read.fields.some((name) => later.includes(name)))
      if (!early && !again) return []
      const message = again
        ? `${field} is calculated before. Calculate each field once.`
        : `The rule reads ${early?.path}, which is calculated only by it or after it. Put that calculation first.`
      return [{ code: 'CALCULATION_ORDER', at: `/steps/${i}/calculations/${j}`, message }]
    })
  })
}

function warnAboutSelfAssertion(
  blueprint: Blueprint,
  graph: ProcessGraph,
  { step, rule, at, field }: PlacedRule,
): BlueprintWarning[] {
  const reads = readsOf(blueprint, rule).filter((read): read is Read & { step: string } => read.step !== undefined)
  const needed = [...reads, ...(field === undefined ? [] : [{ step: step.id, fields: [field] }])]
  if (reads.length === 0) return []
  const checked = blueprint.roles.some(({ id: role }) => {
    if (role === step.role) return false
    return needed.every((read) => read.fields.every((name) => sees(blueprint, graph, role, read.step, name, step.id)))
  })
  if (checked) return []
  const paths = reads.map((read) => read.path).join(', ')
  const message = `No participant but ${step.role} sees ${paths}${field === undefined ? '' : ` and ${field}`}, so nobody can check this. Disclose them to one that should, or accept that ${step.role} asserts it.`
  return [{ code: 'SELF_ASSERTED_DECISION', at, message }]
}

function warnAboutAudiences(blueprint: Blueprint): BlueprintWarning[] {
  return blueprint.steps.flatMap((step, i) => {
    const others = blueprint.roles.filter((role) => role.id !== step.role)
    return groupsOf(blueprint, step.id).flatMap(({ index, audience, fields }): BlueprintWarning[] => {
      if (index === 0) return []
      const at = `/steps/${i}/schema`
      const told = new Set(audience.map(([role]) => role))
      if (told.size === 0) {
        const message = `Nobody but ${step.role} ever sees ${fields.join(', ')}. Disclose them to a role that needs them, or do not ask for them.`
        return [{ code: 'FIELD_SEEN_BY_NOBODY', at, message }]
      }
      // With two roles, telling the other one is telling everybody.
      if (others.length < 2 || told.size < others.length) return []
      const message = `Every role sees ${fields.join(', ')}. Check that each of them needs it.`
      return [{ code: 'FIELD_SEEN_BY_EVERYBODY', at, message }]
    })
  })
}

function earlierReads(blueprint: Blueprint, step: Step, rule: Rule): (Read & { step: string })[] {
  return readsOf(blueprint, rule).filter(
    (read): read is Read & { step: string } => read.step !== undefined && read.step !== step.id,
  )
}

/**
 * How a role comes to see a field before it acts at `before`: `always` (its own, or disclosed by the step itself), by one of
 * the steps listed, or not at all.
 */
function disclosingSteps(
  blueprint: Blueprint,
  graph: ProcessGraph,
  stepId: string,
  field: string,
  role: string,
  before: string,
): 'always' | 'none' | string[] {
  if (getStep(blueprint, stepId).role === role) return 'always'
  const by = disclosers(blueprint, stepId, field, role)
  if (by.includes(stepId)) return 'always'
  const earlier = by.filter(
    (disclosing) => graph.canPrecede(stepId, disclosing) && graph.canPrecede(disclosing, before),
  )
  return earlier.length > 0 ? earlier : 'none'
}

/** A role may see a field when it receives the record of `at`. */
function sees(
  blueprint: Blueprint,
  graph: ProcessGraph,
  role: string,
  stepId: string,
  field: string,
  at: string,
): boolean {
  if (getStep(blueprint, stepId).role === role) return true
  return disclosers(blueprint, stepId, field, role).some((by) => by === stepId || by === at || graph.canPrecede(by, at))
}

function disclosers(blueprint: Blueprint, stepId: string, field: string, role: string): string[] {
  return blueprint.steps
    .filter((step) => {
      return step.disclosures.some((entry) => {
        return entry.to === role && (entry.step ?? step.id) === stepId && entry.fields.includes(field)
      })
    })
    .map((step) => step.id)
}

/** For check-people.ts: the fields that a rule reads of its own step. */
export function ownFieldsRead(blueprint: Blueprint, step: Step): string[] {
  const rules = step.routes.flatMap(({ when }) => (when === undefined ? [] : [when]))
  const read = rules.flatMap((rule) => readsOf(blueprint, rule).filter((entry) => entry.step === step.id))
  const fields = compileSchema(step.schema).fields.map(({ pointer }) => pointer)
  return fields.filter((field) => read.some((entry) => entry.fields.includes(field)))
}
