import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { compilePattern, PATTERN_LIMITS } from './pattern.ts'
import { isFieldName } from './pointer.ts'
import { Decimal, fromJsonNumber, isDecimalText } from './rules/decimal.ts'

export const SCHEMA_LIMITS = {
  characters: 100_000,
  schemas: 2_000,
  depth: 16,
  enumItems: 1_000,
  branches: 50,
  /** Of every string and array; a schema may only ask for less. */
  maxLength: 10_000,
  maxItems: 1_000,
  maxUniqueItems: 200,
} as const

const FORMATS = ['date', 'decimal', 'email', 'uuid'] as const

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean']

/**
 * `data` schemas describe what a form asks for and are closed: a type each, no undeclared property. `condition` schemas, below
 * allOf, anyOf, oneOf, not, if, then and else, say more about the same data and may name only what it declares.
 */
type Mode = 'data' | 'condition'

interface Place {
  at: string
  mode: Mode
  depth: number
  /** The data schema that a condition speaks about; undefined where there is none. */
  declared: JsonObject | undefined
  /** Names of the definitions that are being inlined here. */
  through: readonly string[]
}

/**
 * Checks an untrusted blueprint schema against the profile (docs/formats/blueprint.md) and returns it with local references
 * inlined and every length capped, so that validating takes bounded time and needs nothing outside the schema.
 */
export function parseSchema(schema: JsonValue): JsonObject {
  const size = canonicalize(schema).length
  if (size > SCHEMA_LIMITS.characters) tooLarge('', 'characters', SCHEMA_LIMITS.characters, size)
  const root = object(schema, '')
  const parser = new Parser(root.$defs === undefined ? {} : object(root.$defs, '/$defs'))
  const { $defs: _, $schema: dialect, ...rest } = root
  if (dialect !== undefined && dialect !== DIALECT) invalid('/$schema', DIALECT, 'another dialect')
  return parser.schema(rest, { at: '', mode: 'data', depth: 0, declared: undefined, through: [] }) as JsonObject
}

/** The same for a schema that only constrains data declared elsewhere, as those below `allOf` do. */
export function parseCondition(schema: JsonObject): JsonObject {
  const { $defs: definitions, $schema: _, ...rest } = schema
  const parser = new Parser(definitions === undefined ? {} : object(definitions, '/$defs'))
  return parser.schema(rest, { at: '', mode: 'condition', depth: 0, declared: undefined, through: [] }) as JsonObject
}

class Parser {
  readonly #definitions: JsonObject
  #schemas = 0

  constructor(definitions: JsonObject) {
    this.#definitions = definitions
  }

