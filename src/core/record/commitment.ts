import { canonicalize } from '../canonical-json.ts'

/** What a group's commitment is the SHA-256 of (RULES 21). */
export function commitmentInput(index: number, salt: string, digests: readonly string[]): string {
  return canonicalize(['concordat-commitment/1', index, salt, [...digests].sort()])
}
