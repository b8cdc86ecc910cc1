import { isSameOpening } from './case-event.ts'
import type { StepMapping } from './claims.ts'
import { deadlineAt } from './deadline.ts'
import type { SkeletonStep } from './skeleton.ts'
import type { Arrival, CaseRow, Confirmation, ExtendAct, Opening } from './state.ts'

/** What the openings of a case need to know of the rest of it. */
export interface OpeningsCase {
  /** A step of the version under which the case runs. */
  getStep(id: string): SkeletonStep
  /** That of a record, under the same version. */
  stepOf(recordId: string): string
  /** Who confirms a record, by the version under which it was signed. */
  confirmOf(recordId: string): NonNullable<SkeletonStep['confirm']>
  /** Whether one of these entries is disputed, itself or as what it stands in for (RULES 17). */
  isHeld(ids: readonly string[]): boolean
}

/** Steps of a case that are open, branches that wait before a join, and records that open their steps once they are confirmed. */
export class CaseOpenings {
  readonly #case: OpeningsCase
  #open: readonly Opening[]
  #arrivals: readonly Arrival[]
  #confirmations: readonly Confirmation[]

  constructor(
    of: OpeningsCase,
    { openings, arrivals, confirmations }: Pick<CaseRow, 'openings' | 'arrivals' | 'confirmations'>,
  ) {
    this.#case = of
    this.#open = openings
    this.#arrivals = arrivals
    this.#confirmations = confirmations
  }

  rows(): Pick<CaseRow, 'openings' | 'arrivals' | 'confirmations'> {
    return { openings: [...this.#open], arrivals: [...this.#arrivals], confirmations: [...this.#confirmations] }
  }

  /** A branch that waits at a join keeps no case open: its sisters may have ended elsewhere. */
  get isEmpty(): boolean {
    return this.#open.length === 0 && this.#confirmations.length === 0
  }

  /** RULES 13: branches of the step `from` come to these steps by the entry `by`. */
  branch(next: readonly string[], { from, by, time }: { from: string; by: string; time: number }): void {
    for (const id of next) {
      const { join } = this.#case.getStep(id)
      if (join === null || !join.steps.includes(from)) {
        this.open(id, [by], time)
      } else if (join.mode === 'any') {
        if (this.#open.some((opening) => opening.step === id)) continue
        this.close(join.closes)
        this.open(id, [by], time)
      } else {
        const others = this.#arrivals.filter((arrival) => arrival.step !== id || arrival.from !== from)
        const waiting = [...others, { step: id, from, by }]
        const come = join.steps.flatMap(
          (step) => waiting.find((other) => other.step === id && other.from === step) ?? [],
        )
        if (come.length < join.steps.length) {
          this.#arrivals = waiting
          continue
        }
        this.#arrivals = others.filter((arrival) => arrival.step !== id)
        this.close(join.closes)
        this.open(id, come.map((arrival) => arrival.by).sort(), time)
      }
    }
  }

  open(stepId: string, prev: string[], time: number): void {
    this.#open = [...this.#open, this.#openingOf(stepId, prev, time)]
  }

  #openingOf(stepId: string, prev: string[], time: number): Opening {
    const { id, deadline } = this.#case.getStep(stepId)
    const due = deadline === null ? null : deadlineAt(time, deadline)
    const waits = this.#case.isHeld(prev) ? time : null
    return { step: id, prev, since: time, due, stood: 0, waits, extended: false }
  }

  close(steps: readonly string[]): void {
    if (steps.length === 0) return
    this.#open = this.#open.filter(({ step }) => !steps.includes(step))
    this.#arrivals = this.#arrivals.filter(({ step }) => !steps.includes(step))
    this.#confirmations = this.#confirmations.filter(({ record }) => !steps.includes(this.#case.stepOf(record)))
  }

  use(opening: { step: string; prev: string[] }): void {
    this.#open = this.#open.filter((other) => !isSameOpening(other, opening))
  }

  extend({ until, ...opening }: ExtendAct): void {
    this.#open = this.#open.map((other) => {
      return isSameOpening(other, opening) ? { ...other, due: until, extended: true } : other
    })
  }

