import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { refuseSize } from './read-source.ts'

const EXPRESSION_LIMITS = { characters: 2_000, depth: 32, text: 100_000 } as const

export type Names = ReadonlyMap<string, JsonValue>

/** `charge` counts work and refuses when it is spent; `at` is where the expression stands. */
export interface Ground {
  at: string
  charge: (steps: number) => void
}

type Node = (names: Names) => JsonValue

interface Token {
  kind: 'number' | 'text' | 'name' | 'sign'
  text: string
}

/**
 * The expressions of JSON-e, as far as this import goes: literals, names, members, indexes, `! - + * / %`, comparisons, `in`,
 * `&& ||`, lists, objects, and the functions of FUNCTIONS. Nothing of the host language can be reached.
 */
export function evaluateExpression(source: string, names: Names, ground: Ground): JsonValue {
  return new ExpressionParser(source, ground).parse()(names)
}

/** As JSON-e reads a condition: empty is false. */
export function isTrue(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

/** What a value costs to copy or compare. */
export function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 1 + Math.ceil(value.length / 100)
  if (typeof value !== 'object' || value === null) return 1
  const items = Array.isArray(value) ? value : Object.values(value)
  return items.reduce<number>((sum, item) => sum + sizeOf(item), 1)
}

export function refuseTemplate(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'IMPORT_TEMPLATE_INVALID', expected, got, at })
}

export function refuseOperator(at: string, operator: string): never {
  const expected = 'an operator or function that docs/operating/cli.md lists'
  throw new ConcordatError({
    code: 'IMPORT_TEMPLATE_OPERATOR_UNKNOWN',
    expected,
    got: 'another one',
    at,
    operator: operator.slice(0, 64),
  })
}

const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?)|("[^"\\]*"|'[^'\\]*')|([A-Za-z_][A-Za-z0-9_]*)|(\*\*|&&|\|\||==|!=|<=|>=|[-+*/%<>!()[\]{},.:]))/y

/** Loosest first. */
const LEVELS = [['||'], ['&&'], ['in'], ['==', '!='], ['<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']]

class ExpressionParser {
  readonly #ground: Ground
  readonly #tokens: readonly Token[]
  #place = 0
  #depth = 0

  constructor(source: string, ground: Ground) {
    this.#ground = ground
    this.#tokens = tokensOf(source, ground.at)
  }

  parse(): Node {
    const node = this.#binary(0)
    if (this.#place < this.#tokens.length) this.#refuse('the end of the expression', 'more')
    return node
  }

  #binary(level: number): Node {
    const signs = LEVELS[level]
    if (signs === undefined) return this.#unary()
    this.#depth += 1
    if (this.#depth > EXPRESSION_LIMITS.depth * LEVELS.length) {
      refuseSize(this.#ground.at, EXPRESSION_LIMITS.depth, 'levels in an expression', 'more')
    }
    let left = this.#binary(level + 1)
    for (let sign = this.#takeOneOf(signs); sign !== undefined; sign = this.#takeOneOf(signs)) {
      left = this.#operation(sign, left, this.#binary(level + 1))
    }
    this.#depth -= 1
    return left
  }

  #operation(sign: string, left: Node, right: Node): Node {
    if (sign === '&&') return (names) => isTrue(left(names)) && isTrue(right(names))
    if (sign === '||') return (names) => isTrue(left(names)) || isTrue(right(names))
    return (names) => this.#apply(sign, left(names), right(names))
  }

