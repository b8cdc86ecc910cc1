import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { type Blueprint, type FormItem, getStep, type Rule, type Step } from '../blueprint.ts'
import { evaluate, inputs } from '../rules/json-logic.ts'
import { COMPARISONS } from '../rules/rule-operators.ts'
import { isTruthy } from '../rules/rule-value.ts'
import { compileSchema } from '../schema.ts'

/** A comparison, a field that is true or false, or whether a field is there, on which a blueprint's rules turn. */
export interface Condition {
  rule: Rule
  /** Paths that it reads, as `step.field`. */
  reads: string[]
}

/** They tell whether fields are there. */
const PRESENCE = ['exists', 'missing', 'missing_some']
const ITERATORS = ['map', 'filter', 'all', 'some', 'none', 'reduce']

const known = new WeakMap<Blueprint, Condition[]>()

/** Every rule of a step, with what it is for. */
export function rulesOf(step: Step): Rule[] {
  return [
    ...(step.calculations ?? []).map(({ rule }) => rule),
    ...step.routes.flatMap(({ when }) => (when === undefined ? [] : [when])),
    ...formRules(step.form ?? []),
  ]
}

/** All that the rules of a blueprint turn on, each once: two cases that agree in these go the same ways. */
export function conditionsOf(blueprint: Blueprint): readonly Condition[] {
  const before = known.get(blueprint)
  if (before) return before
  const found = new Map<string, Condition>()
  for (const step of blueprint.steps) {
    for (const rule of rulesOf(step)) {
      for (const condition of within(rule)) {
        const reads = inputs(condition).map(({ path }) => path)
        const isRead = operationOf(condition)?.name === 'var'
        if (isRead && !reads.every((path) => isBoolean(blueprint, path))) continue
        if (reads.length > 0) found.set(JSON.stringify(condition), { rule: condition, reads })
      }
    }
  }
  const conditions = [...found.values()]
  known.set(blueprint, conditions)
  return conditions
}

/** Which of the conditions hold: `t`, `f`, or `-` where it cannot be told. */
export function truths(conditions: readonly Condition[], data: JsonObject): string {
  return conditions.map(({ rule }) => truthOf(rule, data)).join('')
}

function truthOf(rule: Rule, data: JsonObject): string {
  const value = holds(rule, data)
  return value === undefined ? '-' : value ? 't' : 'f'
}

function holds(rule: Rule, data: JsonObject): boolean | undefined {
  try {
    return isTruthy(evaluate(rule, data))
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}

const knownReads = new WeakMap<object, string[]>()

/** Whether a rule reads one of these paths, or something in or around it. */
export function readsAny(rule: Rule, paths: readonly string[]): boolean {
  if (typeof rule !== 'object' || rule === null) return false
  const reads = knownReads.get(rule) ?? inputs(rule).map(({ path }) => path)
  knownReads.set(rule, reads)
  return reads.some((read) => {
    return paths.some((path) => read === path || read.startsWith(`${path}.`) || path.startsWith(`${read}.`))
  })
}

/** The operands of every comparison and membership test of a rule, outside what is repeated for each item of a list. */
export function comparisonsOf(rule: Rule): Rule[][] {
  return within(rule).flatMap((condition) => {
    const operation = operationOf(condition)
    return operation !== undefined && isComparison(operation.name) ? [operation.operands] : []
  })
}

/** Conditions inside a rule, itself included. */
function within(rule: Rule): Rule[] {
  if (Array.isArray(rule)) return rule.flatMap(within)
  const operation = operationOf(rule)
  if (operation === undefined || operation.name === 'preserve') return []
  const { name, operands } = operation
  if (PRESENCE.includes(name)) return [rule]
  const path = readPath(operation)
  if (name === 'val') return [{ var: path! }]
  const inner = (ITERATORS.includes(name) ? operands.slice(0, 1) : operands).flatMap(within)
  if (name === 'var') return [{ var: path! }, ...inner]
  if (name === '??') return [...operands.slice(0, -1).flatMap(presenceOf), ...inner]
  return isComparison(name) ? [rule, ...inner] : inner
}

function isComparison(name: string): boolean {
  return COMPARISONS.has(name) || name === 'in'
}

/** Whether what a rule reads is there, if it is a read. */
function presenceOf(rule: Rule): Rule[] {
  const operation = operationOf(rule)
  const path = operation && readPath(operation)
  return path === undefined ? [] : [{ exists: `${path}`.split('.') }]
}

/** `val`'s names as the path that `var` would have. */
function readPath({ name, operands }: { name: string; operands: JsonValue[] }): JsonValue | undefined {
  if (name === 'val') return operands.join('.')
  return name === 'var' ? operands[0] : undefined
}

function operationOf(rule: Rule): { name: string; operands: JsonValue[] } | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return undefined
  const [name] = Object.keys(rule)
  if (name === undefined) return undefined
  const argument = rule[name]!
  return { name, operands: Array.isArray(argument) ? argument : [argument] }
}

function formRules(items: readonly FormItem[]): Rule[] {
  return items.flatMap((item) => [...(item.when === undefined ? [] : [item.when]), ...formRules(item.items ?? [])])
}

function isBoolean(blueprint: Blueprint, path: string): boolean {
  const [stepId = '', ...names] = path.split('.')
  if (!blueprint.steps.some(({ id }) => id === stepId)) return false
  const { fields } = compileSchema(getStep(blueprint, stepId).schema)
  return fields.some(({ pointer, schema }) => pointer === `/${names.join('/')}` && schema.type === 'boolean')
}
