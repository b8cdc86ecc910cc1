import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { isFieldName } from '../pointer.ts'
import { parseSchema, SCHEMA_LIMITS } from '../schema-profile.ts'
import type { Losses } from './losses.ts'
import { uniqueFieldName } from './names.ts'
import { below, isObject, readObject, refuse, refuseSize } from './read-source.ts'

export interface TranslatedSchema {
  /** Of the profile (docs/formats/blueprint.md), of type object. */
  schema: JsonObject
  /** By a property's names in the source, from the outermost, joined by `/`: its pointer. SICCAR's `$id` is another such name. */
  pointers: Map<string, string>
}

/** Kept if the profile takes them at the translated property; a trial by `parseSchema` tells. */
const TRIED = [
  'enum',
  'const',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
]
const COMBINED = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else']
const HANDLED = ['type', 'properties', 'required', 'items', 'additionalProperties', 'title', 'description', '$comment']
const SAID_ELSEWHERE = ['$schema', '$defs', 'definitions', '$ref']

const WHY_DROPPED: Record<string, string> = {
  default: 'a form starts empty, so that nobody signs what they did not enter',
  format: 'only date, decimal, email and uuid are formats here; the text may have any form',
  pattern: 'only RE2 patterns run in linear time; the text may have any form',
  $id: 'fields are named by their pointers',
}

interface Place {
  at: string
  depth: number
  /** Names in the source and here. */
  path: string[]
  pointer: string
  /** References that are being inlined. */
  through: readonly string[]
}

/** Several schemas of one action become one; a property that two of them declare is the first one's. */
export function translateSchemas(
  sources: readonly { at: string; value: JsonObject }[],
  losses: Losses,
): TranslatedSchema {
  const pointers = new Map<string, string>()
  const taken = new Set<string>()
  const merged: JsonObject = { type: 'object', additionalProperties: false, properties: {} }
  for (const { at, value } of sources) {
    const translation = new Translation(value, at, pointers, losses)
    const schema = translation.whole(taken)
    const properties = merged.properties as JsonObject
    for (const [name, property] of Object.entries(schema.properties as JsonObject)) {
      if (!Object.hasOwn(properties, name)) properties[name] = property
    }
    const required = [...((merged.required ?? []) as string[]), ...((schema.required ?? []) as string[])]
    if (required.length > 0) merged.required = [...new Set(required)]
    for (const keyword of COMBINED) {
      if (schema[keyword] === undefined) continue
      if (merged[keyword] === undefined) merged[keyword] = schema[keyword]
      else losses.add('SCHEMA_KEYWORD_DROPPED', below(at, keyword), keyword, 'two schemas of one action say it')
    }
  }
  return { schema: merged, pointers }
}

class Translation {
  readonly #root: JsonObject
  readonly #rootAt: string
  readonly #pointers: Map<string, string>
  readonly #losses: Losses
  #schemas = 0

  constructor(root: JsonObject, rootAt: string, pointers: Map<string, string>, losses: Losses) {
    this.#root = root
    this.#rootAt = rootAt
    this.#pointers = pointers
    this.#losses = losses
  }

