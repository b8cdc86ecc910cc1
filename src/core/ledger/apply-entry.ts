import assert from 'node:assert'
import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import type { ParsedEntry } from './entry.ts'
import { applyAction } from './kinds/action.ts'
import { applyApproval } from './kinds/approval.ts'
import { applyConfirm } from './kinds/confirm.ts'
import { applyDispute } from './kinds/dispute.ts'
import { applyErased } from './kinds/erased.ts'
import { applyExtend } from './kinds/extend.ts'
import { applyGenesis } from './kinds/genesis.ts'
import { applyHandover } from './kinds/handover.ts'
import { applyLapse } from './kinds/lapse.ts'
import { applyMember } from './kinds/member.ts'
import { applyProposal } from './kinds/proposal.ts'
import { applyRecall } from './kinds/recall.ts'
import { applyResolve } from './kinds/resolve.ts'
import { applyRevoke } from './kinds/revoke.ts'
import { applySuspend } from './kinds/suspend.ts'
import { findMember, findRegister, type RegisterRow, type Rows, rowValue, type StateRow } from './state.ts'
import { VerifiedEntry, verifyKey } from './verify-entry.ts'

/** The place that the ordering engine gave an entry; `time` in whole Unix seconds. */
export interface LeafPlace {
  index: number
  time: number
}

/** The only rules version that this node has (RULES 5). A register that raises its own stops being followed, and says so. */
const RULES_VERSION = 1
/** RULES 3, in seconds. */
const MAX_AHEAD = 15 * 60
const MAX_AGE = 60 * 60

/** Keys of all rows that applyEntry reads for this entry, whether they exist or not. */
export function rowsNamed(entry: ParsedEntry): string[] {
  if (entry.kind === 'genesis') return ['register']
  const common = ['register', `jti/${entry.claims.jti}`, `member/${entry.claims.iss}`]
  switch (entry.kind) {
    case 'member':
      return [...common, `admission/${entry.claims.iss}`]
    case 'proposal': {
      const { what } = entry.claims
      if (what.type === 'admit') return [...common, `member/${what.member}`]
      const replaced = what.replaces === null ? [] : [`blueprint/${what.replaces}`]
      return [...common, `blueprint/${what.blueprint}`, ...replaced]
    }
    case 'approval':
      return [
        ...common,
        `proposal/${entry.claims.proposal}`,
        `blueprint/${entry.claims.target}`,
        `member/${entry.claims.target}`,
      ]
    case 'revoke':
    case 'handover':
      return common
    case 'suspend':
      return [...common, `blueprint/${entry.claims.bp}`]
    case 'recall':
    case 'erased': {
      const { bp, case: caseId } = entry.claims
      return [...common, `blueprint/${bp}`, `case/${caseId}`, `recalls/${caseId}`]
    }
    default:
      return [...common, `blueprint/${entry.claims.bp}`, `case/${entry.claims.case}`]
  }
}

/**
 * Decides an entry: the changed rows, or a ConcordatError and no change. Pure: no clock, randomness, locale or floating point.
 * `rows` must hold every existing row that rowsNamed names, as the leaves before `leaf.index` left it, and is never changed.
 * That leaf times do not decrease is for the caller, who knows the leaf before: verifyLeafTime.
 */
export function applyEntry(rows: Rows, entry: VerifiedEntry, leaf: LeafPlace): Map<string, JsonValue> {
  assert(VerifiedEntry.is(entry), 'an entry is verified before it is applied')
  const { parsed, id } = entry
  const register = findRegister(rows)
  verifyRulesVersion(parsed, register)
  if (parsed.kind === 'genesis') {
    if (register !== undefined || leaf.index !== 0) {
      throw new ConcordatError({
        code: 'REGISTER_EXISTS',
        expected: 'a genesis as the first entry',
        got: 'a later one',
      })
    }
    verifyTime(parsed, leaf)
    return changesOf(parsed, leaf, { register: applyGenesis(parsed.claims, id) })
  }
  if (register === undefined) {
    throw new ConcordatError({ code: 'REGISTER_UNKNOWN', expected: 'a genesis first', got: 'another kind' })
  }
  if (parsed.claims.reg !== register.id) {
    throw new ConcordatError({ code: 'REGISTER_DIFFERS', expected: "this register's id", got: 'another one' })
  }
  verifyTime(parsed, leaf)
  if (rows.has(`jti/${parsed.claims.jti}`)) {
    throw new ConcordatError({ code: 'JTI_USED', expected: 'a jti that no entry has', got: 'a used one' })
  }
  verifySigner(rows, register, parsed)
  return changesOf(parsed, leaf, applyKind(rows, register, entry, leaf))
}

