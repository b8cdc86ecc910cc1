import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { below, isObject, readList, refuseSize } from './read-source.ts'
import {
  evaluateExpression,
  type Ground,
  isTrue,
  type Names,
  refuseOperator,
  refuseTemplate,
  sizeOf,
} from './template-expression.ts'

const TEMPLATE_LIMITS = { steps: 100_000, depth: 48 } as const

/** JSON Schema's own keys, which JSON-e would claim: they are data here. */
const SCHEMA_KEYS = [
  '$schema',
  '$id',
  '$ref',
  '$defs',
  '$comment',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$vocabulary',
]

/** What `$if` without `else` yields where it does not hold: its item or key is left out. */
const LEFT_OUT = Symbol('left out')

type Rendered = JsonValue | typeof LEFT_OUT

/**
 * Expands a template of a bounded subset of JSON-e: $eval $if $map $let $merge $flatten $flattenDeep $reverse $json, and
 * `${…}` in texts. Work and depth are counted, so a hostile template stops with IMPORT_TOO_LARGE. `at` is the template's place.
 */
export function expandTemplate(template: JsonValue, parameters: JsonObject, at: string): JsonValue {
  const result = new Expansion().render(template, new Map(Object.entries(parameters)), at, 0)
  return result === LEFT_OUT ? refuseTemplate(at, 'a value', 'none') : result
}

class Expansion {
  #steps = 0

  render(template: JsonValue, names: Names, at: string, depth: number): Rendered {
    this.#charge(typeof template === 'string' ? sizeOf(template) : 1, at)
    if (depth > TEMPLATE_LIMITS.depth) refuseSize(at, TEMPLATE_LIMITS.depth, 'levels', 'more')
    if (typeof template === 'string') return this.#text(template, names, at)
    if (typeof template !== 'object' || template === null) return template
    if (Array.isArray(template)) {
      const items = template.map((item, place) => this.render(item, names, below(at, place), depth + 1))
      return items.filter((item): item is JsonValue => item !== LEFT_OUT)
    }
    const operators = Object.keys(template).filter((key) => /^\$[A-Za-z]/.test(key) && !SCHEMA_KEYS.includes(key))
    const [operator] = operators
    if (operator === undefined) return this.#object(template, names, at, depth)
    if (operators.length > 1) refuseTemplate(at, 'one operator in an object', 'several')
    return this.#operate(operator, template, names, at, depth)
  }

  #operate(operator: string, template: JsonObject, names: Names, at: string, depth: number): Rendered {
    const inner = (key: string, known = names): Rendered =>
      this.render(template[key]!, known, below(at, key), depth + 1)
    const value = (key: string): JsonValue => present(inner(key), below(at, key))
    const place = below(at, operator)
    switch (operator) {
      case '$eval':
        onlyKeys(template, at, ['$eval'])
        return this.#evaluate(template.$eval!, names, place)
      case '$if': {
        onlyKeys(template, at, ['$if', 'then', 'else'])
        const branch = isTrue(this.#evaluate(template.$if!, names, place)) ? 'then' : 'else'
        return Object.hasOwn(template, branch) ? inner(branch) : LEFT_OUT
      }
      case '$json':
        onlyKeys(template, at, ['$json'])
        return this.#counted(canonicalize(value('$json')), at)
      case '$let': {
        onlyKeys(template, at, ['$let', 'in'])
        const given = value('$let')
        if (!isObject(given)) return refuseTemplate(place, 'an object', 'another value')
        if (!Object.hasOwn(template, 'in')) return refuseTemplate(at, 'the key in', 'nothing')
        return inner('in', new Map([...names, ...Object.entries(given)]))
      }
      case '$map':
        return this.#map(template, names, value('$map'), at, depth)
      case '$merge': {
        onlyKeys(template, at, ['$merge'])
        const parts = readList(value('$merge'), place, TEMPLATE_LIMITS.steps)
        if (!parts.every(isObject)) return refuseTemplate(place, 'a list of objects', 'another value')
        return Object.assign({}, ...parts) as JsonObject
      }
      case '$flatten':
      case '$flattenDeep': {
        onlyKeys(template, at, [operator])
        const list = readList(value(operator), place, TEMPLATE_LIMITS.steps)
        return flattened(list, operator === '$flatten' ? 1 : TEMPLATE_LIMITS.depth)
      }
      case '$reverse':
        onlyKeys(template, at, ['$reverse'])
        return readList(value('$reverse'), place, TEMPLATE_LIMITS.steps).toReversed()
      default:
        return refuseOperator(at, operator)
    }
  }

