/**
 * RULES part B once more, for the test alone: slow, and as plain as it can be. It keeps all entries of a case and plays them again
 * for each question. It shares no code with the ledger but the types of claims and skeletons.
 */
import { actionProblems, openingProblems, signerProblems } from './naive-action.ts'
import { type ActionFact, type NaiveCase, sameItems } from './naive-case.ts'
import { naiveDeadline } from './naive-deadline.ts'
import { naiveGrants } from './naive-grants.ts'
import { isAt, usedOpening } from './naive-picture.ts'
import { erasedProblems, recallProblems } from './naive-recalls.ts'
import type { NaiveMoment, NaiveRegister, Wish, WishOf } from './naive-register.ts'

/** A code, and when it is asked for: the register says one of those with the lowest number. */
export type Problem = [order: number, code: string]
type LaterKind = Exclude<Wish['kind'], 'suspend' | 'action+sd-jwt' | 'recall' | 'erased'>

/** The codes with which the register may refuse this; none if it must accept. */
export function refusalsOf(register: NaiveRegister, wish: Wish, time: number): string[] {
  const problems = [...problemsOf(register, wish, time)]
  const first = Math.min(...problems.map(([order]) => order))
  return problems.filter(([order]) => order === first).map(([, code]) => code)
}

function* problemsOf(register: NaiveRegister, wish: Wish, time: number): Generator<Problem> {
  const version = register.versions.get(wish.claims.bp)
  if (version === undefined) yield [1, 'BLUEPRINT_UNKNOWN']
  else if (!version.live) yield [1, 'BLUEPRINT_NOT_LIVE']
  if (wish.kind === 'suspend' || wish.kind === 'action+sd-jwt') {
    if (version?.live !== true) return
    return yield* wish.kind === 'suspend' ? suspendProblems(register, wish) : actionProblems(register, wish, time)
  }
  const now = register.now(wish.claims.case)
  if (now === undefined) return yield [1, 'CASE_UNKNOWN']
  if (now.picture.bp !== wish.claims.bp) return yield [1, 'CASE_BLUEPRINT_DIFFERS']
  if (wish.kind === 'recall' || wish.kind === 'erased') {
    const codes = wish.kind === 'recall' ? recallProblems(register, now, wish) : erasedProblems(register, now, wish)
    for (const code of codes) yield [3, code]
    return
  }
  yield* signerProblems(now.picture, wish.iss, wish.claims.as, 3)
  yield* laterProblems(now, wish, time)
}

function laterProblems(now: NaiveMoment, wish: WishOf<LaterKind>, time: number): Generator<Problem> {
  switch (wish.kind) {
    case 'confirm':
      return confirmProblems(now, wish)
    case 'dispute':
      return disputeProblems(now, wish, time)
    case 'resolve':
      return resolveProblems(now, wish)
    case 'lapse':
      return lapseProblems(now, wish, time)
    case 'extend':
      return extendProblems(now, wish)
  }
}

function* suspendProblems(register: NaiveRegister, { iss, claims }: WishOf<'suspend'>): Generator<Problem> {
  const { skeleton, acceded, suspended } = register.versions.get(claims.bp)!
  for (const role of claims.roles) {
    const isFixed = skeleton.roles.some(({ id, member }) => id === role && member === iss)
    if (!isFixed && !(acceded[role] ?? []).includes(iss)) yield [3, 'SUSPEND_NOT_OWN_ROLE']
    else if ((suspended[role] ?? []).includes(iss) === claims.suspended) yield [3, 'SUSPEND_CHANGES_NOTHING']
  }
}

function* confirmProblems({ whole, picture }: NaiveMoment, { iss, claims }: WishOf<'confirm'>): Generator<Problem> {
  const record = whole.record(claims.record)
  if (record === undefined) return yield [3, 'RECORD_UNKNOWN']
  if (whole.voids().has(record.id)) yield [3, 'RECORD_VOID']
  if (record.iss === iss) yield [3, 'CONFIRM_BY_SIGNER']
  const confirmation = picture.confirmations.find((candidate) => candidate.record === record.id)
  if (confirmation?.roles.includes(claims.as) !== true) yield [3, 'CONFIRM_NOT_OPEN']
}

function* disputeProblems(
  { whole }: NaiveMoment,
  { iss, claims }: WishOf<'dispute'>,
  time: number,
): Generator<Problem> {
  const record = whole.record(claims.record)
  if (record === undefined) return yield [3, 'RECORD_UNKNOWN']
  if (whole.voids().has(record.id)) yield [3, 'RECORD_VOID']
  if (record.iss === iss) yield [3, 'DISPUTE_BY_SIGNER']
  const isSame = (dispute: { record: string; as: string }) => dispute.record === record.id && dispute.as === claims.as
  if (whole.disputes.some((dispute) => isSame(dispute.claims))) yield [3, 'DISPUTE_REPEATED']
  const { dispute } = whole.stepOf(record)
  if (dispute === null || whole.isOffer(record, whole.voids())) return yield [3, 'DISPUTE_NOT_ALLOWED']
  const grants = naiveGrants(whole).filter((grant) => grant.record === record.id && grant.role === claims.as)
  if (grants.length === 0) return yield [3, 'DISPUTE_NOT_ENTITLED']
  const newest = Math.max(...grants.map(({ authorisedTime }) => authorisedTime))
  if (time > naiveDeadline(newest, dispute.window)) yield [3, 'DISPUTE_TOO_LATE']
}

