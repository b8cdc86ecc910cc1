import type { SkeletonStep } from '../../src/core/ledger/skeleton.ts'
import { type ActionFact, type Fact, type NaiveCase, sameItems } from './naive-case.ts'
import { naiveDeadline } from './naive-deadline.ts'

interface NaiveOpening {
  step: string
  prev: string[]
  since: number
  due: number | null
  stood: number
  waits: number | null
  extended: boolean
}

/** Where a case stands after its entries: what is open, who waits for whom. */
export interface Picture {
  bp: string
  roles: { [role: string]: { member: string; by: string | null } }
  openings: NaiveOpening[]
  arrivals: { step: string; from: string; by: string }[]
  confirmations: { record: string; roles: string[]; due: number; waits: number | null }[]
  /** Disputes that are open, with their records. */
  disputes: Map<string, string>
  /** Corrections that count, each with the record that its chain began with. */
  origins: Map<string, string>
}

/** The picture after all entries of the case: all that count are played again from the first on. */
export function pictureOf(whole: NaiveCase): Picture {
  return play(whole, whole.facts, new Set(whole.voids().keys()))
}

/** Plays the first entries of a case as if those to skip had not come, except that whoever started it keeps its role. */
function play(whole: NaiveCase, facts: readonly Fact[], skip: ReadonlySet<string>): Picture {
  const picture: Picture = {
    bp: whole.versions[0]!,
    roles: {},
    openings: [{ step: whole.start, prev: [], since: 0, due: null, stood: 0, waits: null, extended: false }],
    arrivals: [],
    confirmations: [],
    disputes: new Map(),
    origins: new Map(),
  }
  const voids = whole.voids()
  bindFixed(whole, picture)
  for (const [i, fact] of facts.entries()) {
    if (fact.kind === 'action+sd-jwt' && fact.claims.bp !== picture.bp) move(whole, picture, fact.claims.bp)
    if (i === 0) bindStarter(whole, picture, fact as ActionFact)
    if (skip.has(fact.id)) continue
    const madeVoid = [...voids].filter(([id, by]) => by === fact && skip.has(id)).map(([id]) => id)
    if (madeVoid.length > 0) {
      const withThem = play(whole, facts.slice(0, i), new Set([...skip].filter((id) => !madeVoid.includes(id))))
      openAnew(whole, picture, withThem, fact)
    }
    playOne(whole, picture, fact)
    hold(picture, fact.time)
  }
  return picture
}

function playOne(whole: NaiveCase, picture: Picture, fact: Fact): void {
  const refused = whole.refused(fact)
  switch (fact.kind) {
    case 'action+sd-jwt':
      if (whole.isCorrection(fact)) break
      useOpening(whole, picture, fact)
      act(whole, picture, fact, fact.time)
      break
    case 'dispute':
      picture.disputes.set(fact.id, fact.claims.record)
      break
    case 'confirm':
      if (fact.claims.accept) accept(whole, picture, fact.claims.record, fact.claims.as, fact)
      break
    case 'extend': {
      const opening = picture.openings.find(
        isAt(whole.translate(fact.claims.step, fact.claims.bp, picture.bp), fact.claims.prev),
      )
      if (opening !== undefined) Object.assign(opening, { due: fact.claims.until, extended: true })
      break
    }
    case 'lapse':
      lapse(whole, picture, fact, refused !== undefined)
      break
    case 'resolve':
      break
  }
  const outcome = whole.outcome(fact)
  if (outcome !== undefined) picture.disputes.delete(outcome.dispute)
  if (outcome?.correction !== undefined) settle(whole, picture, fact, outcome.correction)
  if (refused !== undefined) useOpening(whole, picture, refused)
  const isWithdrawn = whole.before(fact).facts.some((earlier) => whole.isWithdrawal(earlier))
  if (refused !== undefined && !isWithdrawn) {
    const step = whole.translate(refused.claims.step, refused.claims.bp, picture.bp)
    open(whole, picture, step, [fact.id], fact.time)
  }
}

/** RULES 13 and 14: what a record does when it counts. */
function act(whole: NaiveCase, picture: Picture, record: ActionFact, time: number): void {
  for (const [role, { member }] of Object.entries(record.claims.bind)) {
    picture.roles[role] = { member, by: record.id }
  }
  const step = whole.stepOf(record)
  const at = step.next.findIndex((set) => sameItems(set, record.claims.next))
  close(
    whole,
    picture,
    (step.closes[at] ?? []).map((id) => whole.translate(id, record.claims.bp, picture.bp)),
  )
  goOn(whole, picture, record, time)
}

