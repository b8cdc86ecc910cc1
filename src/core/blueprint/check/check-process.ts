import { canonicalize } from '../../canonical-json.ts'
import { type Blueprint, getStep, opaqueNext, type Step } from '../blueprint.ts'
import type { BlueprintError } from '../problem.ts'
import { type ProcessGraph, stepsWithExit } from './process-graph.ts'

/** Steps, and what leads from one to another. */
export function checkProcess(blueprint: Blueprint, graph: ProcessGraph): BlueprintError[] {
  const exits = stepsWithExit(blueprint)
  return [
    ...checkStart(blueprint),
    ...blueprint.steps.flatMap((step, place) => [
      ...checkWay(step, `/steps/${place}`, graph, exits),
      ...checkRoutes(blueprint, step, `/steps/${place}`),
      ...checkWithdrawal(blueprint, step, `/steps/${place}`),
      ...checkJoin(blueprint, step, `/steps/${place}`),
    ]),
  ]
}

function checkStart(blueprint: Blueprint): BlueprintError[] {
  if (!getStep(blueprint, blueprint.start).withdrawal) return []
  const message = 'A case cannot start with a withdrawal. Start it at another step.'
  return [{ code: 'WITHDRAWAL_ROUTED', at: '/start', message }]
}

function checkWay(step: Step, at: string, graph: ProcessGraph, exits: ReadonlySet<string>): BlueprintError[] {
  const errors: BlueprintError[] = []
  if (!graph.isReachable(step.id)) {
    const message = `No route leads to ${step.id}. Route to it, mark it as a withdrawal, or delete it.`
    errors.push({ code: 'STEP_UNREACHABLE', at, message })
  }
  if (step.routes.length === 0) {
    const message = `${step.id} has no route, so every action at it would be refused. Add one; to: [] ends the branch.`
    errors.push({ code: 'DEAD_END', at: `${at}/routes`, message })
  } else if (!exits.has(step.id)) {
    const message = `From ${step.id} no sequence of routes ends the case. Give the loop a route that leaves it; to: [] ends a branch.`
    errors.push({ code: 'LOOP_WITHOUT_EXIT', at: `${at}/routes`, message })
  }
  return errors
}

function checkRoutes(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const errors: BlueprintError[] = []
  const last = step.routes.findIndex((route) => route.when === undefined)
  const closedBy = new Map<string, string>()
  const conditions = new Set<string>()
  for (const [i, { to, closes, when }] of step.routes.entries()) {
    const condition = when === undefined ? '' : canonicalize(when)
    if (last >= 0 && i === last + 1) {
      const message =
        'The route before it has no condition, so this one is never taken. Put the route without `when` last.'
      errors.push({ code: 'ROUTE_NEVER_TAKEN', at: `${at}/routes/${i}`, message })
    } else if (when !== undefined && conditions.has(condition)) {
      const message =
        'A route before it has the same condition, so this one is never taken. Change or delete one of them.'
      errors.push({ code: 'ROUTE_NEVER_TAKEN', at: `${at}/routes/${i}`, message })
    }
    conditions.add(condition)
    const [opened, closed] = [opaqueNext(blueprint, to).join(), opaqueNext(blueprint, closes ?? []).join()]
    if ((closedBy.get(opened) ?? closed) !== closed) {
      const message = `Another route of ${step.id} opens the same steps and closes others, and the register could not tell them apart. Let both close the same.`
      errors.push({ code: 'ROUTES_CLOSE_DIFFERENTLY', at: `${at}/routes/${i}/closes`, message })
    }
    closedBy.set(opened, closed)
  }
  return errors
}

/** RULES 13: always open to its role, and whatever is still to be done ends with it. */
function checkWithdrawal(blueprint: Blueprint, step: Step, at: string): BlueprintError[] {
  const errors: BlueprintError[] = []
  const ways = [
    ...step.routes.map(({ to }, i) => ({ to, place: `${at}/routes/${i}/to` })),
    ...(step.lapse ? [{ to: step.lapse.to, place: `${at}/lapse/to` }] : []),
  ]
  for (const { to, place } of ways) {
    const withdrawal = to.find((next) => getStep(blueprint, next).withdrawal)
    if (withdrawal === undefined) continue
    const message = `${withdrawal} is a withdrawal, which is always open. Route to another step.`
    errors.push({ code: 'WITHDRAWAL_ROUTED', at: place, message })
  }
  if (!step.withdrawal) return errors
  for (const part of ['join', 'deadline', 'lapse', 'extend', 'confirm', 'dispute'] as const) {
    if (step[part] === undefined) continue
    const message = `${step.id} is a withdrawal, which nothing opens, delays or holds up. Remove its ${part}.`
    errors.push({ code: 'WITHDRAWAL_WITH_PARTS', at: `${at}/${part}`, message })
  }
  const closing = step.routes.findIndex(({ closes }) => closes !== undefined)
  if (closing >= 0) {
    const message = `${step.id} is a withdrawal and closes every step by itself. Remove closes.`
    errors.push({ code: 'WITHDRAWAL_WITH_PARTS', at: `${at}/routes/${closing}/closes`, message })
  }
  return errors
}

function checkJoin(blueprint: Blueprint, { id, join }: Step, at: string): BlueprintError[] {
  return (join?.steps ?? []).flatMap((from, i): BlueprintError[] => {
    const { routes, lapse } = getStep(blueprint, from)
    if ([...routes, ...(lapse ? [lapse] : [])].some(({ to }) => to.includes(id))) return []
    const message = `${id} waits for ${from}, from which no route or lapse leads to it. Route from there, or join without it.`
    return [{ code: 'JOIN_SOURCE_NEVER_ARRIVES', at: `${at}/join/steps/${i}`, message }]
  })
}
