import { type Blueprint, getRole, getStep } from '../blueprint.ts'
import type { BlueprintError } from '../problem.ts'
import type { ProcessGraph } from './process-graph.ts'

/** RULES 18: who asks for a finished case to be looked at again, who decides, and who is told. */
export function checkReview(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  if (blueprint.review === null) return []
  return [...checkRequests(blueprint), ...checkDecider(blueprint, graph), ...checkRecipients(blueprint)]
}

function checkRequests(blueprint: Blueprint): BlueprintError[] {
  const { request, of } = blueprint.review!
  const routed = blueprint.steps.flatMap((step, i): BlueprintError[] => {
    const ways = [
      ...step.routes.map(({ to }, j) => ({ to, at: `/steps/${i}/routes/${j}/to` })),
      ...(step.lapse ? [{ to: step.lapse.to, at: `/steps/${i}/lapse/to` }] : []),
    ]
    return ways.flatMap(({ to, at }): BlueprintError[] => {
      const asking = to.find((next) => request.includes(next))
      if (asking === undefined) return []
      const message = `${asking} asks for a review, which is open once the case has ended. Route to another step.`
      return [{ code: 'REVIEW_REQUEST_ROUTED', at, message }]
    })
  })
  return request.reduce((errors, id, i) => {
    const step = getStep(blueprint, id)
    if (id === blueprint.start || step.withdrawal || of.includes(id)) {
      const message = `${id} asks for a review and can be nothing else: neither the start, nor a withdrawal, nor reviewed itself. Name a step of its own.`
      errors.push({ code: 'REVIEW_REQUEST_ROUTED', at: `/review/request/${i}`, message })
    }
    const part = (['join', 'deadline', 'confirm', 'dispute'] as const).find((key) => step[key] !== undefined)
    if (part !== undefined) {
      const message = `${id} asks for a review, within the time that review.until gives. Remove its ${part}.`
      errors.push({ code: 'REVIEW_REQUEST_WITH_PARTS', at: `/steps/${blueprint.steps.indexOf(step)}/${part}`, message })
    }
    return errors
  }, routed)
}

function checkDecider(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  const { of, request, decide } = blueprint.review!
  const errors: BlueprintError[] = []
  const decider = getRole(blueprint, getStep(blueprint, decide).role)
  const first = of.find((id) => {
    const role = getRole(blueprint, getStep(blueprint, id).role)
    return role.id === decider.id || (role.member !== undefined && role.member === decider.member)
  })
  if (first !== undefined) {
    const message = `${decider.id} decided ${first} and cannot decide its review. Let a role of another member decide.`
    errors.push({ code: 'REVIEW_DECIDER_IS_FIRST', at: '/review/decide', message })
  }
  const lost = request.find((id) => !graph.leadsTo(id, decide))
  if (lost !== undefined || getStep(blueprint, decide).withdrawal) {
    const message = `No route leads from ${lost ?? request[0]} to ${decide}, so nobody could decide. Route the request there.`
    errors.push({ code: 'REVIEW_DECIDE_UNREACHABLE', at: '/review/decide', message })
  }
  return errors
}

/** Everyone who received the old record receives the new one. */
function checkRecipients(blueprint: Blueprint): BlueprintError[] {
  const { of, decide } = blueprint.review!
  const deciding = getStep(blueprint, decide)
  const told = deciding.disclosures.filter(({ step, fields }) => step === undefined && fields.length > 0)
  const knew = blueprint.steps.flatMap((step) => {
    return step.disclosures.filter((entry) => entry.fields.length > 0 && of.includes(entry.step ?? step.id))
  })
  return [...new Set(knew.map(({ to }) => to))].flatMap((role): BlueprintError[] => {
    if (role === deciding.role || told.some(({ to }) => to === role)) return []
    const message = `${role} gets fields of the record that is reviewed, and would not learn that it has changed. Let ${decide} disclose a field to ${role}.`
    return [{ code: 'REVIEW_MISSES_RECIPIENT', at: '/review/decide', message }]
  })
}
