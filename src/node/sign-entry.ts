import type { JsonObject } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { formatCompactJws, formatSigningInput } from '../core/crypto/jws.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import type { EntryKind } from '../core/ledger/entry.ts'
import type { Submission } from '../storage/storage.ts'
import type { RequestMacs } from './act.ts'
import { type Part, refuseUnacceptable } from './part.ts'

/** Signs an entry that is no record, if the register would take it. `claims` are its kind's own. Nothing is stored or sent yet. */
export async function signEntry(
  part: Part,
  entry: { kind: EntryKind; key: 'record' | 'governance'; case: string | null; claims: JsonObject },
  macs: RequestMacs,
): Promise<Submission> {
  const iat = part.clock.now()
  const jti = toBase64url(part.random(16))
  const kid = thumbprint(part.custody.publicKeys()[entry.key])
  const signingInput = formatSigningInput(
    { alg: 'ES256', kid, typ: entry.kind },
    { ...entry.claims, iss: part.member, iat, jti, reg: part.register },
  )
  const signature = await part.custody.sign(entry.key, new TextEncoder().encode(signingInput))
  const jws = formatCompactJws(signingInput, signature)
  await refuseUnacceptable(part, jws)
  return {
    register: part.register,
    id: digest(signingInput),
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
