import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { digest } from '../../crypto/hash.ts'
import { ConcordatError } from '../../error.ts'
import { isSameOpening } from '../../ledger/case-event.ts'
import type { CaseRecord, CaseRow, Opening } from '../../ledger/state.ts'
import { advance, takeRoute } from '../advance.ts'
import { type Blueprint, documentStepId, getStep, opaqueStepId } from '../blueprint.ts'
import { CaseSight, type Holder, type Shown } from '../case-sight.ts'
import { getAt } from '../pointer.ts'
import { type Finding, type Recheck, recheck } from '../recheck.ts'
import type { View } from '../view.ts'
import { enterAction, enterOther, findNewestRecord, placeOf, type SimulatedAct } from './simulated-entry.ts'
import type { SimulatedRegister } from './simulated-register.ts'

/** An entry that the register took, and all that followed from it. Steps are the document's. */
export interface SimulatedEvent {
  act: SimulatedAct
  /** Of an action's record too. */
  id: string
  index: number
  time: number
  /** The member that signed. */
  member: string
  /** Steps that are open since, and steps that are no longer, besides the one that was used. */
  opened: string[]
  closed: string[]
  /** Steps that wait for the dispute that this entry raised. */
  waits: string[]
  /** An action's calculated fields by pointer. */
  calculated: JsonObject
  /** The place of the route that an action took in its step's list. */
  route: number | null
  /** What it authorised somebody to see. */
  shown: Shown[]
  /** What recipients found in what they were shown, where it is not that they agree (RULES 27). */
  findings: RoleFinding[]
  /** The case has ended. */
  ended: boolean
}

export interface RoleFinding {
  role: string
  /** Of the record. */
  step: string
  record: string
  finding: Finding
}

/**
 * One case with all its participants: the register's own rules, each role's view exactly of what was granted to it, each
 * recipient's check. No keys, no network. A simulation never changes: each entry makes another one.
 */
export class Simulation {
  readonly register: SimulatedRegister
  /** Null before the start. */
  readonly row: CaseRow | null
  readonly events: readonly SimulatedEvent[]
  readonly sight: CaseSight
  readonly #players: Readonly<Record<string, string>>
  /** The newest verdict of each recipient, by record and role. */
  readonly #verdicts: ReadonlyMap<string, Recheck>

  private constructor(
    parts: Pick<Simulation, 'register' | 'row' | 'events' | 'sight'> & {
      players: Readonly<Record<string, string>>
      verdicts: ReadonlyMap<string, Recheck>
    },
  ) {
    this.register = parts.register
    this.row = parts.row
    this.events = parts.events
    this.sight = parts.sight
    this.#players = parts.players
    this.#verdicts = parts.verdicts
  }

  /** `players`: the member that acts in a role, where it is not the one that the case has bound; needed for a start role that is not fixed. */
  static start(register: SimulatedRegister, players: Readonly<Record<string, string>>): Simulation {
    const sight = CaseSight.empty(register.blueprint)
    return new Simulation({ register, row: null, events: [], sight, players, verdicts: new Map() })
  }

  get blueprint(): Blueprint {
    return this.register.blueprint
  }

  get ended(): boolean {
    return this.row?.ended ?? false
  }

  /** Document ids of the steps that wait for an action, in the document's order; the start step before the start. */
  get open(): string[] {
    return this.row === null ? [this.blueprint.start] : stepsOf(this.blueprint, this.row.openings)
  }

  /** The case after an entry at this time, or the refusal: the rules' or the register's. */
  enter(act: SimulatedAct, time: number): Simulation {
    const index = this.events.length
    const member = this.#memberOf(act.by)
    const entering = { id: digest(`simulated entry ${index}`), member, index, time }
    if (act.kind === 'action') return this.#act(act, entering)
    if (this.row === null) {
      throw new ConcordatError({ code: 'CASE_UNKNOWN', expected: 'a case that has started', got: 'an unused case id' })
    }
    const row = enterOther(this.register, this.row, act, entering)
    return this.#after(row, this.sight, { act, ...entering, calculated: {}, route: null })
  }

