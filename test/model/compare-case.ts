import type { JsonValue } from '../../src/core/canonical-json.ts'
import { grantsDue } from '../../src/core/ledger/grants-due.ts'
import type { Skeleton } from '../../src/core/ledger/skeleton.ts'
import type { CaseRow } from '../../src/core/ledger/state.ts'
import { naiveDeadline } from './naive-deadline.ts'
import { naiveGrants } from './naive-grants.ts'
import type { NaiveMoment } from './naive-register.ts'

/** What a case row says, in the form of the model, lists whose order means nothing sorted. */
export function saidByRow(row: CaseRow, skeleton: Skeleton): JsonValue {
  const grants = grantsDue(skeleton, row).map(({ authorisedIndex: _, ...grant }) => grant)
  return plain({
    bp: row.bp,
    versions: [...row.versions.map(({ bp }) => bp), row.bp],
    roles: Object.fromEntries(Object.entries(row.roles).map(([role, { member, by }]) => [role, { member, by }])),
    openings: sorted(row.openings),
    arrivals: sorted(row.arrivals),
    confirmations: sorted(row.confirmations),
    review: row.review,
    ended: row.ended,
    endedAt: row.endedAt,
    changed: row.changed,
    voids: Object.fromEntries(
      [...row.records, ...row.disputes, ...row.acts].flatMap((entry) =>
        entry.void === null ? [] : [[entry.id, entry.void]],
      ),
    ),
    replaced: Object.fromEntries(
      row.records.flatMap(({ id, replacedBy }) => (replacedBy === null ? [] : [[id, replacedBy]])),
    ),
    disputes: row.disputes.map(({ id, due, end }) => ({ id, due, end })),
    grants: sorted(grants),
  })
}

/** The same of the model. */
export function saidByModel({ size, whole, picture, review, ended, endedAt }: NaiveMoment): JsonValue {
  const voids = whole.voids()
  const ends = whole.ends()
  return plain({
    bp: picture.bp,
    versions: whole.versions,
    roles: picture.roles,
    openings: sorted(picture.openings),
    arrivals: sorted(picture.arrivals),
    confirmations: sorted(picture.confirmations),
    review,
    ended,
    endedAt,
    changed: size - 1,
    voids: Object.fromEntries([...voids].map(([id, by]) => [id, by.index])),
    replaced: Object.fromEntries(whole.replacements(voids)),
    disputes: whole.disputes.map(({ id, time, claims }) => {
      const end = ends.get(id)
      return {
        id,
        due: naiveDeadline(time, whole.stepOf(whole.record(claims.record)!).dispute!.deadline),
        end: end === undefined ? null : { outcome: end.outcome, by: end.by.id, index: end.by.index },
      }
    }),
    grants: sorted(naiveGrants(whole)),
  })
}

/** Keys sorted too: two objects that say the same are written the same. */
function plain(value: object): JsonValue {
  return JSON.parse(text(value)) as JsonValue
}

function sorted(items: readonly object[]): JsonValue[] {
  return items
    .map(text)
    .sort()
    .map((item) => JSON.parse(item) as JsonValue)
}

function text(value: object): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
