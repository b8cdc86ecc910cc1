import { digest } from './hash.ts'
import { jwkThumbprintInput, type PublicJwk } from './jwk.ts'

/** RFC 7638 with SHA-256. */
export function thumbprint(jwk: PublicJwk): string {
  return digest(jwkThumbprintInput(jwk))
}
