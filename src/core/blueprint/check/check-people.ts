import { type Blueprint, getStep, opaqueNext, type Step } from '../blueprint.ts'
import { type BlueprintError, type BlueprintWarning, isBlank } from '../problem.ts'
import { compileSchema } from '../schema.ts'
import { ownFieldsRead } from './check-disclosure.ts'

/** What the people whom a process is about are owed. */
export function checkPeople(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, place) => [
    ...checkSpecial(blueprint, step, `/steps/${place}`),
    ...checkAdverse(blueprint, step, `/steps/${place}`),
  ])
}

export function warnAboutOutcomes(blueprint: Blueprint): BlueprintWarning[] {
  return blueprint.steps.flatMap((step, place): BlueprintWarning[] => {
    const shapes = (adverse: boolean) => {
      const routes = step.routes.filter((route) => route.outcome?.adverse === adverse)
      return new Set(routes.map((route) => opaqueNext(blueprint, route.to).join()))
    }
    const [bad, good] = [shapes(true), shapes(false)]
    if (bad.size === 0 || good.size === 0 || (bad.size === 1 && bad.symmetricDifference(good).size === 0)) return []
    const message = `Whoever sees which steps open after ${step.id} knows whether the outcome was adverse. Let both outcomes leave by the same steps.`
    return [{ code: 'PATH_TELLS_OUTCOME', at: `/steps/${place}/routes`, message }]
  })
}

function checkSpecial(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const special = step.special ?? {}
  const errors: BlueprintError[] = []
  for (const [field, { condition }] of Object.entries(special)) {
    if (!isBlank(condition)) continue
    const message = `Say on which condition ${field}, which is special-category data, may be processed.`
    errors.push({ code: 'SPECIAL_WITHOUT_CONDITION', at: `${at}/special`, message })
  }
  for (const [i, disclosing] of blueprint.steps.entries()) {
    for (const [j, disclosure] of disclosing.disclosures.entries()) {
      if ((disclosure.step ?? disclosing.id) !== step.id || !isBlank(disclosure.condition)) continue
      const field = disclosure.fields.find((name) => Object.hasOwn(special, name))
      if (field === undefined) continue
      const message = `${field} is special-category data. Say on which condition ${disclosure.to} gets it, or leave it out.`
      errors.push({ code: 'SPECIAL_WITHOUT_CONDITION', at: `/steps/${i}/disclosures/${j}/condition`, message })
    }
  }
  return errors
}

/** UK GDPR articles 13, 22: a person decides, the person concerned is told why, and can have it looked at again. */
function checkAdverse(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const people = blueprint.roles.filter((role) => role.kind === 'person').map((role) => role.id)
  const route = step.routes.findIndex(({ outcome }) => outcome?.adverse)
  if (route < 0 || people.length + (blueprint.persons ?? []).length === 0) return []
  const errors: BlueprintError[] = []
  const calculated = (step.calculations ?? []).map(({ field }) => field)
  const entered = ownFieldsRead(blueprint, step).filter((field) => !calculated.includes(field))
  if (!step.decision?.human || entered.length === 0) {
    const message = `${step.id} has an adverse outcome. Declare decision.human, and let its routes read a field that a person fills in.`
    errors.push({ code: 'ADVERSE_WITHOUT_HUMAN_DECISION', at: `${at}/routes/${route}/outcome`, message })
  }
  if (!explainsToPerson(step, people)) {
    const message = `${step.id} has an adverse outcome. Name a text field as decision.explanation and disclose it to the person.`
    errors.push({ code: 'ADVERSE_WITHOUT_EXPLANATION', at: `${at}/decision/explanation`, message })
  }
  const { review } = blueprint
  const asking = (review?.request ?? []).map((id) => getStep(blueprint, id).role)
  if (review === null || (people.length > 0 && !asking.some((role) => people.includes(role)))) {
    const message = `${step.id} has an adverse outcome. Declare a review, and a step at which the person may request it.`
    errors.push({ code: 'ADVERSE_WITHOUT_REVIEW', at: '/review', message })
  } else if (!review.of.includes(step.id) && step.id !== review.decide) {
    const message = `${step.id} has an adverse outcome, which nobody could have looked at again. Add it to review.of.`
    errors.push({ code: 'ADVERSE_WITHOUT_REVIEW', at: '/review/of', message })
  }
  return errors
}

function explainsToPerson(step: Step, people: readonly string[]): boolean {
  const explanation = step.decision?.explanation
  const field = compileSchema(step.schema).fields.find(({ pointer }) => pointer === explanation)
  if (field?.schema.type !== 'string') return false
  if (people.length === 0 || people.includes(step.role)) return true
  return step.disclosures.some((disclosure) => {
    return disclosure.step === undefined && people.includes(disclosure.to) && disclosure.fields.includes(field.pointer)
  })
}
