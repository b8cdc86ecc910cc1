import type { Blueprint, Step } from '../blueprint.ts'

/** What a causal history holds of some steps, one bit each: several bits are several histories. */
const NONE = 1
const OPEN = 2
const DONE = 4

/** How an action at a step changes what its history holds. */
type Effect = (step: string, held: number) => number

/**
 * Which steps may follow which, and what a causal history must hold. A step follows those whose action or lapse opens it; one that
 * has lapsed is in no history, but what it waited for is. An `all` join has every branch in its history. A withdrawal may follow
 * every step, since it is always open (RULES 13); a request for a review follows the records that may be reviewed (RULES 18).
 */
export class ProcessGraph {
  readonly #steps: readonly Step[]
  readonly #start: string
  /** Steps that never act while another branch is under way. */
  readonly #alone: ReadonlySet<string>
  /** The steps whose action or lapse opens a step, and those whose action alone may come before it. */
  readonly #sources = new Map<string, { acted: Set<string>; lapsed: Set<string> }>()
  readonly #known = new Map<string, ReadonlyMap<string, number>>()
  readonly #later = new Map<string, ReadonlySet<string>>()

  constructor(blueprint: Blueprint, alone: ReadonlySet<string>) {
    this.#steps = blueprint.steps
    this.#start = blueprint.start
    this.#alone = alone
    for (const { id } of blueprint.steps) this.#sources.set(id, { acted: new Set(), lapsed: new Set() })
    const requests = blueprint.review?.request ?? []
    for (const step of blueprint.steps) {
      for (const next of step.routes.flatMap(({ to }) => to)) this.#sources.get(next)?.acted.add(step.id)
      for (const next of step.lapse?.to ?? []) this.#sources.get(next)?.lapsed.add(step.id)
      if (blueprint.review?.of.includes(step.id)) for (const id of requests) this.#sources.get(id)?.acted.add(step.id)
      if (step.withdrawal) continue
      for (const { id } of blueprint.steps.filter(({ withdrawal }) => withdrawal)) {
        this.#sources.get(id)?.acted.add(step.id)
      }
    }
  }

  isReachable(step: string): boolean {
    return step === this.#start || this.#opensLater(this.#start).has(step)
  }

  /** `earlier` may be in the causal history of `later`. */
  canPrecede(earlier: string, later: string): boolean {
    return this.#opensLater(earlier).has(later)
  }

  /** By routes and lapses alone, without the withdrawals and reviews that the process has besides. */
  leadsTo(from: string, to: string): boolean {
    const seen = new Set<string>()
    const waiting = [from]
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const step = this.#steps.find((candidate) => candidate.id === id)
      for (const next of [...(step?.routes ?? []), ...(step?.lapse ? [step.lapse] : [])].flatMap((way) => way.to)) {
        if (next === to) return true
        if (!seen.has(next)) waiting.push(next)
        seen.add(next)
      }
    }
    return false
  }

  /** `later` can happen with none of `steps` in its causal history. */
  canHappenWithout(later: string, steps: readonly string[]): boolean {
    const held = this.#flow(`without ${[...steps].sort().join()}`, (step, before) => {
      return steps.includes(step) ? DONE : before
    })
    return (held.get(later)! & NONE) !== 0
  }

  /** `later` can happen after `earlier` with none of `steps` between them. */
  canFollowWithout(earlier: string, later: string, steps: readonly string[]): boolean {
    const held = this.#flow(
      `after ${earlier} without ${[...steps].sort().join()}`,
      (step, before) => {
        if (step === earlier) return OPEN
        return steps.includes(step) && before === OPEN ? DONE : before
      },
      this.#alone.has(earlier),
    )
    return (held.get(later)! & OPEN) !== 0
  }

  /** What the histories of each step's openings may hold. `once`: all branches have the same newest record of what `OPEN` is about. */
  #flow(name: string, effect: Effect, once = true): ReadonlyMap<string, number> {
    const known = this.#known.get(name)
    if (known) return known
    const held = new Map(this.#steps.map(({ id }) => [id, id === this.#start ? NONE : 0]))
    for (let grew = true; grew; ) {
      grew = false
      for (const step of this.#steps) {
        const before = held.get(step.id)!
        const after = before | this.#arriving(step, held, effect, once)
        held.set(step.id, after)
        grew ||= after !== before
      }
    }
    this.#known.set(name, held)
    return held
  }

  #arriving({ id, join }: Step, held: ReadonlyMap<string, number>, effect: Effect, once: boolean): number {
    const { acted, lapsed } = this.#sources.get(id)!
    const from = (source: string): number => {
      const before = held.get(source)!
      const after = acted.has(source) ? each(before, (state) => effect(source, state)) : 0
      return after | (lapsed.has(source) ? before : 0)
    }
    const joined = join?.mode === 'all' ? join.steps : []
    const direct = [...acted, ...lapsed].filter((source) => !joined.includes(source))
    const single = direct.reduce((total, source) => total | from(source), 0)
    if (joined.length === 0) return single
    return single | joined.map(from).reduce((one, other) => meet(one, other, once))
  }

  /** The steps in whose histories a step may be. */
  #opensLater(step: string): ReadonlySet<string> {
    const known = this.#later.get(step)
    if (known) return known
    const found = new Set<string>()
    const waiting = this.#steps.filter(({ id }) => this.#sources.get(id)!.acted.has(step)).map(({ id }) => id)
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (found.has(id)) continue
      found.add(id)
      for (const next of this.#steps) {
        const { acted, lapsed } = this.#sources.get(next.id)!
        if (acted.has(id) || lapsed.has(id)) waiting.push(next.id)
      }
    }
    this.#later.set(step, found)
    return found
  }
}

function each(states: number, change: (state: number) => number): number {
  return [NONE, OPEN, DONE].reduce((total, state) => ((states & state) === 0 ? total : total | change(state)), 0)
}

/** The histories of two branches in one. */
function meet(one: number, other: number, once: boolean): number {
  return each(one, (a) => each(other, (b) => merged(a, b, once)))
}

function merged(a: number, b: number, once: boolean): number {
  if (a === b || b === NONE) return a
  if (a === NONE) return b
  // One branch has what the other has not: of the same record, or of one that only that other branch has.
  return once ? DONE : OPEN | DONE
}

/** The steps from which some sequence of routes or lapses ends the branch. A withdrawal is no way out: it leaves the process undone. */
export function stepsWithExit(blueprint: Blueprint): Set<string> {
  const ending = new Set<string>()
  for (let grew = true; grew; ) {
    grew = false
    for (const step of blueprint.steps) {
      if (ending.has(step.id)) continue
      const ways = [...step.routes, ...(step.lapse ? [step.lapse] : [])]
      if (!ways.some(({ to }) => to.every((next) => ending.has(next)))) continue
      ending.add(step.id)
      grew = true
    }
  }
  return ending
}
