import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { type JsonObject, type JsonValue, parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'

const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Strict JSON from a file that a person names: of limited size, no key twice, no number that would change. */
export function readJsonFile(path: string): JsonValue {
  return parseJson(readBytes(path), { maxBytes: MAX_FILE_BYTES })
}

export function readDataFile(path: string): JsonObject {
  const value = readJsonFile(path)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new ConcordatError({ code: 'INPUT_TYPE_WRONG', expected: 'a JSON object', got: 'another value', at: '' })
}

/** What a person wrote, without the line end that editors put last. */
export function readTextFile(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(path)).replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof ConcordatError) throw error
    throw unreadable(path, 'a text in UTF-8', 'bytes that are not')
  }
}

/** A bearer token, alone in its file. */
export function readToken(path: string): string {
  const token = new TextDecoder().decode(readBytes(path)).trim()
  if (!isToken(token)) throw unreadable(path, 'a token on a line of its own', 'something else')
  return token
}

/** RFC 6750 section 2.1; anything else does not fit in a header. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._~+/-]{1,4096}=*$/.test(value)
}

export function writeNewFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw unreadable(path, 'a new file that can be written', systemCode(error))
  }
}

function readBytes(path: string): Uint8Array {
  try {
    const { size } = statSync(path)
    if (size > MAX_FILE_BYTES) throw unreadable(path, `at most ${MAX_FILE_BYTES} bytes`, `${size}`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof ConcordatError) throw error
    throw unreadable(path, 'a file that can be read', systemCode(error))
  }
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'another failure'
}

function unreadable(file: string, expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'FILE_UNREADABLE', expected, got, file })
}
