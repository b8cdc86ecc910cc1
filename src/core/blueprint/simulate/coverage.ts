import { type Blueprint, getStep } from '../blueprint.ts'
import { pathOf } from './scenario.ts'
import type { Simulation } from './simulation.ts'

/** Something that a process can come to, of which nobody should learn only in the first real case. */
export interface Goal {
  kind: 'step' | 'route' | 'lapse' | 'extend' | 'confirm' | 'dispute'
  step: string
  /** The route's place in the step's list, or how a countersignature or a dispute ends. */
  way: number | 'accepted' | 'refused' | 'upheld' | 'rejected' | null
}

export interface CoveredGoal {
  goal: Goal
  /** The path of the first case that came to it; null if none did. */
  path: string[] | null
}

/** What cases came to, of all that their blueprint provides for. */
export class Coverage {
  readonly #blueprint: Blueprint
  readonly #goals: Map<string, CoveredGoal>

  constructor(blueprint: Blueprint) {
    this.#blueprint = blueprint
    this.#goals = new Map(goalsOf(blueprint).map((goal) => [keyOf(goal), { goal, path: null }]))
  }

  /** In the document's order. */
  get goals(): CoveredGoal[] {
    return [...this.#goals.values()]
  }

  get missing(): Goal[] {
    return this.goals.flatMap(({ goal, path }) => (path === null ? [goal] : []))
  }

  /** Counts all that a case has come to. */
  addCase(simulation: Simulation): void {
    for (const place of simulation.events.keys()) this.#add(simulation, place)
  }

  /** Counts what a case's newest entry came to. */
  addNewest(simulation: Simulation): void {
    this.#add(simulation, simulation.events.length - 1)
  }

  #add(simulation: Simulation, place: number): void {
    for (const goal of goalsReached(this.#blueprint, simulation, place)) {
      const key = keyOf(goal)
      if (this.#goals.get(key)?.path !== null) continue
      this.#goals.set(key, { goal, path: pathTo(simulation, place) })
    }
  }
}

/** Words for a goal, such as `decide -> order (route 2)`. */
export function describeGoal(blueprint: Blueprint, { kind, step, way }: Goal): string {
  if (kind === 'step') return step
  if (kind !== 'route') return way === null ? `${kind}:${step}` : `${kind}:${step} ${way}`
  const { to } = getStep(blueprint, step).routes[Number(way)] ?? { to: [] }
  return `${step} -> ${to.join(' + ') || 'end'} (route ${Number(way) + 1})`
}

/** What was entered up to a place, as a scenario's path names it. */
export function pathTo({ events }: Simulation, place: number): string[] {
  return events.slice(0, place + 1).map(({ act }) => pathOf(act))
}

function goalsOf({ steps }: Blueprint): Goal[] {
  return steps.flatMap(({ id: step, routes, lapse, extend, confirm, dispute }): Goal[] => [
    { kind: 'step', step, way: null },
    ...routes.map((_, way): Goal => ({ kind: 'route', step, way })),
    ...(lapse ? [{ kind: 'lapse', step, way: null } as const] : []),
    ...(extend ? [{ kind: 'extend', step, way: null } as const] : []),
    ...(confirm ? (['accepted', 'refused'] as const).map((way): Goal => ({ kind: 'confirm', step, way })) : []),
    ...(dispute ? (['upheld', 'rejected'] as const).map((way): Goal => ({ kind: 'dispute', step, way })) : []),
  ])
}

function goalsReached(blueprint: Blueprint, simulation: Simulation, place: number): Goal[] {
  const event = simulation.events[place]
  if (event === undefined) return []
  const { act, route } = event
  const { step } = act
  const { confirm, dispute } = getStep(blueprint, step)
  switch (act.kind) {
    case 'action':
      if (act.corrects) return []
      return [
        { kind: 'step', step, way: null },
        { kind: 'route', step, way: route },
      ]
    case 'confirm':
      return [{ kind: 'confirm', step, way: act.accept ? 'accepted' : 'refused' }]
    case 'dispute':
      return []
    case 'resolve':
      return act.outcome === 'upheld' || act.outcome === 'rejected' ? [{ kind: 'dispute', step, way: act.outcome }] : []
    case 'extend':
      return [{ kind: 'extend', step, way: null }]
    case 'lapse':
      if (act.of === 'opening') return [{ kind: 'lapse', step, way: null }]
      if (act.of === 'confirm') {
        return [{ kind: 'confirm', step, way: confirm?.default === 'accept' ? 'accepted' : 'refused' }]
      }
      return [{ kind: 'dispute', step, way: dispute?.default === 'uphold' ? 'upheld' : 'rejected' }]
  }
}

function keyOf({ kind, step, way }: Goal): string {
  return `${kind} ${step} ${way}`
}
