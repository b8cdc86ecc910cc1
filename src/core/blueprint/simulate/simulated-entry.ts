import type { JsonObject } from '../../canonical-json.ts'
import { digest } from '../../crypto/hash.ts'
import { ConcordatError } from '../../error.ts'
import type { DisputeOutcome, Lapsed } from '../../ledger/case-claims.ts'
import { applyAction } from '../../ledger/kinds/action.ts'
import { applyConfirm } from '../../ledger/kinds/confirm.ts'
import type { EntryContext } from '../../ledger/kinds/context.ts'
import { applyDispute } from '../../ledger/kinds/dispute.ts'
import { applyExtend } from '../../ledger/kinds/extend.ts'
import { applyLapse } from '../../ledger/kinds/lapse.ts'
import { applyResolve } from '../../ledger/kinds/resolve.ts'
import { findStep } from '../../ledger/skeleton.ts'
import type { CaseDispute, CaseRecord, CaseRow, StateRow } from '../../ledger/state.ts'
import { type Blueprint, documentStepId, getStep, opaqueStepId } from '../blueprint.ts'
import type { SimulatedRegister } from './simulated-register.ts'

/** What somebody enters, by document step ids. Which record, opening or dispute is meant: the step's newest. */
export type SimulatedAct =
  | { kind: 'action'; step: string; by: string; data: JsonObject; corrects: boolean }
  | { kind: 'confirm'; step: string; by: string; accept: boolean }
  | { kind: 'dispute'; step: string; by: string }
  | { kind: 'resolve'; step: string; by: string; outcome: DisputeOutcome }
  | { kind: 'lapse'; step: string; by: string; of: 'opening' | 'confirm' | 'dispute' }
  | { kind: 'extend'; step: string; by: string; until: number }

/** Where an action stands: what its record's `prev` and `replaces` are, and the record that it corrects. */
export interface Place {
  prev: string[]
  replaces: string | null
  corrected: CaseRecord | null
}

/** Who enters it where on the register. */
export interface Entering {
  id: string
  member: string
  index: number
  time: number
}

const CASE = 'simulated-case'

/** The opening, review or record in dispute that an action at a step uses. Refuses where nothing waits for one. */
export function placeOf(blueprint: Blueprint, row: CaseRow | null, stepId: string, corrects: boolean): Place {
  const step = opaqueStepId(blueprint, stepId)
  if (row === null) return { prev: [], replaces: null, corrected: null }
  if (corrects) {
    const corrected = newestRecord(blueprint, row, stepId)
    return { prev: corrected.prev, replaces: corrected.id, corrected }
  }
  const replaces = blueprint.review?.decide === stepId ? (row.review?.record ?? null) : null
  if (getStep(blueprint, stepId).withdrawal) return { prev: [row.records[0]!.id], replaces, corrected: null }
  if (blueprint.review?.request.includes(stepId)) {
    const { of } = blueprint.review
    const reviewed = row.records.findLast((record) => {
      return of.includes(documentStepId(blueprint, record.step)) && record.void === null && record.replacedBy === null
    })
    return { prev: reviewed === undefined ? [] : [reviewed.id], replaces, corrected: null }
  }
  const opening = row.openings.findLast((candidate) => candidate.step === step)
  if (opening === undefined) throw notOpen(blueprint, row, stepId)
  return { prev: opening.prev, replaces, corrected: null }
}

/** The case with an action. Only what the register sees of a record is made: no digests, keys or signature. */
export function enterAction(
  { blueprint, skeleton, bp, ...register }: SimulatedRegister,
  row: CaseRow | null,
  { act, place, next, bind }: { act: { step: string; by: string }; place: Place; next: string[]; bind: string[][] },
  entering: Entering,
): CaseRow {
  const id = opaqueStepId(blueprint, act.step)
  const step = findStep(skeleton, id)!
  return apply(applyAction, register, row, entering, {
    bp,
    case: CASE,
    step: id,
    as: act.by,
    ...{ prev: place.prev, next, replaces: place.replaces },
    bind: Object.fromEntries(bind.map(([role, member]) => [role!, { member: member! }])),
    groups: step.groups.map(() => ''),
    _sd_alg: 'sha-256',
    _sd: Array.from({ length: step.digests }, () => ''),
  })
}

