import { ConcordatError } from '../../error.ts'
import type { RevokeClaims } from '../claims.ts'
import { findMember, type MemberRow, REVOCABLE_USES, type StateRow } from '../state.ts'
import type { EntryContext } from './context.ts'

/** RULES 9: from this entry's index on, the key signs nothing that counts, and no later member entry brings it back. */
export function applyRevoke({ rows, claims, leaf }: EntryContext<RevokeClaims>): { [key: string]: StateRow } {
  const { iss, key: kid, since } = claims
  const row = findMember(rows, iss)!
  const use = REVOCABLE_USES.find((candidate) => row.keys[candidate].some((key) => key.kid === kid))
  if (use === undefined) {
    throw new ConcordatError({
      code: 'REVOKE_NOT_ALLOWED',
      expected: "one of the member's record or request keys",
      got: row.keys.governance.some((key) => key.kid === kid) ? 'a governance key' : 'another key',
    })
  }
  if (since !== null && since >= leaf.index) {
    throw new ConcordatError({
      code: 'CLAIM_INVALID',
      expected: 'an index before this entry',
      got: String(since),
      at: '/since',
    })
  }
  const keys: MemberRow['keys'] = { ...row.keys, [use]: row.keys[use].filter((key) => key.kid !== kid) }
  const revoked = [...row.revoked, { kid, use, since, index: leaf.index }]
  return { [`member/${iss}`]: { ...row, keys, revoked } }
}
