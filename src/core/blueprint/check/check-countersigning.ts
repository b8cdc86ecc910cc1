import type { Blueprint, Step } from '../blueprint.ts'
import type { BlueprintError } from '../problem.ts'

/** Who confirms or disputes a record, who decides then, and what holds if nobody does (RULES 16 and 17). */
export function checkCountersigning(blueprint: Blueprint): BlueprintError[] {
  return blueprint.steps.flatMap((step, place) => [
    ...checkConfirm(step, `/steps/${place}/confirm`),
    ...checkDispute(step, `/steps/${place}/dispute`),
  ])
}

function checkConfirm({ id, role, confirm }: Step, at: string): BlueprintError[] {
  if (!confirm) return []
  const errors: BlueprintError[] = []
  if (!confirm.default) {
    const message = `Say what becomes of ${id} if nobody confirms it in time: default accept or reject.`
    errors.push({ code: 'CONFIRM_WITHOUT_DEFAULT', at: `${at}/default`, message })
  }
  const signer = confirm.roles.indexOf(role)
  if (signer >= 0) {
    const message = `${role} signs ${id} and cannot confirm it too. Name another role.`
    errors.push({ code: 'CONFIRM_BY_SIGNER', at: `${at}/roles/${signer}`, message })
  }
  return errors
}

function checkDispute({ id, role, dispute }: Step, at: string): BlueprintError[] {
  if (!dispute) return []
  const errors: BlueprintError[] = []
  if (!dispute.resolver) {
    const message = `Nobody decides a dispute about ${id}. Name a role as resolver that is neither signer nor recipient.`
    errors.push({ code: 'DISPUTE_WITHOUT_RESOLVER', at: `${at}/resolver`, message })
  }
  if (dispute.resolver === role) {
    const message = 'The signer cannot decide a dispute about its own record. Name another role.'
    errors.push({ code: 'DISPUTE_RESOLVER_IS_SIGNER', at: `${at}/resolver`, message })
  }
  if (!dispute.default) {
    const message = 'Say what happens if nobody decides in time: default uphold or reject.'
    errors.push({ code: 'DISPUTE_WITHOUT_DEFAULT', at: `${at}/default`, message })
  }
  return errors
}