  schema(value: JsonValue, place: Place): JsonValue {
    const { at, mode, depth } = place
    this.#schemas += 1
    if (this.#schemas > SCHEMA_LIMITS.schemas) tooLarge(at, 'schemas', SCHEMA_LIMITS.schemas, this.#schemas)
    if (depth > SCHEMA_LIMITS.depth) tooLarge(at, 'levels', SCHEMA_LIMITS.depth, depth)
    if (typeof value === 'boolean' && mode === 'condition') return value
    const schema = object(value, at)
    if (schema.$ref !== undefined) return this.#reference(schema, place)
    const parsed: JsonObject = {}
    for (const keyword of Object.keys(schema)) parsed[keyword] = this.#keyword(keyword, schema, place)
    return mode === 'data' ? closed(parsed, at) : parsed
  }

  /** Inlined, so that depth and size limits hold for what is really evaluated; a definition may not contain itself. */
  #reference(schema: JsonObject, place: Place): JsonValue {
    const { $ref, ...words } = schema
    const other = Object.keys(words).find((keyword) => !['$comment', 'title', 'description'].includes(keyword))
    if (other !== undefined) refused(`${place.at}/${other}`, '$ref', 'only title and description beside $ref')
    const name = typeof $ref === 'string' && $ref.startsWith('#/$defs/') ? $ref.slice('#/$defs/'.length) : ''
    if (!isFieldName(name)) refused(`${place.at}/$ref`, '$ref', 'a reference such as #/$defs/Address')
    if (!Object.hasOwn(this.#definitions, name))
      invalid(`${place.at}/$ref`, 'a definition of this schema', 'another name')
    if (place.through.includes(name))
      invalid(`${place.at}/$ref`, 'a definition that does not contain itself', 'a circle')
    const definition = this.#definitions[name]!
    const target = { ...place, depth: place.depth + 1, through: [...place.through, name] }
    if (typeof definition === 'boolean') return this.schema(definition, target)
    return this.schema({ ...object(definition, `/$defs/${name}`), ...words }, target)
  }

  #keyword(keyword: string, schema: JsonObject, place: Place): JsonValue {
    const value = schema[keyword]!
    const at = `${place.at}/${keyword}`
    const inner = (mode: Mode, declared: JsonObject | undefined, name = ''): Place => ({
      at: at + name,
      mode,
      depth: place.depth + 1,
      declared,
      through: place.through,
    })
    switch (keyword) {
      case '$comment':
      case 'title':
      case 'description':
        if (typeof value !== 'string') invalid(at, 'a text', 'another value')
        return value
      case 'type':
        return type(value, at, place.mode)
      case 'properties': {
        const properties = object(value, at)
        const entries = Object.entries(properties).map(([name, property]): [string, JsonValue] => {
          if (!isFieldName(name)) invalid(at, 'property names of letters, digits, - and _', 'another name')
          declaredName(name, place, `${at}/${name}`)
          return [name, this.schema(property, inner(place.mode, propertyOf(place.declared, name), `/${name}`))]
        })
        return Object.fromEntries(entries)
      }
      case 'required': {
        const names = list(value, at, SCHEMA_LIMITS.schemas).map((name) => {
          if (typeof name !== 'string' || !isFieldName(name)) return invalid(at, 'property names', 'another value')
          declaredName(name, place, at)
          if (place.mode === 'data' && !Object.hasOwn((schema.properties ?? {}) as object, name)) {
            invalid(at, 'names of declared properties', 'an undeclared one')
          }
          return name
        })
        if (new Set(names).size < names.length) invalid(at, 'each name once', 'one twice')
        return names
      }
      case 'additionalProperties':
        if (value !== false) refused(at, keyword, 'false: every field is declared')
        return false
      case 'items':
        return this.schema(value, inner(place.mode, itemsOf(place.declared)))
      case 'enum':
        if (list(value, at, SCHEMA_LIMITS.enumItems).length === 0) invalid(at, 'at least one value', 'none')
        return value
      case 'const':
        return value
      case 'pattern':
        if (typeof value !== 'string') return invalid(at, 'a text', 'another value')
        if (!compilePattern(value)) {
          throw new ConcordatError({
            code: 'SCHEMA_PATTERN_INVALID',
            expected: `an RE2 pattern (no look-around, no back-references) of at most ${PATTERN_LIMITS.characters} characters and ${PATTERN_LIMITS.instructions} instructions`,
            got: 'another pattern',
            at,
          })
        }
        return value
      case 'format':
        if (!FORMATS.includes(value as never)) refused(at, keyword, `one of ${FORMATS.join(', ')}`)
        return value
      case 'minLength':
      case 'minItems':
        return count(value, at, 0, Number.MAX_SAFE_INTEGER)
      case 'maxLength':
        return count(value, at, 0, SCHEMA_LIMITS.maxLength)
      case 'maxItems':
        return count(value, at, 0, SCHEMA_LIMITS.maxItems)
      case 'uniqueItems':
        if (typeof value !== 'boolean') invalid(at, 'true or false', 'another value')
        // Comparing every pair takes time by the square of the list's length.
        if (value === true) count(schema.maxItems ?? null, `${place.at}/maxItems`, 0, SCHEMA_LIMITS.maxUniqueItems)
        return value
      case 'minimum':
      case 'maximum':
      case 'exclusiveMinimum':
      case 'exclusiveMaximum':
        limit(value, at, schema.format)
        return value
      case 'multipleOf':
        if (limit(value, at, schema.format).lessThanOrEqualTo(0)) invalid(at, 'a number above zero', 'another number')
        return value
      case 'allOf':
      case 'anyOf':
      case 'oneOf': {
        const branches = list(value, at, SCHEMA_LIMITS.branches)
        if (branches.length === 0) invalid(at, 'at least one schema', 'none')
        return branches.map((branch, index) =>
          this.schema(branch, inner('condition', about(place, schema), `/${index}`)),
        )
      }
      case 'not':
      case 'if':
      case 'then':
      case 'else':
        return this.schema(value, inner('condition', about(place, schema)))
      default:
        return refused(at, keyword, 'a keyword of the profile (docs/formats/blueprint.md)')
    }
  }
}

/** What a data schema must say itself, and the caps where it says nothing. */
function closed(schema: JsonObject, at: string): JsonObject {
  if (schema.type === undefined) invalid(`${at}/type`, 'a type', 'nothing')
  if (schema.type === 'object') {
    if (schema.properties === undefined) invalid(`${at}/properties`, 'declared properties', 'nothing')
    if (schema.additionalProperties !== false) refused(`${at}/additionalProperties`, 'additionalProperties', 'false')
    for (const name of (schema.required ?? []) as string[]) {
      const property = (schema.properties as JsonObject)[name] as JsonObject
      if (property.type === 'object' && ((property.required ?? []) as string[]).length === 0) {
        // Objects travel as their fields, so an empty one cannot be told from an absent one.
        invalid(`${at}/properties/${name}/required`, 'a required field in a required object', 'none')
      }
    }
  }
  if (schema.type === 'array') {
    if (schema.items === undefined) invalid(`${at}/items`, 'a schema of the items', 'nothing')
    return { maxItems: SCHEMA_LIMITS.maxItems, ...schema }
  }
  return schema.type === 'string' ? { maxLength: SCHEMA_LIMITS.maxLength, ...schema } : schema
}

function about(place: Place, schema: JsonObject): JsonObject | undefined {
  return place.mode === 'data' ? schema : place.declared
}

function declaredName(name: string, { mode, declared }: Place, at: string): void {
  if (mode === 'data' || !declared || declared.type === undefined) return
  if (!Object.hasOwn((declared.properties ?? {}) as object, name)) {
    invalid(at, 'a property that the data declares', 'an undeclared one')
  }
}

function propertyOf(declared: JsonObject | undefined, name: string): JsonObject | undefined {
  return child((declared?.properties as JsonObject | undefined)?.[name])
}

function itemsOf(declared: JsonObject | undefined): JsonObject | undefined {
  return child(declared?.items)
}

/** A referenced schema is checked where it is inlined; what it declares is not followed from conditions outside it. */
function child(value: JsonValue | undefined): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject && value.$ref === undefined ? value : undefined
}

