import type { OwnCaseClaims } from '../../src/core/ledger/case-claims.ts'
import type { Skeleton, SkeletonStep } from '../../src/core/ledger/skeleton.ts'

/** RULES 12: a version of a blueprint, and where the steps of the version that it follows went. */
export interface Version {
  skeleton: Skeleton
  follows: { bp: string; mapping: { [step: string]: string } | null } | null
}

/** Kinds that move a case on, or say something of its records that counts there. */
type FactKind = Exclude<keyof OwnCaseClaims, 'suspend' | 'recall' | 'erased'>

/** An accepted entry about a case. */
export type Fact = {
  [K in FactKind]: {
    kind: K
    id: string
    iss: string
    index: number
    time: number
    claims: OwnCaseClaims[K]
  }
}[FactKind]
export type ActionFact = Extract<Fact, { kind: 'action+sd-jwt' }>
export type DisputeFact = Extract<Fact, { kind: 'dispute' }>
export type DisputeOutcome = 'withdrawn' | 'settled' | 'upheld' | 'rejected'

/** What no skeleton of the test has. */
const NO_STEP = 's200'

/** The entries of one case in their order, and what RULES 13 to 18 say about single ones of them. */
export class NaiveCase {
  readonly facts: readonly Fact[]
  readonly #versions: ReadonlyMap<string, Version>

  constructor(versions: ReadonlyMap<string, Version>, facts: readonly Fact[]) {
    this.#versions = versions
    this.facts = facts
  }

