/** Which steps, by index, may follow which, and which surely come before: what an import needs before there is a blueprint. */
export class StepOrder {
  readonly #next: readonly (readonly number[])[]
  readonly #start: number
  readonly #following = new Map<number, ReadonlySet<number>>()

  /** `targets[i]`: the lists of steps that the routes of step i open. */
  constructor(targets: readonly (readonly (readonly number[])[])[], start: number) {
    this.#next = targets.map((lists) => [...new Set(lists.flat())])
    this.#start = start
  }

  canPrecede(earlier: number, later: number): boolean {
    const known = this.#following.get(earlier) ?? this.#reached(earlier, undefined)
    this.#following.set(earlier, known)
    return known.has(later)
  }

  /** Every way from the start to `later` leads through `earlier`. */
  surelyPrecedes(earlier: number, later: number): boolean {
    if (earlier === later || later === this.#start) return false
    return earlier === this.#start || !this.#reached(this.#start, earlier).has(later)
  }

  /** The steps that may follow `step`, itself where a way leads back; none behind `without`. */
  reachedFrom(step: number, without: number): ReadonlySet<number> {
    return new Set([step, ...this.#reached(step, without)])
  }

  leadingTo(step: number): number[] {
    return this.#next.flatMap((targets, index) => (targets.includes(step) ? [index] : []))
  }

  #reached(from: number, without: number | undefined): Set<number> {
    const reached = new Set<number>()
    const waiting = [...(this.#next[from] ?? [])]
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (reached.has(step) || step === without) continue
      reached.add(step)
      waiting.push(...(this.#next[step] ?? []))
    }
    return reached
  }
}

/** Branches that one route opens at once. */
export interface Fork {
  step: number
  /** For each step that the route opens: it and what may follow it, none behind the fork. */
  branches: ReadonlySet<number>[]
}

export function forksOf(targets: readonly (readonly (readonly number[])[])[], order: StepOrder): Fork[] {
  return targets.flatMap((lists, step) => {
    const parallel = lists.filter((to) => to.length > 1)
    return parallel.map((to) => ({ step, branches: to.map((head) => order.reachedFrom(head, step)) }))
  })
}

/** Where branches of a fork meet: the step, and the steps that lead to it out of different branches. */
export function meetingsOf(forks: readonly Fork[], order: StepOrder): Map<number, number[]> {
  const meetings = new Map<number, number[]>()
  for (const { step: fork, branches } of forks) {
    const shared = (step: number) => branches.filter((branch) => branch.has(step)).length > 1
    for (const step of new Set(branches.flatMap((branch) => [...branch]))) {
      if (!shared(step)) continue
      const arriving = order.leadingTo(step).filter((from) => {
        return from === fork || (!shared(from) && branches.some((branch) => branch.has(from)))
      })
      if (arriving.length > 1) meetings.set(step, [...new Set([...(meetings.get(step) ?? []), ...arriving])])
    }
  }
  return meetings
}

/** Steps of the sisters of the branch that `step` is in: what a way out of that branch has to close. */
export function sistersOf(step: number, forks: readonly Fork[]): number[] {
  const sisters = forks.flatMap(({ branches }) => {
    const own = branches.filter((branch) => branch.has(step))
    if (own.length !== 1) return []
    return branches.filter((branch) => branch !== own[0]).flatMap((branch) => [...branch])
  })
  return [...new Set(sisters)].filter((sister) => sister !== step).sort((a, b) => a - b)
}
