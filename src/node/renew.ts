import { ConcordatError } from '../core/error.ts'
import { parseEntry } from '../core/ledger/entry.ts'
import type { Submission } from '../storage/storage.ts'
import { type Prepared, renewAction } from './act.ts'
import { renewEntry } from './case-entries.ts'
import { renewDispute } from './dispute.ts'
import { findNewestStated } from './member-keys.ts'
import { getMemberRow, type Part } from './part.ts'

/** Signs anew what can no longer enter as it is (RULES 26). Undefined for kinds that people decide upon again. */
export async function renew(part: Part, refused: Submission): Promise<Prepared | undefined> {
  if (refused.kind === 'action+sd-jwt') return renewAction(part, refused)
  return refused.kind === 'dispute' ? renewDispute(part, refused) : renewEntry(part, refused)
}

/**
 * Whether an entry that the register refused for its key may be signed with another. Only once this node's own leaves say that the key
 * is gone: signed twice while the first could still enter, it could enter twice. Throws ORDERING_UNAVAILABLE until then.
 */
export async function mayRenewKey(part: Part, refused: Submission): Promise<boolean> {
  const { kid } = parseEntry(refused.jws)
  const { keys } = await getMemberRow(part, part.member)
  if (keys.governance.some((key) => key.kid === kid)) return false
  const stillCounts = keys.record.some((key) => key.kid === kid)
  const other = findNewestStated(part.custody.publicKeys().record, keys.record)
  if (!stillCounts && other !== undefined) return true
  throw new ConcordatError({
    code: 'ORDERING_UNAVAILABLE',
    expected: 'another record key that counts here',
    got: 'none yet',
  })
}