  before(fact: Fact): NaiveCase {
    return new NaiveCase(this.#versions, this.facts.slice(0, this.facts.indexOf(fact)))
  }

  with(fact: Fact): NaiveCase {
    return new NaiveCase(this.#versions, [...this.facts, fact])
  }

  get records(): ActionFact[] {
    return this.facts.filter((fact) => fact.kind === 'action+sd-jwt')
  }

  get disputes(): DisputeFact[] {
    return this.facts.filter((fact) => fact.kind === 'dispute')
  }

  record(id: string | null): ActionFact | undefined {
    return this.records.find((fact) => fact.id === id)
  }

  dispute(id: string): DisputeFact | undefined {
    return this.disputes.find((fact) => fact.id === id)
  }

  skeleton(bp: string): Skeleton {
    return this.#versions.get(bp)!.skeleton
  }

  step(bp: string, id: string): SkeletonStep | undefined {
    return this.skeleton(bp).steps.find((step) => step.id === id)
  }

  /** A record's step, as the version under which it was signed has it. */
  stepOf({ claims }: ActionFact): SkeletonStep {
    return this.step(claims.bp, claims.step)!
  }

  get start(): string {
    return this.skeleton(this.versions[0]!).start
  }

  /** The versions under which the case ran, oldest first. */
  get versions(): string[] {
    return [...new Set(this.records.map(({ claims }) => claims.bp))]
  }

  /** The version under which the case runs: once moved, also by a record that is void now, it stays moved. */
  get bp(): string {
    return this.versions.at(-1)!
  }

  /** What a step of one version is called in a later one; itself in the same. */
  translate(step: string, from: string, to: string): string {
    if (from === to) return step
    const follows = this.#versions.get(to)?.follows
    if (follows === null || follows === undefined) return step
    return follows.mapping?.[this.translate(step, from, follows.bp)] ?? NO_STEP
  }

  /** What a record opens, as a later version names it; two steps may have become one. */
  opens({ claims }: ActionFact, bp: string): string[] {
    return [...new Set(claims.next.map((step) => this.translate(step, claims.bp, bp)))]
  }

  /** RULES 17: a record that its signer offers in place of one of the same step. */
  isCorrection(fact: Fact): boolean {
    if (fact.kind !== 'action+sd-jwt') return false
    const replaced = this.record(fact.claims.replaces)
    return (
      replaced !== undefined &&
      this.translate(replaced.claims.step, replaced.claims.bp, fact.claims.bp) === fact.claims.step
    )
  }

  isWithdrawal(fact: Fact): boolean {
    return fact.kind === 'action+sd-jwt' && this.stepOf(fact).withdrawal
  }

  /** RULES 18: the record that a decision decides anew. */
  reviewed(fact: ActionFact): ActionFact | undefined {
    return this.isCorrection(fact) ? undefined : this.record(fact.claims.replaces)
  }

  isRequest(fact: Fact): boolean {
    if (fact.kind !== 'action+sd-jwt') return false
    return this.skeleton(fact.claims.bp).review?.request.includes(fact.claims.step) === true
  }

  /** How this entry ends a dispute, if it does. */
  outcome(fact: Fact): { dispute: string; outcome: DisputeOutcome; correction: ActionFact | undefined } | undefined {
    if (fact.kind === 'resolve') {
      const { dispute, outcome, correction } = fact.claims
      return { dispute, outcome, correction: this.record(correction) }
    }
    if (fact.kind !== 'lapse' || fact.claims.what.type !== 'dispute') return undefined
    const { dispute } = fact.claims.what
    const record = this.record(this.dispute(dispute)!.claims.record)!
    const upheld = this.stepOf(record).dispute!.default === 'uphold'
    return { dispute, outcome: upheld ? 'upheld' : 'rejected', correction: undefined }
  }

  /** The record that this entry refuses: an upheld dispute, a countersignature that is refused or refused by default. */
  refused(fact: Fact): ActionFact | undefined {
    const outcome = this.outcome(fact)
    if (outcome?.outcome === 'upheld') return this.record(this.dispute(outcome.dispute)!.claims.record)
    if (fact.kind === 'confirm' && !fact.claims.accept) return this.record(fact.claims.record)
    if (fact.kind === 'lapse' && fact.claims.what.type === 'confirm') {
      const record = this.record(fact.claims.what.record)!
      return this.stepOf(record).confirm!.default === 'reject' ? record : undefined
    }
    return undefined
  }

  /** A settlement whose correction leads elsewhere than the record that it corrects. */
  redirects(fact: Fact): { record: ActionFact; correction: ActionFact } | undefined {
    const correction = this.outcome(fact)?.correction
    const record = correction && this.record(correction.claims.replaces)
    if (correction === undefined || record === undefined) return undefined
    const { bp } = this.before(fact)
    return sameItems(this.opens(record, bp), this.opens(correction, bp)) ? undefined : { record, correction }
  }

  /** Ids that this entry names as what it is about or follows from. */
  buildsOn(fact: Fact): string[] {
    switch (fact.kind) {
      case 'action+sd-jwt':
        return fact.claims.replaces === null ? fact.claims.prev : [...fact.claims.prev, fact.claims.replaces]
      case 'confirm':
      case 'dispute':
        return [fact.claims.record]
      case 'resolve':
        return [fact.claims.dispute]
      case 'extend':
        return fact.claims.prev
      case 'lapse': {
        const { what } = fact.claims
        if (what.type === 'opening') return what.prev
        return [what.type === 'confirm' ? what.record : what.dispute]
      }
    }
  }

  /** The record and all before `until` that builds on it, but never a withdrawal. */
  following(record: string, until: Fact, except?: string): Set<string> {
    const found = new Set([record])
    for (const fact of this.earlier(until)) {
      if (fact.id === except || this.isWithdrawal(fact)) continue
      if (this.buildsOn(fact).some((id) => found.has(id))) found.add(fact.id)
    }
    return found
  }

  earlier(than: Fact): readonly Fact[] {
    return this.facts.filter(({ index }) => index < than.index)
  }

  /** What has become void, by the entry that made it so. */
  voids(): Map<string, Fact> {
    const voids = new Map<string, Fact>()
    for (const fact of this.facts) {
      for (const id of this.voidedBy(fact, voids)) if (!voids.has(id)) voids.set(id, fact)
    }
    return voids
  }

  /**
   * A record that is refused takes with it the one whose place it took. A settlement drops the other corrections that were offered,
   * and a dispute that ends otherwise all of them, once it is the last one.
   */
  voidedBy(fact: Fact, already: ReadonlyMap<string, Fact>): Set<string> {
    const before = this.before(fact)
    const refused = this.refused(fact)
    if (refused !== undefined) return this.following(before.originOf(refused.id, already), fact)
    const redirected = this.redirects(fact)
    if (redirected !== undefined) {
      const { record, correction } = redirected
      return this.following(before.originOf(record.id, already), fact, correction.id)
    }
    const outcome = this.outcome(fact)
    if (outcome === undefined) return new Set()
    const { record } = this.dispute(outcome.dispute)!.claims
    const ended = this.ends(before.facts)
    const others = before.disputes.filter((other) => other.claims.record === record && other.id !== outcome.dispute)
    if (outcome.outcome !== 'settled' && others.some(({ id }) => !ended.has(id))) return new Set()
    const taken = outcome.correction?.id ?? before.replacements(already).get(record)
    const offers = before.records.filter((other) => other.claims.replaces === record && before.isCorrection(other))
    return new Set(offers.filter(({ id }) => id !== taken).map(({ id }) => id))
  }

  /** The record that a chain of corrections that count began with; the record itself if it corrects none. */
  originOf(record: string, voids: ReadonlyMap<string, Fact>): string {
    const { replaces } = this.record(record)!.claims
    if (!this.isCorrection(this.record(record)!) || this.replacements(voids).get(replaces!) !== record) return record
    return this.originOf(replaces!, voids)
  }

  /** A correction that is offered and does not count: no dispute is settled by it. */
  isOffer(record: ActionFact, voids: ReadonlyMap<string, Fact>): boolean {
    return this.isCorrection(record) && this.replacements(voids).get(record.claims.replaces!) !== record.id
  }

  /** Which record has taken whose place, as far as it is not void: as a correction, or as the decision of a review. */
  replacements(voids: ReadonlyMap<string, Fact>): Map<string, string> {
    const taken = new Map<string, string>()
    for (const fact of this.facts) {
      if (voids.has(fact.id)) continue
      const correction = this.outcome(fact)?.correction
      if (correction !== undefined) taken.set(correction.claims.replaces!, correction.id)
      const reviewed = fact.kind === 'action+sd-jwt' ? this.reviewed(fact) : undefined
      if (reviewed !== undefined) taken.set(reviewed.id, fact.id)
    }
    return taken
  }

  /** How each dispute has ended, and by which entry. */
  ends(facts = this.facts): Map<string, { outcome: DisputeOutcome | 'void'; by: Fact }> {
    const ends = new Map<string, { outcome: DisputeOutcome | 'void'; by: Fact }>()
    const voids = new Map<string, Fact>()
    for (const fact of facts) {
      const outcome = this.outcome(fact)
      if (outcome !== undefined) ends.set(outcome.dispute, { outcome: outcome.outcome, by: fact })
      for (const id of this.voidedBy(fact, voids)) if (!voids.has(id)) voids.set(id, fact)
      for (const dispute of this.disputes) {
        const isOver = dispute.index >= fact.index || ends.has(dispute.id)
        if (!isOver && voids.has(dispute.claims.record)) ends.set(dispute.id, { outcome: 'void', by: fact })
      }
    }
    return ends
  }
}

export function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join() === [...b].sort().join()
}
