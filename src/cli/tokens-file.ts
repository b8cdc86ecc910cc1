import type { JsonObject, JsonValue } from '../core/canonical-json.ts'
import { isDigest } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'
import { isToken, readJsonFile } from './files.ts'

/** Its name in a sandbox's folder. */
export const TOKENS_FILE = 'tokens.json'

/** A sandbox's own file of its members' addresses and tokens, readable by its owner only. */
export interface TokensFile {
  /** Address of the page about all members. */
  page: string
  register: string
  blueprint: string
  /** By the member's short name. */
  members: Record<string, { name: string; member: string; address: string; token: string }>
}

/** One member's part of the file. */
export function readTokensFile(path: string, as: string) {
  const { register, blueprint, members } = objectOf(readJsonFile(path), path)
  const listed = objectOf(members, path)
  if (!Object.hasOwn(listed, as)) {
    const expected = `--as ${Object.keys(listed).join(', ')}`
    throw new ConcordatError({ code: 'CONNECTION_INCOMPLETE', expected, got: 'another name' })
  }
  const { address, token } = objectOf(listed[as], path)
  if (!isDigest(register) || !isDigest(blueprint) || typeof address !== 'string' || !isToken(token)) throw other(path)
  return { address, token, register, blueprint }
}

function objectOf(value: JsonValue | undefined, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw other(path)
  return value
}

function other(file: string): ConcordatError {
  return new ConcordatError({
    code: 'FILE_UNREADABLE',
    expected: 'what a sandbox writes when it starts',
    got: 'something else',
    file,
  })
}
