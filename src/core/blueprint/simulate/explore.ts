import { canonicalize, type JsonValue } from '../../canonical-json.ts'
import { digest } from '../../crypto/hash.ts'
import { ConcordatError } from '../../error.ts'
import { type Blueprint, getStep } from '../blueprint.ts'
import { classesOf } from '../check/deciding-fields.ts'
import { inputs } from '../rules/json-logic.ts'
import { Coverage, type CoveredGoal, pathTo } from './coverage.ts'
import { conditionsOf, rulesOf, truths } from './rule-conditions.ts'
import { type Sample, sampleData } from './sample-data.ts'
import { seededPick } from './sample-text.ts'
import type { SimulatedAct } from './simulated-entry.ts'
import { eligibleMembers, type SimulatedRegister, simulateRegister } from './simulated-register.ts'
import { type RoleFinding, Simulation } from './simulation.ts'
import { describeWay, type Way, waysBeside } from './ways-beside.ts'

export interface Bounds {
  /** Entries of a case. */
  depth: number
  /** Cases, each as it stands after some entry, from which it looks further. */
  states: number
}

export interface Explored {
  coverage: CoveredGoal[]
  /** Cases that a recipient would dispute at once: the rules of two roles differ. */
  contradictions: { path: string[]; finding: RoleFinding }[]
  /** Cases that go on but in which nothing was found that anybody could enter. */
  stuck: { path: string[]; open: string[] }[]
  /** Looked further from so many cases. */
  states: number
  /** The states ran out before all ways up to the depth were seen. */
  bounded: boolean
}

const HOUR = 3_600
const DAY = 86_400
/** Those told of; one is enough to mend a blueprint. */
const MAX_TOLD = 20
/** What may happen beside the routes happens so often in cases that stand in the same place. */
const MAX_BESIDE = 2

/**
 * Runs cases with all their participants along every route that sample data opens, and with the lapses, extensions,
 * countersignatures, disputes, reviews and withdrawals that the blueprint provides for. Two cases that stand in the same place,
 * came by the same routes and agree in what rules turn on are one. What it never came to is not proven out of reach: the data is
 * found by trial. `startsAt`: when cases start, in Unix seconds; the blueprint's calendars must reach.
 */
export function explore(blueprint: Blueprint, startsAt: number, bounds: Bounds): Explored {
  return new Explorer(blueprint, startsAt, bounds).run()
}

class Explorer {
  readonly #blueprint: Blueprint
  readonly #register: SimulatedRegister
  readonly #startsAt: number
  readonly #bounds: Bounds
  readonly #coverage: Coverage
  /** Made-up members first, so that roles which must be apart can be. */
  readonly #members: Readonly<Record<string, readonly string[]>>
  readonly #seen = new Set<string>()
  /** Cases to look further from, by where they stand. */
  readonly #waiting = new Map<string, { cases: Simulation[]; taken: number }>()
  readonly #beside = new Map<string, number>()
  readonly #samples = new Map<string, Sample[]>()
  readonly #contradictions: Explored['contradictions'] = []
  readonly #stuck: Explored['stuck'] = []
  #states = 0

