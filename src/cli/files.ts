import { readFileSync, statSync } from 'node:fs'
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

/** One line, such as a token. */
export function readLineFile(path: string): string {
  return new TextDecoder().decode(readBytes(path)).trim()
}

function readBytes(path: string): Uint8Array {
  try {
    const { size } = statSync(path)
    if (size > MAX_FILE_BYTES) throw unreadable(`at most ${MAX_FILE_BYTES} bytes`, `${size}`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof ConcordatError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'another failure'
    throw unreadable('a file that can be read', code)
  }
}

function unreadable(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'FILE_UNREADABLE', expected, got })
}