function goOn(whole: NaiveCase, picture: Picture, record: ActionFact, time: number): void {
  const { confirm } = whole.stepOf(record)
  if (confirm !== null) askToConfirm(picture, record, confirm, time)
  else takeEffect(whole, picture, record, time)
}

function askToConfirm(picture: Picture, record: ActionFact, confirm: SkeletonStep['confirm'], time: number): void {
  picture.confirmations.push({
    record: record.id,
    roles: confirm!.roles,
    due: naiveDeadline(time, confirm!.deadline),
    waits: null,
  })
}

/** The record's `next` opens. */
function takeEffect(whole: NaiveCase, picture: Picture, record: ActionFact, time: number): void {
  const to = (id: string) => whole.translate(id, record.claims.bp, picture.bp)
  lead(whole, picture, to(record.claims.step), record.id, whole.opens(record, picture.bp), time)
}

/** RULES 13: the branch of step `from` leads to these steps by the entry `by`. */
function lead(
  whole: NaiveCase,
  picture: Picture,
  from: string,
  by: string,
  next: readonly string[],
  time: number,
): void {
  for (const id of [...next].sort()) {
    const { join } = whole.step(picture.bp, id)!
    if (join === null || !join.steps.includes(from)) {
      open(whole, picture, id, [by], time)
    } else if (join.mode === 'any') {
      if (picture.openings.some(({ step }) => step === id)) continue
      close(whole, picture, join.closes)
      open(whole, picture, id, [by], time)
    } else {
      picture.arrivals = picture.arrivals.filter((arrival) => !(arrival.step === id && arrival.from === from))
      picture.arrivals.push({ step: id, from, by })
      const come = picture.arrivals.filter((arrival) => arrival.step === id && join.steps.includes(arrival.from))
      if (!join.steps.every((source) => come.some((arrival) => arrival.from === source))) continue
      picture.arrivals = picture.arrivals.filter(({ step }) => step !== id)
      close(whole, picture, join.closes)
      open(whole, picture, id, come.map((arrival) => arrival.by).sort(), time)
    }
  }
}

function open(whole: NaiveCase, picture: Picture, step: string, prev: string[], time: number): void {
  const { deadline } = whole.step(picture.bp, step)!
  const due = deadline === null ? null : naiveDeadline(time, deadline)
  picture.openings.push({ step, prev, since: time, due, stood: 0, waits: null, extended: false })
}

function close(whole: NaiveCase, picture: Picture, steps: readonly string[]): void {
  picture.openings = picture.openings.filter(({ step }) => !steps.includes(step))
  picture.arrivals = picture.arrivals.filter(({ step }) => !steps.includes(step))
  picture.confirmations = picture.confirmations.filter(({ record }) => {
    const { claims } = whole.record(record)!
    return !steps.includes(whole.translate(claims.step, claims.bp, picture.bp))
  })
}

function accept(whole: NaiveCase, picture: Picture, record: string, role: string | null, fact: Fact): void {
  const confirmation = picture.confirmations.find((candidate) => candidate.record === record)
  if (confirmation === undefined) return
  confirmation.roles = role === null ? [] : confirmation.roles.filter((other) => other !== role)
  if (confirmation.roles.length > 0) return
  picture.confirmations = picture.confirmations.filter((candidate) => candidate !== confirmation)
  takeEffect(whole, picture, whole.record(record)!, fact.time)
}

function lapse(whole: NaiveCase, picture: Picture, fact: Extract<Fact, { kind: 'lapse' }>, isRefusal: boolean): void {
  const { bp, what } = fact.claims
  if (what.type === 'confirm' && !isRefusal) accept(whole, picture, what.record, null, fact)
  if (what.type !== 'opening') return
  useOpening(whole, picture, fact)
  const to = (id: string) => whole.translate(id, bp, picture.bp)
  close(whole, picture, whole.step(bp, what.step)!.lapse!.closes.map(to))
  lead(whole, picture, to(what.step), fact.id, what.next.map(to), fact.time)
}

/** RULES 17: a correction takes the place of its record; one that leads elsewhere acts now as if it had come then. */
function settle(whole: NaiveCase, picture: Picture, fact: Fact, correction: ActionFact): void {
  const record = correction.claims.replaces!
  picture.origins.set(correction.id, picture.origins.get(record) ?? record)
  const waited = picture.confirmations.some((confirmation) => confirmation.record === record)
  picture.confirmations = picture.confirmations.filter((confirmation) => confirmation.record !== record)
  if (whole.redirects(fact) !== undefined) {
    useOpening(whole, picture, whole.record(record)!)
    act(whole, picture, correction, fact.time)
  } else if (waited) goOn(whole, picture, correction, fact.time)
}

