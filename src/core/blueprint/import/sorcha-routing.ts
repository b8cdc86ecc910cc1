import { type JsonObject, type JsonValue, parseJson } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Rule } from '../blueprint.ts'
import { choicesOf } from './decide.ts'
import type { Losses } from './losses.ts'
import { IMPORT_LIMITS, indexOfAction } from './read-actions.ts'
import { below, isObject, readList, readObject, readOptionalList, refuse } from './read-source.ts'
import type { SourceParticipant, SourceRoute } from './source-process.ts'

/** An action as far as its routing goes. */
export interface RoutedAction {
  at: string
  id: number
  title: string
  sender: string
  action: JsonObject
}

type Way = { kind: 'end' } | { kind: 'dead end' } | { kind: 'action'; index: number; back: boolean }

/**
 * The routes of a Sorcha blueprint's actions: `routes` where there are any, else the older styles, of which Sorcha's engine
 * reads `participants` only. Those name a participant, who is taken to act next at the next later action of his, or at the
 * nearest earlier one: a send-back.
 */
export function routeSorcha(
  actions: readonly RoutedAction[],
  participants: readonly SourceParticipant[],
  losses: Losses,
): SourceRoute[][] {
  const older = !actions.some(({ action }) => hasItems(action.routes))
  const routed = actions.map((entry, index): SourceRoute[] | undefined => {
    if (hasItems(entry.action.routes)) return readRoutes(actions, index, losses)
    const reader = new OlderRouting(actions, participants, index, losses)
    if (hasItems(entry.action.participants)) return reader.byCriteria()
    if (entry.action.condition !== undefined && entry.action.condition !== null) return reader.byCondition()
    if (typeof entry.action.target === 'string' && entry.action.target !== '') return reader.byTarget()
    return older ? undefined : end(entry.at)
  })
  return routed.map((routes, index) => routes ?? goOn(actions, routed, index, losses))
}

function readRoutes(actions: readonly RoutedAction[], index: number, losses: Losses): SourceRoute[] {
  const { at: actionAt, action, title } = actions[index]!
  const ids = actions.map(({ id }) => id)
  const place = below(actionAt, 'routes')
  const routes: SourceRoute[] = []
  let fallback: SourceRoute | undefined
  for (const [i, value] of readList(action.routes, place, IMPORT_LIMITS.listItems).entries()) {
    const at = below(place, i)
    const route = readObject(value, at)
    const targets = readOptionalList(route.nextActionIds, below(at, 'nextActionIds'), IMPORT_LIMITS.listItems)
    const to = [...new Set(targets.map((id, j) => indexOfAction(ids, id, below(below(at, 'nextActionIds'), j))))]
    if (route.branchDeadline !== undefined && route.branchDeadline !== null) {
      losses.add(
        'NOT_CARRIED',
        below(at, 'branchDeadline'),
        'branchDeadline',
        'Sorcha never acts on it, and it does not say what then happens',
      )
    }
    const conditional = route.condition !== undefined && route.condition !== null
    if (route.isDefault !== true && conditional) routes.push({ at, to, when: route.condition! })
    else if (fallback === undefined) {
      fallback = { at, to, when: undefined }
      if (route.isDefault !== true)
        losses.add(
          'ROUTE_ASSUMED',
          at,
          `the default route of ${title}`,
          'it has no condition and does not say that it is the default',
        )
    } else losses.add('ROUTE_DROPPED', at, `a second default route of ${title}`, 'it is never taken')
  }
  if (fallback === undefined) {
    losses.add(
      'ROUTE_ASSUMED',
      place,
      `${title} ends its branch where no route holds`,
      'the source has no default; its engine ends the case in silence',
    )
    fallback = { at: place, to: [], when: undefined }
  }
  return withoutNeedless([...routes, fallback])
}

class OlderRouting {
  readonly #actions: readonly RoutedAction[]
  readonly #participants: readonly SourceParticipant[]
  readonly #index: number
  readonly #entry: RoutedAction
  readonly #losses: Losses

  constructor(
    actions: readonly RoutedAction[],
    participants: readonly SourceParticipant[],
    index: number,
    losses: Losses,
  ) {
    this.#actions = actions
    this.#participants = participants
    this.#index = index
    this.#entry = actions[index]!
    this.#losses = losses
  }