  whole(taken: Set<string>): JsonObject {
    const place: Place = { at: this.#rootAt, depth: 0, path: [], pointer: '', through: ['#'] }
    const { source, through } = this.#inlined(this.#root, place.at, place)
    return this.#object(source, { ...place, through }, taken)
  }

  #object(source: JsonObject, place: Place, taken: Set<string>): JsonObject {
    const schema: JsonObject = { type: 'object', ...this.#words(source, place), additionalProperties: false }
    const properties: JsonObject = {}
    const names = new Map<string, string>()
    const declared = this.#declared(source, place)
    for (const [given, value] of Object.entries(declared)) {
      const at = below(below(place.at, 'properties'), given)
      const property = this.#inlined(readObject(value, at), at, place)
      if (this.#pointers.has([...place.path, given].join('/'))) {
        this.#losses.add('SCHEMA_CHANGED', at, given, 'two schemas of one action declare it; the first one holds')
        continue
      }
      const name = uniqueFieldName(given, taken)
      if (name !== given)
        this.#losses.add(
          'FIELD_RENAMED',
          at,
          `${given.slice(0, 64)} is now ${name}`,
          'names are letters, digits, - and _',
        )
      names.set(given, name)
      const pointer = `${place.pointer}/${name}`
      this.#name([...place.path, given], pointer)
      const alias = property.source.$id
      if (typeof alias === 'string' && !Object.hasOwn(declared, alias)) {
        this.#name([...place.path, alias], pointer)
      }
      properties[name] = this.#property(property.source, {
        at,
        depth: place.depth + 1,
        path: [...place.path, given],
        pointer,
        through: property.through,
      })
    }
    schema.properties = properties
    const required = this.#required(source, names, properties, place)
    if (required.length > 0) schema.required = required
    this.#rest(source, schema, place, [])
    return schema
  }

  #property(source: JsonObject, place: Place): JsonObject {
    this.#schemas += 1
    if (this.#schemas > SCHEMA_LIMITS.schemas) refuseSize(place.at, SCHEMA_LIMITS.schemas, 'schemas', 'more')
    if (place.depth >= SCHEMA_LIMITS.depth) refuseSize(place.at, SCHEMA_LIMITS.depth, 'levels of schemas', 'more')
    const type = this.#type(source, place)
    if (type === 'object') return this.#object(source, place, new Set())
    const schema: JsonObject = { type, ...this.#words(source, place) }
    if (type === 'array') schema.items = this.#items(source, place)
    this.#rest(source, schema, place, TRIED)
    return schema
  }

  #items(source: JsonObject, place: Place): JsonObject {
    const at = below(place.at, 'items')
    if (!isObject(source.items)) {
      this.#losses.add(
        'SCHEMA_CHANGED',
        at,
        'the items of a list',
        'the source says nothing of them, so they are texts',
      )
      return { type: 'string' }
    }
    const { source: item, through } = this.#inlined(source.items, at, place)
    // A list is one field as a whole, so what is inside it has no pointer of its own.
    const inside = new Translation(this.#root, this.#rootAt, new Map(), this.#losses)
    inside.#schemas = this.#schemas
    const translated = inside.#property(item, { at, depth: place.depth + 1, path: [], pointer: '', through })
    this.#schemas = inside.#schemas
    return translated
  }

  #type(source: JsonObject, { at }: Place): string {
    const given = Array.isArray(source.type) ? source.type.filter((type) => type !== 'null') : [source.type]
    const [type] = given
    if (given.length === 1 && typeof type === 'string' && type !== 'null') {
      if (Array.isArray(source.type)) {
        this.#losses.add('SCHEMA_CHANGED', below(at, 'type'), 'null as a value', 'a field without a value is left out')
      }
      if (['object', 'array', 'string', 'number', 'integer', 'boolean'].includes(type)) return type
      return refuse(below(at, 'type'), 'a type of JSON Schema', source.type)
    }
    const guess = guessType(source)
    this.#losses.add(
      'SCHEMA_CHANGED',
      at,
      `the type ${guess}`,
      'the source names none, or several; every field has one here',
    )
    return guess
  }

  #required(source: JsonObject, names: Map<string, string>, properties: JsonObject, { at }: Place): string[] {
    if (!Array.isArray(source.required)) return []
    const place = below(at, 'required')
    return [...new Set(source.required)].flatMap((given): string[] => {
      const name = typeof given === 'string' ? names.get(given) : undefined
      if (name === undefined) {
        this.#losses.add(
          'SCHEMA_CHANGED',
          place,
          `${String(given).slice(0, 64)} as required`,
          'no property has that name',
        )
        return []
      }
      const property = properties[name] as JsonObject
      if (property.type !== 'object' || ((property.required ?? []) as string[]).length > 0) return [name]
      const why = 'none of its own fields is required, and an empty object cannot be told from an absent one'
      this.#losses.add('SCHEMA_CHANGED', place, `${name} is no longer required`, why)
      return []
    })
  }

  /** Keywords beside those that were translated already: kept if the profile takes them. */
  #rest(source: JsonObject, schema: JsonObject, place: Place, tried: readonly string[]): void {
    for (const [keyword, value] of Object.entries(source)) {
      if (HANDLED.includes(keyword) || SAID_ELSEWHERE.includes(keyword)) continue
      if (keyword === '$id' && place.pointer.endsWith(`/${String(value)}`)) continue
      const at = below(place.at, keyword)
      const fitting = fit(keyword, value)
      if (fitting !== value) {
        this.#losses.add('SCHEMA_CHANGED', at, `${keyword} ${JSON.stringify(fitting)}`, 'more is not allowed here')
      }
      if (
        keyword === 'uniqueItems' &&
        value === true &&
        schema.maxItems === undefined &&
        source.maxItems === undefined
      ) {
        schema.maxItems = SCHEMA_LIMITS.maxUniqueItems
        this.#losses.add(
          'SCHEMA_CHANGED',
          at,
          `at most ${SCHEMA_LIMITS.maxUniqueItems} items`,
          'comparing each pair takes time',
        )
      }
      const known = tried.includes(keyword) || COMBINED.includes(keyword)
      if (known && isAccepted({ ...trialOf(schema), [keyword]: fitting })) schema[keyword] = fitting
      else if (keyword !== 'uniqueItems' || value !== false) {
        const why =
          WHY_DROPPED[keyword] ??
          (known ? 'the schema profile does not take it here' : 'the schema profile has no such keyword')
        this.#losses.add('SCHEMA_KEYWORD_DROPPED', at, keyword.slice(0, 64), why)
      }
    }
    if (isObject(source.additionalProperties) || source.additionalProperties === true) {
      const at = below(place.at, 'additionalProperties')
      this.#losses.add('SCHEMA_KEYWORD_DROPPED', at, 'additionalProperties', 'every field is declared')
    }
  }

  #words(source: JsonObject, { at }: Place): JsonObject {
    const words: JsonObject = {}
    for (const keyword of ['title', 'description', '$comment']) {
      const value = source[keyword]
      if (typeof value === 'string') words[keyword] = value
      else if (value !== undefined) {
        this.#losses.add('SCHEMA_KEYWORD_DROPPED', below(at, keyword), keyword, 'it is no text')
      }
    }
    return words
  }

  /** Follows local references until there is none; one that leads back to itself is refused, one that leads away is dropped. */
  #inlined(source: JsonObject, at: string, place: Place): { source: JsonObject; through: readonly string[] } {
    let found = source
    let through = place.through
    while (typeof found.$ref === 'string') {
      const { $ref, ...words } = found
      const target = this.#resolve($ref)
      if (target === undefined) {
        this.#losses.add(
          'SCHEMA_KEYWORD_DROPPED',
          below(at, '$ref'),
          '$ref',
          'it leads out of the schema, or nowhere in it',
        )
        return { source: words, through }
      }
      if (through.includes($ref)) refuse(below(at, '$ref'), 'a definition that does not contain itself', $ref)
      through = [...through, $ref]
      found = { ...target, ...words }
    }
    return { source: found, through }
  }

  #resolve(reference: string): JsonObject | undefined {
    if (reference === '#') return this.#root
    if (!reference.startsWith('#/')) return undefined
    let value: JsonValue = this.#root
    for (const part of reference.slice(2).split('/').slice(0, 32)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!isObject(value) || !Object.hasOwn(value, key)) return undefined
      value = value[key]!
    }
    return isObject(value) ? value : undefined
  }

  #name(path: string[], pointer: string): void {
    this.#pointers.set(path.join('/'), pointer)
  }

  #declared({ properties }: JsonObject, { at }: Place): JsonObject {
    return properties === undefined || properties === null ? {} : readObject(properties, below(at, 'properties'))
  }
}