  #apply(sign: string, left: JsonValue, right: JsonValue): JsonValue {
    this.#ground.charge(sizeOf(left) + sizeOf(right))
    if (sign === '==' || sign === '!=') return (JSON.stringify(left) === JSON.stringify(right)) === (sign === '==')
    if (sign === 'in') {
      if (typeof right === 'string' && typeof left === 'string') return right.includes(left)
      if (Array.isArray(right)) return right.some((item) => JSON.stringify(item) === JSON.stringify(left))
      if (typeof right === 'object' && right !== null && typeof left === 'string') return Object.hasOwn(right, left)
      return this.#refuse('a list, a text or an object behind in', 'another value')
    }
    if (typeof left === 'string' && typeof right === 'string') {
      if (sign === '+') return this.#bounded(left + right)
      if (sign === '<') return left < right
      if (sign === '>') return left > right
      if (sign === '<=') return left <= right
      if (sign === '>=') return left >= right
    }
    if (typeof left !== 'number' || typeof right !== 'number') return this.#refuse(`numbers beside ${sign}`, 'others')
    const result = calculate(sign, left, right)
    if (typeof result === 'number' && !Number.isFinite(result)) return this.#refuse('a finite number', 'another result')
    return result
  }

  #unary(): Node {
    if (this.#take('!')) {
      const operand = this.#nested(() => this.#unary())
      return (names) => !isTrue(operand(names))
    }
    if (this.#take('-')) {
      const operand = this.#nested(() => this.#unary())
      return (names) => {
        const value = operand(names)
        return typeof value === 'number' ? -value : this.#refuse('a number behind -', 'another value')
      }
    }
    return this.#postfix(this.#primary())
  }

  #nested(parse: () => Node): Node {
    this.#depth += LEVELS.length
    if (this.#depth > EXPRESSION_LIMITS.depth * LEVELS.length) {
      refuseSize(this.#ground.at, EXPRESSION_LIMITS.depth, 'levels in an expression', 'more')
    }
    const node = parse()
    this.#depth -= LEVELS.length
    return node
  }

  #postfix(start: Node): Node {
    let node = start
    for (;;) {
      const before = node
      if (this.#take('.')) {
        const name = this.#tokens[this.#place++]
        if (name?.kind !== 'name') return this.#refuse('a name behind the dot', 'something else')
        node = (names) => this.#member(before(names), name.text)
      } else if (this.#take('[')) {
        const index = this.#binary(0)
        this.#expect(']')
        node = (names) => this.#member(before(names), index(names))
      } else return node
    }
  }

  /** Own members only: a name never reaches a prototype. */
  #member(value: JsonValue, key: JsonValue): JsonValue {
    this.#ground.charge(1)
    if (Array.isArray(value) && typeof key === 'number') {
      const item = value[key < 0 ? value.length + key : key]
      if (item !== undefined) return item
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && typeof key === 'string') {
      if (Object.hasOwn(value, key)) return value[key]!
    }
    return this.#refuse('a member that is there', 'none')
  }

  #primary(): Node {
    const token = this.#tokens[this.#place++]
    if (token === undefined) return this.#refuse('a value', 'the end of the expression')
    if (token.kind === 'number') return () => Number(token.text)
    if (token.kind === 'text') return () => token.text
    if (token.kind === 'name') return this.#named(token.text)
    if (token.text === '(') {
      const inner = this.#binary(0)
      this.#expect(')')
      return inner
    }
    if (token.text === '[') {
      const items = this.#items(']')
      return (names) => items.map((item) => item(names))
    }
    if (token.text === '{') return this.#object()
    return this.#refuse('a value', 'another sign')
  }

  #named(name: string): Node {
    if (name === 'true' || name === 'false') return () => name === 'true'
    if (name === 'null') return () => null
    if (this.#take('(')) return this.#call(name, this.#items(')'))
    return (names) => {
      this.#ground.charge(1)
      const value = names.get(name)
      return value === undefined ? this.#refuse(`a parameter ${name.slice(0, 64)}`, 'none of that name') : value
    }
  }

  #call(name: string, args: Node[]): Node {
    const run = FUNCTIONS.get(name) ?? refuseOperator(this.#ground.at, name)
    return (names) => {
      this.#ground.charge(1)
      const result = run(args.map((arg) => arg(names)))
      return result === undefined
        ? this.#refuse(`other arguments of ${name}`, 'these')
        : typeof result === 'string'
          ? this.#bounded(result)
          : result
    }
  }

  #object(): Node {
    const entries: [string, Node][] = []
    while (!this.#take('}')) {
      if (entries.length > 0) this.#expect(',')
      const key = this.#tokens[this.#place++]
      if (key?.kind !== 'text' && key?.kind !== 'name') return this.#refuse('a key', 'something else')
      if (['__proto__', 'constructor', 'prototype'].includes(key.text)) this.#refuse('another key', 'this one')
      this.#expect(':')
      entries.push([key.text, this.#binary(0)])
    }
    return (names) => Object.fromEntries(entries.map(([key, node]) => [key, node(names)])) as JsonObject
  }

  #items(end: string): Node[] {
    const items: Node[] = []
    while (!this.#take(end)) {
      if (items.length > 0) this.#expect(',')
      items.push(this.#binary(0))
    }
    return items
  }

  #take(text: string): boolean {
    return this.#takeOneOf([text]) !== undefined
  }

  #takeOneOf(texts: readonly string[]): string | undefined {
    const token = this.#tokens[this.#place]
    if (token === undefined || token.kind === 'number' || token.kind === 'text') return undefined
    if (!texts.includes(token.text)) return undefined
    this.#place += 1
    return token.text
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#refuse(`${sign} in the expression`, 'something else')
  }

  #bounded(text: string): string {
    if (text.length > EXPRESSION_LIMITS.text) refuseSize(this.#ground.at, EXPRESSION_LIMITS.text, 'characters', 'more')
    this.#ground.charge(Math.ceil(text.length / 100))
    return text
  }

  #refuse(expected: string, got: string): never {
    return refuseTemplate(this.#ground.at, expected, got)
  }
}

function tokensOf(source: string, at: string): Token[] {
  const { characters } = EXPRESSION_LIMITS
  if (source.length > characters) refuseSize(at, characters, 'characters in an expression', source.length)
  const tokens: Token[] = []
  let end = 0
  while (source.slice(end).trim() !== '') {
    TOKEN.lastIndex = end
    const found = TOKEN.exec(source)
    if (!found) return refuseTemplate(at, 'an expression of JSON-e', 'another text')
    end = TOKEN.lastIndex
    const [, number, text, name, sign] = found
    if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1) })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else tokens.push({ kind: 'sign', text: sign! })
  }
  return tokens
}

function calculate(sign: string, left: number, right: number): number | boolean {
  switch (sign) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    default:
      return left >= right
  }
}

/** Undefined where the arguments do not fit. */
const FUNCTIONS: ReadonlyMap<string, (args: JsonValue[]) => JsonValue | undefined> = new Map([
  ['len', ([value]) => (typeof value === 'string' || Array.isArray(value) ? value.length : undefined)],
  ['str', ([value]) => (value === null || typeof value === 'object' ? undefined : String(value))],
  ['number', ([value]) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined)],
  ['lowercase', ([value]) => (typeof value === 'string' ? value.toLowerCase() : undefined)],
  ['uppercase', ([value]) => (typeof value === 'string' ? value.toUpperCase() : undefined)],
  ['strip', ([value]) => (typeof value === 'string' ? value.trim() : undefined)],
  ['min', (values) => extreme(values, Math.min)],
  ['max', (values) => extreme(values, Math.max)],
] as [string, (args: JsonValue[]) => JsonValue | undefined][])

function extreme(values: JsonValue[], choose: (...numbers: number[]) => number): number | undefined {
  return values.length > 0 && values.every((value) => typeof value === 'number') ? choose(...values) : undefined
}
