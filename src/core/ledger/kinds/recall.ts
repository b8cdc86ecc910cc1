import { ConcordatError } from '../../error.ts'
import type { RecallClaims } from '../claims.ts'
import { grantsEverDue } from '../grants-due.ts'
import { type CaseRecord, type CaseRow, findRecalls, type RecallsRow, type StateRow } from '../state.ts'
import { getCaseOf } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/**
 * RULES 19: takes back groups that others were granted by mistake, in a case that has ended too. A recalled record is not void, and
 * a void one can be recalled: what was shown of it is with its recipients all the same.
 */
export function applyRecall({ rows, claims, id, leaf }: EntryContext<RecallClaims>): { [key: string]: StateRow } {
  const { as, iss, records, reason } = claims
  const { row, blueprint } = getCaseOf(rows, claims)
  const before = findRecalls(rows, claims.case) ?? { recalls: [], erasures: [] }
  const recipients = new Set<string>()
  for (const [recordId, groups] of Object.entries(records)) {
    const record = getOwnRecord(row, recordId, { as, iss })
    verifyNotRecalled(before, recordId, groups)
    const grants = grantsEverDue(blueprint.skeleton, row, record).filter(({ member }) => member !== iss)
    for (const group of groups) {
      const granted = grants.filter((grant) => grant.groups.includes(group))
      if (granted.length === 0) throw notGranted()
      for (const { member } of granted) recipients.add(member)
    }
  }
  const recall = { id, as, iss, ...leaf, reason, records, recipients: [...recipients].sort() }
  return { [`recalls/${claims.case}`]: { ...before, recalls: [...before.recalls, recall] } }
}

/** Whatever became of the signer's binding since: what it signed in a role is its own to take back. */
function getOwnRecord(row: CaseRow, id: string, { as, iss }: { as: string; iss: string }): CaseRecord {
  const record = row.records.find((candidate) => candidate.id === id)
  if (record === undefined) {
    throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'records of the case', got: 'another id' })
  }
  if (record.iss === iss && record.as === as) return record
  throw new ConcordatError({
    code: 'RECALL_NOT_ALLOWED',
    expected: 'records that the signer made in this role',
    got: 'another one',
    role: as,
  })
}

function verifyNotRecalled({ recalls }: RecallsRow, record: string, groups: readonly number[]): void {
  const recalled = recalls.flatMap(({ records }) => (Object.hasOwn(records, record) ? records[record]! : []))
  if (!groups.some((group) => recalled.includes(group))) return
  throw new ConcordatError({
    code: 'RECALL_REPEATED',
    expected: 'groups that no entry has recalled',
    got: 'one that was recalled',
  })
}

function notGranted(): ConcordatError {
  return new ConcordatError({
    code: 'RECALL_NOT_GRANTED',
    expected: 'groups that some entry has authorised a grant of to another member',
    got: 'one that nobody else was granted',
  })
}
