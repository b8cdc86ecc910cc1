/** What an import had to leave out, change or assume. Stable, for programs; docs/operating/cli.md says what each kind is for. */
export type LossKind =
  // routes
  | 'DEAD_END'
  | 'JOIN_ADDED'
  | 'REJECTION_AS_FIELDS'
  | 'ROUTE_ASSUMED'
  | 'ROUTE_DROPPED'
  | 'ROUTING_INTERPRETED'
  | 'START_DROPPED'
  // rules
  | 'CALCULATION_DROPPED'
  | 'RULE_DEFAULT_ASSUMED'
  | 'RULE_INPUT_ADDED'
  | 'RULE_READS_UNSEEN'
  | 'RULE_ROUNDED'
  // fields
  | 'FIELD_RENAMED'
  | 'SCHEMA_CHANGED'
  | 'SCHEMA_KEYWORD_DROPPED'
  // who sees what
  | 'DISCLOSES_UNSEEN'
  | 'DISCLOSURE_DROPPED'
  | 'DISCLOSURE_MISSING'
  // who
  | 'MEMBERS_ASSUMED'
  | 'PERSON_SUSPECTED'
  | 'SUBJECT_ASSUMED'
  // the rest
  | 'FORM_DROPPED'
  | 'NOT_CARRIED'
  | 'TEMPLATE_EXPANDED'
  | 'TEXT_SHORTENED'
  | 'TO_BE_WRITTEN'

export interface Loss {
  kind: LossKind
  /** RFC 6901 pointer into the source; the first place where there are several. */
  at: string
  what: string
  why: string
  /** How many places of the source this is about. */
  count: number
}

/** Collects losses; the same one at several places is one with a count. */
export class Losses {
  readonly #found = new Map<string, Loss>()

  add(kind: LossKind, at: string, what: string, why: string): void {
    const key = JSON.stringify([kind, what, why])
    const known = this.#found.get(key)
    if (known) known.count += 1
    else this.#found.set(key, { kind, at, what, why, count: 1 })
  }

  list(): Loss[] {
    return [...this.#found.values()]
  }
}
