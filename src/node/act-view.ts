import { type Blueprint, documentStepId } from '../core/blueprint/blueprint.ts'
import type { DisputeOutcome } from '../core/ledger/case-claims.ts'
import type { CaseAct } from '../core/ledger/state.ts'

type Act<T> = T & { id: string; as: string; from: string; index: number; time: number }

/** An entry of a case that is neither an action nor a dispute, with document step ids. */
type ActView =
  | Act<{ kind: 'confirm'; record: string; accept: boolean }>
  | Act<{ kind: 'resolve'; dispute: string; outcome: DisputeOutcome; correction: string | null }>
  | Act<{ kind: 'extend'; step: string; until: number }>
  | Act<{
      kind: 'lapse'
      what:
        | { type: 'opening'; step: string }
        | { type: 'confirm'; record: string }
        | { type: 'dispute'; dispute: string }
    }>

/** `blueprint` is the version under which the entry came. */
export function viewAct(act: CaseAct, blueprint: Blueprint): ActView {
  const { id, as, iss: from, index, time } = act
  const common = { id, as, from, index, time }
  if (act.kind === 'confirm') return { kind: act.kind, ...common, record: act.record, accept: act.accept }
  if (act.kind === 'resolve') {
    const { dispute, outcome, correction } = act
    return { kind: act.kind, ...common, dispute, outcome, correction }
  }
  if (act.kind === 'extend') {
    return { kind: act.kind, ...common, step: documentStepId(blueprint, act.step), until: act.until }
  }
  if (act.what.type !== 'opening') return { kind: act.kind, ...common, what: act.what }
  return { kind: act.kind, ...common, what: { type: 'opening', step: documentStepId(blueprint, act.what.step) } }
}