/** The case with an entry of another kind. Refuses as the register does. */
export function enterOther(
  { blueprint, skeleton, bp, ...register }: SimulatedRegister,
  row: CaseRow,
  act: Exclude<SimulatedAct, { kind: 'action' }>,
  entering: Entering,
): CaseRow {
  const about = { bp, case: CASE, as: act.by }
  switch (act.kind) {
    case 'confirm': {
      const record = confirmedRecord(blueprint, row, act.step)
      return apply(applyConfirm, register, row, entering, { ...about, record, accept: act.accept })
    }
    case 'dispute': {
      const record = newestRecord(blueprint, row, act.step).id
      const explanation = digest(`explanation of ${entering.id}`)
      return apply(applyDispute, register, row, entering, { ...about, record, reason: 'other', explanation })
    }
    case 'resolve': {
      const { id, record } = openDispute(blueprint, row, act.step)
      const correction = act.outcome === 'settled' ? offeredCorrection(row, record) : null
      return apply(applyResolve, register, row, entering, { ...about, dispute: id, outcome: act.outcome, correction })
    }
    case 'lapse': {
      const what = lapsed(blueprint, skeleton, row, act)
      return apply(applyLapse, register, row, entering, { ...about, what })
    }
    case 'extend': {
      const step = opaqueStepId(blueprint, act.step)
      const opening = row.openings.findLast((candidate) => candidate.step === step)
      if (opening === undefined) throw notOpen(blueprint, row, act.step)
      return apply(applyExtend, register, row, entering, { ...about, step, prev: opening.prev, until: act.until })
    }
  }
}

/** The newest record of a step that counts: neither void, nor corrected, nor a correction that is only offered. */
export function findNewestRecord(blueprint: Blueprint, row: CaseRow, stepId: string): CaseRecord | undefined {
  const step = opaqueStepId(blueprint, stepId)
  return row.records.findLast((record) => {
    if (record.step !== step || record.void !== null) return false
    // What a review decided anew stays what the step said.
    if (row.records.some(({ id, step: other }) => id === record.replacedBy && other === step)) return false
    const replaced = row.records.find(({ id }) => id === record.replaces)
    return replaced === undefined || replaced.replacedBy === record.id
  })
}

function newestRecord(blueprint: Blueprint, row: CaseRow, stepId: string): CaseRecord {
  const record = findNewestRecord(blueprint, row, stepId)
  if (record !== undefined) return record
  throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a step with a record that counts', got: stepId })
}

function confirmedRecord(blueprint: Blueprint, row: CaseRow, stepId: string): string {
  const step = opaqueStepId(blueprint, stepId)
  const waiting = row.confirmations.findLast(({ record }) => row.records.find(({ id }) => id === record)?.step === step)
  return waiting?.record ?? newestRecord(blueprint, row, stepId).id
}

function openDispute(blueprint: Blueprint, row: CaseRow, stepId: string): CaseDispute {
  const step = opaqueStepId(blueprint, stepId)
  const dispute = row.disputes.findLast(({ record, end }) => {
    return end === null && row.records.find(({ id }) => id === record)?.step === step
  })
  if (dispute !== undefined) return dispute
  throw new ConcordatError({ code: 'DISPUTE_UNKNOWN', expected: 'a step with an open dispute', got: stepId })
}

function offeredCorrection(row: CaseRow, disputed: string): string {
  const offered = row.records.findLast(({ replaces, void: voidSince }) => replaces === disputed && voidSince === null)
  if (offered !== undefined) return offered.id
  throw new ConcordatError({ code: 'CORRECTION_UNKNOWN', expected: 'a correction on offer', got: 'none' })
}

function lapsed(
  blueprint: Blueprint,
  skeleton: SimulatedRegister['skeleton'],
  row: CaseRow,
  act: { step: string; of: 'opening' | 'confirm' | 'dispute' },
): Lapsed {
  if (act.of === 'confirm') return { type: 'confirm', record: confirmedRecord(blueprint, row, act.step) }
  if (act.of === 'dispute') return { type: 'dispute', dispute: openDispute(blueprint, row, act.step).id }
  const step = opaqueStepId(blueprint, act.step)
  const opening = row.openings.findLast((candidate) => candidate.step === step)
  if (opening === undefined) throw notOpen(blueprint, row, act.step)
  return { type: 'opening', step, prev: opening.prev, next: findStep(skeleton, step)?.lapse?.next ?? [] }
}

function notOpen(blueprint: Blueprint, row: CaseRow, step: string): ConcordatError {
  if (row.ended) return new ConcordatError({ code: 'CASE_ENDED', expected: 'a case that goes on', got: 'an ended one' })
  const open = [...new Set(row.openings.map((opening) => documentStepId(blueprint, opening.step)))].sort()
  const expected = open.length === 0 ? 'no step' : open.join(', ')
  return new ConcordatError({ code: 'STEP_NOT_OPEN', expected, got: step, step, open })
}

type Common = 'iss' | 'iat' | 'jti' | 'reg'

function apply<Claims extends { iss: string; iat: number; jti: string; reg: string }>(
  applyKind: (context: EntryContext<Claims>) => { [key: string]: StateRow },
  { register, rows }: Pick<SimulatedRegister, 'register' | 'rows'>,
  row: CaseRow | null,
  { id, member, index, time }: Entering,
  claims: Omit<Claims, Common>,
): CaseRow {
  const common = { iss: member, iat: time, jti: '', reg: register.id }
  const withCase = row === null ? rows : new Map([...rows, [`case/${CASE}`, row as never]])
  const changed = applyKind({
    rows: withCase,
    register,
    claims: { ...common, ...claims } as unknown as Claims,
    id,
    leaf: { index, time },
  })
  return changed[`case/${CASE}`] as CaseRow
}
