import { ConcordatError } from '../error.ts'
import { type Blueprint, getRole, getStep, type Step } from './blueprint.ts'
import type { BlueprintError, BlueprintWarning } from './problem.ts'
import type { ProcessGraph } from './process-graph.ts'
import { stepsWithExit } from './process-graph.ts'
import { compileSchema } from './schema.ts'
import { skeletonOf } from './skeleton.ts'

/** Steps, routes and who acts. */
export function checkProcess(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  return [
    ...checkRoles(blueprint),
    ...checkSteps(blueprint, graph),
    ...checkBinds(blueprint, graph),
    ...checkDisputes(blueprint),
  ]
}

/** What the register would refuse of the skeleton although every check here passed; a template is judged with its roles left open. */
export function checkSkeleton(blueprint: Blueprint): BlueprintError[] {
  const roles = blueprint.roles.map((role) => {
    return role.kind === 'member' && role.member === undefined
      ? { id: role.id, title: role.title, kind: role.kind, open: true as const }
      : role
  })
  try {
    skeletonOf({ ...blueprint, roles })
    return []
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    const at = 'at' in error.detail ? error.detail.at : ''
    const message = `The register cannot carry this: expected ${error.detail.expected}, got ${error.detail.got}.`
    return [{ code: 'SKELETON_INVALID', at, message }]
  }
}

function checkRoles(blueprint: Blueprint): BlueprintError[] {
  return blueprint.roles.flatMap((role, place): BlueprintError[] => {
    const at = `/roles/${place}`
    if (role.kind === 'person') {
      const servers = (role.servedBy ?? []).map((server) => getRole(blueprint, server))
      if (servers.length > 0 && servers.every((server) => server.kind === 'member')) return []
      const message =
        'A person acts through the node of a member. Name at least one role of members under servedBy, and no other.'
      return [{ code: 'PERSON_NOT_SERVED', at: `${at}/servedBy`, message }]
    }
    const fixed = role.member !== undefined || role.fixed === true
    if (fixed !== (role.open === true)) return []
    const message =
      'A member role is either fixed (give member, or fixed in a template) or open to members (open: true), not both.'
    return [{ code: 'ROLE_NOT_FIXED_OR_OPEN', at, message }]
  })
}

function checkSteps(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  const exits = stepsWithExit(blueprint)
  return blueprint.steps.flatMap((step, place): BlueprintError[] => {
    const at = `/steps/${place}`
    const errors: BlueprintError[] = []
    if (!graph.isReachable(step.id)) {
      const message = `No route leads to ${step.id}. Route to it, mark it as a withdrawal, or delete it.`
      errors.push({ code: 'STEP_UNREACHABLE', at, message })
    }
    if (step.routes.length === 0) {
      const message = `${step.id} has no route, so every action at it would be refused. Add one; to: [] ends the branch.`
      errors.push({ code: 'DEAD_END', at: `${at}/routes`, message })
    } else if (!exits.has(step.id)) {
      const message = `From ${step.id} no sequence of routes ends the case. Give the loop a route that leaves it; to: [] ends a branch.`
      errors.push({ code: 'LOOP_WITHOUT_EXIT', at: `${at}/routes`, message })
    }
    const last = step.routes.findIndex((route) => route.when === undefined)
    if (last >= 0 && last < step.routes.length - 1) {
      const message =
        'The route before it has no condition, so this one is never taken. Put the route without `when` last.'
      errors.push({ code: 'ROUTE_NEVER_TAKEN', at: `${at}/routes/${last + 1}`, message })
    }
    for (const [i, route] of step.routes.entries()) {
      const withdrawal = route.to.find((next) => getStep(blueprint, next).withdrawal)
      if (withdrawal === undefined) continue
      const message = `${withdrawal} is a withdrawal, which is always open. Route to another step.`
      errors.push({ code: 'WITHDRAWAL_ROUTED', at: `${at}/routes/${i}/to`, message })
    }
    if (step.withdrawal && step.id === blueprint.start) {
      errors.push({
        code: 'WITHDRAWAL_ROUTED',
        at: '/start',
        message: 'A case cannot start with a withdrawal. Start it at another step.',
      })
    }
    return errors
  })
}

