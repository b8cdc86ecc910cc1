import type { OwnCaseClaims } from '../../src/core/ledger/case-claims.ts'
import type { Skeleton } from '../../src/core/ledger/skeleton.ts'
import { type Fact, NaiveCase, type Version } from './naive-case.ts'
import { type Picture, pictureOf } from './naive-picture.ts'
import type { RecallFact } from './naive-recalls.ts'

/** Who is what, besides the cases. */
export interface NaiveVersion extends Version {
  live: boolean
  acceded: { [role: string]: string[] }
  suspended: { [role: string]: string[] }
}

/** One leaf's state of a case, kept to compare caseAsOf with. */
export interface NaiveMoment {
  /** Size of the register after the entry. */
  size: number
  whole: NaiveCase
  picture: Picture
  /** The review that has been asked for, and neither decided nor left undecided by the end of the case. */
  review: Review | null
  ended: boolean
  endedAt: number | null
}

type Review = { record: string; request: string }

type CaseKind = keyof OwnCaseClaims
/** What somebody wants to enter, before it is signed. */
export type Wish = { [K in CaseKind]: { kind: K; iss: string; claims: OwnCaseClaims[K] } }[CaseKind]
export type WishOf<K extends CaseKind> = Extract<Wish, { kind: K }>

/** What the model knows: versions, and every entry of every case. */
export class NaiveRegister {
  readonly versions = new Map<string, NaiveVersion>()
  readonly voting: readonly string[]
  readonly #moments = new Map<string, NaiveMoment[]>()
  readonly #recallFacts = new Map<string, RecallFact[]>()

  constructor(voting: readonly string[]) {
    this.voting = voting
  }

  get caseIds(): string[] {
    return [...this.#moments.keys()]
  }

  moments(caseId: string): NaiveMoment[] {
    return this.#moments.get(caseId) ?? []
  }

  /** They change nothing of what the moments tell. */
  recallFacts(caseId: string): RecallFact[] {
    return this.#recallFacts.get(caseId) ?? []
  }

  now(caseId: string): NaiveMoment | undefined {
    return this.moments(caseId).at(-1)
  }

  skeleton(bp: string): Skeleton {
    return this.versions.get(bp)!.skeleton
  }

  /** Takes an entry that the ledger and checkEntry have accepted. */
  accept(wish: Wish, id: string, index: number, time: number): void {
    if (wish.kind === 'suspend') {
      const { suspended } = this.versions.get(wish.claims.bp)!
      for (const role of wish.claims.roles) {
        const others = (suspended[role] ?? []).filter((member) => member !== wish.iss)
        suspended[role] = wish.claims.suspended ? [...others, wish.iss] : others
      }
      return
    }
    if (wish.kind === 'recall' || wish.kind === 'erased') {
      const { case: caseId } = wish.claims
      this.#recallFacts.set(caseId, [...this.recallFacts(caseId), { ...wish, id, index, time }])
      return
    }
    const fact = { ...wish, id, index, time } as Fact
    const moments = this.moments(wish.claims.case)
    const last = moments.at(-1)
    const whole = last?.whole.with(fact) ?? new NaiveCase(this.versions, [fact])
    const picture = pictureOf(whole)
    const ended = hasEnded(picture)
    const endedAt = ended ? (last?.endedAt ?? time) : null
    const review = ended ? null : reviewAfter(whole, fact, moments)
    this.#moments.set(wish.claims.case, [...moments, { size: index + 1, whole, picture, review, ended, endedAt }])
  }

  /** RULES 12 and 14. */
  isEligible(bp: string, role: string, member: string): boolean {
    const { skeleton, acceded } = this.versions.get(bp)!
    const found = skeleton.roles.find(({ id }) => id === role)!
    if (!this.voting.includes(member)) return false
    if (found.kind === 'person') return found.servedBy.some((server) => this.isEligible(bp, server, member))
    return found.member === member || (acceded[role] ?? []).includes(member)
  }

  /** A person's role is suspended for a member that has suspended every role in which it could serve it. */
  isSuspended(bp: string, role: string, member: string): boolean {
    const { skeleton, suspended } = this.versions.get(bp)!
    const found = skeleton.roles.find(({ id }) => id === role)!
    if (found.kind === 'member') return (suspended[role] ?? []).includes(member)
    const eligible = found.servedBy.filter((server) => this.isEligible(bp, server, member))
    return eligible.length > 0 && eligible.every((server) => this.isSuspended(bp, server, member))
  }
}

/** RULES 18. A review whose decision has become void waits for another one. */
function reviewAfter(whole: NaiveCase, fact: Fact, moments: readonly NaiveMoment[]): Review | null {
  const voids = whole.voids()
  const before = moments.at(-1)?.review ?? null
  if (voids.has(fact.id)) return before
  if (fact.kind === 'action+sd-jwt' && whole.isRequest(fact)) return { record: fact.claims.prev[0]!, request: fact.id }
  if (fact.kind === 'action+sd-jwt' && whole.reviewed(fact) !== undefined) return null
  if (before !== null) return voids.has(before.request) ? null : before
  const undone = whole.records.findLast(
    (record) => voids.get(record.id) === fact && whole.reviewed(record) !== undefined,
  )
  const review = moments[moments.findIndex((moment) => moment.whole.facts.at(-1) === undone) - 1]?.review ?? null
  return review === null || voids.has(review.request) ? null : review
}

/** RULES 13; a branch that waits at a join alone does not keep a case open. */
function hasEnded({ openings, confirmations, disputes }: Picture): boolean {
  return openings.length === 0 && confirmations.length === 0 && disputes.size === 0
}
