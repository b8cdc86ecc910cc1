import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'

/** A field of a step: a property that is no object, named by its RFC 6901 pointer. Names hold no `~` or `/` to escape. */
export interface Field {
  pointer: string
  schema: JsonObject
  /** The field and every object above it are required. */
  required: boolean
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
/** Names that reach an object's prototype in careless code; the project's JSON parser refuses them as keys too. */
const FORBIDDEN = ['constructor', 'prototype']

export function isFieldName(name: string): boolean {
  return NAME.test(name) && !FORBIDDEN.includes(name)
}

/** The fields of a schema that `parseSchema` has returned, in the schema's own order. */
export function fieldsOf(schema: JsonObject): Field[] {
  return fieldsUnder(schema, '', true)
}

function fieldsUnder(schema: JsonObject, at: string, required: boolean): Field[] {
  const needed = (schema.required ?? []) as string[]
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const property = value as JsonObject
    const here = required && needed.includes(name)
    const pointer = `${at}/${name}`
    return property.type === 'object'
      ? fieldsUnder(property, pointer, here)
      : [{ pointer, schema: property, required: here }]
  })
}

export function getAt(data: JsonObject, pointer: string): JsonValue | undefined {
  let value: JsonValue = data
  for (const name of namesOf(pointer)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = value[name]!
  }
  return value
}

/** A copy with the field set; objects on the way are made where absent. */
export function setAt(data: JsonObject, pointer: string, value: JsonValue): JsonObject {
  return setUnder(data, namesOf(pointer), pointer, value)
}

/** The data as fields in pointer order. Refuses what `join` could not give back: an empty object holds no field. */
export function split(data: JsonObject): [pointer: string, value: JsonValue][] {
  return splitUnder(data, '').sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The data that fields make up. Untrusted pointers are welcome: a malformed, repeated or overlapping one is refused. */
export function join(fields: Iterable<readonly [pointer: string, value: JsonValue]>): JsonObject {
  let data: JsonObject = {}
  for (const [pointer, value] of fields) {
    if (getAt(data, pointer) !== undefined) refuse(pointer, 'each field once', 'a field given before')
    data = setAt(data, pointer, value)
  }
  return data
}

function setUnder(data: JsonObject, names: string[], pointer: string, value: JsonValue): JsonObject {
  const [name, ...rest] = names
  if (name === undefined) return refuse(pointer, 'a field', 'the whole data')
  if (rest.length === 0) return { ...data, [name]: value }
  const child = Object.hasOwn(data, name) ? data[name]! : {}
  if (typeof child !== 'object' || child === null || Array.isArray(child)) {
    return refuse(pointer, 'fields that do not overlap', 'a field inside another')
  }
  return { ...data, [name]: setUnder(child, rest, pointer, value) }
}

function splitUnder(data: JsonObject, at: string): [string, JsonValue][] {
  return Object.entries(data).flatMap(([name, value]): [string, JsonValue][] => {
    if (!isFieldName(name)) refuse(at, 'names of letters, digits, - and _', 'another name')
    const pointer = `${at}/${name}`
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[pointer, value]]
    if (Object.keys(value).length === 0) refuse(pointer, 'an object with at least one field, or none', 'an empty one')
    return splitUnder(value, pointer)
  })
}

function namesOf(pointer: string): string[] {
  const [first, ...names] = pointer.split('/')
  if (first !== '' || names.length === 0 || names.length > 32 || !names.every(isFieldName)) {
    refuse('', 'a field as a pointer such as /address/postcode', 'another form')
  }
  return names
}

function refuse(at: string, expected: string, got: string): never {
  const fields = [{ at, keyword: 'name', expected }]
  throw new ConcordatError({ code: 'FIELD_INVALID', expected, got, at, keyword: 'name', fields })
}