function guessType(source: JsonObject): string {
  if (source.properties !== undefined) return 'object'
  if (source.items !== undefined) return 'array'
  const values = Array.isArray(source.enum) ? source.enum : source.const === undefined ? [] : [source.const]
  const types = new Set(values.map((value) => typeof value))
  if (types.size === 1 && types.has('number')) return 'number'
  if (types.size === 1 && types.has('boolean')) return 'boolean'
  return source.minimum !== undefined || source.maximum !== undefined ? 'number' : 'string'
}

/** A bound that goes beyond the profile's, brought down to it. */
function fit(keyword: string, value: JsonValue): JsonValue {
  if (typeof value !== 'number') return value
  if (keyword === 'maxLength') return Math.min(value, SCHEMA_LIMITS.maxLength)
  return keyword === 'maxItems' ? Math.min(value, SCHEMA_LIMITS.maxItems) : value
}

/** What a keyword's trial needs of its schema, and no more, so that trying is cheap however much is nested. */
function trialOf(schema: JsonObject): JsonObject {
  if (schema.type === 'object') return outlineOf(schema)
  const { pattern: _, items, ...rest } = schema
  return items === undefined ? rest : { ...rest, items: { type: 'string' } }
}

function outlineOf({ type, properties, items }: JsonObject): JsonObject {
  if (type === 'array') return { type, items: outlineOf(items as JsonObject) }
  if (type !== 'object') return { type: type! }
  const entries = Object.entries(properties as JsonObject).map(([name, property]) => [
    name,
    outlineOf(property as JsonObject),
  ])
  return { type, additionalProperties: false, properties: Object.fromEntries(entries) }
}

function isAccepted(schema: JsonObject): boolean {
  try {
    parseSchema(schema)
    return true
  } catch (error) {
    if (error instanceof ConcordatError) return false
    throw error
  }
}

/** A name for a field that the import itself adds. */
export function freeFieldName(schema: JsonObject, name: string): string {
  const properties = schema.properties as JsonObject
  let free = isFieldName(name) ? name : 'field'
  for (let number = 2; Object.hasOwn(properties, free); number++) free = `${name}${number}`
  return free
}
