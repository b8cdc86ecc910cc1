import { ConcordatError } from '../../error.ts'
import { isVotingInStanding, type RegisterRow, type Rows } from '../state.ts'

/** What a kind's rules decide on. The entry's signature, register, time, jti and signer are already checked. */
export interface EntryContext<Claims> {
  rows: Rows
  register: RegisterRow
  claims: Claims
  /** Entry id. */
  id: string
  leaf: { index: number; time: number }
}

/** An observing member approves nothing and fills no role (RULES 6). */
export function verifyVoting(register: RegisterRow, member: string): void {
  if (isVotingInStanding(register, member)) return
  throw new ConcordatError({ code: 'SIGNER_OBSERVES', expected: 'a voting member', got: 'an observing one' })
}
