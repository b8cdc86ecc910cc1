import { ConcordatError } from '../../error.ts'
import type { SuspendClaims } from '../claims.ts'
import type { StateRow } from '../state.ts'
import { isEligible, verifyLive } from './blueprint-version.ts'
import type { EntryContext } from './context.ts'

/** RULES 12: stops, or resumes, new cases of a member's own roles, at once. Running cases go on. */
export function applySuspend({ rows, claims }: EntryContext<SuspendClaims>): { [key: string]: StateRow } {
  const { bp, iss, roles, suspended } = claims
  const blueprint = verifyLive(rows, bp)
  const changed = { ...blueprint.suspended }
  for (const role of roles) {
    const own = blueprint.skeleton.roles.some(({ id, kind }) => id === role && kind === 'member')
    if (!own || !isEligible(blueprint, role, iss)) {
      throw new ConcordatError({
        code: 'SUSPEND_NOT_OWN_ROLE',
        expected: 'roles that are fixed to the member or that it acceded to',
        got: 'another role',
        role,
      })
    }
    const members = Object.hasOwn(changed, role) ? changed[role]! : []
    if (members.includes(iss) === suspended) {
      throw new ConcordatError({
        code: 'SUSPEND_CHANGES_NOTHING',
        expected: suspended ? 'a role that is not suspended' : 'a suspended role',
        got: 'another one',
        role,
      })
    }
    changed[role] = suspended ? [...members, iss] : members.filter((member) => member !== iss)
  }
  return { [`blueprint/${bp}`]: { ...blueprint, suspended: changed } }
}
