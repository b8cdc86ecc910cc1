import type { Blueprint, Disclosure, Route, Step } from '../../src/core/blueprint/blueprint.ts'
import { seededPick } from '../../src/core/blueprint/simulate/sample-text.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { digest } from '../../src/core/crypto/hash.ts'

type Pick = ReturnType<typeof seededPick>

/** Members fixed to roles, and those that accede to the open one. */
export const WALK_MEMBERS = {
  office: digest('member office'),
  panel: digest('member panel'),
  depot: digest('member depot'),
  agency: digest('member agency'),
  other: digest('member other'),
}

const ROLES = ['person', 'office', 'depot', 'agency'] as const
const CALENDAR = {
  from: '2026-01-01',
  to: '2029-12-31',
  weekdays: [1, 2, 3, 4, 5],
  nonWorking: ['2026-11-30', '2026-12-25'],
  offsets: [[0, 60]],
}

/** One step, or two branches that the next one joins. */
type Stage = string[]

/**
 * A process out of a seed: stages of one step or of two branches, with joins, choices, send-backs, deadlines, countersignatures,
 * disputes, a review and a withdrawal, each field disclosed to whom chance chooses. Not all of them are sound: checkBlueprint says.
 */
export function randomBlueprint(seed: number): Blueprint {
  return new Draft(seededPick(seed)).blueprint()
}

class Draft {
  readonly #pick: Pick
  readonly #stages: Stage[] = []
  readonly #roleOf = new Map<string, string>()

  constructor(pick: Pick) {
    this.#pick = pick
  }