function useOpening(whole: NaiveCase, picture: Picture, fact: Fact): void {
  const used = whole.isCorrection(fact) ? (fact as ActionFact).claims : usedOpening(whole, fact)
  if (used === undefined) return
  const isUsed = isAt(whole.translate(used.step, used.bp, picture.bp), used.prev)
  picture.openings = picture.openings.filter((opening) => !isUsed(opening))
}

/** Which opening an entry uses, if it does; a correction shares that of its record. */
export function usedOpening(whole: NaiveCase, fact: Fact): { bp: string; step: string; prev: string[] } | undefined {
  if (fact.kind === 'action+sd-jwt' && !whole.isCorrection(fact)) return fact.claims
  if (fact.kind === 'lapse' && fact.claims.what.type === 'opening') return { bp: fact.claims.bp, ...fact.claims.what }
  return undefined
}

/** What opens only because entries became void has its deadline from then on; what was open and still is keeps its own. */
function openAnew(whole: NaiveCase, picture: Picture, withThem: Picture, by: Fact): void {
  picture.openings = picture.openings.map((opening) => {
    const before = withThem.openings.find(isAt(opening.step, opening.prev))
    if (before !== undefined) return before
    const { deadline } = whole.step(picture.bp, opening.step)!
    const due = deadline === null ? null : naiveDeadline(by.time, deadline)
    return { ...opening, since: by.time, due, stood: 0, waits: null, extended: false }
  })
  picture.confirmations = picture.confirmations.map((confirmation) => {
    const before = withThem.confirmations.find(({ record }) => record === confirmation.record)
    if (before !== undefined) return before
    const { confirm } = whole.stepOf(whole.record(confirmation.record)!)
    return { ...confirmation, due: naiveDeadline(by.time, confirm!.deadline), waits: null }
  })
}

/** The picture as it would be under this version. */
export function movedTo(whole: NaiveCase, picture: Picture, bp: string): Picture {
  const moved = structuredClone(picture)
  if (bp !== picture.bp) move(whole, moved, bp)
  return moved
}

/** RULES 12: everything that is open goes on under the new version. */
function move(whole: NaiveCase, picture: Picture, bp: string): void {
  const to = (id: string) => whole.translate(id, picture.bp, bp)
  for (const opening of picture.openings) {
    opening.step = to(opening.step)
    // The start step has no deadline when it is first open.
    if (opening.prev.length === 0) continue
    const { deadline } = whole.step(bp, opening.step)!
    const due = deadline === null ? null : naiveDeadline(opening.since, deadline) + opening.stood
    opening.due = due !== null && opening.extended ? Math.max(due, opening.due!) : due
  }
  picture.arrivals = picture.arrivals.map(({ step, from, by }) => ({ step: to(step), from: to(from), by }))
  picture.bp = bp
  bindFixed(whole, picture)
}

function bindFixed(whole: NaiveCase, picture: Picture): void {
  for (const { id, member } of whole.skeleton(picture.bp).roles) {
    if (member !== null) picture.roles[id] = { member, by: null }
  }
}

/** The starter stays bound, even if its record is void. */
function bindStarter(whole: NaiveCase, picture: Picture, fact: ActionFact): void {
  const role = whole.stepOf(fact).role
  picture.roles[role] ??= { member: fact.iss, by: fact.id }
}

/** RULES 17: what a disputed record opened, or one whose place it took, waits, and its deadlines stand still. */
function hold(picture: Picture, time: number): void {
  const originOf = (id: string) => picture.origins.get(id) ?? id
  const disputed = [...picture.disputes.values()].map(originOf)
  for (const opening of picture.openings) {
    const isHeld = opening.prev.some((id) => disputed.includes(originOf(id)))
    if (isHeld) opening.waits ??= time
    if (isHeld || opening.waits === null) continue
    opening.stood += time - opening.waits
    if (opening.due !== null) opening.due += time - opening.waits
    opening.waits = null
  }
  for (const confirmation of picture.confirmations) {
    const isHeld = disputed.includes(originOf(confirmation.record))
    if (isHeld) confirmation.waits ??= time
    if (isHeld || confirmation.waits === null) continue
    confirmation.due += time - confirmation.waits
    confirmation.waits = null
  }
}

export function isAt(step: string, prev: readonly string[]): (opening: { step: string; prev: string[] }) => boolean {
  return (opening) => opening.step === step && sameItems(opening.prev, prev)
}
