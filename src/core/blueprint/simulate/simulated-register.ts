import { digest } from '../../crypto/hash.ts'
import type { Skeleton } from '../../ledger/skeleton.ts'
import { type BlueprintRow, type RegisterRow, type Rows, rowValue } from '../../ledger/state.ts'
import { type Blueprint, blueprintHash } from '../blueprint.ts'
import { skeletonOf } from '../skeleton.ts'

/** A register in which the blueprint is live and every member has acceded to every open role: what a case needs, without keys. */
export interface SimulatedRegister {
  blueprint: Blueprint
  skeleton: Skeleton
  /** The blueprint's hash. */
  bp: string
  register: RegisterRow
  rows: Rows
  /** Sorted ids of all members, those that the blueprint fixes included. */
  members: readonly string[]
}

/** `members` are ids of voting members in standing; those in fixed roles need not be named. Refuses a template. */
export function simulateRegister(blueprint: Blueprint, members: readonly string[]): SimulatedRegister {
  const skeleton = skeletonOf(blueprint)
  const fixed = skeleton.roles.flatMap(({ member }) => (member === null ? [] : [member]))
  const all = [...new Set([...members, ...fixed])].sort()
  const bp = blueprintHash(blueprint)
  const one = { count: 1 }
  const register: RegisterRow = {
    id: digest('simulated register'),
    rules: 1,
    ordering: 'hosted',
    term: 0,
    sequencer: all[0] ?? '',
    terms: [],
    thresholds: { admit: one, remove: one, rules: one },
    founders: all,
    purpose: 'simulation',
    reason: 'simulation',
    members: all.map((id) => ({ id, voting: true, operator: id, standing: 'in', checkpoint: null })),
    founding: 0,
    configurations: [],
  }
  const open = skeleton.roles.filter((role) => role.open)
  const row: BlueprintRow = {
    proposal: digest('simulated proposal'),
    expires: 0,
    skeleton,
    live: true,
    since: 0,
    approvals: all,
    acceded: Object.fromEntries(open.map(({ id }) => [id, all])),
    moves: null,
    suspended: {},
  }
  const rows = new Map([
    ['register', rowValue(register)],
    [`blueprint/${bp}`, rowValue(row)],
  ])
  return { blueprint, skeleton, bp, register, rows, members: all }
}

/** The members that may hold a role: the one that it is fixed to, or all; for a person's role those of the roles that serve it. */
export function eligibleMembers({ skeleton, members }: SimulatedRegister, roleId: string): readonly string[] {
  const role = skeleton.roles.find(({ id }) => id === roleId)
  if (role === undefined) return []
  if (role.member !== null) return [role.member]
  if (role.open) return members
  const served = role.servedBy.flatMap((server) => {
    const serving = skeleton.roles.find(({ id }) => id === server)
    return serving?.member != null ? [serving.member] : members
  })
  return [...new Set(served)].sort()
}
