import type { ActionFact, NaiveCase } from './naive-case.ts'
import { pictureOf } from './naive-picture.ts'

export interface NaiveGrant {
  record: string
  role: string
  member: string
  authorisedBy: string
  authorisedTime: number
  groups: number[]
}

/** RULES 23: who is owed which groups of which record, by which entry. */
export function naiveGrants(whole: NaiveCase): NaiveGrant[] {
  const { roles } = pictureOf(whole)
  const grants = new Map<string, NaiveGrant>()
  for (const record of whole.records) {
    for (const [group, { audience }] of whole.stepOf(record).groups.entries()) {
      for (const [role, step] of audience) {
        const binding = roles[role]
        const disclosing = disclosingRecord(whole, record, step)
        if (binding === undefined || disclosing === undefined) continue
        const by = latest([record, disclosing, whole.record(binding.by) ?? record])
        const key = [record.id, role, by.id].join()
        const grant = grants.get(key) ?? {
          record: record.id,
          role,
          member: binding.member,
          authorisedBy: by.id,
          authorisedTime: by.time,
          groups: [],
        }
        if (!grant.groups.includes(group)) grant.groups.push(group)
        grants.set(key, grant)
      }
    }
  }
  return [...grants.values()]
}

/**
 * A step discloses its own record at once and an earlier one by its first record after that. A correction discloses what it
 * corrects the place of, and nothing else; what was void by then is shown to nobody new.
 */
function disclosingRecord(whole: NaiveCase, record: ActionFact, step: string): ActionFact | undefined {
  if (step === record.claims.step) return record
  let original = record
  while (whole.isCorrection(original)) original = whole.record(original.claims.replaces)!
  const found = whole.records.find((other) => {
    const isLater = other.index > original.index && !whole.isCorrection(other)
    return isLater && whole.translate(step, record.claims.bp, other.claims.bp) === other.claims.step
  })
  const voidBy = whole.voids().get(record.id)
  return found === undefined || (voidBy !== undefined && found.index > voidBy.index) ? undefined : found
}

function latest(records: readonly ActionFact[]): ActionFact {
  return records.reduce((a, b) => (b.index > a.index ? b : a))
}
