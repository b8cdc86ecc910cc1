import { findStep, type Skeleton, type SkeletonStep } from '../ledger/skeleton.ts'

/** What some run of a process comes to that no run should. Steps are the register's. */
export interface Fault {
  kind: 'starves' | 'open-twice'
  step: string
  /** The steps of a shortest run that leads there, in order. */
  run: string[]
}

export interface Exploration {
  faults: Fault[]
  /** Steps that never act while another branch is under way. */
  alone: Set<string>
  /** There are more runs than the bounds allow to look at. */
  tooComplex: boolean
}

/**
 * Where a case stands: `s3` is open, `s3#1` has acted with its second next set and waits to be confirmed, `s5<s3` is the branch
 * from s3 that waits for others to join in s5; sorted.
 */
type Marking = readonly string[]

interface Reached {
  marking: Marking
  reviewed: boolean
  step: string
  before: Reached | undefined
}

/** Generous for a process that people can follow, and a second or so of work. */
const MAX_MARKINGS = 20_000
const MAX_MOVES = 200_000

/** Walks through every way in which a case can go, until each state has been seen once or the bounds are met. */
export function exploreRuns(skeleton: Skeleton): Exploration {
  return new Explorer(skeleton).explore()
}

class Explorer {
  readonly #skeleton: Skeleton
  readonly #faults = new Map<string, Fault>()
  readonly #together = new Set<string>()
  readonly #seen = new Set<string>()
  readonly #waiting: Reached[] = []
  #moves = 0

  constructor(skeleton: Skeleton) {
    this.#skeleton = skeleton
  }

  explore(): Exploration {
    const { start, steps, review } = this.#skeleton
    // Nothing lapses or is withdrawn before there is a case.
    this.#act({ marking: [start], reviewed: false, step: start, before: undefined }, this.#step(start))
    for (let i = 0; i < this.#waiting.length && !this.#isTooComplex(); i++) {
      const at = this.#waiting[i]!
      const under = at.marking.filter((token) => !token.includes('<'))
      if (at.marking.length > 1) for (const token of under) this.#together.add(stepOf(token))
      if (under.length > 0) for (const token of under) this.#move(at, token)
      else if (at.marking.length > 0) this.#fault('starves', stepOf(at.marking[0]!), at)
      else if (!at.reviewed) {
        for (const request of review?.request ?? [])
          this.#reach({ ...next(at, request), marking: [request], reviewed: true })
      }
      if (under.length === 0) continue
      for (const step of steps.filter(({ withdrawal }) => withdrawal)) this.#act(at, step)
    }
    return {
      faults: [...this.#faults.values()],
      alone: new Set(steps.map(({ id }) => id).filter((id) => !this.#together.has(id))),
      tooComplex: this.#isTooComplex(),
    }
  }

  #isTooComplex(): boolean {
    return this.#seen.size > MAX_MARKINGS || this.#moves > MAX_MOVES
  }

  #move(at: Reached, token: string): void {
    const step = this.#step(stepOf(token))
    const [, set] = token.split('#')
    const rest = at.marking.filter((other) => other !== token)
    if (set !== undefined) {
      this.#open(at, step, rest, step.next[Number(set)]!)
      return
    }
    this.#act(at, step)
    if (step.lapse) this.#open(at, step, without(rest, step.lapse.closes), step.lapse.next)
  }

  #act(at: Reached, step: SkeletonStep): void {
    for (const [i, set] of step.next.entries()) {
      const rest = without(
        at.marking.filter((token) => token !== step.id),
        step.closes[i]!,
      )
      if (!step.confirm) this.#open(at, step, rest, set)
      else if (rest.includes(`${step.id}#${i}`)) this.#fault('open-twice', step.id, at)
      else this.#reach({ ...next(at, step.id), marking: [...rest, `${step.id}#${i}`] })
    }
  }

  /** Branches of `from` come to the steps of `set`. */
  #open(at: Reached, from: SkeletonStep, rest: Marking, set: readonly string[]): void {
    let marking = rest
    for (const id of set) {
      const { join } = this.#step(id)
      if (join?.mode === 'all' && join.steps.includes(from.id)) {
        const arrived = marking.includes(`${id}<${from.id}`) ? marking : [...marking, `${id}<${from.id}`]
        if (!join.steps.every((source) => arrived.includes(`${id}<${source}`))) {
          marking = arrived
          continue
        }
        marking = without(
          arrived.filter((token) => !token.startsWith(`${id}<`)),
          join.closes,
        )
      } else if (join?.steps.includes(from.id) && !marking.includes(id)) marking = without(marking, join.closes)
      // Also a late branch of an `any` join, which the register would pass over: whether it comes late is chance.
      if (marking.includes(id)) {
        this.#fault('open-twice', id, next(at, from.id))
        return
      }
      marking = [...marking, id]
    }
    this.#reach({ ...next(at, from.id), marking })
  }

  #reach(reached: Reached): void {
    this.#moves++
    const marking = [...reached.marking].sort()
    const key = `${marking.join()} ${reached.reviewed}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#waiting.push({ ...reached, marking })
  }

  /** The first of each kind and step, which has a shortest run. */
  #fault(kind: Fault['kind'], step: string, at: Reached): void {
    this.#moves++
    const key = `${kind} ${step}`
    if (this.#faults.has(key)) return
    const run: string[] = []
    for (let reached: Reached | undefined = at; reached?.before; reached = reached.before) run.unshift(reached.step)
    this.#faults.set(key, { kind, step, run })
  }

  #step(id: string): SkeletonStep {
    return findStep(this.#skeleton, id)!
  }
}

function next(before: Reached, step: string): Reached {
  return { ...before, step, before }
}

function stepOf(token: string): string {
  return token.split(/[<#]/)[0]!
}

function without(marking: Marking, closed: readonly string[]): Marking {
  return closed.length === 0 ? marking : marking.filter((token) => !closed.includes(stepOf(token)))
}
