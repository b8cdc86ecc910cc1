import { ConcordatError } from '../../error.ts'
import type { Lapsed } from '../case-claims.ts'
import { CaseProgress } from '../case-progress.ts'
import type { LapseClaims } from '../claims.ts'
import { findStep } from '../skeleton.ts'
import type { BlueprintRow, CaseRow, StateRow } from '../state.ts'
import { getCaseOf, getOpening, getRecord, verifyBoundSigner, verifyNotWaiting, verifyUnused } from './case-entry.ts'
import type { EntryContext } from './context.ts'
import { findResolver, getOpenDispute } from './resolve.ts'

/** RULES 15 to 17: entered by whichever bound member notices first, once. */
export function applyLapse(context: EntryContext<LapseClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const { row, blueprint } = getCaseOf(rows, claims)
  verifyBoundSigner(row, claims)
  const { as, iss, what } = claims
  verifyPassed(dueOf(row, blueprint, what), leaf.time)
  const progress = CaseProgress.of(row, blueprint.skeleton)
  progress.apply({ kind: 'lapse', id, as, iss, ...leaf, what, void: null })
  return { [`case/${claims.case}`]: progress.row() }
}

/** The last second before which it cannot have lapsed; null where nothing is waited for. */
function dueOf(row: CaseRow, blueprint: BlueprintRow, what: Lapsed): number | null {
  if (what.type === 'opening') return dueOfOpening(row, blueprint, what)
  if (what.type === 'confirm') return dueOfConfirmation(row, what.record)
  const dispute = getOpenDispute(row, what.dispute)
  // Nobody can decide it: the default need not wait (RULES 17).
  return findResolver(row, blueprint, dispute) === undefined ? null : dispute.due
}

function dueOfOpening(row: CaseRow, { skeleton }: BlueprintRow, what: Lapsed & { type: 'opening' }): number | null {
  verifyUnused(row, what)
  const opening = getOpening(row, what)
  verifyNotWaiting(row, opening)
  const lapse = findStep(skeleton, what.step)?.lapse ?? null
  if (lapse === null || opening.due === null) {
    throw new ConcordatError({
      code: 'LAPSE_NOT_ALLOWED',
      expected: 'a step with a deadline and a lapse',
      got: what.step,
      step: what.step,
    })
  }
  if (lapse.next.join() !== what.next.join()) {
    throw new ConcordatError({
      code: 'NEXT_NOT_ALLOWED',
      expected: "the step's lapse route",
      got: 'another set',
      step: what.step,
    })
  }
  return opening.due
}

function dueOfConfirmation(row: CaseRow, recordId: string): number {
  const { id } = getRecord(row, recordId)
  const waiting = row.confirmations.find(({ record }) => record === id)
  if (waiting === undefined) {
    throw new ConcordatError({
      code: 'LAPSE_NOT_ALLOWED',
      expected: 'a record that waits to be confirmed',
      got: 'another one',
    })
  }
  if (waiting.waits === null) return waiting.due
  throw new ConcordatError({
    code: 'CONFIRM_WAITS',
    expected: 'a record that nobody disputes',
    got: 'one that is disputed',
  })
}

function verifyPassed(due: number | null, time: number): void {
  if (due === null || time > due) return
  throw new ConcordatError({
    code: 'LAPSE_TOO_EARLY',
    expected: `a leaf time after ${due}`,
    got: String(time),
    due,
    time,
  })
}
