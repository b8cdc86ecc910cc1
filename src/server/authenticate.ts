import { SCOPES, type Scope } from '../api/route.ts'
import { digest } from '../core/crypto/hash.ts'
import { ConcordatError } from '../core/error.ts'

/** What a token may do, and for which member. */
export interface AccessToken {
  member: string
  /** Shown in the member's own records: who acted. */
  name: string
  scopes: readonly string[]
}

/**
 * Finds a token by its SHA-256 in base64url. Only the digest is compared, so how long a look-up takes tells nothing
 * about the token.
 */
export type FindToken = (hash: string) => Promise<AccessToken | undefined>

/** RFC 6750 2.1. Short ones are refused: a token has at least 128 bits. */
const BEARER = /^[Bb]earer ([A-Za-z0-9._~+/-]{22,256}=*)$/

/** Who calls, from the Authorization field. There is no other way in: no cookie, no query parameter, no default. */
export async function authenticate(authorization: string | undefined, findToken: FindToken): Promise<AccessToken> {
  if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization)) {
    throw new ConcordatError({
      code: 'TOKEN_MISSING',
      expected: 'Authorization: Bearer <token>',
      got: 'no bearer token',
    })
  }
  const [, token] = BEARER.exec(authorization) ?? []
  const found = token === undefined ? undefined : await findToken(digest(token))
  if (found === undefined) throw unknownToken()
  return found
}

export function requireScope(token: AccessToken, scope: Scope): void {
  if (token.scopes.includes(scope)) return
  const held = SCOPES.filter((known) => token.scopes.includes(known))
  throw new ConcordatError({
    code: 'SCOPE_MISSING',
    expected: `a token with scope ${scope}`,
    got: held.length === 0 ? 'one with no scope' : `one with ${held.join(', ')}`,
    scope,
  })
}

/** Also for a token of a member that is not served here: which members are is nobody's business. */
export function unknownToken(): ConcordatError {
  return new ConcordatError({ code: 'TOKEN_UNKNOWN', expected: 'a valid bearer token', got: 'one that is not known' })
}
