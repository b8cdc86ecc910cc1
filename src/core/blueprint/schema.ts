import { type ErrorObject, type ValidateFunction, Ajv2020 as Validator } from 'ajv/dist/2020.js'
import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { digest } from '../crypto/hash.ts'
import { ConcordatError } from '../error.ts'
import { parseDate } from './dates.ts'
import { compilePattern } from './pattern.ts'
import { type Field, fieldsOf } from './pointer.ts'
import { Decimal, fromJsonNumber, isDecimalText, isMultipleOf } from './rules/decimal.ts'
import { parseSchema, SCHEMA_LIMITS } from './schema-profile.ts'

/** What is wrong with a field; `expected` comes from the schema alone, so that no value shows. */
export interface FieldError {
  at: string
  keyword: string
  expected: string
}

export interface CompiledSchema {
  /** As `parseSchema` returns it: references inlined, lengths capped. */
  schema: JsonObject
  fields: readonly Field[]
  validate(data: JsonObject): FieldError[]
  /** One field alone, for a recipient that sees only some of them. */
  validateField(pointer: string, value: JsonValue): FieldError[]
}

/** Characters of all texts and names plus one for each value: bounds every pass over an action's data. */
const MAX_DATA_SIZE = 250_000
const MAX_DATA_DEPTH = 32
const MAX_FIELD_ERRORS = 100
const MAX_CACHED = 256

const bySchema = new WeakMap<JsonObject, CompiledSchema>()
/** Least recently used first. */
const byDigest = new Map<string, CompiledSchema>()

/** Compiles a step's schema, or refuses what the profile does not allow. Bounded, so that many blueprints fit one node. */
export function compileSchema(schema: JsonObject): CompiledSchema {
  const known = bySchema.get(schema)
  if (known) return known
  const key = digest(canonicalize(schema))
  const compiled = byDigest.get(key) ?? compile(parseSchema(schema))
  byDigest.delete(key)
  byDigest.set(key, compiled)
  if (byDigest.size > MAX_CACHED) byDigest.delete(byDigest.keys().next().value as string)
  bySchema.set(schema, compiled)
  return compiled
}

/** Compiles a schema that `parseSchema` has returned. */
function compile(schema: JsonObject): CompiledSchema {
  const fields = fieldsOf(schema)
  const validate = compileValidator(schema)
  const validators = new Map<string, ReturnType<typeof compileValidator>>()
  return {
    schema,
    fields,
    validate,
    validateField(pointer, value) {
      const field = fields.find((candidate) => candidate.pointer === pointer)
      if (!field) return [{ at: pointer, keyword: 'additionalProperties', expected: 'a field of the step' }]
      const validator = validators.get(pointer) ?? compileValidator(field.schema)
      validators.set(pointer, validator)
      return validator(value).map((error) => ({ ...error, at: pointer + error.at }))
    },
  }
}

export function refuseInvalid(errors: readonly FieldError[]): void {
  const [first] = errors
  if (!first) return
  const { at, keyword, expected } = first
  throw new ConcordatError({
    code: 'FIELD_INVALID',
    expected,
    got: 'another value, or none',
    at,
    keyword,
    fields: errors.slice(0, MAX_FIELD_ERRORS),
  })
}

/** The validator for one schema that `parseSchema` or `parseCondition` has returned. */
export function compileValidator(schema: JsonObject): (data: JsonValue) => FieldError[] {
  const validate = createAjv().compile(schema)
  return (data) => {
    refuseLarge(data)
    if (validate(data)) return []
    return errorsOf(validate)
  }
}

function createAjv(): Validator {
  // The profile has been checked already. A validator of its own keeps what Ajv caches as short-lived as the compiled schema.
  const ajv = new Validator({
    strict: false,
    validateSchema: false,
    meta: false,
    allErrors: true,
    ownProperties: true,
    code: { regExp: Object.assign(regExp, { code: 'undefined' }) },
  })
  ajv.addFormat('date', (text) => parseDate(text) !== undefined)
  ajv.addFormat('decimal', isDecimalText)
  ajv.addFormat('email', (text) => text.length <= 254 && EMAIL.test(text))
  ajv.addFormat('uuid', UUID)
  for (const [keyword, holds] of DECIMAL_KEYWORDS) {
    ajv.removeKeyword(keyword)
    ajv.addKeyword({
      keyword,
      type: ['number', 'string'],
      compile: (limit: JsonValue, parent: JsonObject) => {
        const bound = decimalOf(limit)
        return (value: number | string) => {
          if (typeof value === 'number') return holds(fromJsonNumber(value), bound)
          // Other texts have no size, and a malformed decimal is refused by its format.
          return parent.format !== 'decimal' || !isDecimalText(value) || holds(new Decimal(value), bound)
        }
      },
    })
  }
  return ajv
}

