import type { GenesisClaims } from '../claims.ts'
import type { RegisterRow } from '../state.ts'

/** RULES 4. The founders' own member entries follow. */
export function applyGenesis(claims: GenesisClaims, id: string): RegisterRow {
  return {
    id,
    rules: claims.rules,
    ordering: claims.ordering,
    term: 0,
    sequencer: claims.sequencer,
    thresholds: claims.thresholds,
    founders: claims.founders,
    purpose: claims.purpose,
    reason: claims.reason,
    members: [],
    founding: claims.founders.length + 1,
    configurations: [],
  }
}
