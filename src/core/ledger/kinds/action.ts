import { ConcordatError } from '../../error.ts'
import { CaseProgress } from '../case-progress.ts'
import { stepsComeTo } from '../case-version.ts'
import type { ActionClaims } from '../claims.ts'
import { findStep, type Skeleton, type SkeletonStep } from '../skeleton.ts'
import { type BlueprintRow, type CaseRow, findCase, type StateRow } from '../state.ts'
import { verifyBindings } from './bind-roles.ts'
import { verifyLive, verifyTakesCases } from './blueprint-version.ts'
import {
  blueprintDiffers,
  getOpening,
  prevNotOpen,
  stepNotOpen,
  verifyBoundSigner,
  verifyNotWaiting,
  verifyUnused,
} from './case-entry.ts'
import type { EntryContext } from './context.ts'
import { isCorrection, verifyCorrection, verifyReplaces, verifyReviewRequest } from './replacing.ts'

/** RULES 13, 14 and 18. */
export function applyAction(context: EntryContext<ActionClaims>): { [key: string]: StateRow } {
  const { rows, register, claims, id, leaf } = context
  const blueprint = verifyLive(rows, claims.bp)
  const step = verifyStep(blueprint.skeleton, claims)
  const found = findCase(rows, claims.case)
  const progress = found === undefined ? startCase(blueprint, step, claims) : goOn(found, blueprint, claims)
  const row = progress.row()
  if (isCorrection(row, claims)) {
    verifyCorrection(row, step, claims)
  } else {
    verifyOpening(row, blueprint, step, context)
    if (found !== undefined) verifyBoundSigner(row, claims)
    verifyReplaces(row, blueprint.skeleton, claims)
    const binding = found === undefined ? 'start' : 'later'
    verifyBindings({ register, blueprint, step, claims, bound: row.roles, binding })
  }
  verifyNext(step, claims)
  verifyCounts(step, claims)
  const { bp, step: stepId, as, iss, prev, next, bind, replaces } = claims
  const { index, time } = leaf
  const record = {
    id,
    bp,
    step: stepId,
    as,
    iss,
    index,
    time,
    prev,
    next,
    bind,
    replaces,
    void: null,
    replacedBy: null,
  }
  progress.apply({ kind: 'action', ...record })
  return { [`case/${claims.case}`]: progress.row() }
}

function verifyStep(skeleton: Skeleton, claims: ActionClaims): SkeletonStep {
  const step = findStep(skeleton, claims.step)
  if (step === undefined) {
    throw new ConcordatError({
      code: 'STEP_UNKNOWN',
      expected: 'a step of the blueprint',
      got: claims.step,
      step: claims.step,
    })
  }
  if (step.role === claims.as) return step
  throw new ConcordatError({
    code: 'ROLE_NOT_OF_STEP',
    expected: step.role,
    got: 'another role',
    role: step.role,
    step: step.id,
  })
}

function startCase(blueprint: BlueprintRow, step: SkeletonStep, { bp, iss }: ActionClaims): CaseProgress {
  if (step.id !== blueprint.skeleton.start) {
    throw new ConcordatError({ code: 'CASE_UNKNOWN', expected: 'a case that has started', got: 'an unused case id' })
  }
  verifyTakesCases(blueprint, iss)
  return CaseProgress.start({ bp, skeleton: blueprint.skeleton })
}

/** Under its own version, or moved by this action to the one that takes its place (RULES 12). */
function goOn(row: CaseRow, blueprint: BlueprintRow, { bp }: ActionClaims): CaseProgress {
  if (row.bp === bp) return CaseProgress.of(row, blueprint.skeleton)
  const { moves } = blueprint
  if (moves === null || moves.bp !== row.bp) throw blueprintDiffers()
  const lost = stepsComeTo(row).find((step) => !Object.hasOwn(moves.mapping, step))
  if (lost !== undefined) {
    throw new ConcordatError({
      code: 'CASE_NOT_MAPPED',
      expected: 'a mapping of every step that the case has come to',
      got: 'one without this step',
      step: lost,
    })
  }
  const progress = CaseProgress.of(row, moves.skeleton)
  progress.move({ bp, skeleton: blueprint.skeleton }, moves.mapping)
  return progress
}

function verifyOpening(
  row: CaseRow,
  { skeleton }: BlueprintRow,
  step: SkeletonStep,
  { claims, leaf }: EntryContext<ActionClaims>,
): void {
  verifyUnused(row, claims)
  if (skeleton.review?.request.includes(step.id)) {
    verifyReviewRequest(row, skeleton.review, claims, leaf.time)
    return
  }
  if (row.ended) throw new ConcordatError({ code: 'CASE_ENDED', expected: 'a case that goes on', got: 'an ended one' })
  if (step.withdrawal) {
    // Always open to its role, as long as there is something to withdraw from; a dispute does not hold it up.
    if (row.openings.length === 0 && row.confirmations.length === 0) throw stepNotOpen(row, step.id)
    if (claims.prev.length !== 1 || claims.prev[0] !== row.records[0]?.id) throw prevNotOpen(step.id)
    return
  }
  verifyNotWaiting(row, getOpening(row, claims))
}

function verifyNext(step: SkeletonStep, { next }: ActionClaims): void {
  if (step.next.some((set) => set.length === next.length && set.every((id, i) => id === next[i]))) return
  throw new ConcordatError({
    code: 'NEXT_NOT_ALLOWED',
    expected: "one of the step's next sets",
    got: 'another set',
    step: step.id,
  })
}

/** RULES 20 and 21: as many digests and groups as the step can have, so that their number tells nothing. */
function verifyCounts(step: SkeletonStep, { groups, _sd }: ActionClaims): void {
  if (groups.length !== step.groups.length) {
    const count = step.groups.length
    throw new ConcordatError({ code: 'GROUP_COUNT_WRONG', expected: String(count), got: String(groups.length), count })
  }
  if (_sd.length !== step.digests) {
    const count = step.digests
    throw new ConcordatError({ code: 'DIGEST_COUNT_WRONG', expected: String(count), got: String(_sd.length), count })
  }
}