const EMAIL = /^[^\s@"(),:;<>[\\\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,10}$/
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

/** RULES 20: in decimal, where 0.3 is a multiple of 0.1. */
const DECIMAL_KEYWORDS: readonly [string, (value: Decimal, bound: Decimal) => boolean][] = [
  ['minimum', (value, bound) => value.greaterThanOrEqualTo(bound)],
  ['maximum', (value, bound) => value.lessThanOrEqualTo(bound)],
  ['exclusiveMinimum', (value, bound) => value.greaterThan(bound)],
  ['exclusiveMaximum', (value, bound) => value.lessThan(bound)],
  ['multipleOf', isMultipleOf],
]

function decimalOf(value: JsonValue): Decimal {
  return typeof value === 'number' ? fromJsonNumber(value) : new Decimal(value as string)
}

function regExp(source: string): { test: (text: string) => boolean } {
  const pattern = compilePattern(source)
  if (pattern) return pattern
  throw new ConcordatError({ code: 'SCHEMA_PATTERN_INVALID', expected: 'an RE2 pattern', got: 'another one', at: '' })
}

function errorsOf(validate: ValidateFunction): FieldError[] {
  const errors = (validate.errors ?? []).filter(({ keyword, schemaPath }) => {
    // Of alternatives only their failure as a whole is told; `if` repeats what `then` or `else` says.
    return keyword !== 'if' && !/\/(anyOf|oneOf|not)\//.test(schemaPath)
  })
  return (errors.length > 0 ? errors : (validate.errors ?? [])).slice(0, MAX_FIELD_ERRORS).map(describe)
}

function describe({ keyword, instancePath, params, message }: ErrorObject): FieldError {
  const at = keyword === 'required' ? `${instancePath}/${params.missingProperty}` : instancePath
  return { at, keyword, expected: expectedBy(keyword, params, message) }
}

function expectedBy(keyword: string, params: Record<string, unknown>, message: string | undefined): string {
  switch (keyword) {
    case 'required':
      return 'a value'
    case 'type':
      return `a value of type ${String(params.type)}`
    case 'enum':
      return 'one of the listed values'
    case 'const':
      return 'the one allowed value'
    case 'additionalProperties':
      return 'no fields but the declared ones'
    case 'format':
      return `a text of the form ${String(params.format)}`
    case 'pattern':
      return 'a text of the pattern'
    case 'minLength':
      return `at least ${String(params.limit)} characters`
    case 'maxLength':
      return `at most ${String(params.limit)} characters`
    case 'minItems':
      return `at least ${String(params.limit)} items`
    case 'maxItems':
      return `at most ${String(params.limit)} items`
    case 'uniqueItems':
      return 'no item twice'
    default:
      return DECIMAL_KEYWORDS.some(([name]) => name === keyword)
        ? `a number that keeps to ${keyword}`
        : (message ?? keyword)
  }
}

/** Before any pattern or comparison runs. */
function refuseLarge(data: JsonValue): void {
  let size = 0
  const visit = (value: JsonValue, depth: number): void => {
    size += typeof value === 'string' ? value.length + 1 : 1
    if (size > MAX_DATA_SIZE) dataTooLarge('characters', MAX_DATA_SIZE)
    if (typeof value !== 'object' || value === null) return
    if (depth > MAX_DATA_DEPTH) dataTooLarge('levels', MAX_DATA_DEPTH)
    if (Array.isArray(value)) {
      if (value.length > SCHEMA_LIMITS.maxItems) dataTooLarge('items in a list', SCHEMA_LIMITS.maxItems)
      for (const item of value) visit(item, depth + 1)
      return
    }
    for (const name of Object.keys(value)) {
      size += name.length
      visit(value[name]!, depth + 1)
    }
  }
  visit(data, 0)
}

function dataTooLarge(what: string, limit: number): never {
  throw new ConcordatError({ code: 'DATA_TOO_LARGE', expected: `at most ${limit} ${what}`, got: 'more', limit })
}