function applyKind(
  rows: Rows,
  register: RegisterRow,
  { parsed, id, handover }: VerifiedEntry,
  leaf: LeafPlace,
): { [key: string]: StateRow } {
  assert(parsed.kind !== 'genesis')
  switch (parsed.kind) {
    case 'member':
      return applyMember({ rows, register, claims: parsed.claims, id, leaf })
    case 'proposal':
      return applyProposal({ rows, register, claims: parsed.claims, id, leaf })
    case 'approval':
      return applyApproval({ rows, register, claims: parsed.claims, id, leaf })
    case 'revoke':
      return applyRevoke({ rows, register, claims: parsed.claims, id, leaf })
    case 'handover':
      assert(handover !== null, 'a handover is verified with the row of its register')
      return applyHandover({ rows, register, claims: parsed.claims, id, leaf }, handover)
    case 'suspend':
      return applySuspend({ rows, register, claims: parsed.claims, id, leaf })
    case 'action+sd-jwt':
      return applyAction({ rows, register, claims: parsed.claims, id, leaf })
    case 'confirm':
      return applyConfirm({ rows, register, claims: parsed.claims, id, leaf })
    case 'dispute':
      return applyDispute({ rows, register, claims: parsed.claims, id, leaf })
    case 'resolve':
      return applyResolve({ rows, register, claims: parsed.claims, id, leaf })
    case 'lapse':
      return applyLapse({ rows, register, claims: parsed.claims, id, leaf })
    case 'extend':
      return applyExtend({ rows, register, claims: parsed.claims, id, leaf })
    case 'recall':
      return applyRecall({ rows, register, claims: parsed.claims, id, leaf })
    case 'erased':
      return applyErased({ rows, register, claims: parsed.claims, id, leaf })
  }
}

function changesOf(parsed: ParsedEntry, leaf: LeafPlace, changed: { [key: string]: StateRow }): Map<string, JsonValue> {
  const changes = new Map<string, JsonValue>([[`jti/${parsed.claims.jti}`, leaf.index]])
  for (const [key, row] of Object.entries(changed)) changes.set(key, rowValue(row))
  return changes
}

function verifyRulesVersion(parsed: ParsedEntry, register: RegisterRow | undefined): void {
  const version = register?.rules ?? (parsed.kind === 'genesis' ? parsed.claims.rules : RULES_VERSION)
  if (version === RULES_VERSION) return
  throw new ConcordatError({
    code: 'RULES_VERSION_UNKNOWN',
    expected: `rules version ${RULES_VERSION}`,
    got: String(version),
    version,
  })
}

function verifyTime({ claims: { iat } }: ParsedEntry, { time }: LeafPlace): void {
  if (iat - time > MAX_AHEAD) {
    const expected = `iat at most ${MAX_AHEAD} seconds after the leaf time`
    throw new ConcordatError({ code: 'ENTRY_FROM_FUTURE', expected, got: String(iat - time), iat, time })
  }
  if (time - iat > MAX_AGE) {
    const expected = `iat at most ${MAX_AGE} seconds before the leaf time`
    throw new ConcordatError({ code: 'ENTRY_EXPIRED', expected, got: String(time - iat), iat, time })
  }
}

/** Known, its key still valid at this place (RULES 2), in standing (RULES 6), and all founders in (RULES 4). */
function verifySigner(rows: Rows, register: RegisterRow, parsed: Exclude<ParsedEntry, { kind: 'genesis' }>): void {
  const { iss } = parsed.claims
  const row = findMember(rows, iss)
  const member = register.members.find((candidate) => candidate.id === iss)
  if (row === undefined || member === undefined) {
    if (parsed.kind !== 'member') {
      throw new ConcordatError({ code: 'SIGNER_UNKNOWN', expected: 'a member', got: 'another signer' })
    }
  } else {
    verifyKey(row, parsed)
    if (member.standing !== 'in') {
      const { standing } = member
      throw new ConcordatError({
        code: 'SIGNER_NOT_IN_STANDING',
        expected: 'a member in standing',
        got: standing,
        standing,
      })
    }
  }
  const missing = register.founders.filter((founder) => !register.members.some(({ id }) => id === founder))
  if (missing.length === 0 || (parsed.kind === 'member' && missing.includes(iss))) return
  throw new ConcordatError({
    code: 'FOUNDING_NOT_COMPLETE',
    expected: "the founders' member entries first",
    got: parsed.kind,
    missing,
  })
}
