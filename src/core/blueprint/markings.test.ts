import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changed } from '../../../test/blueprint-cases.ts'
import { process } from '../../../test/process-sample.ts'
import type { CaseEvent } from '../ledger/case-event.ts'
import { CaseProgress } from '../ledger/case-progress.ts'
import { findStep, type Skeleton } from '../ledger/skeleton.ts'
import type { CaseRow } from '../ledger/state.ts'
import type { Route, Step } from './blueprint.ts'
import { exploreRuns } from './markings.ts'
import { skeletonOf } from './skeleton.ts'

const HOURS = { count: 1, unit: 'hours', calendar: null } as const
const IDS = ['a', 'b', 'c', 'd', 'e']

const few = (max: number) => fc.uniqueArray(fc.constantFrom(...IDS), { maxLength: max })
const way = fc.record({ to: few(2), closes: fc.oneof(fc.constant<string[]>([]), few(3)) })
const join = fc.record({
  mode: fc.constantFrom('all' as const, 'any' as const),
  steps: fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 2, maxLength: 2 }),
  closes: few(2),
})
const plainStep = fc.record(
  { routes: fc.array(way, { minLength: 1, maxLength: 2 }), join, lapse: way, confirmed: fc.boolean() },
  { requiredKeys: ['routes'] },
)
/** A step's number, and which of the things that may happen there does. */
const walk = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 25 })

test('what is found of all runs holds of every run that the register would take', () => {
  const seen = { sound: 0, twice: 0, starving: 0 }
  fc.assert(
    fc.property(fc.array(plainStep, { minLength: IDS.length, maxLength: IDS.length }), walk, (drafts, choices) => {
      const skeleton = skeletonFor(drafts)
      const { faults } = exploreRuns(skeleton)
      const kinds = faults.map(({ kind }) => kind)
      for (const row of walkThrough(skeleton, choices)) {
        const open = row.openings.map(({ step }) => step)
        const twice = new Set(open).size < open.length
        const starves = row.ended && row.arrivals.length > 0
        if (twice) assert.ok(kinds.includes('open-twice'))
        // What comes after a step has been open twice is not looked at.
        if (starves) assert.ok(kinds.length > 0)
        seen.twice += Number(twice)
        seen.starving += Number(starves)
      }
      seen.sound += Number(faults.length === 0 && skeleton.steps.some((step) => step.join !== null))
    }),
    { numRuns: 700 },
  )
  assert.ok(seen.sound > 20 && seen.twice > 20 && seen.starving > 20, JSON.stringify(seen))
})

type Draft = { routes: Route[]; join?: Step['join']; lapse?: Step['lapse']; confirmed?: boolean }

function skeletonFor(drafts: readonly Draft[]): Skeleton {
  const steps = drafts.map(({ routes, join, lapse, confirmed }, i) => {
    const closing = new Map(routes.map((route) => [[...route.to].sort().join(), route.closes ?? []]))
    const step: Partial<Step> & { routes: Route[] } = {
      routes: routes.map(({ to }) => ({ to, closes: closing.get([...to].sort().join())! })),
      ...(join ? { join } : {}),
      ...(lapse ? { lapse, deadline: HOURS } : {}),
      ...(confirmed ? { confirm: { roles: ['registry'], deadline: HOURS, default: 'accept' } } : {}),
    }
    return [IDS[i]!, step] as const
  })
  return skeletonOf(changed(process(Object.fromEntries(steps))))
}

/** The case after each entry of a run. */
function walkThrough(skeleton: Skeleton, choices: readonly (readonly [number, number])[]): CaseRow[] {
  const progress = CaseProgress.start({ bp: 'bp', skeleton })
  const rows: CaseRow[] = []
  for (const [index, [place, choice]] of choices.entries()) {
    const row = progress.row()
    const possible = [
      ...row.openings.flatMap(({ step, prev }) => movesOf(skeleton, step, prev, index)),
      ...row.confirmations.map(({ record }): CaseEvent => {
        return { ...by(index), kind: 'confirm', as: 'registry', record, accept: true }
      }),
    ]
    const event = possible[(place * 7 + choice) % Math.max(possible.length, 1)]
    if (!event) break
    progress.apply(event)
    rows.push(progress.row())
  }
  return rows
}

function movesOf(skeleton: Skeleton, id: string, prev: string[], index: number): CaseEvent[] {
  const step = findStep(skeleton, id)!
  const acts = step.next.map((next): CaseEvent => {
    const record = { bp: 'bp', step: id, as: step.role, prev, next, bind: {}, replaces: null, replacedBy: null }
    return { ...by(index), kind: 'action', ...record }
  })
  if (!step.lapse || index === 0) return acts
  const what = { type: 'opening' as const, step: id, prev, next: step.lapse.next }
  return [...acts, { ...by(index), kind: 'lapse', as: step.role, what }]
}

function by(index: number): { id: string; iss: string; index: number; time: number; void: null } {
  return { id: `entry${index}`, iss: 'member', index, time: 1_800_000_000 + index, void: null }
}
