import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Rule } from '../blueprint.ts'
import { COMPARISONS, OPERATORS, RESULT_LIMITS, wrongArguments } from './rule-operators.ts'
import { follow, MAX_PATH_LENGTH, namesOfList, namesOfPath } from './rule-path.ts'
import { isTruthy, type RuleValue, toText, typeOf } from './rule-value.ts'

export const RULE_LIMITS = { steps: 10_000, depth: 32, path: MAX_PATH_LENGTH } as const

const ITERATORS = ['map', 'filter', 'all', 'some', 'none', 'reduce'] as const
const READS = ['var', 'val', 'exists', 'missing', 'missing_some'] as const
const LAZY = [...READS, '??', 'if', '?:', 'and', 'or', 'preserve', ...ITERATORS] as const

/** A path that a rule reads from its data, `step.field` or `$meta.asOf`; `required` if the rule fails where it is absent. */
export interface RuleInput {
  path: string
  required: boolean
}

/**
 * Evaluates a rule of the decimal profile (docs/formats/json-logic.md): no clock, randomness, locale or floating point, and
 * the same result or the same refusal on every node. Work is counted, so a hostile rule stops with RULE_TOO_LONG.
 */
export function evaluate(rule: Rule, data: JsonValue): RuleValue {
  return new Evaluation().value(rule, data, 0)
}

/**
 * Checks a blueprint's rule before it ever runs and tells what it reads. Stricter than `evaluate`: paths must be literal,
 * since who may check a rule follows from what it reads (RULES 27).
 */
export function inputs(rule: Rule): RuleInput[] {
  const found = new Map<string, boolean>()
  collect(rule, true, 0, (path, required) => found.set(path, required || found.get(path) === true))
  return [...found].map(([path, required]) => ({ path, required })).sort((a, b) => (a.path < b.path ? -1 : 1))
}

class Evaluation {
  #steps = 0

  value(rule: Rule, scope: RuleValue, depth: number): RuleValue {
    this.#charge(1)
    if (typeof rule !== 'object' || rule === null) return rule
    if (depth >= RULE_LIMITS.depth) tooDeep()
    if (Array.isArray(rule)) return rule.map((item) => this.value(item, scope, depth + 1))
    const operation = parseOperation(rule)
    return operation ? this.#apply(operation.name, operation.argument, scope, depth + 1) : rule
  }

