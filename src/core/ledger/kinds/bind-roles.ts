import { ConcordatError } from '../../error.ts'
import type { ActionClaims } from '../claims.ts'
import type { SkeletonStep } from '../skeleton.ts'
import { type BlueprintRow, isVotingInStanding, type RegisterRow, type RoleBinding } from '../state.ts'
import { isEligible, roleSuspended, takesRole } from './blueprint-version.ts'

type Roles = { [role: string]: RoleBinding }

interface Binding {
  register: RegisterRow
  blueprint: BlueprintRow
  step: SkeletonStep
  claims: ActionClaims
  bound: Roles
  /** At the start of a case the signer binds itself. */
  binding: 'start' | 'later'
}

/** A record binds roles once, at a step that may, to eligible members, distinct ones apart (RULES 14). */
export function verifyBindings({ register, blueprint, step, claims, bound, binding }: Binding): void {
  if (binding === 'start') verifyStartRole(bound, claims)
  const names = Object.keys(claims.bind)
  if (names.length === 0) return
  const roles = { ...bound }
  for (const role of names.sort()) {
    const { member } = claims.bind[role]!
    if (Object.hasOwn(roles, role)) throw alreadyBound(roles, role)
    if (!step.binds.includes(role) && !(binding === 'start' && role === claims.as)) throw bindNotAllowed(role)
    if (!isVotingInStanding(register, member) || !isEligible(blueprint, role, member)) {
      throw new ConcordatError({
        code: 'ROLE_NOT_ELIGIBLE',
        expected: 'a voting member in standing that approved or acceded to this version for the role',
        got: 'another member',
        role,
      })
    }
    if (!takesRole(blueprint, role, member)) throw roleSuspended(role)
    roles[role] = { member, pk: null, by: null }
  }
  verifyDistinct(blueprint, roles, names)
}

/** A fixed start role is bound already, to the member that must sign; any other one is bound by its signer to itself. */
function verifyStartRole(bound: Roles, { as, iss, bind }: ActionClaims): void {
  if (Object.hasOwn(bound, as)) {
    if (bound[as]!.member === iss) return
    throw new ConcordatError({
      code: 'SIGNER_NOT_BOUND_TO_ROLE',
      expected: 'the member bound to the role',
      got: 'another member',
      role: as,
    })
  }
  if (Object.hasOwn(bind, as) && bind[as]!.member === iss) return
  throw new ConcordatError({
    code: 'START_ROLE_NOT_BOUND',
    expected: 'the start role bound to the signer',
    got: 'another binding or none',
    role: as,
  })
}

/** Of the roles that are bound now: others may have been bound alike under a version that allowed it. */
function verifyDistinct({ skeleton }: BlueprintRow, roles: Roles, bound: readonly string[]): void {
  for (const set of skeleton.distinct) {
    if (!set.some((role) => bound.includes(role))) continue
    const members = set.flatMap((role) => (Object.hasOwn(roles, role) ? [roles[role]!.member] : []))
    if (new Set(members).size === members.length) continue
    throw new ConcordatError({
      code: 'ROLES_NOT_DISTINCT',
      expected: 'different members in these roles',
      got: 'one in two of them',
      roles: set,
    })
  }
}

function alreadyBound(roles: Roles, role: string): ConcordatError {
  // Fixed roles never appear in a bind.
  if (roles[role]!.by === null) return bindNotAllowed(role)
  return new ConcordatError({ code: 'ROLE_ALREADY_BOUND', expected: 'an unbound role', got: 'a bound one', role })
}

function bindNotAllowed(role: string): ConcordatError {
  return new ConcordatError({
    code: 'BIND_NOT_ALLOWED',
    expected: 'roles that this step may bind',
    got: 'another role',
    role,
  })
}
