import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import type { ErrorCode } from '../../src/core/error.ts'

export interface BadBody {
  what: string
  body: JsonValue
  code: ErrorCode
  at: string
}

interface Schema {
  type?: string
  const?: JsonValue
  enum?: JsonValue[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  /** Of a map: its keys are the sender's, so no answer names a place within it. */
  maxProperties?: number
  required?: string[]
  items?: Schema
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  minimum?: number
  maximum?: number
}

type Key = string | number

/** Longer ones would not fit into a body. */
const LONGEST_TRIED = 200_000

/**
 * Every way in which a body that a route takes can break its schema in one place: each field missing, of another type, too long, of
 * another form; an unknown field in each object. `canary` is what comes instead: no answer may repeat it.
 */
export function badBodies(schema: unknown, valid: JsonObject, canary: string): BadBody[] {
  return [...walk(schema as Schema, [], valid)].map(({ path, what, value, code, at }) => ({
    what: `${pointer(path)} ${what}`,
    body: withAt(valid, path, value),
    code,
    at: `/body${pointer(at ?? path)}`,
  }))

  function* walk(
    schema: Schema,
    path: Key[],
    value: JsonValue,
  ): Generator<{ path: Key[]; what: string; value: JsonValue | undefined; code: ErrorCode; at?: Key[] }> {
    if (schema.anyOf !== undefined) {
      yield { path, what: 'of no alternative', value: 12.5, code: 'INPUT_INVALID' }
      yield { path, what: 'of no alternative, as text', value: canary, code: 'INPUT_INVALID' }
      for (const one of schema.anyOf) {
        // What is wrong within an alternative is said of the whole: no alternative is the right one.
        if (one.type !== typeOf(value)) continue
        if (one.type === 'object' && Object.keys(value as JsonObject).some((name) => !(name in one.properties!)))
          continue
        for (const bad of walk(one, path, value)) yield { ...bad, code: 'INPUT_INVALID', at: path }
      }
      return
    }
    if (schema.const !== undefined || schema.enum !== undefined) {
      yield { path, what: 'none of the values', value: canary, code: 'INPUT_INVALID' }
      return
    }
    const other = schema.type === 'string' ? { [canary]: canary } : canary
    yield { path, what: 'of another type', value: other, code: 'INPUT_TYPE_WRONG' }
    yield { path, what: 'null', value: null, code: 'INPUT_TYPE_WRONG' }
    if (schema.type === 'object') {
      yield { path, what: 'a list', value: [canary], code: 'INPUT_TYPE_WRONG' }
      if (schema.maxProperties !== undefined) {
        const names = Array.from({ length: schema.maxProperties + 1 }, (_, i) => [`a${i}`, 'a'])
        yield { path, what: 'with too many entries', value: Object.fromEntries(names), code: 'INPUT_TOO_LONG' }
        yield { path, what: 'with a key of another form', value: { [`~ ${canary}`]: 'a' }, code: 'INPUT_INVALID' }
        yield { path, what: 'with an entry of another form', value: { a: `~ ${canary}` }, code: 'INPUT_INVALID' }
        yield { path, what: 'with an entry of another type', value: { a: [canary] }, code: 'INPUT_TYPE_WRONG' }
      }
      if (schema.properties === undefined) return
      yield {
        path,
        what: 'with an unknown field',
        value: { ...(value as JsonObject), [canary]: canary },
        code: 'INPUT_FIELD_UNKNOWN',
      }
      for (const [name, inner] of Object.entries(schema.properties)) {
        const at = [...path, name]
        if (schema.required?.includes(name))
          yield { path: at, what: 'missing', value: undefined, code: 'INPUT_FIELD_MISSING' }
        yield* walk(inner, at, (value as JsonObject)[name]!)
      }
    }
    if (schema.type === 'array') {
      const items = value as JsonValue[]
      if (schema.maxItems !== undefined) {
        const begin = schema.items?.pattern?.startsWith('^(?:/') ? '/a' : 'a'
        const distinct = Array.from({ length: schema.maxItems + 1 }, (_, i) =>
          schema.uniqueItems ? `${begin}${i}` : items[0]!,
        )
        if (JSON.stringify(distinct).length < LONGEST_TRIED)
          yield { path, what: 'too long', value: distinct, code: 'INPUT_TOO_LONG' }
      }
      if ((schema.minItems ?? 0) > 0) yield { path, what: 'empty', value: [], code: 'INPUT_INVALID' }
      if (schema.uniqueItems) {
        const item = items[0] ?? 'a'
        yield { path, what: 'with an item twice', value: [item, item], code: 'INPUT_INVALID' }
      }
      if (items.length > 0) yield* walk(schema.items!, [...path, 0], items[0]!)
    }
    if (schema.type === 'string') {
      const { maxLength = Number.POSITIVE_INFINITY, minLength = 0 } = schema
      if (maxLength < LONGEST_TRIED)
        yield { path, what: 'too long', value: canary.padEnd(maxLength + 1, 'A'), code: 'INPUT_TOO_LONG' }
      if (minLength > 1) yield { path, what: 'too short', value: canary.slice(0, minLength - 1), code: 'INPUT_INVALID' }
      if (minLength > 0) yield { path, what: 'empty', value: '', code: 'INPUT_INVALID' }
      if (schema.pattern !== undefined) {
        const form = `~ ${canary}`.padEnd(minLength, '~').slice(0, maxLength)
        yield { path, what: 'of another form', value: form, code: 'INPUT_INVALID' }
      }
    }
    if (schema.type === 'integer') {
      yield { path, what: 'not whole', value: 1.5, code: 'INPUT_TYPE_WRONG' }
      yield { path, what: 'below the least', value: (schema.minimum ?? 0) - 1, code: 'INPUT_INVALID' }
      const { maximum = Number.MAX_SAFE_INTEGER } = schema
      if (maximum < Number.MAX_SAFE_INTEGER)
        yield { path, what: 'above the greatest', value: maximum + 1, code: 'INPUT_INVALID' }
    }
  }
}

function typeOf(value: JsonValue): string {
  return Array.isArray(value) ? 'array' : typeof value
}

function pointer(path: Key[]): string {
  return path.map((key) => `/${key}`).join('')
}

/** A copy with another value in one place; undefined takes the field away. */
function withAt(body: JsonValue, [key, ...rest]: Key[], value: JsonValue | undefined): JsonValue {
  if (key === undefined) return value ?? null
  const copy = (Array.isArray(body) ? [...body] : { ...(body as JsonObject) }) as JsonObject
  if (rest.length === 0 && value === undefined) delete copy[key]
  else copy[key] = withAt(copy[key]!, rest, value)
  return copy
}