function* resolveProblems({ whole, picture }: NaiveMoment, { iss, claims }: WishOf<'resolve'>): Generator<Problem> {
  const dispute = whole.dispute(claims.dispute)
  if (dispute === undefined) return yield [3, 'DISPUTE_UNKNOWN']
  if (!picture.disputes.has(dispute.id)) yield [3, 'DISPUTE_ENDED']
  const record = whole.record(dispute.claims.record)!
  const { resolver } = whole.stepOf(record).dispute!
  const isParty = [record.iss, dispute.iss].includes(iss)
  const mayDecide = claims.as === resolver && !isParty
  const may = {
    withdrawn: iss === dispute.iss && claims.as === dispute.claims.as,
    settled: iss === record.iss && claims.as === record.claims.as,
    upheld: mayDecide,
    rejected: mayDecide,
  }
  if (!may[claims.outcome]) yield [3, 'RESOLVE_NOT_ALLOWED']
  if (claims.outcome !== 'settled') return
  const correction = whole.record(claims.correction)
  if (correction === undefined) return yield [3, 'RECORD_UNKNOWN']
  const voids = whole.voids()
  if (voids.has(correction.id)) yield [3, 'RECORD_VOID']
  const isTaken = whole.replacements(voids).has(record.id)
  if (correction.claims.replaces !== record.id || !whole.isCorrection(correction) || isTaken) {
    return yield [3, 'CORRECTION_UNKNOWN']
  }
  const to = (step: string) => whole.translate(step, record.claims.bp, correction.claims.bp)
  if (!sameItems(record.claims.next.map(to), correction.claims.next) && hasGoneOn(whole, record)) {
    yield [3, 'SETTLEMENT_TOO_LATE']
  }
}

/** Something has used what the record opened, or what one opened whose place it took, or the case has been withdrawn. */
function hasGoneOn(whole: NaiveCase, record: ActionFact): boolean {
  const voids = whole.voids()
  const opened = whole.records.filter((other) => whole.originOf(other.id, voids) === whole.originOf(record.id, voids))
  return whole.facts.some((fact) => {
    const used = usedOpening(whole, fact)?.prev ?? []
    return whole.isWithdrawal(fact) || opened.some(({ id }) => used.includes(id))
  })
}

function* lapseProblems(
  { whole, picture }: NaiveMoment,
  { claims }: WishOf<'lapse'>,
  time: number,
): Generator<Problem> {
  const { what } = claims
  if (what.type === 'opening') {
    const step = whole.step(claims.bp, what.step)
    if (step === undefined) return yield [3, 'STEP_NOT_OPEN']
    yield* usedProblems({ whole, picture }, what)
    if (step.lapse === null) yield [3, 'LAPSE_NOT_ALLOWED']
    else if (!sameItems(step.lapse.next, what.next)) yield [3, 'NEXT_NOT_ALLOWED']
    for (const [, code] of openingProblems(picture, what.step, what.prev, 3)) yield [3, code]
    const opening = picture.openings.find(isAt(what.step, what.prev))
    if (opening !== undefined && opening.due !== null && time <= opening.due) yield [3, 'LAPSE_TOO_EARLY']
  } else if (what.type === 'confirm') {
    const record = whole.record(what.record)
    if (record === undefined) return yield [3, 'RECORD_UNKNOWN']
    if (whole.voids().has(record.id)) yield [3, 'RECORD_VOID']
    const confirmation = picture.confirmations.find((candidate) => candidate.record === record.id)
    if (confirmation === undefined) return yield [3, 'LAPSE_NOT_ALLOWED']
    if (confirmation.waits !== null) yield [3, 'CONFIRM_WAITS']
    if (time <= confirmation.due) yield [3, 'LAPSE_TOO_EARLY']
  } else {
    const dispute = whole.dispute(what.dispute)
    if (dispute === undefined) return yield [3, 'DISPUTE_UNKNOWN']
    if (!picture.disputes.has(dispute.id)) yield [3, 'DISPUTE_ENDED']
    const record = whole.record(dispute.claims.record)!
    const terms = whole.stepOf(record).dispute!
    const resolver = terms.resolver === null ? undefined : picture.roles[terms.resolver]?.member
    const canDecide = resolver !== undefined && resolver !== record.iss && resolver !== dispute.iss
    if (canDecide && time <= naiveDeadline(dispute.time, terms.deadline)) yield [3, 'LAPSE_TOO_EARLY']
  }
}

function* extendProblems({ whole, picture }: NaiveMoment, { claims }: WishOf<'extend'>): Generator<Problem> {
  const step = whole.step(claims.bp, claims.step)
  if (step === undefined) return yield [3, 'STEP_NOT_OPEN']
  yield* usedProblems({ whole, picture }, claims)
  if (step.extend?.role !== claims.as) yield [3, 'EXTEND_NOT_ALLOWED']
  const opening = picture.openings.find(isAt(claims.step, claims.prev))
  if (opening === undefined) return yield* openingProblems(picture, claims.step, claims.prev, 3)
  if (step.extend === null || opening.due === null) return
  const limit = naiveDeadline(opening.since, step.extend.limit) + opening.stood
  if (claims.until <= opening.due || claims.until > limit) yield [3, 'EXTEND_OUTSIDE_LIMIT']
}

function* usedProblems(
  { whole, picture }: Pick<NaiveMoment, 'whole' | 'picture'>,
  at: { step: string; prev: string[] },
): Generator<Problem> {
  const used = whole.facts.map((fact) => usedOpening(whole, fact)).filter((opening) => opening !== undefined)
  const isUsed = isAt(at.step, at.prev)
  if (used.some((opening) => isUsed({ ...opening, step: whole.translate(opening.step, opening.bp, picture.bp) }))) {
    yield [3, 'OPENING_USED']
  }
}