  /** What the role of a step holds at the place where its next action stands. Refuses where nothing waits for one. */
  viewFor(stepId: string, corrects = false): View {
    if (this.row === null) return { values: {}, sees: {}, bound: {} }
    const { role } = getStep(this.blueprint, stepId)
    const { prev, corrected } = placeOf(this.blueprint, this.row, stepId, corrects)
    const before = this.events.length
    const holder = { role, member: this.#memberOf(role) }
    return this.sight.view(this.row, holder, { prev, before, boundBefore: corrected?.index ?? before })
  }

  /** What a role's node finds on re-running the rules over a record, with all that it has been shown since. */
  recheck(role: string, recordId: string): Recheck {
    const record = this.row?.records.find(({ id }) => id === recordId)
    if (this.row === null || record === undefined) {
      throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record of the case', got: 'another id' })
    }
    return recheckBy(this.blueprint, this.row, this.sight, { role, member: this.#memberOf(role) }, record)
  }

  /** The fields `<step>:<pointer>` of other roles' records that a role was shown, filled in, sorted. */
  seenBy(role: string): string[] {
    return this.row === null ? [] : this.sight.seenBy(this.row, role)
  }

  /** The value at `/<step>/<pointer>` in the newest record of the step that counts. */
  valueAt(path: string): JsonValue | undefined {
    const [, step = '', ...names] = path.split('/')
    const record = this.row === null ? undefined : findNewestRecord(this.blueprint, this.row, step)
    return record && getAt(this.sight.dataOf(record.id), `/${names.join('/')}`)
  }

  /** As if the signer of a record had not kept to the rules and written this: for what recipients then find. */
  forge(recordId: string, data: JsonObject): Simulation {
    const { register, row, events } = this
    const sight = this.sight.withRecord(recordId, data)
    return new Simulation({ register, row, events, sight, players: this.#players, verdicts: this.#verdicts })
  }

  /** By step, the data of its newest record that counts: what somebody who saw everything would see. */
  get values(): Record<string, JsonObject> {
    const { row, blueprint } = this
    if (row === null) return {}
    return Object.fromEntries(
      blueprint.steps.flatMap(({ id }) => {
        const record = findNewestRecord(blueprint, row, id)
        return record === undefined ? [] : [[id, this.sight.dataOf(record.id)]]
      }),
    )
  }

  #memberOf(role: string): string {
    if (Object.hasOwn(this.#players, role)) return this.#players[role]!
    const roles = this.row?.roles ?? {}
    const bound = Object.hasOwn(roles, role) ? roles[role]?.member : undefined
    return bound ?? this.register.skeleton.roles.find(({ id }) => id === role)?.member ?? ''
  }

  #act(
    act: Extract<SimulatedAct, { kind: 'action' }>,
    entering: { id: string; member: string; index: number; time: number },
  ): Simulation {
    const { blueprint, row } = this
    const step = getStep(blueprint, act.step)
    const place = placeOf(blueprint, row, act.step, act.corrects)
    const view = this.viewFor(act.step, act.corrects)
    const outcome = advance(blueprint, view, { step: act.step, role: act.by, data: act.data }, entering.time)
    const route = step.routes.indexOf(takeRoute(blueprint, step, view, outcome.data, entering.time))
    const bound = place.corrected?.bind ?? {}
    const fixed = this.register.skeleton.roles.find(({ id }) => id === act.by)?.member !== null
    // At the start the signer binds itself, and a correction of that record does so again (RULES 13).
    const bindsItself = row === null ? !fixed : Object.hasOwn(bound, act.by)
    const bind = [...(bindsItself ? [[act.by, entering.member]] : []), ...Object.entries(outcome.bind)]
    const next = outcome.next.map((id) => opaqueStepId(blueprint, id)).sort()
    const changed = enterAction(this.register, row, { act, place, next, bind }, entering)
    const calculated = (step.calculations ?? []).map(({ field }) => [field, getAt(outcome.data, field)!])
    const sight = this.sight.withRecord(entering.id, outcome.data)
    return this.#after(changed, sight, { act, ...entering, calculated: Object.fromEntries(calculated), route })
  }

  #after(
    row: CaseRow,
    known: CaseSight,
    entry: Pick<SimulatedEvent, 'act' | 'id' | 'index' | 'time' | 'member' | 'calculated' | 'route'>,
  ): Simulation {
    const { blueprint } = this
    const { sight, shown } = known.grant(this.register.skeleton, row)
    const { verdicts, findings } = this.#check(row, sight, shown)
    const before = this.row?.openings ?? []
    const isIn = (openings: readonly Opening[]) => (opening: Opening) =>
      !openings.some((other) => isSameOpening(other, opening))
    const disputed = row.disputes.find(({ id }) => id === entry.id)?.record
    const waiting = row.openings.filter(({ waits, prev }) => waits !== null && prev.includes(disputed ?? ''))
    const used = this.#usedOpening(entry.act)
    const event: SimulatedEvent = {
      ...entry,
      opened: stepsOf(blueprint, row.openings.filter(isIn(before))),
      closed: stepsOf(
        blueprint,
        before.filter(isIn(row.openings)).filter((opening) => opening !== used),
      ),
      waits: stepsOf(blueprint, waiting),
      shown,
      findings,
      ended: row.ended,
    }
    const { register } = this
    const events = [...this.events, event]
    return new Simulation({ register, row, events, sight, players: this.#players, verdicts })
  }

  #usedOpening(act: SimulatedAct): Opening | undefined {
    if (act.kind !== 'action' && (act.kind !== 'lapse' || act.of !== 'opening')) return undefined
    const step = opaqueStepId(this.blueprint, act.step)
    return this.row?.openings.findLast((opening) => opening.step === step)
  }

  /** Every recipient of something new checks that record, and those that it could not check before for want of something. */
  #check(
    row: CaseRow,
    sight: CaseSight,
    shown: readonly Shown[],
  ): { verdicts: ReadonlyMap<string, Recheck>; findings: RoleFinding[] } {
    if (shown.length === 0) return { verdicts: this.#verdicts, findings: [] }
    const verdicts = new Map(this.#verdicts)
    const findings: RoleFinding[] = []
    const arrivedFor = new Map(shown.map(({ role, member }) => [role, { role, member }]))
    for (const record of row.records) {
      for (const [role, holder] of arrivedFor) {
        const key = `${record.id} ${role}`
        const isNew = shown.some((one) => one.record === record.id && one.role === role)
        if (!isNew && verdicts.get(key)?.verdict !== 'not checkable') continue
        const found = recheckBy(this.blueprint, row, sight, holder, record)
        verdicts.set(key, found)
        const step = documentStepId(this.blueprint, record.step)
        for (const finding of found.findings) {
          if (finding.verdict !== 'agrees') findings.push({ role, step, record: record.id, finding })
        }
      }
    }
    return { verdicts, findings }
  }
}

function recheckBy(blueprint: Blueprint, row: CaseRow, sight: CaseSight, holder: Holder, record: CaseRecord): Recheck {
  const step = documentStepId(blueprint, record.step)
  const { prev, index, replaces } = record
  const corrected = row.records.find(({ id, step: replacedStep }) => id === replaces && replacedStep === record.step)
  return recheck(blueprint, {
    step,
    record,
    role: holder.role,
    visible: sight.visible(record, holder),
    sees: sight.fieldsSeen(record, holder),
    view: sight.view(row, holder, { prev, before: index, boundBefore: corrected?.index ?? index }),
    asOf: record.time,
  })
}

/** Document ids in the document's order, each once. */
function stepsOf(blueprint: Blueprint, openings: readonly Opening[]): string[] {
  const ids = new Set(openings.map(({ step }) => documentStepId(blueprint, step)))
  return blueprint.steps.map(({ id }) => id).filter((id) => ids.has(id))
}