  constructor(blueprint: Blueprint, startsAt: number, bounds: Bounds) {
    this.#blueprint = blueprint
    this.#startsAt = startsAt
    this.#bounds = bounds
    this.#coverage = new Coverage(blueprint)
    const open = blueprint.roles.filter((role) => role.open).map(({ id }) => id)
    this.#register = simulateRegister(blueprint, open.map(madeUpMember))
    this.#members = Object.fromEntries(
      blueprint.roles.map(({ id }) => {
        const own = open.includes(id) ? [madeUpMember(id)] : []
        return [id, [...new Set([...own, ...eligibleMembers(this.#register, id)])]]
      }),
    )
  }

  run(): Explored {
    const { role } = getStep(this.#blueprint, this.#blueprint.start)
    for (const member of this.#members[role] ?? []) {
      this.#keep(Simulation.start(this.#register, { [role]: member }))
    }
    let next = this.#next()
    for (; next !== undefined && this.#states < this.#bounds.states; next = this.#next()) {
      this.#states++
      this.#lookFurther(next)
    }
    return {
      coverage: this.#coverage.goals,
      contradictions: this.#contradictions,
      stuck: this.#stuck,
      states: this.#states,
      bounded: next !== undefined,
    }
  }

  /** From the place that was looked at least, those first where something has not been reached yet. */
  #next(): Simulation | undefined {
    const missing = new Set(this.#coverage.missing.map(({ step }) => step))
    let best: { cases: Simulation[]; taken: number } | undefined
    let least = Number.POSITIVE_INFINITY
    for (const place of this.#waiting.values()) {
      const [first] = place.cases
      if (first === undefined) continue
      const score = (place.taken + 1) / (first.open.some((step) => missing.has(step)) ? 4 : 1)
      if (score < least) [best, least] = [place, score]
    }
    if (best === undefined) return undefined
    best.taken++
    return best.cases.shift()
  }

  #keep(simulation: Simulation): void {
    const place = placeOf(simulation)
    const key = `${place} ${historyOf(this.#blueprint, simulation)}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const waiting = this.#waiting.get(place) ?? { cases: [], taken: 0 }
    if (simulation.events.length < this.#bounds.depth) waiting.cases.push(simulation)
    this.#waiting.set(place, waiting)
  }

  #lookFurther(from: Simulation): void {
    let wayOn = from.ended
    const time = (from.events.at(-1)?.time ?? this.#startsAt - HOUR) + HOUR
    const place = placeOf(from)
    for (const way of this.#ways(from, time)) {
      const key = way.isBeside ? `${place} ${describeWay(way)}` : null
      const often = key === null ? 0 : (this.#beside.get(key) ?? 0)
      wayOn ||= often >= MAX_BESIDE
      if (often >= MAX_BESIDE) continue
      const next = tryEntering(from, way.act, way.at)
      if (next === undefined) continue
      wayOn = true
      if (key !== null) this.#beside.set(key, often + 1)
      this.#note(next)
      this.#keep(next)
    }
    if (!wayOn && this.#stuck.length < MAX_TOLD) {
      this.#stuck.push({ path: pathTo(from, from.events.length), open: from.open })
    }
  }

  #note(simulation: Simulation): void {
    this.#coverage.addNewest(simulation)
    for (const finding of simulation.events.at(-1)?.findings ?? []) {
      if (finding.finding.verdict !== 'contradicts' || this.#contradictions.length >= MAX_TOLD) continue
      this.#contradictions.push({ path: pathTo(simulation, simulation.events.length), finding })
    }
  }

  /** All that may be worth entering next; the register refuses what may not come. */
  #ways(from: Simulation, time: number): Way[] {
    const { row, open } = from
    const aside = this.#blueprint.steps.filter(({ id, withdrawal }) => {
      return withdrawal ? row?.ended === false : row?.ended === true && this.#blueprint.review?.request.includes(id)
    })
    return [
      ...open.flatMap((step) => this.#actions(from, step, time)),
      ...aside.flatMap(({ id }) => this.#actions(from, id, time).map((way) => ({ ...way, isBeside: true }))),
      ...(row === null ? [] : waysBeside(this.#blueprint, row, time)),
    ]
  }

  #actions(from: Simulation, step: string, at: number): Way[] {
    const { role } = getStep(this.#blueprint, step)
    return this.#samplesFor(from, step, at).map(({ data, route }) => {
      return { act: { kind: 'action', step, by: role, data, corrects: false }, at, route, isBeside: false }
    })
  }

  /** The same for all cases whose role sees the same of what the step's rules read. */
  #samplesFor(from: Simulation, stepId: string, asOf: number): Sample[] {
    const view = from.viewFor(stepId)
    const step = getStep(this.#blueprint, stepId)
    const reads = rulesOf(step).flatMap((rule) => inputs(rule).map(({ path }) => path))
    const read = reads.map((path): JsonValue => {
      const [of = '', ...names] = path.split('.')
      return names.reduce<JsonValue>(
        (value, name) => (value as { [name: string]: JsonValue } | null)?.[name] ?? null,
        view.values[of] ?? null,
      )
    })
    const bound = (step.bind ?? []).map(({ role }) => view.bound[role] ?? null)
    const happened = Object.keys(view.values).sort()
    const key = digest(canonicalize([stepId, read, bound, happened, Math.floor(asOf / DAY)]))
    const samples =
      this.#samples.get(key) ??
      sampleData(this.#blueprint, stepId, { view, members: this.#members, asOf, pick: seededPick(stepId.length) })
    this.#samples.set(key, samples)
    return samples
  }
}

function tryEntering(from: Simulation, act: SimulatedAct, at: number): Simulation | undefined {
  try {
    return from.enter(act, at)
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}

/** Where a case stands: what is open, what waits for what, whether it has ended. */
function placeOf({ row }: Simulation): string {
  if (row === null) return 'start'
  const stepOf = (record: string) => row.records.find(({ id }) => id === record)?.step
  return canonicalize([
    row.openings.map(({ step, waits, extended }) => `${step}${waits === null ? '' : '?'}${extended ? '+' : ''}`).sort(),
    row.arrivals.map(({ step, from }) => `${step}<${from}`).sort(),
    row.confirmations.map(({ record, roles }) => `${stepOf(record)}#${roles.join()}`).sort(),
    row.disputes.map(({ record, end }) => `${stepOf(record)}${end === null ? '?' : end.outcome}`).sort(),
    row.review === null ? 'none' : 'review',
    row.ended,
  ])
}

/** By which routes its newest records went, who holds which role, and what rules turn on. */
function historyOf(blueprint: Blueprint, simulation: Simulation): string {
  const { row, events, values } = simulation
  const asOf = events.at(-1)?.time ?? 0
  const routes = new Map(events.map(({ act, route }) => [act.step, route]))
  const roles = Object.entries(row?.roles ?? {}).map(([role, { member }]) => [role, member])
  const classes = Object.entries(values).map(([step, data]) => [step, classesOf(blueprint, step, data, asOf)])
  const turns = truths(conditionsOf(blueprint), { ...values, $meta: { asOf } })
  return digest(canonicalize([[...routes].sort(), roles.sort(), classes, turns]))
}

function madeUpMember(role: string): string {
  return digest(`made-up member for ${role}`)
}
