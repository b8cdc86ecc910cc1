import type { JsonObject } from '../canonical-json.ts'
import { parseDisclosure } from './disclosure.ts'
import { matchDisclosures } from './sd-claims.ts'

/**
 * The claims of an SD-JWT as far as `disclosures` reveal them. The issuer's signature over `payload` is the caller's to verify;
 * `payload` must come from a strict JSON parser, or a repeated key has already been lost.
 */
export function openSdJwt(payload: JsonObject, disclosures: readonly string[]): JsonObject {
  return matchDisclosures(payload, disclosures.map(parseDisclosure))
}
