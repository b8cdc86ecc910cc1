import { ConcordatError } from '../../error.ts'
import type { Skeleton } from '../skeleton.ts'
import { type BlueprintRow, findBlueprint, type Rows } from '../state.ts'

/** A version under which cases may run. */
export function verifyLive(rows: Rows, hash: string): BlueprintRow {
  const row = findBlueprint(rows, hash)
  if (row === undefined) {
    throw new ConcordatError({ code: 'BLUEPRINT_UNKNOWN', expected: 'a proposed blueprint', got: 'another hash' })
  }
  if (row.live) return row
  throw new ConcordatError({
    code: 'BLUEPRINT_NOT_LIVE',
    expected: 'a version that its members have approved',
    got: 'one that waits for approvals',
    missing: fixedMembers(row.skeleton).filter((member) => !row.approvals.includes(member)),
  })
}

/** Sorted ids of the members that the skeleton fixes to roles. */
export function fixedMembers(skeleton: Skeleton): string[] {
  const members = skeleton.roles.flatMap((role) => (role.member === null ? [] : [role.member]))
  return [...new Set(members)].sort()
}

/** Sorted ids of the members fixed in or acceded to a version. */
export function electorsOf(row: BlueprintRow): string[] {
  return [...new Set([...fixedMembers(row.skeleton), ...Object.values(row.acceded).flat()])].sort()
}

/** Who may be bound to a role: its fixed or acceded members, or for a person's role those of the roles that serve it (RULES 14). */
export function isEligible(row: BlueprintRow, roleId: string, member: string): boolean {
  const role = row.skeleton.roles.find((candidate) => candidate.id === roleId)
  if (role === undefined) return false
  if (role.kind === 'person') return role.servedBy.some((server) => isEligible(row, server, member))
  return role.member === member || (Object.hasOwn(row.acceded, roleId) && row.acceded[roleId]!.includes(member))
}

/** Whether a member takes new cases in a role, its own or that of a person whom it serves (RULES 12). */
export function takesRole(row: BlueprintRow, roleId: string, member: string): boolean {
  const role = row.skeleton.roles.find((candidate) => candidate.id === roleId)
  if (role?.kind === 'person') {
    const own = role.servedBy.filter((server) => isEligible(row, server, member))
    return own.length === 0 || own.some((server) => takesRole(row, server, member))
  }
  return !Object.hasOwn(row.suspended, roleId) || !row.suspended[roleId]!.includes(member)
}

/** Every fixed role takes part in every case, and the signer in the role that starts one. */
export function verifyTakesCases(row: BlueprintRow, signer: string): void {
  const { roles, steps, start } = row.skeleton
  const startRole = steps.find(({ id }) => id === start)?.role
  for (const { id, member } of roles) {
    const taker = member ?? (id === startRole ? signer : null)
    if (taker !== null && !takesRole(row, id, taker)) throw roleSuspended(id)
  }
}

export function roleSuspended(role: string): ConcordatError {
  return new ConcordatError({
    code: 'ROLE_SUSPENDED',
    expected: 'a member that takes new cases in the role',
    got: 'one that has suspended it',
    role,
  })
}
