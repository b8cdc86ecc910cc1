import { caseAsOf } from './case-as-of.ts'
import { skeletonOf, stepIn } from './case-version.ts'
import type { Skeleton } from './skeleton.ts'
import { findStep } from './skeleton.ts'
import type { CaseRecord, CaseRow } from './state.ts'

/** A grant that the signer of `record` owes to the member bound to `role`, by the entry that authorises it (RULES 23). */
export interface GrantDue {
  record: string
  role: string
  member: string
  /** Entry id, index and leaf time of the authorising entry. */
  authorisedBy: string
  authorisedIndex: number
  authorisedTime: number
  /** Indexes of the groups that it opens, rising. */
  groups: number[]
}

/**
 * All grants that the case's entries authorise, by record and then by authorising entry, as they stand on the register.
 * `skeleton` is that of the version under which the row stands.
 */
export function grantsDue(skeleton: Skeleton, caseRow: CaseRow): GrantDue[] {
  return caseRow.records.flatMap((record) => grantsDueOf(skeleton, caseRow, record))
}

/** The grants of one record to one role; none if the skeleton does not entitle the role or nothing authorises one yet. */
export function findGrantsDue(skeleton: Skeleton, caseRow: CaseRow, recordId: string, role: string): GrantDue[] {
  const record = caseRow.records.find((candidate) => candidate.id === recordId)
  if (record === undefined) return []
  return grantsDueOf(skeleton, caseRow, record).filter((grant) => grant.role === role)
}

/** All grants of one record that the case's entries have ever authorised, also to members whose binding was undone since. */
export function grantsEverDue(skeleton: Skeleton, caseRow: CaseRow, record: CaseRecord): GrantDue[] {
  // What undoes bindings: that a record becomes void, and that the case moves. Between two of those they only become more.
  const undone = [...caseRow.records, ...caseRow.acts].flatMap(({ void: by }) => by ?? [])
  const moves = caseRow.versions.map(({ bp }) => caseRow.records.findLast((last) => last.bp === bp)!.index + 1)
  const sizes = [...new Set([...undone, ...moves])].filter((size) => size > record.index)
  return [caseRow, ...sizes.map((size) => caseAsOf(caseRow, skeleton, size))].flatMap((row) => {
    const found = row.records.find(({ id }) => id === record.id)
    return found === undefined ? [] : grantsDueOf(skeletonOf(caseRow, skeleton, row.bp), row, found)
  })
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
  for (const [index, group] of (
    findStep(skeletonOf(caseRow, skeleton, record.bp), record.step)?.groups ?? []
  ).entries()) {
    for (const [role, disclosingStep] of group.audience) {
      const authorising = findAuthorising(caseRow, record, role, disclosingStep)
      if (authorising !== undefined) addGroup(grants, caseRow, record, role, authorising, index)
    }
  }
  return grants.sort((a, b) => a.authorisedIndex - b.authorisedIndex || (a.role < b.role ? -1 : 1))
}

/**
 * The latest of the entry that discloses the group, the entry that bound the role, and the record itself; before that none exists
 * (RULES 23). A record that took another's place goes to whoever was shown that one (RULES 17); a void one to nobody new.
 */
function findAuthorising(
  caseRow: CaseRow,
  record: CaseRecord,
  role: string,
  disclosingStep: string,
): CaseRecord | undefined {
  const binding = Object.hasOwn(caseRow.roles, role) ? caseRow.roles[role] : undefined
  if (binding === undefined) return undefined
  const disclosing = findDisclosing(caseRow, record, disclosingStep)
  if (disclosing === undefined || binding.by === null) return disclosing
  const bound = caseRow.records.find((candidate) => candidate.id === binding.by)
  if (bound === undefined) return undefined
  return bound.index > disclosing.index ? bound : disclosing
}

function findDisclosing(caseRow: CaseRow, record: CaseRecord, disclosingStep: string): CaseRecord | undefined {
  if (disclosingStep === record.step) return record
  // In a loop a step's record is disclosed by the first record of the later step that follows it.
  const first = corrected(caseRow, record)
  const found = caseRow.records.find((candidate) => {
    const step = stepIn(caseRow.versions, { bp: record.bp, step: disclosingStep }, candidate.bp)
    return candidate.step === step && candidate.index > first.index && !isOffer(caseRow, candidate)
  })
  if (found === undefined || (record.void !== null && found.index > record.void)) return undefined
  return found.index > record.index ? found : record
}

/** The record that a chain of corrections began with. */
function corrected(caseRow: CaseRow, record: CaseRecord): CaseRecord {
  const before = caseRow.records.find(({ id }) => id === record.replaces)
  return before === undefined || !isOffer(caseRow, record) ? record : corrected(caseRow, before)
}

/** A correction opens nothing and discloses nothing of others: it stands in for its record. */
function isOffer(caseRow: CaseRow, { bp, step, replaces }: CaseRecord): boolean {
  const replaced = caseRow.records.find(({ id }) => id === replaces)
  return replaced !== undefined && stepIn(caseRow.versions, replaced, bp) === step
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
