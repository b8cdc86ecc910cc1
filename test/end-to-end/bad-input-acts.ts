import type { RouteName } from '../../src/api/routes.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { sampleData } from '../sample-blueprint.ts'
import type { BadInputNetwork } from './bad-input-network.ts'
import { CANARY, type Row, sendValid, type Valid, withBody } from './bad-input-rows.ts'
import { ELSEWHERE, find } from './bad-input-specials.ts'

type Change = { to?: string; case?: string; blueprint?: string; body?: JsonObject }

/** Disputes, countersignatures, deadlines, corrections, reviews, newer versions and suspensions that the register does not take. */
export function actRows(at: BadInputNetwork, valid: readonly Valid[]): Row[] {
  const { network, now, assessed, applied, inspected, disputed, proposed } = at
  const row = (
    route: RouteName,
    what: string,
    { to, body, ...params }: Change,
    code: ErrorCode,
    where?: string,
  ): Row => {
    const base = find(valid, route)
    const changed = { ...base, to: to ?? base.to, params: { ...base.params, ...params } }
    return {
      what: `${route}: ${what}`,
      send: () => sendValid(at, withBody(changed, { ...(base.body as JsonObject), ...body }), {}, {}),
      code,
      ...(where === undefined ? {} : { at: where }),
    }
  }
  return [
    ...resolveRows(),
    ...confirmRows(),
    ...recallRows(),
    ...deadlineRows(),
    ...versionRows(),
    ...replacingRows(),
    ...keyRows(),
  ]

  function resolveRows(): Row[] {
    const { assessment } = disputed[0]!
    const no = (what: string, change: Change, code: ErrorCode) => row('resolveDispute', what, change, code)
    const council = { to: 'council', body: { role: 'council', outcome: 'settled', correction: assessment } }
    return [
      no('an unknown dispute', { body: { dispute: ELSEWHERE } }, 'DISPUTE_UNKNOWN'),
      no('a dispute of another case', { case: assessed.case }, 'DISPUTE_UNKNOWN'),
      no('an unknown role', { body: { role: 'somebody' } }, 'ROLE_UNBOUND'),
      no("another member's role", { body: { role: 'council' } }, 'SIGNER_NOT_BOUND_TO_ROLE'),
      no('a decision in an own dispute', { body: { outcome: 'upheld' } }, 'RESOLVE_NOT_ALLOWED'),
      no("a withdrawal of another's dispute", { to: 'council', body: { role: 'council' } }, 'RESOLVE_NOT_ALLOWED'),
      no('a settlement without its correction', { body: { outcome: 'settled' } }, 'CLAIM_INVALID'),
      no('a correction that settles nothing', { body: { correction: assessment } }, 'CLAIM_INVALID'),
      no('a correction that is none', council, 'CORRECTION_UNKNOWN'),
      no('an unknown correction', { ...council, body: { ...council.body, correction: ELSEWHERE } }, 'RECORD_UNKNOWN'),
    ]
  }

  function confirmRows(): Row[] {
    const { application, inspection } = inspected
    const no = (what: string, change: Change, code: ErrorCode) => row('confirmRecord', what, change, code)
    return [
      no('an unknown record', { body: { record: ELSEWHERE } }, 'RECORD_UNKNOWN'),
      no('a record of another case', { case: assessed.case }, 'RECORD_UNKNOWN'),
      no(
        'a record that waits for nobody',
        { to: 'registry', body: { role: 'registry', record: application } },
        'CONFIRM_NOT_OPEN',
      ),
      no('an unknown role', { body: { role: 'somebody' } }, 'ROLE_UNBOUND'),
      no('a role that is not asked', { to: 'registry', body: { role: 'registry' } }, 'CONFIRM_NOT_OPEN'),
      no('an own record', { to: 'inspector', body: { role: 'inspector', record: inspection } }, 'CONFIRM_BY_SIGNER'),
    ]
  }

  function recallRows(): Row[] {
    const no = (what: string, change: Change, code: ErrorCode, where?: string) =>
      row('recallRecord', what, change, code, where)
    const { application } = assessed
    return [
      no('an unknown record', { body: { record: ELSEWHERE } }, 'RECORD_UNKNOWN'),
      no('a record of another case', { case: applied.case }, 'RECORD_UNKNOWN'),
      no("another member's record", { to: 'registry' }, 'RECALL_NOT_ALLOWED'),
      no('a field that the record has not', { body: { fields: [`/${CANARY}`] } }, 'FIELD_NOT_HELD', '/fields/0'),
      no(
        'a field that nobody else was given',
        { body: { record: application, fields: ['/health'] } },
        'RECALL_NOT_GRANTED',
      ),
      no(
        'a record that nobody else was given',
        { case: applied.case, body: { record: applied.application, fields: 'all' } },
        'RECALL_NOT_GRANTED',
      ),
    ]
  }

  function deadlineRows(): Row[] {
    const extend = (what: string, change: Change, code: ErrorCode) => row('extendDeadline', what, change, code)
    const lapse = (what: string, lapsed: JsonObject, code: ErrorCode, id = assessed.case) =>
      row('enterLapse', what, { case: id, body: { what: lapsed } }, code)
    const hours = (count: number) => now + count * 60 * 60
    return [
      extend('an unknown step', { body: { step: CANARY } }, 'STEP_UNKNOWN'),
      extend('a step that is not open', { body: { step: 'assess' } }, 'STEP_NOT_OPEN'),
      extend('a step without a deadline', { case: applied.case, body: { step: 'assess' } }, 'EXTEND_NOT_ALLOWED'),
      extend('a role that may not', { to: 'registry', body: { role: 'registry' } }, 'EXTEND_NOT_ALLOWED'),
      extend("another member's role", { body: { role: 'registry' } }, 'SIGNER_NOT_BOUND_TO_ROLE'),
      extend('a time that is no later', { body: { until: hours(240) } }, 'EXTEND_OUTSIDE_LIMIT'),
      extend('a time beyond the limit', { body: { until: hours(480) + 1 } }, 'EXTEND_OUTSIDE_LIMIT'),

      lapse('an unknown step', { type: 'opening', step: CANARY }, 'STEP_UNKNOWN'),
      lapse('a step that is not open', { type: 'opening', step: 'assess' }, 'STEP_NOT_OPEN'),
      lapse('a step that cannot lapse', { type: 'opening', step: 'assess' }, 'LAPSE_NOT_ALLOWED', applied.case),
      lapse('a step before its deadline', { type: 'opening', step: 'inspect' }, 'LAPSE_TOO_EARLY'),
      lapse('a step that a dispute holds up', { type: 'opening', step: 'inspect' }, 'OPENING_WAITS', disputed[1]!.case),
      lapse('a record that waits for nobody', { type: 'confirm', record: assessed.assessment }, 'LAPSE_NOT_ALLOWED'),
      lapse('an unknown record', { type: 'confirm', record: ELSEWHERE }, 'RECORD_UNKNOWN'),
      lapse(
        'a countersignature before its deadline',
        { type: 'confirm', record: inspected.inspection },
        'LAPSE_TOO_EARLY',
        inspected.case,
      ),
      lapse('an unknown dispute', { type: 'dispute', dispute: ELSEWHERE }, 'DISPUTE_UNKNOWN'),
      row('enterLapse', "another member's role", { body: { role: 'registry' } }, 'SIGNER_NOT_BOUND_TO_ROLE'),
    ]
  }

  function versionRows(): Row[] {
    const { blueprint } = network
    const newer = (what: string, body: JsonObject, code: ErrorCode) => row('propose', what, { body }, code)
    const suspend = (what: string, change: Change, code: ErrorCode) => row('suspendRoles', what, change, code)
    return [
      newer('a place of a version that no one knows', { replaces: ELSEWHERE }, 'BLUEPRINT_UNKNOWN'),
      newer('a place of a version that is not live', { replaces: proposed.blueprint }, 'BLUEPRINT_NOT_LIVE'),
      newer('a mapping from no version', { mapping: { apply: 'apply' } }, 'CLAIM_INVALID'),
      newer('a mapping to an unknown step', { replaces: blueprint, mapping: { apply: CANARY } }, 'STEP_UNKNOWN'),
      newer('a mapping of an unknown step', { replaces: blueprint, mapping: { [CANARY]: 'apply' } }, 'STEP_UNKNOWN'),
      newer(
        "a mapping to another role's step",
        { replaces: blueprint, mapping: { apply: 'assess' } },
        'MAPPING_INVALID',
      ),

      suspend('an unknown blueprint', { blueprint: ELSEWHERE }, 'BLUEPRINT_UNKNOWN'),
      suspend('a blueprint that waits for approvals', { blueprint: proposed.blueprint }, 'BLUEPRINT_NOT_LIVE'),
      suspend("another member's role", { body: { roles: ['registry'] } }, 'SUSPEND_NOT_OWN_ROLE'),
      suspend("a person's role", { body: { roles: ['applicant'] } }, 'SUSPEND_NOT_OWN_ROLE'),
      suspend('an unknown role', { body: { roles: ['council', 'somebody'] } }, 'SUSPEND_NOT_OWN_ROLE'),
      suspend('a role that is not suspended', { body: { suspended: false } }, 'SUSPEND_CHANGES_NOTHING'),
    ]
  }

  function keyRows(): Row[] {
    const no = (what: string, key: string, code: ErrorCode) => row('revokeKey', what, { body: { key } }, code)
    const { governance } = at.member('council').custody.publicKeys()
    const [theirs] = at.member('registry').custody.publicKeys().record
    return [
      no('an unknown key', ELSEWHERE, 'REVOKE_NOT_ALLOWED'),
      no('a governance key', thumbprint(governance), 'REVOKE_NOT_ALLOWED'),
      no("another member's key", thumbprint(theirs!), 'REVOKE_NOT_ALLOWED'),
      row('revokeKey', 'a doubt from an entry to come', { body: { since: 1_000_000 } }, 'CLAIM_INVALID'),
    ]
  }

  function replacingRows(): Row[] {
    const act = (what: string, id: string, body: JsonObject, code: ErrorCode) =>
      row('submitAction', what, { case: id, body }, code)
    const { data } = find(valid, 'submitAction').body as JsonObject
    const again = { step: 'assess', data: data! }
    const ask = { step: 'ask', data: { grounds: CANARY } }
    const [{ assessment, case: id } = { assessment: '', case: '' }] = disputed
    return [
      act('a correction of an unknown record', id, { ...again, corrects: ELSEWHERE }, 'RECORD_UNKNOWN'),
      act(
        'a correction of what nobody disputes',
        assessed.case,
        { ...again, corrects: assessed.assessment },
        'CORRECTION_NOT_OPEN',
      ),
      act(
        "a correction at another record's step",
        id,
        { step: 'apply', data: sampleData().apply, corrects: assessment },
        'CORRECTION_NOT_OPEN',
      ),
      act('a review before the end', assessed.case, { ...ask, reviews: assessed.assessment }, 'CASE_NOT_ENDED'),
      act(
        'a review at a step that asks for none',
        applied.case,
        { ...again, reviews: applied.application },
        'INPUT_INVALID',
      ),
    ]
  }
}
