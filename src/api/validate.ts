import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { ErrorDetail } from '../core/error.ts'

type SchemaError = ReturnType<Validator['Errors']>[number]
type InputFailure = Extract<ErrorDetail, { code: `INPUT_${string}` }>

const validators = new WeakMap<TSchema, Validator>()

function validatorOf(schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = Compile(schema)
    validators.set(schema, validator)
  }
  return validator
}

/** The value exactly as it came: nothing is coerced, dropped or filled in. */
export function matches<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return validatorOf(schema).Check(value)
}

/**
 * Why `value` does not match. Everything said comes from the schema: places are property names that the schema knows and
 * array indexes, so neither a value nor a name that the sender made up is repeated.
 */
export function explainMismatch(schema: TSchema, value: unknown, root: string): InputFailure {
  const error = validatorOf(schema)
    .Errors(value)
    .find(({ keyword }) => keyword !== 'boolean')
  if (error === undefined)
    return { code: 'INPUT_INVALID', at: root, expected: 'a value of the documented form', got: 'another' }
  const union = findUnion(error)
  if (union !== undefined) {
    const got = kindOf(valueAt(value, union))
    return { code: 'INPUT_INVALID', at: `${root}${union}`, expected: 'one of the documented forms', got }
  }
  const at = `${root}${knownPlace(schema, error.instancePath)}`
  const got = kindOf(valueAt(value, error.instancePath))
  switch (error.keyword) {
    case 'type':
      return { code: 'INPUT_TYPE_WRONG', at, expected: `type ${[error.params.type].flat().join(' or ')}`, got }
    case 'additionalProperties':
      return { code: 'INPUT_FIELD_UNKNOWN', at, expected: 'only the documented fields', got: 'another field' }
    case 'required': {
      const [first = ''] = error.params.requiredProperties
      return { code: 'INPUT_FIELD_MISSING', at: `${at}/${first}`, expected: 'this field', got: 'no such field' }
    }
    case 'maxLength':
    case 'maxItems':
    case 'maxProperties': {
      const unit = { maxLength: 'characters', maxItems: 'items', maxProperties: 'entries' }[error.keyword]
      const { limit } = error.params
      return { code: 'INPUT_TOO_LONG', at, expected: `at most ${limit} ${unit}`, got: 'more', limit }
    }
    case 'pattern':
      return {
        code: 'INPUT_INVALID',
        at,
        expected: `text that matches ${error.params.pattern}`,
        got: 'text that does not',
      }
    case 'enum':
      return { code: 'INPUT_INVALID', at, expected: `one of ${error.params.allowedValues.join(', ')}`, got }
    case 'const':
      return { code: 'INPUT_INVALID', at, expected: `${error.params.allowedValue}`, got }
    case 'minimum':
    case 'maximum':
      return { code: 'INPUT_INVALID', at, expected: `a number ${error.params.comparison} ${error.params.limit}`, got }
    case 'minLength':
    case 'minItems':
      return { code: 'INPUT_INVALID', at, expected: `a length of at least ${error.params.limit}`, got: 'less' }
    default:
      return { code: 'INPUT_INVALID', at, expected: `a value for which ${error.keyword} holds`, got }
  }
}

/**
 * The place of the outermost union that an error is about. What is wrong by one alternative's measure is not what is wrong: each of
 * them is reported, and after many errors the union itself no more.
 */
function findUnion({ keyword, schemaPath, instancePath }: SchemaError): string | undefined {
  if (keyword === 'anyOf' && !schemaPath.includes('/anyOf/')) return instancePath
  const [above, ...inside] = schemaPath.split('/anyOf/')
  if (inside.length === 0) return undefined
  // Both paths go down together, through `properties/<name>` or `items`.
  const depth = above!.match(/\/properties\/[^/]+|\/items(?=\/|$)/g)?.length ?? 0
  return instancePath
    .split('/')
    .slice(0, depth + 1)
    .join('/')
}

/** The part of a place that the schema names: keys of a map are the sender's. */
function knownPlace(schema: TSchema, instancePath: string): string {
  let within = schema as { properties?: Record<string, object>; items?: object }
  const known: string[] = []
  for (const part of instancePath.split('/').slice(1)) {
    const { properties = {}, items } = within
    const inner = Object.hasOwn(properties, part) ? properties[part] : items
    if (inner === undefined) break
    known.push(part)
    within = inner
  }
  return known.map((part) => `/${part}`).join('')
}

function valueAt(value: unknown, pointer: string): unknown {
  let found = value
  for (const part of pointer.split('/').slice(1)) {
    found = (found as Record<string, unknown>)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return found
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
