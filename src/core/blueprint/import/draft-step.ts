import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import type { Calculation } from '../blueprint.ts'
import { fieldsOf } from '../pointer.ts'
import type { SourceAction } from './source-process.ts'

/** A step while it is being made. */
export interface DraftStep {
  index: number
  id: string
  role: string
  source: SourceAction
  schema: JsonObject
  /** By names in the source, joined by `/`. */
  pointers: Map<string, string>
  /** Pointers that hold a value whenever the step goes on: required by the source, or calculated. */
  sure: Set<string>
  calculations: Calculation[]
  /** Role and pointers of this step or of earlier ones that it discloses. */
  disclosed: { to: string; step: DraftStep; fields: string[] }[]
}

/** What a name of the source, `a.b` or `/a/b`, means in a step. */
export interface Found {
  pointer: string
  schema: JsonObject
  /** Behind the field: the place in a list. */
  rest: string[]
}

export function findInStep({ pointers, schema }: DraftStep, names: readonly string[]): Found | undefined {
  for (let length = names.length; length > 0; length--) {
    const pointer = pointers.get(names.slice(0, length).join('/'))
    if (pointer === undefined) continue
    const property = propertyAt(schema, pointer)
    const rest = names.slice(length)
    if (rest.length > 0 && property.type !== 'array') return undefined
    return { pointer, schema: property, rest }
  }
  return undefined
}

/** The fields at a pointer: itself, or those of the object that it names. */
export function fieldsAt({ schema }: DraftStep, pointer: string): string[] {
  if (pointer !== '' && propertyAt(schema, pointer).type !== 'object') return [pointer]
  return fieldsOf(schema)
    .map((field) => field.pointer)
    .filter((field) => field === pointer || field.startsWith(`${pointer}/`))
}

export function addField(step: DraftStep, name: string, property: JsonObject): string {
  const pointer = `/${name}`
  step.schema = { ...step.schema, properties: { ...(step.schema.properties as JsonObject), [name]: property } }
  return pointer
}

function propertyAt(schema: JsonObject, pointer: string): JsonObject {
  let found: JsonValue = schema
  for (const name of pointer.split('/').slice(1)) found = ((found as JsonObject).properties as JsonObject)[name]!
  return found as JsonObject
}