  /** RULES 16: the record opens nothing until these roles have said yes. */
  askToConfirm(record: string, confirm: NonNullable<SkeletonStep['confirm']>, time: number): void {
    this.#confirmations = [...this.#confirmations, this.#confirmationOf(record, confirm, time)]
  }

  #confirmationOf(record: string, confirm: NonNullable<SkeletonStep['confirm']>, time: number): Confirmation {
    const waits = this.#case.isHeld([record]) ? time : null
    return { record, roles: confirm.roles, due: deadlineAt(time, confirm.deadline), waits }
  }

  /** A role says yes. Answers whether it was the last that was asked. */
  confirm(recordId: string, role: string): boolean {
    this.#confirmations = this.#confirmations.map((confirmation) => {
      if (confirmation.record !== recordId) return confirmation
      return { ...confirmation, roles: confirmation.roles.filter((other) => other !== role) }
    })
    return this.#confirmations.some(({ record, roles }) => record === recordId && roles.length === 0)
  }

  /** Answers whether the record waited to be confirmed. */
  endConfirmation(recordId: string): boolean {
    const waited = this.#confirmations.some(({ record }) => record === recordId)
    this.#confirmations = this.#confirmations.filter(({ record }) => record !== recordId)
    return waited
  }

  /** RULES 17: what a new dispute is about waits, and its deadline with it. */
  hold(isHeld: OpeningsCase['isHeld'], time: number): void {
    this.#open = this.#open.map((opening) => {
      return opening.waits === null && isHeld(opening.prev) ? { ...opening, waits: time } : opening
    })
    this.#confirmations = this.#confirmations.map((confirmation) => {
      return confirmation.waits === null && isHeld([confirmation.record])
        ? { ...confirmation, waits: time }
        : confirmation
    })
  }

  /** What waited for disputes that have ended goes on, later by as much as it stood still. */
  resume(time: number): void {
    this.#open = this.#open.map((opening) => {
      const { waits, prev, due } = opening
      if (waits === null || this.#case.isHeld(prev)) return opening
      const seconds = time - waits
      return { ...opening, waits: null, due: due === null ? null : due + seconds, stood: opening.stood + seconds }
    })
    this.#confirmations = this.#confirmations.map((confirmation) => {
      const { waits, record, due } = confirmation
      if (waits === null || this.#case.isHeld([record])) return confirmation
      return { ...confirmation, waits: null, due: due + time - waits }
    })
  }

  /**
   * After entries have been undone: what was open before and still is keeps its deadline; what comes back, because an undone entry had
   * closed it, starts anew.
   */
  startAnew(before: CaseOpenings, time: number): void {
    this.#open = this.#open.map((opening) => {
      const kept = before.#open.find((other) => isSameOpening(other, opening))
      return kept ?? this.#openingOf(opening.step, opening.prev, time)
    })
    this.#confirmations = this.#confirmations.map(({ record, roles }) => {
      const kept = before.#confirmations.find((other) => other.record === record)
      return kept ?? { ...this.#confirmationOf(record, this.#case.confirmOf(record), time), roles }
    })
  }

  /** RULES 12: the steps are those of `getStep` from now on; deadlines count anew from the opening, and never before an extension. */
  move(mapping: StepMapping): void {
    this.#open = this.#open.map((opening) => {
      const step = this.#case.getStep(mapping[opening.step]!)
      // The start step's first opening has no deadline; it is left open only where the first record is undone.
      if (opening.prev.length === 0) return { ...opening, step: step.id }
      const due = step.deadline === null ? null : deadlineAt(opening.since, step.deadline) + opening.stood
      const later = opening.extended && due !== null ? Math.max(due, opening.due ?? 0) : due
      return { ...opening, step: step.id, due: later }
    })
    this.#arrivals = this.#arrivals.map(({ step, from, by }) => {
      return { step: this.#case.getStep(mapping[step]!).id, from: this.#case.getStep(mapping[from]!).id, by }
    })
  }
}