  /** `each(item)` or `each(item, index)`. Of an object the items are {key, val}, and the results, objects, become one. */
  #map(template: JsonObject, names: Names, list: JsonValue, at: string, depth: number): JsonValue {
    const key = Object.keys(template).find((name) => name.startsWith('each(')) ?? ''
    const found = /^each\(\s*([A-Za-z_]\w*)\s*(?:,\s*([A-Za-z_]\w*)\s*)?\)$/.exec(key)
    if (!found) return refuseTemplate(at, 'a key such as each(item)', 'none')
    onlyKeys(template, at, ['$map', key])
    const [, item = '', index] = found
    const items: JsonValue[] = isObject(list)
      ? Object.entries(list).map(([name, val]) => ({ key: name, val }))
      : readList(list, below(at, '$map'), TEMPLATE_LIMITS.steps)
    const results = items.map((value, place) => {
      const known = new Map([...names, [item, value] as const])
      if (index !== undefined) known.set(index, place)
      this.#charge(names.size, at)
      return this.render(template[key]!, known, below(at, key), depth + 1)
    })
    const kept = results.filter((result): result is JsonValue => result !== LEFT_OUT)
    if (!isObject(list)) return kept
    if (!kept.every(isObject)) return refuseTemplate(below(at, key), 'an object for each key', 'another value')
    return Object.assign({}, ...kept) as JsonObject
  }

  #evaluate(expression: JsonValue, names: Names, at: string): JsonValue {
    if (typeof expression !== 'string') return refuseTemplate(at, 'an expression as a text', 'another value')
    const value = evaluateExpression(expression, names, this.#ground(at))
    this.#charge(sizeOf(value), at)
    return value
  }

  #object(template: JsonObject, names: Names, at: string, depth: number): JsonObject {
    const entries: [string, JsonValue][] = []
    for (const [key, value] of Object.entries(template)) {
      const result = this.render(value, names, below(at, key), depth + 1)
      if (result === LEFT_OUT) continue
      const name = key.startsWith('$$') ? key.slice(1) : String(this.#text(key, names, at))
      if (['__proto__', 'constructor', 'prototype'].includes(name)) refuseTemplate(at, 'another key', 'this one')
      entries.push([name, result])
    }
    return Object.fromEntries(entries)
  }

  /** Interpolates `${expression}`; `$${` stands for `${`. */
  #text(text: string, names: Names, at: string): string {
    if (!text.includes('${')) return text
    const result = text.replaceAll(/\$\$\{|\$\{([^}]*)\}/g, (whole, expression: string | undefined) => {
      if (expression === undefined) return whole.slice(1)
      const value = evaluateExpression(expression, names, this.#ground(at))
      if (typeof value === 'object' && value !== null)
        return refuseTemplate(at, 'a text, a number or a boolean', 'another value')
      this.#charge(1, at)
      return value === null ? 'null' : String(value)
    })
    return this.#counted(result, at)
  }

  #ground(at: string): Ground {
    return { at, charge: (steps) => this.#charge(steps, at) }
  }

  /** A long text costs what it weighs, so that doubling ends soon. */
  #counted(text: string, at: string): string {
    this.#charge(Math.ceil(text.length / 100), at)
    return text
  }

  #charge(steps: number, at: string): void {
    this.#steps += steps
    if (this.#steps > TEMPLATE_LIMITS.steps) refuseSize(at, TEMPLATE_LIMITS.steps, 'steps of expanding', 'more')
  }
}

function present(value: Rendered, at: string): JsonValue {
  return value === LEFT_OUT ? refuseTemplate(at, 'a value', 'none') : value
}

function onlyKeys(template: JsonObject, at: string, keys: readonly string[]): void {
  if (Object.keys(template).some((key) => !keys.includes(key))) {
    refuseTemplate(at, `only ${keys.join(', ')} beside the operator`, 'another key')
  }
}

function flattened(list: readonly JsonValue[], levels: number): JsonValue[] {
  return list.flatMap((item) => (Array.isArray(item) && levels > 0 ? flattened(item, levels - 1) : [item]))
}
