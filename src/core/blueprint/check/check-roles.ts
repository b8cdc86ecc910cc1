import { type Blueprint, getRole, getStep, type Step } from '../blueprint.ts'
import type { BlueprintError } from '../problem.ts'
import { compileSchema } from '../schema.ts'
import type { ProcessGraph } from './process-graph.ts'

/** Who may act, for whom, and that every role has a member by the time it is needed. */
export function checkRoles(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  return [...checkKinds(blueprint), ...checkBinds(blueprint, graph), ...checkUnbound(blueprint, graph)]
}

function checkKinds(blueprint: Blueprint): BlueprintError[] {
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
    const acting = blueprint.steps.filter((step) => step.role === role.id || step.confirm?.roles.includes(role.id))
    const early = acting.find((step) => {
      const inTime = (by: string) => graph.canPrecede(by, step.id) || (step.role !== role.id && by === step.id)
      return !binding.some(inTime)
    })
    if (binding.length > 0 && early === undefined) continue
    const message =
      binding.length === 0
        ? `${role.id} is neither fixed nor bound by any step. Add a bind to a step that comes before it acts.`
        : `${role.id} acts at ${early?.id}, before any step that binds it. Bind it earlier.`
    errors.push({ code: 'ROLE_NEVER_BOUND', at: `/roles/${place}`, message })
  }
  return errors
}

/** Roles that may still be unbound when their step opens or its record is to be confirmed, so that nobody could act. */
function checkUnbound(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  const startRole = getStep(blueprint, blueprint.start).role
  const isSure = (role: string, step: Step, own: readonly string[]) => {
    if (isFixed(blueprint, role) || role === startRole) return true
    const sure = bindingSteps(blueprint, role).filter((by) => bindsSurely(getStep(blueprint, by), role))
    return sure.some((by) => own.includes(by)) || !graph.canHappenWithout(step.id, sure)
  }
  return blueprint.steps.flatMap((step, place): BlueprintError[] => {
    const errors: BlueprintError[] = []
    if (!isSure(step.role, step, [])) {
      const message = `${step.id} may open while ${step.role} is bound to nobody. Bind it on every way there, by a required field.`
      errors.push({ code: 'ROLE_MAY_BE_UNBOUND', at: `/steps/${place}/role`, message })
    }
    for (const [i, role] of (step.confirm?.roles ?? []).entries()) {
      if (isSure(role, step, [step.id])) continue
      const message = `${step.id} may have to be confirmed while ${role} is bound to nobody. Bind it there or on every way there, by a required field.`
      errors.push({ code: 'ROLE_MAY_BE_UNBOUND', at: `/steps/${place}/confirm/roles/${i}`, message })
    }
    return errors
  })
}

function isFixed(blueprint: Blueprint, roleId: string): boolean {
  const role = getRole(blueprint, roleId)
  return role.kind === 'member' && (role.member !== undefined || role.fixed === true)
}

function isUsed(blueprint: Blueprint, role: string): boolean {
  return blueprint.steps.some((step) => {
    return (
      step.role === role ||
      step.extend?.role === role ||
      step.confirm?.roles.includes(role) ||
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