  #charge(steps: number): void {
    this.#steps += steps
    if (this.#steps > RULE_LIMITS.steps) {
      const limit = RULE_LIMITS.steps
      throw new ConcordatError({ code: 'RULE_TOO_LONG', expected: `at most ${limit} steps`, got: 'more', limit })
    }
  }

  #apply(name: string, argument: JsonValue, scope: RuleValue, depth: number): RuleValue {
    const rules = Array.isArray(argument) ? argument : undefined
    switch (name) {
      case 'var':
      case 'val': {
        const { found, names } = this.#read(name, argument, scope, depth)
        return found === undefined ? inputMissing(names) : found
      }
      case 'exists':
        return follow(scope, namesOfList(this.#arguments(argument, scope, depth), name)) !== undefined
      case '??':
        return this.#coalesce(rules ?? wrongArguments(name, 'a list'), scope, depth)
      case 'preserve':
        return argument
      case 'missing':
        return this.#missing(this.#arguments(argument, scope, depth).flat(), scope)
      case 'missing_some':
        return this.#missingSome(this.#arguments(argument, scope, depth), scope)
      case 'if':
      case '?:':
        return this.#branch(rules ?? wrongArguments(name, 'a list'), scope, depth)
      case 'and':
      case 'or':
        return this.#connect(rules ?? wrongArguments(name, 'a list'), scope, depth, name === 'or')
      case 'map':
      case 'filter':
      case 'all':
      case 'some':
      case 'none':
        return this.#iterate(name, rules ?? wrongArguments(name, 'a list and a rule'), scope, depth)
      case 'reduce':
        return this.#reduce(rules ?? wrongArguments(name, 'a list, a rule and a start'), scope, depth)
    }
    const comparison = COMPARISONS.get(name)
    if (comparison) {
      if (!rules || rules.length < 2) return wrongArguments(name, 'at least two values')
      let left = this.value(rules[0]!, scope, depth)
      for (const rule of rules.slice(1)) {
        const right = this.value(rule, scope, depth)
        if (!comparison(left, right, name)) return false
        left = right
      }
      return true
    }
    const operator = OPERATORS.get(name) ?? unknownOperator(name)
    return operator(this.#arguments(argument, scope, depth), (steps) => this.#charge(steps), name)
  }

  /** A single argument may stand without its list; an operation in its place that yields a list gives all arguments. */
  #arguments(argument: JsonValue, scope: RuleValue, depth: number): RuleValue[] {
    if (Array.isArray(argument)) return argument.map((item) => this.value(item, scope, depth))
    const value = this.value(argument, scope, depth)
    if (!Array.isArray(value)) return [value]
    this.#charge(value.length)
    return value
  }

  #read(
    name: 'var' | 'val',
    argument: JsonValue,
    scope: RuleValue,
    depth: number,
  ): { found: RuleValue | undefined; names: string[] } {
    const values = this.#arguments(argument, scope, depth)
    const [path = '', fallback, ...rest] = values
    if (name === 'var' && rest.length > 0) wrongArguments('var', 'a path, and a default or none')
    const names = name === 'var' ? namesOfPath(path) : namesOfList(values, name)
    const found = follow(scope, names)
    return { found: found === undefined && name === 'var' ? fallback : found, names }
  }

  /** The first value that is not null. A path that leads nowhere is passed over, as if it had a default, unless it is the last. */
  #coalesce(rules: JsonValue[], scope: RuleValue, depth: number): RuleValue {
    for (const [place, rule] of rules.entries()) {
      const value = place < rules.length - 1 ? this.#valueIfThere(rule, scope, depth) : this.value(rule, scope, depth)
      if (value !== null) return value
    }
    return null
  }

  #valueIfThere(rule: JsonValue, scope: RuleValue, depth: number): RuleValue {
    const read = parseRead(rule)
    if (!read || depth >= RULE_LIMITS.depth) return this.value(rule, scope, depth)
    this.#charge(1)
    return this.#read(read.name, read.argument, scope, depth + 1).found ?? null
  }

  #missing(paths: RuleValue[], scope: RuleValue): string[] {
    this.#charge(paths.length)
    return paths
      .filter((path) => {
        const found = follow(scope, namesOfPath(path))
        return found === undefined || found === null || found === ''
      })
      .map((path) => toText(path, 'missing'))
  }

  #missingSome([needed = null, paths = null]: RuleValue[], scope: RuleValue): RuleValue {
    if (typeof needed !== 'number' || !Array.isArray(paths))
      return wrongArguments('missing_some', 'a number and a list')
    const missing = this.#missing(paths, scope)
    return paths.length - missing.length >= needed ? [] : missing
  }

  #branch(rules: JsonValue[], scope: RuleValue, depth: number): RuleValue {
    let place = 0
    for (; place + 1 < rules.length; place += 2) {
      if (isTruthy(this.value(rules[place]!, scope, depth))) return this.value(rules[place + 1]!, scope, depth)
    }
    return place < rules.length ? this.value(rules[place]!, scope, depth) : null
  }

  /** The first value that decides, or the last one. */
  #connect(rules: JsonValue[], scope: RuleValue, depth: number, stopAt: boolean): RuleValue {
    let value: RuleValue = false
    for (const rule of rules) {
      value = this.value(rule, scope, depth)
      if (isTruthy(value) === stopAt) return value
    }
    return value
  }

  #iterate(name: string, rules: JsonValue[], scope: RuleValue, depth: number): RuleValue {
    const [source = null, body = null] = rules
    const transforms = name === 'map' || name === 'filter'
    if (rules.length !== 2 || (transforms && body === null)) return wrongArguments(name, 'a list and a rule')
    const list = this.#list(name, source, scope, depth)
    const each = (item: RuleValue) => this.value(body, item, depth)
    if (name === 'map') return list.map(each)
    if (name === 'filter') return list.filter((item) => isTruthy(each(item)))
    if (name === 'all') return list.length > 0 && list.every((item) => isTruthy(each(item)))
    const some = list.some((item) => isTruthy(each(item)))
    return name === 'some' ? some : !some
  }

  #reduce(rules: JsonValue[], scope: RuleValue, depth: number): RuleValue {
    const [source = null, body = null, start] = rules
    if (rules.length < 2 || rules.length > 3 || body === null)
      return wrongArguments('reduce', 'a list, a rule and a start')
    const first: RuleValue = start === undefined ? null : this.value(start, scope, depth)
    return this.#list('reduce', source, scope, depth).reduce<RuleValue>(
      (accumulator, current) => this.value(body, { current, accumulator }, depth),
      first,
    )
  }

  #list(name: string, rule: JsonValue, scope: RuleValue, depth: number): RuleValue[] {
    const value = this.value(rule, scope, depth)
    if (!Array.isArray(value)) {
      if (value === null) return wrongArguments(name, 'a list and a rule')
      throw new ConcordatError({ code: 'RULE_TYPE_WRONG', expected: 'a list', got: typeOf(value), operator: name })
    }
    if (value.length > RESULT_LIMITS.items) {
      const limit = RESULT_LIMITS.items
      throw new ConcordatError({
        code: 'RULE_RESULT_TOO_LARGE',
        expected: `at most ${limit} items`,
        got: `${value.length}`,
        limit,
      })
    }
    return value
  }
}

