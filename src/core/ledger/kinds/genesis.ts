import { toBase64url } from '../../crypto/base64url.ts'
import type { GenesisClaims } from '../claims.ts'
import { EMPTY_ROOT } from '../merkle.ts'
import type { RegisterRow } from '../state.ts'

/** RULES 4. The founders' own member entries follow. */
export function applyGenesis(claims: GenesisClaims, id: string): RegisterRow {
  return {
    id,
    rules: claims.rules,
    ordering: claims.ordering,
    term: 0,
    sequencer: claims.sequencer,
    terms: [{ term: 0, sequencer: claims.sequencer, key: null, start: 0, root: toBase64url(EMPTY_ROOT) }],
    thresholds: claims.thresholds,
    founders: claims.founders,
    purpose: claims.purpose,
    reason: claims.reason,
    members: [],
    founding: claims.founders.length + 1,
    configurations: [],
  }
}
