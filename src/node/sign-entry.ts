import type { JsonObject } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { formatCompactJws, formatSigningInput } from '../core/crypto/jws.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import type { EntryKind } from '../core/ledger/entry.ts'
import type { Submission } from '../storage/storage.ts'
import type { RequestMacs } from './act.ts'
import { getRecordKid } from './member-keys.ts'
import { type Part, refuseUnacceptable } from './part.ts'

/** An entry with this member's signature, by its key `kid`. `claims` are its kind's own; `iat` is now where they do not have it. */
export async function signClaims(
  part: Pick<Part, 'member' | 'register' | 'custody' | 'clock' | 'random'>,
  kind: EntryKind,
  kid: string,
  claims: JsonObject,
): Promise<string> {
  const jti = toBase64url(part.random(16))
  const signingInput = formatSigningInput(
    { alg: 'ES256', kid, typ: kind },
    { iat: part.clock.now(), ...claims, iss: part.member, jti, reg: part.register },
  )
  const signature = await part.custody.sign(kid, new TextEncoder().encode(signingInput))
  return formatCompactJws(signingInput, signature)
}

/** Signs an entry that is no record, if the register would take it. `claims` are its kind's own. Nothing is stored or sent yet. */
export async function signEntry(
  part: Part,
  entry: { kind: EntryKind; key: 'record' | 'governance'; case: string | null; claims: JsonObject },
  macs: RequestMacs,
): Promise<Submission> {
  const iat = part.clock.now()
  const kid = entry.key === 'record' ? await getRecordKid(part) : thumbprint(part.custody.publicKeys().governance)
  const jws = await signClaims(part, entry.kind, kid, { ...entry.claims, iat })
  await refuseUnacceptable(part, jws)
  return {
    register: part.register,
    id: digest(jws.slice(0, jws.lastIndexOf('.'))),
    jws,
    kind: entry.kind,
    case: entry.case,
    iat,
    ...macs,
    state: 'pending',
    index: null,
    refusal: null,
  }
}