function type(value: JsonValue, at: string, mode: Mode): JsonValue {
  const allowed = mode === 'data' ? TYPES : [...TYPES, 'null']
  if (mode === 'condition' && Array.isArray(value)) {
    if (value.length === 0 || new Set(value).size < value.length) invalid(at, 'each type once', 'another list')
    for (const item of value) type(item, at, mode)
    return value
  }
  if (!allowed.includes(value as string)) invalid(at, `one of ${allowed.join(', ')}`, 'another value')
  return value
}

function object(value: JsonValue, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalid(at, 'an object', 'another value')
  return value
}

function list(value: JsonValue, at: string, max: number): JsonValue[] {
  if (!Array.isArray(value)) return invalid(at, 'a list', 'another value')
  if (value.length > max) tooLarge(at, 'items', max, value.length)
  return value
}

function count(value: JsonValue, at: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min) {
    return invalid(at, 'a whole number, not negative', value === null ? 'nothing' : 'another value')
  }
  if (value > max) tooLarge(at, 'at most', max, value)
  return value
}

/** A number, or for decimal texts also a text, whose digits a JSON number may not hold. */
function limit(value: JsonValue, at: string, format: JsonValue | undefined): Decimal {
  if (typeof value === 'number') return fromJsonNumber(value)
  if (format === 'decimal' && typeof value === 'string' && isDecimalText(value)) return new Decimal(value)
  return invalid(at, format === 'decimal' ? 'a number or a decimal text' : 'a number', 'another value')
}

function invalid(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'SCHEMA_INVALID', expected, got, at })
}

function refused(at: string, keyword: string, expected: string): never {
  const name = keyword.slice(0, 64)
  throw new ConcordatError({
    code: 'SCHEMA_KEYWORD_REFUSED',
    expected,
    got: `another use of ${name}`,
    at,
    keyword: name,
  })
}

function tooLarge(at: string, what: string, max: number, got: number): never {
  throw new ConcordatError({ code: 'SCHEMA_TOO_LARGE', expected: `${max} ${what}`, got: `${got}`, at, limit: max })
}
