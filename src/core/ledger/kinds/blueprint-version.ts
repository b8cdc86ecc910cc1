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
