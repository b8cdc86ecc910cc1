import type { JsonObject } from '../core/canonical-json.ts'
import type { EcPublicJwk } from '../core/crypto/jwk.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import type { Epoch } from '../core/ledger/claims.ts'
import type { MemberKey, MemberRow } from '../core/ledger/state.ts'
import type { RotatedUse } from '../custody/custody.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { getMemberRow, type Part } from './part.ts'
import { signEntry } from './sign-entry.ts'

/** The newest of the member's own keys that its row states. A key counts on a register only where that register states it (RULES 2). */
export function findNewestStated(held: readonly EcPublicJwk[], stated: readonly MemberKey[]): string | undefined {
  return held.map(thumbprint).findLast((kid) => stated.some((key) => key.kid === kid))
}

/** With which key this member signs records on this register. */
export async function getRecordKid(part: Part): Promise<string> {
  const { keys } = await getMemberRow(part, part.member)
  const kid = findNewestStated(part.custody.publicKeys().record, keys.record)
  if (kid !== undefined) return kid
  throw new ConcordatError({
    code: 'KEY_NOT_VALID',
    expected: 'a record key of this member that the register states',
    got: 'none',
    use: 'record',
  })
}

export interface Statement {
  record: EcPublicJwk[]
  request: EcPublicJwk[]
  epochs: Epoch[]
}

export function statementOf({ keys, epochs }: MemberRow): Statement {
  const jwks = (use: RotatedUse) => keys[use].map(({ jwk }) => jwk)
  return { record: jwks('record'), request: jwks('request'), epochs }
}

/** The member's entry again, with these keys in the place of those that it states (docs/formats/member.md). */
export async function prepareMember(
  part: Part,
  row: MemberRow,
  { record, request, epochs }: Statement,
  macs: RequestMacs,
): Promise<Prepared> {
  const { name, did, voting, operator, address } = row
  const governance = row.keys.governance.map(({ jwk }) => jwk)
  const keys = { governance, record, request, checkpoint: row.keys.checkpoint }
  const claims = { name, did, voting, operator, address, keys, epochs } as unknown as JsonObject
  return {
    submission: await signEntry(part, { kind: 'member', key: 'governance', case: null, claims }, macs),
    groups: [],
  }
}
