import { deadlineAt } from '../../ledger/deadline.ts'
import type { CaseRow } from '../../ledger/state.ts'
import { type Blueprint, documentStepId, getStep, opaqueStepId, resolveDeadline } from '../blueprint.ts'
import type { SimulatedAct } from './simulated-entry.ts'

/** Something that may be entered next. Beside: not one of the actions that are due, so that trying it now and then is enough. */
export interface Way {
  act: SimulatedAct
  at: number
  /** Of an action: the place of the route that it takes. */
  route?: number
  isBeside: boolean
}

/**
 * What can happen in a case beside the actions: lapses, extensions, countersignatures, disputes and their ends. One dispute a case,
 * and one refusal and one extension of a step, so that cases end. The register refuses what may not come.
 */
export function waysBeside(blueprint: Blueprint, row: CaseRow, time: number): Way[] {
  const by = Object.keys(row.roles)[0] ?? ''
  const lapse = (step: string, of: 'opening' | 'confirm' | 'dispute', due: number): Way => {
    return { act: { kind: 'lapse', step, by, of }, at: Math.max(time, due + 1), isBeside: true }
  }
  const way = (act: SimulatedAct): Way => ({ act, at: time, isBeside: true })
  const stepOf = (recordId: string) => {
    return documentStepId(blueprint, row.records.find(({ id }) => id === recordId)?.step ?? '')
  }
  const openings = row.openings.flatMap(({ step: id, due, since, stood, waits, extended }): Way[] => {
    if (due === null || waits !== null) return []
    const step = documentStepId(blueprint, id)
    const { lapse: canLapse, extend } = getStep(blueprint, step)
    const until = extend && deadlineAt(since, resolveDeadline(blueprint, extend.limit)) + stood
    return [
      ...(canLapse ? [lapse(step, 'opening', due)] : []),
      ...(extend && until && !extended ? [way({ kind: 'extend', step, by: extend.role, until })] : []),
    ]
  })
  const confirmations = row.confirmations.flatMap(({ record, roles, due, waits }): Way[] => {
    const step = stepOf(record)
    const wasRefused = row.records.some((other) => other.void !== null && stepOf(other.id) === step)
    const answers = wasRefused ? [true] : [true, false]
    return [
      ...roles.flatMap((role) => answers.map((accept) => way({ kind: 'confirm', step, by: role, accept }))),
      ...(waits === null ? [lapse(step, 'confirm', due)] : []),
    ]
  })
  const ends = row.disputes.flatMap(({ record, due, end }): Way[] => {
    if (end !== null) return []
    const step = stepOf(record)
    const { resolver } = getStep(blueprint, step).dispute ?? {}
    const outcomes = resolver ? (['upheld', 'rejected'] as const) : []
    return [
      ...outcomes.map((outcome) => way({ kind: 'resolve', step, by: resolver ?? '', outcome })),
      lapse(step, 'dispute', due),
    ]
  })
  const disputable = blueprint.steps.filter(({ id, dispute }) => {
    return dispute && row.disputes.length === 0 && row.records.some(({ step }) => step === opaqueStepId(blueprint, id))
  })
  const disputes = disputable.flatMap(({ id }) => {
    return Object.keys(row.roles).map((role) => way({ kind: 'dispute', step: id, by: role }))
  })
  return [...openings, ...confirmations, ...ends, ...disputes]
}

/** What a way is, whatever its data and time. */
export function describeWay({ act, route }: Way): string {
  const { kind, step, by } = act
  const how = 'accept' in act ? act.accept : 'outcome' in act ? act.outcome : 'of' in act ? act.of : (route ?? '')
  return `${kind} ${step} ${by} ${how}`
}
