import type { JsonObject } from '../canonical-json.ts'
import { historyOf } from '../ledger/case-history.ts'
import { grantsDue } from '../ledger/grants-due.ts'
import type { Skeleton } from '../ledger/skeleton.ts'
import type { CaseRecord, CaseRow } from '../ledger/state.ts'
import { type Blueprint, documentStepId } from './blueprint.ts'
import { groupsOf } from './groups.ts'
import { getAt, join, split } from './pointer.ts'
import type { View } from './view.ts'

/** Groups of a record that its signer granted to a member in a role, as the register authorised it. */
export interface Shown {
  record: string
  /** Document step id. */
  step: string
  role: string
  member: string
  /** Group indexes. */
  groups: number[]
  /** The fields of these groups that are filled in. */
  fields: string[]
}

/** A participant: a member in one role. What it holds in another role of its own is another matter. */
export interface Holder {
  role: string
  member: string
}

/** What everyone holds of one case if each grant is delivered at once. It only grows: what was shown cannot be taken back. */
export class CaseSight {
  readonly #blueprint: Blueprint
  /** By record. */
  readonly #data: ReadonlyMap<string, JsonObject>
  /** Group indexes by record and holder. */
  readonly #granted: ReadonlyMap<string, readonly number[]>

  private constructor(
    blueprint: Blueprint,
    data: ReadonlyMap<string, JsonObject>,
    granted: ReadonlyMap<string, readonly number[]>,
  ) {
    this.#blueprint = blueprint
    this.#data = data
    this.#granted = granted
  }

  static empty(blueprint: Blueprint): CaseSight {
    return new CaseSight(blueprint, new Map(), new Map())
  }

  withRecord(id: string, data: JsonObject): CaseSight {
    return new CaseSight(this.#blueprint, new Map(this.#data).set(id, data), this.#granted)
  }

  /** With what the case's newest entry authorised, and that alone. */
  grant(skeleton: Skeleton, row: CaseRow): { sight: CaseSight; shown: Shown[] } {
    const granted = new Map(this.#granted)
    const shown = new Map<string, Shown>()
    for (const { record: id, role, member, groups } of grantsDue(skeleton, row)) {
      const key = keyOf(id, { role, member })
      const before = granted.get(key) ?? []
      const added = groups.filter((index) => !before.includes(index))
      if (added.length === 0) continue
      granted.set(key, [...before, ...added])
      const record = row.records.find((candidate) => candidate.id === id)!
      const step = documentStepId(this.#blueprint, record.step)
      const all = [...(shown.get(key)?.groups ?? []), ...added]
      shown.set(key, { record: id, step, role, member, groups: all, fields: this.#filledIn(id, step, all) })
    }
    return { sight: new CaseSight(this.#blueprint, this.#data, granted), shown: [...shown.values()] }
  }

  dataOf(record: string): JsonObject {
    return this.#data.get(record) ?? {}
  }

  /** The fields of a record that a holder sees, present in it or not: its own all, of others' what it was granted. */
  fieldsSeen(record: CaseRecord, holder: Holder): string[] {
    const step = documentStepId(this.#blueprint, record.step)
    const own = record.as === holder.role && record.iss === holder.member
    const granted = this.#granted.get(keyOf(record.id, holder)) ?? []
    return groupsOf(this.#blueprint, step).flatMap(({ index, fields }) => {
      return index > 0 && (own || granted.includes(index)) ? fields : []
    })
  }

  visible(record: CaseRecord, holder: Holder): JsonObject {
    const sees = this.fieldsSeen(record, holder)
    return join(split(this.dataOf(record.id)).filter(([pointer]) => sees.includes(pointer)))
  }

  /**
   * What a holder holds in the causal history that ends with `prev`, as an entry of index `before` finds it; roles are bound as
   * records below `boundBefore` bound them.
   */
  view(row: CaseRow, holder: Holder, at: { prev: readonly string[]; before: number; boundBefore: number }): View {
    const newest = new Map(
      historyOf(row, at.prev, at.before).map((record) => [documentStepId(this.#blueprint, record.step), record]),
    )
    const each = <T>(value: (record: CaseRecord) => T) =>
      Object.fromEntries([...newest].map(([step, record]) => [step, value(record)]))
    return {
      values: each((record) => this.visible(record, holder)),
      sees: each((record) => this.fieldsSeen(record, holder)),
      bound: boundRoles(row, at.boundBefore),
    }
  }

  /** The fields `<step>:<pointer>` of other roles' records that a role was shown, filled in, sorted, over all records. */
  seenBy(row: CaseRow, role: string): string[] {
    const seen = row.records.flatMap((record) => {
      if (record.as === role) return []
      const step = documentStepId(this.#blueprint, record.step)
      const groups = [...this.#granted].flatMap(([key, indexes]) => {
        const [id, holderRole] = key.split(' ')
        return id === record.id && holderRole === role ? indexes : []
      })
      return this.#filledIn(record.id, step, groups).map((pointer) => `${step}:${pointer}`)
    })
    return [...new Set(seen)].sort()
  }

  #filledIn(record: string, step: string, indexes: readonly number[]): string[] {
    const data = this.dataOf(record)
    return groupsOf(this.#blueprint, step)
      .filter(({ index }) => index > 0 && indexes.includes(index))
      .flatMap(({ fields }) => fields.filter((pointer) => getAt(data, pointer) !== undefined))
      .sort()
  }
}

/** Roles as bound by the records below `before` that counted then; whoever started the case keeps its role (RULES 17). */
function boundRoles(row: CaseRow, before: number): Record<string, string> {
  const bound: Record<string, string> = {}
  for (const [role, { member, by }] of Object.entries(row.roles)) if (by === null) bound[role] = member
  for (const [place, { as, bind, index, void: voidSince }] of row.records.entries()) {
    if (index >= before) break
    const counted = voidSince === null || voidSince >= before
    for (const [role, { member }] of Object.entries(bind)) {
      if (counted || (place === 0 && role === as)) bound[role] = member
    }
  }
  return bound
}

function keyOf(record: string, { role, member }: Holder): string {
  return `${record} ${role} ${member}`
}
