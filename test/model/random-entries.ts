import { randomDigest } from '../register-builder.ts'
import type { NaiveCase } from './naive-case.ts'
import { naiveDeadline } from './naive-deadline.ts'
import { recallsOf } from './naive-recalls.ts'
import type { NaiveMoment, NaiveRegister, Wish } from './naive-register.ts'
import { refusalsOf } from './naive-rules.ts'
import type { RandomSource } from './random-source.ts'

export type CaseWish = Exclude<Wish, { kind: 'suspend' }>
type ActionClaims = Extract<Wish, { kind: 'action+sd-jwt' }>['claims']

/** Entries about one case, of the kinds and with the claims that its state suggests. */
export class WishMaker {
  readonly #random: RandomSource
  readonly #register: NaiveRegister
  readonly #members: readonly string[]
  /** How often somebody disputes. */
  readonly #disputes: number

  constructor(random: RandomSource, register: NaiveRegister, members: readonly string[]) {
    this.#random = random
    this.#register = register
    this.#members = members
    this.#disputes = random.between(1, 4)
  }

  /** One that the model accepts; undefined if it did not find any. */
  valid(caseId: string, bp: string, time: number): CaseWish | undefined {
    for (let i = 0; i < 40; i++) {
      const wish = this.likely(caseId, bp)
      if (wish !== undefined && refusalsOf(this.#register, wish, time).length === 0) return wish
    }
    return undefined
  }

  /** One that fits the case more or less. `bp` is the version that a new or moving case is to have. */
  likely(caseId: string, bp: string): CaseWish | undefined {
    const now = this.#register.now(caseId)
    if (now === undefined) return this.#start(caseId, bp)
    const { picture, whole } = now
    const disputes = Array(this.#disputes).fill(() => this.#dispute(whole, picture, caseId))
    const kinds: (() => CaseWish | undefined)[] = [
      ...disputes,
      () => this.#action(now, caseId, bp),
      () => this.#action(now, caseId, picture.bp),
      () => this.#action(now, caseId, picture.bp),
    ]
    if (picture.disputes.size > 0) {
      kinds.push(...Array(3).fill(() => this.#resolve(now, caseId)))
      kinds.push(...Array(3).fill(() => this.#correction(now, caseId)))
      if (this.#random.chance(0.3)) kinds.push(() => this.#lapseOfDispute(now, caseId))
    }
    if (picture.confirmations.length > 0) {
      kinds.push(...[() => this.#confirm(now, caseId), () => this.#confirm(now, caseId)])
      kinds.push(() => this.#lapseOfConfirm(now, caseId))
    }
    if (picture.openings.length > 0) {
      kinds.push(...[() => this.#lapse(now, caseId), () => this.#lapse(now, caseId), () => this.#extend(now, caseId)])
    }
    if (this.#random.chance(0.3))
      kinds.push(
        () => this.#recall(now, caseId),
        () => this.#erased(now, caseId),
      )
    return this.#random.pick(kinds)()
  }

  #start(caseId: string, bp: string): CaseWish {
    const { start } = this.#register.skeleton(bp)
    return this.#step(undefined, caseId, bp, start, [])
  }

  #action(now: NaiveMoment, caseId: string, bp: string): CaseWish {
    const { picture, whole } = now
    const random = this.#random
    const to = (step: string) => whole.translate(step, picture.bp, bp)
    const { review, steps } = this.#register.skeleton(bp)
    const openings = picture.openings.map(({ step, prev }) => ({ step: to(step), prev }))
    const withdrawals = steps.filter((step) => step.withdrawal && random.chance(0.03))
    openings.push(...withdrawals.map(({ id }) => ({ step: id, prev: [whole.facts[0]!.id] })))
    if (review !== null && (now.ended || random.chance(0.05))) {
      const of = whole.records.filter(({ claims }) => review.of.includes(whole.translate(claims.step, claims.bp, bp)))
      for (const { id } of of) openings.push({ step: random.pick(review.request), prev: [id] })
    }
    const { step, prev } =
      openings.length > 0 ? random.pick(openings) : { step: random.pick(steps).id, prev: [random.pick(whole.facts).id] }
    return this.#step(now, caseId, bp, step, prev)
  }

  #step(now: NaiveMoment | undefined, caseId: string, bp: string, step: string, prev: string[]): CaseWish {
    const random = this.#random
    const skeleton = this.#register.skeleton(bp)
    const found = skeleton.steps.find(({ id }) => id === step) ?? skeleton.steps[0]!
    const bound = now?.picture.roles ?? {}
    const eligible = (role: string) => this.#members.filter((id) => this.#register.isEligible(bp, role, id))
    const choose = (role: string) => random.pick(eligible(role).length > 0 ? eligible(role) : this.#members)
    const fixed = skeleton.roles.find(({ id }) => id === found.role)!.member
    const iss = bound[found.role]?.member ?? fixed ?? choose(found.role)
    const bind: ActionClaims['bind'] = {}
    for (const role of found.binds) {
      if (!(role in bound) && random.chance(0.8)) bind[role] = { member: choose(role) }
    }
    if (now === undefined && fixed === null) bind[found.role] = { member: iss }
    const { review } = skeleton
    const decides = review?.decide === step ? (now?.review ?? null) : null
    const next = random.pick(found.next)
    return this.#wishAction(iss, {
      bp,
      case: caseId,
      step,
      as: found.role,
      prev,
      next,
      bind,
      replaces: decides?.record ?? null,
    })
  }

  #correction({ whole, picture }: NaiveMoment, caseId: string): CaseWish | undefined {
    const record = whole.record(this.#random.pick([...picture.disputes.values()]))
    if (record === undefined) return undefined
    const to = (step: string) => whole.translate(step, record.claims.bp, picture.bp)
    const step = whole.step(picture.bp, to(record.claims.step))!
    const same = record.claims.next.map(to)
    const next = this.#random.chance(0.5) ? same : this.#random.pick(step.next)
    const { as, prev, bind } = record.claims
    const own = { bp: picture.bp, case: caseId, step: step.id, as, prev, next, bind, replaces: record.id }
    return this.#wishAction(record.iss, own)
  }

  #wishAction(iss: string, own: Omit<ActionClaims, 'groups' | '_sd' | '_sd_alg'>): CaseWish {
    const step = this.#register.skeleton(own.bp).steps.find(({ id }) => id === own.step)
    const groups = (step?.groups ?? [null]).map(() => randomDigest())
    const _sd = Array.from({ length: step?.digests ?? 8 }, () => randomDigest()).sort()
    const sorted = { prev: [...own.prev].sort(), next: [...own.next].sort() }
    return { kind: 'action+sd-jwt', iss, claims: { ...own, ...sorted, groups, _sd_alg: 'sha-256', _sd } }
  }

  #confirm({ whole, picture }: NaiveMoment, caseId: string): CaseWish {
    const { record, roles } = this.#random.pick(picture.confirmations)
    const asked = whole.stepOf(whole.record(record)!).confirm!.roles
    const as = this.#random.chance(0.9) && roles.length > 0 ? this.#random.pick(roles) : this.#random.pick(asked)
    const claims = { bp: picture.bp, case: caseId, record, as, accept: this.#random.chance(0.75) }
    return { kind: 'confirm', iss: this.#memberOf(picture, as), claims }
  }

  #dispute(whole: NaiveCase, picture: NaiveMoment['picture'], caseId: string): CaseWish {
    const record = this.#random.pick(this.#random.chance(0.5) ? whole.records : whole.records.slice(-3))
    const roles = whole.stepOf(record).groups.flatMap(({ audience }) => audience.map(([role]) => role))
    const as = roles.length > 0 ? this.#random.pick(roles) : this.#random.pick(Object.keys(picture.roles))
    const claims = {
      bp: picture.bp,
      case: caseId,
      record: record.id,
      as,
      reason: 'other' as const,
      explanation: randomDigest(),
    }
    return { kind: 'dispute', iss: this.#memberOf(picture, as), claims }
  }

  #resolve({ whole, picture }: NaiveMoment, caseId: string): CaseWish {
    const dispute = whole.dispute(this.#random.pick([...picture.disputes.keys()]))!
    const record = whole.record(dispute.claims.record)!
    const about = { bp: picture.bp, case: caseId, dispute: dispute.id }
    const offers = whole.records.filter(({ claims }) => claims.replaces === record.id)
    if (offers.length > 0 && this.#random.chance(0.45)) {
      const correction = this.#random.pick(offers).id
      return {
        kind: 'resolve',
        iss: record.iss,
        claims: { ...about, as: record.claims.as, outcome: 'settled', correction },
      }
    }
    if (this.#random.chance(0.15)) {
      const claims = { ...about, as: dispute.claims.as, outcome: 'withdrawn' as const, correction: null }
      return { kind: 'resolve', iss: dispute.iss, claims }
    }
    const as = whole.stepOf(record).dispute!.resolver ?? 'alpha'
    const outcome = this.#random.pick(['upheld', 'upheld', 'rejected'] as const)
    return { kind: 'resolve', iss: this.#memberOf(picture, as), claims: { ...about, as, outcome, correction: null } }
  }

  #lapse(now: NaiveMoment, caseId: string): CaseWish {
    const due = now.picture.openings.filter((opening) => opening.due !== null)
    const { step, prev } = this.#random.pick(due.length > 0 ? due : now.picture.openings)
    const next = now.whole.step(now.picture.bp, step)!.lapse?.next ?? []
    return this.#lapseOf(now, caseId, { type: 'opening', step, prev: [...prev].sort(), next })
  }

  #lapseOfConfirm(now: NaiveMoment, caseId: string): CaseWish {
    return this.#lapseOf(now, caseId, { type: 'confirm', record: this.#random.pick(now.picture.confirmations).record })
  }

  #lapseOfDispute(now: NaiveMoment, caseId: string): CaseWish {
    return this.#lapseOf(now, caseId, { type: 'dispute', dispute: this.#random.pick([...now.picture.disputes.keys()]) })
  }

  #lapseOf(
    { picture }: NaiveMoment,
    caseId: string,
    what: Extract<Wish, { kind: 'lapse' }>['claims']['what'],
  ): CaseWish {
    const as = this.#random.pick(Object.keys(picture.roles))
    return { kind: 'lapse', iss: this.#memberOf(picture, as), claims: { bp: picture.bp, case: caseId, as, what } }
  }

  #extend({ whole, picture }: NaiveMoment, caseId: string): CaseWish {
    const { step, prev, since, due, stood } = this.#random.pick(picture.openings)
    const { extend } = whole.step(picture.bp, step)!
    const limit = extend === null ? since : naiveDeadline(since, extend.limit) + stood
    const until = this.#random.pick([due ?? since, (due ?? since) + 1, limit - 1, limit, limit, limit + 1])
    const as = extend?.role ?? 'alpha'
    const claims = { bp: picture.bp, case: caseId, as, step, prev: [...prev].sort(), until }
    return { kind: 'extend', iss: this.#memberOf(picture, as), claims }
  }

  #recall({ whole, picture }: NaiveMoment, caseId: string): CaseWish {
    const record = this.#random.pick(whole.records)
    const own = whole.records.filter(({ iss, claims }) => iss === record.iss && claims.as === record.claims.as)
    const chosen = this.#random.chance(0.7) ? [record] : this.#random.some(own, 0.5)
    const groups = () => this.#random.pick([[1], [1], [2], [1, 2]])
    const records = Object.fromEntries((chosen.length > 0 ? chosen : [record]).map(({ id }) => [id, groups()]))
    const reason = this.#random.pick(['wrong-recipient', 'wrong-data', 'not-authorised', 'other'] as const)
    const claims = { bp: picture.bp, case: caseId, as: record.claims.as, records, reason }
    return { kind: 'recall', iss: record.iss, claims }
  }

  #erased({ picture }: NaiveMoment, caseId: string): CaseWish {
    const recalls = recallsOf(this.#register, caseId).map(({ id }) => id)
    const recall = recalls.length > 0 && this.#random.chance(0.8) ? this.#random.pick(recalls) : null
    const claims = { bp: picture.bp, case: caseId, recall, opened: recall === null ? null : this.#random.chance(0.5) }
    return { kind: 'erased', iss: this.#random.pick(this.#members), claims }
  }

  #memberOf({ roles }: NaiveMoment['picture'], role: string): string {
    return roles[role]?.member ?? this.#random.pick(this.#members)
  }
}
