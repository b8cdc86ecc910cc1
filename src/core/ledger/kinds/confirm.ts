import { ConcordatError } from '../../error.ts'
import { CaseProgress } from '../case-progress.ts'
import type { ConfirmClaims } from '../claims.ts'
import type { StateRow } from '../state.ts'
import { getCaseOf, getRecord, verifyBoundSigner } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/** RULES 16. One no decides; after the deadline a yes or no still counts until somebody enters the default. */
export function applyConfirm(context: EntryContext<ConfirmClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const { row, blueprint } = getCaseOf(rows, claims)
  const record = getRecord(row, claims.record)
  verifyBoundSigner(row, claims)
  if (record.iss === claims.iss) {
    throw new ConcordatError({
      code: 'CONFIRM_BY_SIGNER',
      expected: "another member's record",
      got: "the member's own",
    })
  }
  const waiting = row.confirmations.find((confirmation) => confirmation.record === record.id)
  if (waiting?.roles.includes(claims.as) !== true) {
    throw new ConcordatError({
      code: 'CONFIRM_NOT_OPEN',
      expected: 'a record that waits for this role',
      got: 'another one',
      role: claims.as,
    })
  }
  const { as, iss, accept } = claims
  const progress = CaseProgress.of(row, blueprint.skeleton)
  progress.apply({ kind: 'confirm', id, as, iss, ...leaf, record: record.id, accept, void: null })
  return { [`case/${claims.case}`]: progress.row() }
}
