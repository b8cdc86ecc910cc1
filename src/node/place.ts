import { type Blueprint, documentStepId, getStep, opaqueStepId, type Step } from '../core/blueprint/blueprint.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'
import { caseAsOf } from '../core/ledger/case-as-of.ts'
import { CaseProgress } from '../core/ledger/case-progress.ts'
import type { StepMapping } from '../core/ledger/claims.ts'
import { getRecord, stepNow, verifyNotWaiting } from '../core/ledger/kinds/case-entry.ts'
import type { BlueprintRow, CaseRecord, CaseRow } from '../core/ledger/state.ts'
import { getBlueprintRow, type Part } from './part.ts'
import { stepNameIn } from './versions.ts'

/** Where an action goes: the version and step, what it builds on, and what its signer knows bound. */
export interface Place {
  caseId: string
  /** As the action finds it, moved already where the action moves it; null starts a case. */
  row: CaseRow | null
  blueprintRow: BlueprintRow
  blueprint: Blueprint
  hash: string
  /** Document id. */
  step: string
  role: string
  prev: readonly string[]
  /** The record that it corrects, or decides anew. */
  replaces: string | null
  /** The roles that are bound for this record. */
  roles: CaseRow['roles']
  /** Whether the signer binds itself, as whoever starts a case does. */
  bindsSigner: boolean
}

/** What a caller asks for in a case. */
export interface StepRequest {
  /** Document id, in the words of the version `bp`, or else in those of the version that the action goes under. */
  step: string
  bp: string
  /** The disputed record that it corrects. */
  corrects: string | null
  /** The record that is to be reviewed; null is the newest that may be. */
  reviews: string | null
}

export async function startPlace(part: Part, request: { case: string | null; blueprint: string }): Promise<Place> {
  const hash = request.blueprint
  const blueprintRow = await getBlueprintRow(part, hash)
  const blueprint = await part.documents.get(hash)
  const { id: step, role } = getStep(blueprint, blueprint.start)
  const fixed = blueprintRow.skeleton.roles.find(({ id }) => id === role)?.member !== null
  const caseId = request.case ?? toBase64url(part.random(16))
  const version = { blueprintRow, blueprint, hash }
  return { ...version, caseId, row: null, step, role, prev: [], replaces: null, roles: {}, bindsSigner: !fixed }
}

/** The place of a request in a running case, or of one about a record of it. What the register alone can say is left to it. */
export async function placeIn(part: Part, caseId: string, found: CaseRow, request: StepRequest): Promise<Place> {
  const standing = await findStanding(part, found)
  const { row, blueprint, hash } = standing
  const step = await findStep(part, standing, request)
  const { role } = step
  if (row.roles[role] !== undefined && row.roles[role].member !== part.member) {
    throw new ConcordatError({
      code: 'SIGNER_NOT_BOUND_TO_ROLE',
      expected: `the member bound to ${role}`,
      got: 'another member',
      role,
    })
  }
  const place = { ...standing, caseId, blueprint, hash, step: step.id, role, roles: row.roles, bindsSigner: false }
  if (request.corrects !== null) return { ...place, ...correction(part, standing, step, request.corrects) }
  const isRequest = blueprint.review?.request.includes(step.id) === true
  if (!isRequest && request.reviews !== null) {
    throw new ConcordatError({
      code: 'INPUT_INVALID',
      expected: 'null at a step that asks for no review',
      got: 'a record',
      at: '/reviews',
    })
  }
  const prev = isRequest ? reviewed(standing, step, request.reviews) : opened(standing, step)
  const replaces = blueprint.review?.decide === step.id ? (row.review?.record ?? null) : null
  return { ...place, prev, replaces }
}

/** A case under the version of its next action. */
interface Standing {
  row: CaseRow
  blueprintRow: BlueprintRow
  blueprint: Blueprint
  hash: string
}

/** Under the version that takes its own's place, where its members agreed so, this node holds it and the case can go there (RULES 12). */
async function findStanding(part: Part, row: CaseRow): Promise<Standing> {
  const own = await getBlueprintRow(part, row.bp)
  const hash = await part.successors.find(row.bp)
  const document = hash === undefined ? undefined : await part.documents.find(hash)
  if (hash !== undefined && document !== undefined) {
    const blueprintRow = await getBlueprintRow(part, hash)
    const moved = moveTo(row, own, { hash, blueprintRow })
    if (moved !== undefined) return { row: moved, blueprintRow, blueprint: document, hash }
  }
  return { row, blueprintRow: own, blueprint: await part.documents.get(row.bp), hash: row.bp }
}

