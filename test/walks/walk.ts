import assert from 'node:assert/strict'
import { type Blueprint, documentStepId, getStep } from '../../src/core/blueprint/blueprint.ts'
import { seededPick } from '../../src/core/blueprint/simulate/sample-text.ts'
import type { SimulatedAct } from '../../src/core/blueprint/simulate/simulated-entry.ts'
import { type SimulatedRegister, simulateRegister } from '../../src/core/blueprint/simulate/simulated-register.ts'
import { Simulation } from '../../src/core/blueprint/simulate/simulation.ts'
import { type Way, waysBeside } from '../../src/core/blueprint/simulate/ways-beside.ts'
import { canonicalize, type JsonValue } from '../../src/core/canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import { caseAsOf } from '../../src/core/ledger/case-as-of.ts'
import type { CaseRow } from '../../src/core/ledger/state.ts'
import { WALK_MEMBERS } from './random-blueprint.ts'

type Pick = ReturnType<typeof seededPick>

/** Monday. */
const STARTS_AT = Date.parse('2026-11-02T09:00:00Z') / 1000
const HOUR = 3_600
const MAX_ENTRIES = 25

export interface Walked {
  /** What was entered, by kind. */
  entered: Map<string, number>
  refused: Map<ErrorCode, number>
  ended: boolean
}

/** Walks a case at random and fails where it is stuck, shows somebody too much, or is not the same when told again. */
export function walk(blueprint: Blueprint, seed: number): Walked {
  return new Walk(blueprint, seededPick(seed)).run()
}

class Walk {
  readonly #blueprint: Blueprint
  readonly #register: SimulatedRegister
  readonly #pick: Pick
  readonly #rows: CaseRow[] = []
  readonly #walked: Walked = { entered: new Map(), refused: new Map(), ended: false }
  #case: Simulation
  #time = STARTS_AT

  constructor(blueprint: Blueprint, pick: Pick) {
    this.#blueprint = blueprint
    this.#pick = pick
    this.#register = simulateRegister(blueprint, Object.values(WALK_MEMBERS))
    this.#case = Simulation.start(this.#register, { person: WALK_MEMBERS.office })
  }

  run(): Walked {
    while (this.#case.events.length < MAX_ENTRIES) {
      if (this.#pick(5) === 0) this.#tryWrongly()
      const ways = this.#ways()
      const first = this.#pick(Math.max(1, ways.length))
      const order = [...ways.slice(first), ...ways.slice(0, first)]
      if (!order.some((way) => this.#enter(way))) {
        assert.ok(this.#case.ended, `stuck at ${this.#case.open.join()}`)
        break
      }
      if (this.#case.ended && this.#pick(3) > 0) break
    }
    this.#assertNothingLeftWaiting()
    this.#assertSameWhenToldAgain()
    this.#assertShownToAudience()
    this.#walked.ended = this.#case.ended
    return this.#walked
  }

  /** All that somebody could enter now, those that move a case on before others. */
  #ways(): Way[] {
    const { row, open } = this.#case
    this.#time += this.#pick(12) * HOUR
    const aside = this.#blueprint.steps.filter(({ id, withdrawal }) => {
      if (withdrawal) return row !== null && !row.ended && this.#pick(8) === 0
      return row?.ended === true && this.#blueprint.review?.request.includes(id)
    })
    const steps = [...open, ...aside.map(({ id }) => id)]
    const acts = steps.map((step) => ({ act: this.#act(step), at: this.#time, isBeside: false }))
    return [...acts, ...(row === null ? [] : waysBeside(this.#blueprint, row, this.#time))]
  }

  #act(stepId: string): SimulatedAct {
    const { role, routes } = getStep(this.#blueprint, stepId)
    const agency = this.#pick(2) === 0 ? WALK_MEMBERS.agency : WALK_MEMBERS.other
    const bound = this.#case.row?.roles.agency?.member ?? agency
    const data = {
      go: this.#pick(routes.length),
      n: this.#pick(26) - 5,
      ...(this.#pick(2) === 0 ? { note: `note ${this.#pick(100)}` } : {}),
      ...(stepId === this.#blueprint.start ? { agency: bound } : {}),
    }
    return { kind: 'action', step: stepId, by: role, data, corrects: false }
  }

  #enter({ act, at }: Way): boolean {
    const before = canonicalize((this.#case.row ?? null) as unknown as JsonValue)
    try {
      this.#case = this.#case.enter(act, at)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      this.#walked.refused.set(error.code, (this.#walked.refused.get(error.code) ?? 0) + 1)
      assert.equal(canonicalize((this.#case.row ?? null) as unknown as JsonValue), before, 'a refusal left a trace')
      return false
    }
    this.#time = Math.max(this.#time, at)
    this.#walked.entered.set(act.kind, (this.#walked.entered.get(act.kind) ?? 0) + 1)
    this.#rows.push(this.#case.row!)
    const against = this.#case.events.at(-1)!.findings.filter(({ finding }) => finding.verdict === 'contradicts')
    assert.deepEqual(against, [], 'an honest record is disputed')
    return true
  }

  /** By the wrong role, at a step that is not open, too early, twice: each is refused, or as good as what is allowed. */
  #tryWrongly(): void {
    const { steps } = this.#blueprint
    const { id } = steps[this.#pick(steps.length)]!
    const by = this.#blueprint.roles[this.#pick(this.#blueprint.roles.length)]!.id
    const wrong: SimulatedAct[] = [
      { ...this.#act(id), by },
      { kind: 'confirm', step: id, by, accept: true },
      { kind: 'dispute', step: id, by },
      { kind: 'resolve', step: id, by, outcome: 'upheld' },
      { kind: 'lapse', step: id, by, of: (['opening', 'confirm', 'dispute'] as const)[this.#pick(3)]! },
      { kind: 'extend', step: id, by, until: this.#time + this.#pick(3_000) * HOUR },
    ]
    if (this.#case.row === null) return
    this.#enter({ act: wrong[this.#pick(wrong.length)]!, at: this.#time, isBeside: true })
  }

  /** A case that has ended has not left a branch at a join, waiting for one that never comes. */
  #assertNothingLeftWaiting(): void {
    if (this.#case.ended) assert.deepEqual(this.#case.row?.arrivals, [])
  }

  /** Every node that folds the same entries stands, after each of them, where this one stood. */
  #assertSameWhenToldAgain(): void {
    const last = this.#rows.at(-1)
    if (last === undefined) return
    for (const [index, row] of this.#rows.entries()) {
      const again = caseAsOf({ ...last, changed: this.#rows.length }, this.#register.skeleton, index + 1)
      assert.deepEqual(again, row, `after entry ${index}`)
    }
  }

  /** Nobody holds a field that no disclosure of a record that has come gives to the role: stated from the document alone. */
  #assertShownToAudience(): void {
    const { row } = this.#case
    if (row === null) return
    const stepOf = (record: CaseRow['records'][number]) => documentStepId(this.#blueprint, record.step)
    for (const { id: role } of this.#blueprint.roles) {
      for (const seen of this.#case.seenBy(role)) {
        const [step = '', field = ''] = seen.split(':')
        const allowed = this.#blueprint.steps.some((disclosing) => {
          const happened = row.records.some((record) => stepOf(record) === disclosing.id)
          return (
            happened &&
            disclosing.disclosures.some(({ to, step: of = disclosing.id, fields }) => {
              return to === role && of === step && fields.includes(field)
            })
          )
        })
        assert.ok(allowed, `${role} holds ${seen}`)
      }
    }
  }
}