function checkBinds(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  const startRole = getStep(blueprint, blueprint.start).role
  const errors: BlueprintError[] = blueprint.steps.flatMap((step, place) => {
    return (step.bind ?? []).flatMap(({ role, field }, i): BlueprintError[] => {
      const at = `/steps/${place}/bind/${i}`
      const found: BlueprintError[] = []
      if (isFixed(blueprint, role) || role === startRole) {
        const message = `${role} is bound from the start of a case. Remove this binding.`
        found.push({ code: 'BIND_ROLE_BOUND_ALREADY', at, message })
      }
      if (!isUsed(blueprint, role)) {
        const message = `${role} takes no step, receives nothing and decides nothing. Remove the binding, or give the role something to do.`
        found.push({ code: 'BIND_ROLE_UNUSED', at, message })
      }
      const schema = compileSchema(step.schema).fields.find(({ pointer }) => pointer === field)?.schema
      if (schema?.type !== 'string') {
        const message = `A role is bound to the member whose id ${field} holds. Make that field a text.`
        found.push({ code: 'BIND_FIELD_NOT_TEXT', at: `${at}/field`, message })
      }
      return found
    })
  })
  for (const [place, role] of blueprint.roles.entries()) {
    if (isFixed(blueprint, role.id) || role.id === startRole || !isUsed(blueprint, role.id)) continue
    const binding = bindingSteps(blueprint, role.id)
    const acting = blueprint.steps.filter((step) => step.role === role.id)
    const early = acting.find((step) => !binding.some((by) => graph.canPrecede(by, step.id)))
    if (binding.length > 0 && early === undefined) continue
    const message =
      binding.length === 0
        ? `${role.id} is neither fixed nor bound by any step. Add a bind to a step that comes before it acts.`
        : `${role.id} acts at ${early?.id}, before any step that binds it. Bind it earlier.`
    errors.push({ code: 'ROLE_NEVER_BOUND', at: `/roles/${place}`, message })
  }
  return errors
}

/** Roles that may still be unbound when their step opens, so that nobody could act. */
export function checkUnbound(blueprint: Blueprint, graph: ProcessGraph): BlueprintWarning[] {
  const startRole = getStep(blueprint, blueprint.start).role
  return blueprint.steps.flatMap((step, place): BlueprintWarning[] => {
    if (isFixed(blueprint, step.role) || step.role === startRole) return []
    const sure = bindingSteps(blueprint, step.role).filter((by) => bindsSurely(getStep(blueprint, by), step.role))
    if (!graph.canHappenWithout(step.id, sure)) return []
    const message = `${step.id} may open while ${step.role} is bound to nobody. Bind it on every way there, by a required field.`
    return [{ code: 'ROLE_MAY_BE_UNBOUND', at: `/steps/${place}/role`, message }]
  })
}

function checkDisputes(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, place): BlueprintError[] => {
    if (!step.dispute) return []
    const at = `/steps/${place}/dispute`
    const errors: BlueprintError[] = []
    if (!step.dispute.resolver) {
      const message = `Nobody decides a dispute about ${step.id}. Name a role as resolver that is neither signer nor recipient.`
      errors.push({ code: 'DISPUTE_WITHOUT_RESOLVER', at: `${at}/resolver`, message })
    }
    if (step.dispute.resolver === step.role) {
      const message = 'The signer cannot decide a dispute about its own record. Name another role.'
      errors.push({ code: 'DISPUTE_RESOLVER_IS_SIGNER', at: `${at}/resolver`, message })
    }
    if (!step.dispute.default) {
      const message = 'Say what happens if nobody decides in time: default uphold or reject.'
      errors.push({ code: 'DISPUTE_WITHOUT_DEFAULT', at: `${at}/default`, message })
    }
    return errors
  })
}

function isFixed(blueprint: Blueprint, roleId: string): boolean {
  const role = getRole(blueprint, roleId)
  return role.kind === 'member' && (role.member !== undefined || role.fixed === true)
}

function isUsed(blueprint: Blueprint, role: string): boolean {
  const { review, steps } = blueprint
  if (review && (review.decide === role || review.ask.includes(role))) return true
  return steps.some((step) => {
    return (
      step.role === role ||
      step.dispute?.resolver === role ||
      step.disclosures.some((disclosure) => disclosure.to === role)
    )
  })
}

function bindingSteps(blueprint: Blueprint, role: string): string[] {
  return blueprint.steps.filter((step) => step.bind?.some((bind) => bind.role === role)).map((step) => step.id)
}

function bindsSurely(step: Step, role: string): boolean {
  const field = step.bind?.find((bind) => bind.role === role)?.field
  return compileSchema(step.schema).fields.some(({ pointer, required }) => pointer === field && required)
}
