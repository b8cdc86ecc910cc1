import type { Skeleton } from './skeleton.ts'
import { findStep } from './skeleton.ts'
import type { CaseRecord, CaseRow } from './state.ts'

/** A grant that the signer of `record` owes to the member bound to `role`, by the entry that authorises it (RULES 23). */
export interface GrantDue {
  record: string
  recordStep: string
  role: string
  member: string
  /** Entry id, index and leaf time of the authorising entry. */
  authorisedBy: string
  authorisedIndex: number
  authorisedTime: number
  /** Indexes of the groups that it opens, rising. */
  groups: number[]
}

/** All grants that the case's entries authorise, by record and then by authorising entry, as they stand on the register. */
export function grantsDue(skeleton: Skeleton, caseRow: CaseRow): GrantDue[] {
  return caseRow.records.flatMap((record) => grantsDueOf(skeleton, caseRow, record))
}

/** The grants of one record to one role; none if the skeleton does not entitle the role or nothing authorises one yet. */
export function findGrantsDue(skeleton: Skeleton, caseRow: CaseRow, recordId: string, role: string): GrantDue[] {
  const record = caseRow.records.find((candidate) => candidate.id === recordId)
  if (record === undefined) return []
  return grantsDueOf(skeleton, caseRow, record).filter((grant) => grant.role === role)
}

/** The grant that one entry authorises; undefined refuses a delivery that none does. */
export function findGrantDue(
  skeleton: Skeleton,
  caseRow: CaseRow,
  grant: { record: string; role: string; authorisedBy: string },
): GrantDue | undefined {
  return findGrantsDue(skeleton, caseRow, grant.record, grant.role).find(
    (due) => due.authorisedBy === grant.authorisedBy,
  )
}

function grantsDueOf(skeleton: Skeleton, caseRow: CaseRow, record: CaseRecord): GrantDue[] {
  const grants: GrantDue[] = []
  for (const [index, group] of (findStep(skeleton, record.step)?.groups ?? []).entries()) {
    for (const [role, disclosingStep] of group.audience) {
      const authorising = findAuthorising(caseRow, record, role, disclosingStep)
      if (authorising !== undefined) addGroup(grants, caseRow, record, role, authorising, index)
    }
  }
  return grants.sort((a, b) => a.authorisedIndex - b.authorisedIndex || (a.role < b.role ? -1 : 1))
}

/** The later of the entry that discloses the group and the entry that bound the role; before both none exists (RULES 23). */
function findAuthorising(
  caseRow: CaseRow,
  record: CaseRecord,
  role: string,
  disclosingStep: string,
): CaseRecord | undefined {
  const binding = Object.hasOwn(caseRow.roles, role) ? caseRow.roles[role] : undefined
  if (binding === undefined) return undefined
  // In a loop a step's record is disclosed by the first record of the later step that follows it.
  const disclosing =
    disclosingStep === record.step
      ? record
      : caseRow.records.find((candidate) => candidate.step === disclosingStep && candidate.index > record.index)
  if (disclosing === undefined || binding.by === null) return disclosing
  const bound = caseRow.records.find((candidate) => candidate.id === binding.by)
  if (bound === undefined) return undefined
  return bound.index > disclosing.index ? bound : disclosing
}

function addGroup(
  grants: GrantDue[],
  caseRow: CaseRow,
  record: CaseRecord,
  role: string,
  authorising: CaseRecord,
  index: number,
): void {
  const grant = grants.find((candidate) => candidate.role === role && candidate.authorisedBy === authorising.id)
  if (grant === undefined) {
    grants.push({
      record: record.id,
      recordStep: record.step,
      role,
      member: caseRow.roles[role]!.member,
      authorisedBy: authorising.id,
      authorisedIndex: authorising.index,
      authorisedTime: authorising.time,
      groups: [index],
    })
  } else if (!grant.groups.includes(index)) {
    grant.groups.push(index)
  }
}