/** An object with one key is an operation, an empty one is itself; anything else is a mistake rather than data. */
function parseOperation(rule: JsonObject): { name: string; argument: JsonValue } | undefined {
  const names = Object.keys(rule)
  const name = names[0]
  if (name === undefined) return undefined
  if (names.length > 1) {
    throw new ConcordatError({
      code: 'RULE_INVALID',
      expected: 'an object with one operator',
      got: `${names.length} keys`,
      operator: name.slice(0, 64),
    })
  }
  return { name, argument: rule[name]! }
}

function unknownOperator(name: string): never {
  throw new ConcordatError({
    code: 'RULE_OPERATOR_UNKNOWN',
    expected: `one of ${[...LAZY, ...COMPARISONS.keys(), ...OPERATORS.keys()].join(' ')}`,
    got: 'another operator',
    operator: name.slice(0, 64),
  })
}

/** `var` or `val`, of which `??` excuses that it leads nowhere. */
function parseRead(rule: JsonValue): { name: 'var' | 'val'; argument: JsonValue } | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return undefined
  const { name, argument } = parseOperation(rule) ?? {}
  return (name === 'var' || name === 'val') && argument !== undefined ? { name, argument } : undefined
}

function inputMissing(names: readonly string[]): never {
  throw new ConcordatError({
    code: 'RULE_INPUT_MISSING',
    expected: 'a value for every input without a default',
    got: 'nothing',
    input: names.join('.').slice(0, RULE_LIMITS.path),
  })
}

function tooDeep(): never {
  const limit = RULE_LIMITS.depth
  throw new ConcordatError({ code: 'RULE_TOO_DEEP', expected: `at most ${limit} levels`, got: 'more', limit })
}

/** `outer`: paths are read from the rule's data, not from an iterator's item. */
function collect(rule: Rule, outer: boolean, depth: number, found: (path: string, required: boolean) => void): void {
  if (typeof rule !== 'object' || rule === null) return
  if (depth >= RULE_LIMITS.depth) tooDeep()
  if (Array.isArray(rule)) {
    for (const item of rule) collect(item, outer, depth + 1, found)
    return
  }
  const operation = parseOperation(rule)
  if (!operation) return
  const { name, argument } = operation
  if (!LAZY.includes(name as never) && !COMPARISONS.has(name) && !OPERATORS.has(name)) unknownOperator(name)
  const list = Array.isArray(argument) ? argument : [argument]
  if (name === 'var') {
    const [path = '', fallback] = list
    if (outer) found(literalPath(path, name), fallback === undefined)
    else if (typeof path !== 'string' && typeof path !== 'number') literalPath(path, name)
    if (fallback !== undefined) collect(fallback, outer, depth + 1, found)
    return
  }
  if (name === 'preserve') return
  if (name === 'val' || name === 'exists') {
    const path = literalNames(list, name)
    if (outer) found(literalPath(path, name), name === 'val')
    return
  }
  if (name === '??') {
    list.forEach((item, place) => {
      const excused = place < list.length - 1 && isPlainRead(item)
      collect(item, outer, depth + 1, (path, required) => found(path, required && !excused))
    })
    return
  }
  if (name === 'missing' || name === 'missing_some') {
    const paths = name === 'missing' ? list.flat() : (list[1] ?? null)
    if (!Array.isArray(paths)) wrongArguments(name, 'literal paths')
    for (const path of paths) {
      const literal = literalPath(path, name)
      if (outer) found(literal, false)
    }
    return
  }
  const body = ITERATORS.includes(name as never) ? 1 : -1
  list.forEach((item, place) => {
    collect(item, outer && place !== body, depth + 1, found)
  })
}

/** A read without a default of its own, whose rule would be needed all the same. */
function isPlainRead(rule: JsonValue): boolean {
  const read = parseRead(rule)
  return read?.name === 'val' || (read?.name === 'var' && !(Array.isArray(read.argument) && read.argument.length > 1))
}

/** `val`'s names as the path that `var` would have: a name with a dot in it is no field's. */
function literalNames(names: JsonValue[], operator: string): string {
  const literal = names.every((name) => typeof name === 'number' || (typeof name === 'string' && !name.includes('.')))
  return literal ? names.join('.') : literalPath(null, operator)
}

function literalPath(path: JsonValue, operator: string): string {
  if (typeof path === 'string' && path !== '' && path.length <= RULE_LIMITS.path) return path
  throw new ConcordatError({
    code: 'RULE_INVALID',
    expected: `a literal path of at most ${RULE_LIMITS.path} characters`,
    got: typeof path === 'string' ? 'an empty or longer text' : typeOf(path),
    operator,
  })
}
