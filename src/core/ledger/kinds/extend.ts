import { ConcordatError } from '../../error.ts'
import { CaseProgress } from '../case-progress.ts'
import type { ExtendClaims } from '../claims.ts'
import { deadlineAt } from '../deadline.ts'
import { findStep } from '../skeleton.ts'
import type { StateRow } from '../state.ts'
import { getCaseOf, getOpening, verifyBoundSigner } from './case-entry.ts'
import type { EntryContext } from './context.ts'

/** RULES 15: later, within the agreed limit; also after the date, if nothing has lapsed yet. */
export function applyExtend(context: EntryContext<ExtendClaims>): { [key: string]: StateRow } {
  const { rows, claims, id, leaf } = context
  const { row, blueprint } = getCaseOf(rows, claims)
  verifyBoundSigner(row, claims)
  const { as, iss, step, prev, until } = claims
  const opening = getOpening(row, claims)
  const extend = findStep(blueprint.skeleton, step)?.extend ?? null
  if (extend === null || extend.role !== as || opening.due === null) {
    throw new ConcordatError({
      code: 'EXTEND_NOT_ALLOWED',
      expected: 'a step whose deadline this role may move',
      got: step,
      step,
    })
  }
  const limit = deadlineAt(opening.since, extend.limit) + opening.stood
  if (until <= opening.due || until > limit) {
    throw new ConcordatError({
      code: 'EXTEND_OUTSIDE_LIMIT',
      expected: `a time after ${opening.due} and until ${limit}`,
      got: String(until),
      due: opening.due,
      limit,
    })
  }
  const progress = CaseProgress.of(row, blueprint.skeleton)
  progress.apply({ kind: 'extend', id, as, iss, ...leaf, step, prev, until, void: null })
  return { [`case/${claims.case}`]: progress.row() }
}