/** Undefined where a step that the case has come to is not mapped, or a deadline leaves its new calendar. */
function moveTo(
  row: CaseRow,
  own: BlueprintRow,
  { hash, blueprintRow }: { hash: string; blueprintRow: BlueprintRow },
): CaseRow | undefined {
  const { moves, live, skeleton } = blueprintRow
  if (!live || moves === null || !isMapped(row, moves.mapping)) return undefined
  const progress = CaseProgress.of(row, own.skeleton)
  try {
    progress.move({ bp: hash, skeleton }, moves.mapping)
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
  return progress.row()
}

function isMapped(row: CaseRow, mapping: StepMapping): boolean {
  const signed = row.records.filter(({ bp }) => bp === row.bp)
  return [
    ...row.openings.map(({ step }) => step),
    ...row.arrivals.flatMap(({ step, from }) => [step, from]),
    ...signed.flatMap(({ step, next }) => [step, ...next]),
  ].every((step) => Object.hasOwn(mapping, step))
}

async function findStep(part: Part, { row, blueprint, hash }: Standing, wanted: StepRequest): Promise<Step> {
  const here = { bp: hash, blueprint }
  const known = [...row.versions.map(({ bp }) => bp), row.bp].includes(wanted.bp)
  const named = known ? await part.documents.get(wanted.bp) : blueprint
  const at = named.steps.some(({ id }) => id === wanted.step)
    ? stepNameIn(row, { bp: known ? wanted.bp : hash, step: opaqueStepId(named, wanted.step) }, here)
    : undefined
  const step = blueprint.steps.find(({ id }) => id === (at ?? wanted.step))
  if (step !== undefined) return step
  throw new ConcordatError({ code: 'STEP_UNKNOWN', expected: 'a step of the blueprint', got: 'another' })
}

/** RULES 13: what opened the step; a withdrawal builds on the first record. */
function opened({ row, blueprint }: Standing, step: Step): readonly string[] {
  const opaque = opaqueStepId(blueprint, step.id)
  const opening = step.withdrawal
    ? { prev: [row.records[0]!.id] }
    : row.openings.findLast((candidate) => candidate.step === opaque)
  if (opening !== undefined && 'waits' in opening) verifyNotWaiting(row, opening)
  if (opening !== undefined && !row.ended) return opening.prev
  const open = row.openings.map((candidate) => documentStepId(blueprint, candidate.step)).sort()
  throw new ConcordatError({
    code: 'STEP_NOT_OPEN',
    expected: row.ended ? 'a case that has not ended' : `one of ${open.join(', ')}`,
    got: step.id,
    step: step.id,
    open,
  })
}

/** RULES 18. */
function reviewed({ row, blueprintRow }: Standing, step: Step, wanted: string | null): readonly string[] {
  if (!row.ended) {
    throw new ConcordatError({
      code: 'CASE_NOT_ENDED',
      expected: 'a finished case',
      got: 'one that goes on',
      step: step.id,
    })
  }
  if (wanted !== null) return [getRecord(row, wanted).id]
  const of = blueprintRow.skeleton.review?.of ?? []
  const newest = row.records.findLast((record) => counts(record) && of.includes(stepNow(row, record) ?? ''))
  if (newest !== undefined) return [newest.id]
  throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record that may be reviewed', got: 'none' })
}

/** RULES 17: in the place of the record, with the roles as that one found them. */
function correction(
  part: Part,
  { row, blueprint, blueprintRow }: Standing,
  step: Step,
  recordId: string,
): Pick<Place, 'prev' | 'replaces' | 'roles' | 'bindsSigner'> {
  const record = getRecord(row, recordId)
  if (record.replacedBy !== null) {
    throw new ConcordatError({ code: 'RECORD_REPLACED', expected: 'the newest record', got: 'one that was replaced' })
  }
  const own = record.iss === part.member && stepNow(row, record) === opaqueStepId(blueprint, step.id)
  if (!own || !row.disputes.some((dispute) => dispute.record === record.id && dispute.end === null)) {
    throw new ConcordatError({
      code: 'CORRECTION_NOT_OPEN',
      expected: "the signer's own record of this step, in dispute",
      got: 'another one',
      step: step.id,
    })
  }
  return {
    prev: record.prev,
    replaces: record.id,
    roles: rolesBefore(row, blueprintRow.skeleton, record),
    bindsSigner: Object.hasOwn(record.bind, record.as),
  }
}

/**
 * The roles as a record found them: a correction binds what its record bound, so it finds what that one found. `skeleton` is that
 * of the version under which the row stands.
 */
export function rolesBefore(
  row: CaseRow,
  skeleton: BlueprintRow['skeleton'],
  record: Pick<CaseRecord, 'bp' | 'step' | 'replaces' | 'index'>,
): CaseRow['roles'] {
  const replaced = row.records.find(({ id }) => id === record.replaces)
  if (replaced !== undefined && isCorrection(row, record, replaced)) return rolesBefore(row, skeleton, replaced)
  return caseAsOf(row, skeleton, record.index).roles
}

/** Of the step of what it replaces; a review is decided at a step of its own. */
export function isCorrection(
  row: CaseRow,
  record: Pick<CaseRecord, 'bp' | 'step'>,
  replaced: Pick<CaseRecord, 'bp' | 'step'>,
): boolean {
  return stepNow(row, replaced) === stepNow(row, record)
}

function counts(record: CaseRecord): boolean {
  return record.void === null && record.replacedBy === null
}