  /** The next participant is what a rule returns; null ends the branch. Undefined if the rule cannot be taken apart. */
  byCondition(): SourceRoute[] | undefined {
    const { action, title } = this.#entry
    const at = below(this.#entry.at, 'condition')
    const choices = choicesOf(action.condition!)
    if (choices === undefined) {
      this.#losses.add(
        'ROUTE_DROPPED',
        at,
        `the condition of ${title}`,
        'it does not choose between participants by `if` alone',
      )
      return undefined
    }
    if (typeof action.target === 'string' && action.target !== '') {
      this.#losses.add(
        'ROUTE_DROPPED',
        below(this.#entry.at, 'target'),
        `the target of ${title}`,
        'the action has a condition too, which says more',
      )
    }
    return withoutNeedless(choices.map(({ when, result }) => ({ at, to: this.#toward(result, at), when })))
  }

  /** A list of participants, each with criteria that must all hold. */
  byCriteria(): SourceRoute[] {
    const place = below(this.#entry.at, 'participants')
    const routes = readList(this.#entry.action.participants, place, IMPORT_LIMITS.listItems).map(
      (value, i): SourceRoute => {
        const at = below(place, i)
        const entry = readObject(value, at)
        const criteria = readOptionalList(entry.criteria, below(at, 'criteria'), IMPORT_LIMITS.listItems).map(
          (rule, j) => readRule(rule, below(below(at, 'criteria'), j)),
        )
        const when = criteria.length === 0 ? undefined : criteria.length === 1 ? criteria[0] : { and: criteria }
        return { at, to: this.#toward(entry.principal ?? entry.prinicpal ?? null, at), when }
      },
    )
    const last = routes.findIndex(({ when }) => when === undefined)
    return withoutNeedless(last >= 0 ? routes.slice(0, last + 1) : [...routes, { at: place, to: [], when: undefined }])
  }

  /** One participant, whatever was entered. One that acts no more later was told, rather than asked to begin again for ever. */
  byTarget(): SourceRoute[] | undefined {
    const at = below(this.#entry.at, 'target')
    const way = this.#way(this.#entry.action.target!, at)
    if (way.kind === 'action' && !way.back) {
      this.#interpreted(at, way)
      return [{ at, to: [way.index], when: undefined }]
    }
    return undefined
  }

  #toward(result: JsonValue, at: string): number[] {
    const way = this.#way(result, at)
    if (way.kind === 'action') this.#interpreted(at, way)
    if (way.kind === 'dead end') {
      const what = `${this.#entry.title} goes to ${String(result).slice(0, 64)}`
      this.#losses.add('DEAD_END', at, what, 'who has no other action: nobody to go to, so the branch ends')
    }
    return way.kind === 'action' ? [way.index] : []
  }

  #way(participant: JsonValue, at: string): Way {
    if (participant === null || participant === '') return { kind: 'end' }
    if (typeof participant !== 'string') return refuse(at, 'the id of a participant, or null', participant)
    const named =
      this.#participants.find(({ id, wallet }) => id === participant || wallet === participant)?.id ?? participant
    const later = this.#actions.findIndex(({ sender }, index) => index > this.#index && sender === named)
    if (later >= 0) return { kind: 'action', index: later, back: false }
    const earlier = this.#actions.findLastIndex(({ sender }, index) => index < this.#index && sender === named)
    return earlier >= 0 ? { kind: 'action', index: earlier, back: true } : { kind: 'dead end' }
  }

  #interpreted(at: string, way: { index: number; back: boolean }): void {
    const next = this.#actions[way.index]!
    const what = `${this.#entry.title} ${way.back ? 'goes back to' : 'goes on to'} ${next.title}`
    const why = `the source names ${next.sender} only, whose ${way.back ? 'nearest earlier' : 'next later'} action it is; Sorcha's own engine reads neither condition nor target`
    this.#losses.add('ROUTING_INTERPRETED', at, what, why)
  }
}

/**
 * An action of the older style that says nothing of where it goes: to the next one in the file, as in SICCAR, where the style
 * comes from. One whose target has no later action: likewise, but only if nothing else leads there; else the branch ends.
 */
function goOn(
  actions: readonly RoutedAction[],
  routed: readonly (SourceRoute[] | undefined)[],
  index: number,
  losses: Losses,
): SourceRoute[] {
  const { at, title, action } = actions[index]!
  const next = actions[index + 1]
  const following = [{ at, to: [index + 1], when: undefined }]
  if (typeof action.target !== 'string' || action.target === '') {
    if (next === undefined) return end(at)
    losses.add(
      'ROUTE_ASSUMED',
      at,
      `${title} goes on to ${next.title}`,
      'the source does not say; it is the next action of the file',
    )
    return following
  }
  const led = next === undefined || routed.some((routes) => routes?.some(({ to }) => to.includes(index + 1)))
  const where = led
    ? 'the branch ends'
    : `it goes on to ${next.title}, the next action of the file, to which nothing else leads`
  const what = `${title} goes to ${action.target.slice(0, 64)}`
  losses.add('DEAD_END', below(at, 'target'), what, `who has no later action: nobody to go to, so ${where}`)
  return led ? end(at) : following
}

function end(at: string): SourceRoute[] {
  return [{ at, to: [], when: undefined }]
}

/** A condition right before the default, to where the default goes, decides nothing. */
export function withoutNeedless(routes: SourceRoute[]): SourceRoute[] {
  const kept = [...routes]
  while (kept.length > 1 && kept.at(-2)!.to.join() === kept.at(-1)!.to.join()) kept.splice(-2, 1)
  return kept
}

/** A rule, or a text that holds one. */
export function readRule(value: JsonValue, at: string): Rule {
  if (typeof value !== 'string') return value
  try {
    return parseJson(value)
  } catch (error) {
    if (error instanceof ConcordatError) return refuse(at, 'a rule, or a text that holds one', value)
    throw error
  }
}

function hasItems(value: JsonValue | undefined): boolean {
  return Array.isArray(value) ? value.length > 0 : isObject(value)
}
