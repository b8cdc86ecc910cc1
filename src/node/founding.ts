import type { JsonObject } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { formatCompactJws, formatSigningInput } from '../core/crypto/jws.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import type { GenesisClaims, MemberClaims } from '../core/ledger/claims.ts'
import type { Custody } from '../custody/custody.ts'

/** A member's id: the thumbprint of its first governance key (RULES 6). */
export function memberIdOf(custody: Custody): string {
  return thumbprint(custody.publicKeys().governance)
}

/** The first founder signs the rules that all founders start from (RULES 4). The register's id is the entry's. */
export async function signGenesis(
  custody: Custody,
  genesis: Omit<GenesisClaims, 'iss' | 'jti'>,
  random: (sizeBytes: number) => Uint8Array,
): Promise<{ register: string; jws: string }> {
  const jwk = custody.publicKeys().governance
  const claims = { ...genesis, iss: thumbprint(jwk), jti: toBase64url(random(16)) }
  const signingInput = formatSigningInput(
    { alg: 'ES256', jwk: { ...jwk }, typ: 'genesis' },
    claims as unknown as JsonObject,
  )
  const signature = await custody.sign(thumbprint(jwk), new TextEncoder().encode(signingInput))
  return { register: digest(signingInput), jws: formatCompactJws(signingInput, signature) }
}

/**
 * A member's statement about itself: who it is, who runs its node and where, which keys it uses (RULES 6). One whose node another
 * member runs states no checkpoint keys: it cosigns nothing.
 */
export async function signMember(
  custody: Custody,
  statement: Pick<MemberClaims, 'reg' | 'iat' | 'name' | 'did' | 'voting' | 'operator' | 'address'>,
  random: (sizeBytes: number) => Uint8Array,
): Promise<string> {
  const { governance, record, request, checkpoint, epochs } = custody.publicKeys()
  const kid = thumbprint(governance)
  const claims = {
    ...statement,
    iss: kid,
    jti: toBase64url(random(16)),
    keys: {
      governance: [governance],
      record,
      request,
      checkpoint: statement.operator === kid ? checkpoint : null,
    },
    epochs,
  }
  const signingInput = formatSigningInput({ alg: 'ES256', kid, typ: 'member' }, claims as unknown as JsonObject)
  const signature = await custody.sign(kid, new TextEncoder().encode(signingInput))
  return formatCompactJws(signingInput, signature)
}