  blueprint(): Blueprint {
    const count = 3 + this.#pick(3)
    for (let i = 0, id = 0; i < count; i++) {
      const wide = i > 0 && i < count - 1 && this.#stages[i - 1]!.length === 1 && this.#pick(2) === 0
      this.#stages.push(wide ? [`s${id++}`, `s${id++}`] : [`s${id++}`])
    }
    for (const id of this.#stages.flat()) this.#roleOf.set(id, id === 's0' ? 'person' : this.#one(ROLES))
    const steps = this.#stages.flatMap((stage, i) => stage.map((id) => this.#step(id, i)))
    if (this.#pick(2) === 0) this.#disturb(steps)
    const review = this.#pick(2) === 0 ? this.#review(steps) : null
    if (this.#pick(2) === 0)
      steps.push(this.#aside('leave', this.#roleOf.get('s0')!, [{ to: [] }], { withdrawal: true }))
    return {
      format: 'concordat-blueprint/1',
      name: 'walk',
      version: '1.0.0',
      title: 'A process by chance',
      justification: 'To be walked through.',
      dpia: { reference: 'none', date: '2026-10-01' },
      roles: [
        { id: 'person', title: 'Person', kind: 'person', servedBy: ['office'] },
        ...(['office', 'panel', 'depot'] as const).map((id) => ({
          id,
          title: id,
          kind: 'member' as const,
          member: WALK_MEMBERS[id],
        })),
        { id: 'agency', title: 'agency', kind: 'member', open: true },
      ],
      persons: [{ id: 'child', title: 'Child' }],
      distinct: [['agency', 'office']],
      retention: [{ id: 'file', years: 1, reason: 'For the walk.' }],
      calendars: [{ id: 'days', ...CALENDAR } as never],
      threshold: { fraction: [2, 3] },
      review,
      start: 's0',
      steps,
    }
  }

  #step(id: string, stage: number): Step {
    const role = this.#roleOf.get(id)!
    const next = this.#stages[stage + 1] ?? []
    const before = this.#stages[stage - 1] ?? []
    const routes = this.#routes(id, stage, next)
    const parts: Partial<Step> = {}
    if (before.length === 2) {
      const any = this.#pick(3) === 0
      parts.join = { mode: any ? 'any' : 'all', steps: before, ...(any ? { closes: before } : {}) }
    }
    if (stage > 0 && this.#pick(3) === 0) this.#addDeadline(parts, next)
    if (this.#pick(4) === 0) {
      const roles = (['office', 'panel'] as const).filter((other) => other !== role).slice(0, 1 + this.#pick(2))
      const end = this.#one(['accept', 'reject'] as const)
      parts.confirm = { roles, deadline: hours(24), default: end }
    }
    if (this.#pick(2) === 0) {
      const end = this.#one(['uphold', 'reject'] as const)
      parts.dispute = { window: hours(200), resolver: 'panel', deadline: this.#deadline(), default: end }
    }
    if (id === 's0') parts.bind = [{ role: 'agency', field: '/agency' }]
    if (this.#pick(3) === 0) parts.subjects = { '/note': 'child' }
    return { ...this.#plain(id, role, routes), ...parts, disclosures: this.#disclosures(id, role, stage) }
  }

  /** One thing that does not follow the stages: a route or lapse to anywhere, a join less, or one that closes something. */
  #disturb(steps: Step[]): void {
    const step = this.#one(steps)
    const anywhere = () => [...new Set([this.#one(steps).id, this.#one(steps).id])].slice(0, 1 + this.#pick(2))
    const what = this.#pick(5)
    if (what === 0) this.#one(step.routes).to = anywhere()
    else if (what === 1) this.#one(step.routes).closes = anywhere()
    else if (what === 2) delete step.join
    else if (what === 3 && step.lapse !== undefined) step.lapse.to = anywhere()
    else if (step.join !== undefined) step.join.closes = anywhere()
  }

  /** On to the next stage; a single step may also end the branch, or go back to an earlier single one. */
  #routes(id: string, stage: number, next: Stage): Route[] {
    const on: Route = { to: next }
    if (this.#stages[stage]!.length === 2) return [on]
    const earlier = this.#stages
      .slice(1, stage)
      .filter((other, i) => other.length === 1 && this.#stages[i]!.length === 1)
    const others: Route[] = []
    if (stage > 0 && next.length > 0 && this.#pick(3) === 0) others.push({ to: [] })
    if (earlier.length > 0 && this.#pick(2) === 0) others.push({ to: this.#one(earlier) })
    const all = [on, ...others]
    return all.map((route, i) =>
      i === all.length - 1 ? route : { ...route, when: { '===': [{ var: `${id}.go` }, i] } },
    )
  }

  #addDeadline(parts: Partial<Step>, next: Stage): void {
    parts.deadline = this.#deadline()
    if (this.#pick(3) > 0) parts.lapse = { to: next }
    if (this.#pick(3) === 0) parts.extend = { role: 'office', limit: { count: 2_000, unit: 'hours', calendar: null } }
  }

  #deadline() {
    const unit = this.#one(['hours', 'days', 'workingDays'] as const)
    return { count: 1 + this.#pick(5), unit, calendar: unit === 'hours' ? null : 'days' }
  }

  #disclosures(id: string, role: string, stage: number): Disclosure[] {
    const fields = ['/go', '/n', '/double', '/note', ...(id === 's0' ? ['/agency'] : [])]
    const told = (['person', 'office', 'panel', 'depot', 'agency'] as const).filter(
      (to) => to !== role && this.#pick(2) === 0,
    )
    const own = told.map((to) =>
      this.#told(
        to,
        fields.filter(() => this.#pick(3) > 0),
      ),
    )
    const from = this.#one(this.#stages.slice(0, Math.max(1, stage)).flat())
    const to = this.#one(ROLES)
    const earlier = stage > 0 && to !== this.#roleOf.get(from) && this.#pick(2) === 0
    return [...own, ...(earlier ? [{ ...this.#told(to, ['/n', '/note']), step: from }] : [])].filter(
      (disclosure) => disclosure.fields.length > 0,
    )
  }

  #told(to: string, fields: string[]): Disclosure {
    return { to, fields, purpose: 'To walk on', basis: 'Public task', retention: 'file' }
  }

  #review(steps: Step[]): Blueprint['review'] {
    const of = steps
      .filter(({ id, role }) => id !== 's0' && role !== 'panel' && this.#pick(2) === 0)
      .map(({ id }) => id)
    if (of.length === 0) return null
    steps.push(this.#aside('ask', this.#roleOf.get('s0')!, [{ to: ['hear'] }], {}))
    const everyone = (['person', 'office', 'depot', 'agency'] as const).map((to) => this.#told(to, ['/go', '/note']))
    steps.push({ ...this.#plain('hear', 'panel', [{ to: [] }]), disclosures: everyone })
    return { of, request: ['ask'], decide: 'hear', until: { count: 30, unit: 'days', calendar: 'days' } }
  }

  #aside(id: string, role: string, routes: Route[], parts: Partial<Step>): Step {
    return { ...this.#plain(id, role, routes), ...parts, disclosures: [this.#told('panel', ['/note'])] }
  }

  #plain(id: string, role: string, routes: Route[]): Step {
    const properties: JsonObject = {
      go: { type: 'integer', minimum: 0, maximum: 2 },
      n: { type: 'integer', minimum: -5, maximum: 20 },
      double: { type: 'number' },
      note: { type: 'string', maxLength: 40 },
    }
    if (id === 's0') properties.agency = { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' }
    const required: JsonValue[] = id === 's0' ? ['go', 'n', 'agency'] : ['go', 'n']
    return {
      id,
      title: id,
      role,
      subject: 'person',
      retention: 'file',
      schema: { type: 'object', additionalProperties: false, required, properties },
      calculations: [{ field: '/double', rule: { '*': [{ var: `${id}.n` }, 2] } }],
      disclosures: [],
      routes,
    }
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)]!
  }
}

function hours(count: number) {
  return { count, unit: 'hours' as const, calendar: null }
}
