import { ConcordatError } from '../error.ts'
import { type Blueprint, getRole } from './blueprint.ts'

/** A template with its fixed roles given to members: the document that is proposed. Every fixed role must be given, and no other. */
export function fixRoles(blueprint: Blueprint, members: Readonly<Record<string, string>>): Blueprint {
  for (const roleId of Object.keys(members)) {
    const role = getRole(blueprint, roleId)
    if (role.kind !== 'member' || !role.fixed)
      refuse(blueprint, roleId, 'a role that the blueprint fixes', 'another role')
  }
  const roles = blueprint.roles.map((role) => {
    if (role.kind !== 'member' || !role.fixed) return role
    const member = Object.hasOwn(members, role.id) ? members[role.id] : role.member
    if (member === undefined) return refuse(blueprint, role.id, 'a member id for every fixed role', 'none')
    return { ...role, member }
  })
  return { ...blueprint, roles }
}

function refuse(blueprint: Blueprint, role: string, expected: string, got: string): never {
  const place = blueprint.roles.findIndex((candidate) => candidate.id === role)
  throw new ConcordatError({ code: 'BLUEPRINT_IS_TEMPLATE', expected, got, at: `/roles/${place}/member`, role })
}
