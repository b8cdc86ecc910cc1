import type { Blueprint } from './blueprint.ts'

/**
 * Which steps may follow which. An edge means that one step's action opens another; a withdrawal may follow every step, since it
 * is always open (RULES 13). Paths from the start are exactly the possible causal histories, as nothing joins branches.
 */
export class ProcessGraph {
  readonly #next: ReadonlyMap<string, readonly string[]>
  readonly #start: string

  constructor(blueprint: Blueprint) {
    const withdrawals = blueprint.steps.filter((step) => step.withdrawal).map((step) => step.id)
    this.#start = blueprint.start
    this.#next = new Map(
      blueprint.steps.map((step) => [
        step.id,
        [...new Set([...step.routes.flatMap((route) => route.to), ...(step.withdrawal ? [] : withdrawals)])],
      ]),
    )
  }

  isReachable(step: string): boolean {
    return step === this.#start || this.#reaches(this.#start, step, [])
  }

  canPrecede(earlier: string, later: string): boolean {
    return this.#reaches(earlier, later, [])
  }

  /** `later` can happen with none of `steps` before it. */
  canHappenWithout(later: string, steps: readonly string[]): boolean {
    if (steps.includes(this.#start)) return false
    return later === this.#start || this.#reaches(this.#start, later, steps)
  }

  /** After `earlier`, `later` can happen with none of `steps` between them. */
  canFollowWithout(earlier: string, later: string, steps: readonly string[]): boolean {
    return this.#reaches(earlier, later, steps)
  }

  /** By at least one edge, through no step of `avoid`. */
  #reaches(from: string, to: string, avoid: readonly string[]): boolean {
    const seen = new Set<string>()
    const waiting = [...(this.#next.get(from) ?? [])]
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (step === to) return true
      if (seen.has(step) || avoid.includes(step)) continue
      seen.add(step)
      waiting.push(...(this.#next.get(step) ?? []))
    }
    return false
  }
}

/** The steps from which some sequence of routes ends the branch. A withdrawal is no way out: it leaves the process undone. */
export function stepsWithExit(blueprint: Blueprint): Set<string> {
  const ending = new Set<string>()
  for (let grew = true; grew; ) {
    grew = false
    for (const step of blueprint.steps) {
      if (ending.has(step.id)) continue
      if (!step.routes.some((route) => route.to.every((next) => ending.has(next)))) continue
      ending.add(step.id)
      grew = true
    }
  }
  return ending
}
