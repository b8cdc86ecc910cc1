import { ConcordatError } from '../../error.ts'
import type { ErasedClaims } from '../claims.ts'
import { type CaseRow, findRecalls, type RecallsRow, type StateRow } from '../state.ts'
import { getCaseOf, tookPart } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/** RULES 19, 25: the answer to a recall, or that a member has destroyed keys of a case by itself. Once each, in an ended case too. */
export function applyErased({ rows, claims, id, leaf }: EntryContext<ErasedClaims>): { [key: string]: StateRow } {
  const { iss, recall, opened } = claims
  const { row } = getCaseOf(rows, claims)
  const before = findRecalls(rows, claims.case) ?? { recalls: [], erasures: [] }
  verifyConcerned(row, before, { iss, recall })
  if (before.erasures.some((erasure) => erasure.iss === iss && erasure.recall === recall)) {
    throw new ConcordatError({
      code: 'ERASED_REPEATED',
      expected: 'one entry a member for each recall, and one for its own erasures',
      got: 'a second one',
    })
  }
  const erasure = { id, iss, ...leaf, recall, opened }
  return { [`recalls/${claims.case}`]: { ...before, erasures: [...before.erasures, erasure] } }
}

function verifyConcerned(row: CaseRow, { recalls }: RecallsRow, erased: { iss: string; recall: string | null }): void {
  const recall = recalls.find(({ id }) => id === erased.recall)
  if (erased.recall !== null && recall === undefined) {
    throw new ConcordatError({ code: 'RECALL_UNKNOWN', expected: 'a recall of the case', got: 'another id' })
  }
  if (recall === undefined ? tookPart(row, erased.iss) : recall.recipients.includes(erased.iss)) return
  throw new ConcordatError({
    code: 'ERASED_NOT_ALLOWED',
    expected: recall === undefined ? 'a member that took part in the case' : 'a member that the recall reaches',
    got: 'another member',
  })
}
