import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Rule } from '../blueprint.ts'
import { inputs } from '../rules/json-logic.ts'
import { addField, type DraftStep, type Found, fieldsAt, findInStep } from './draft-step.ts'
import type { Losses } from './losses.ts'
import { uniqueFieldName } from './names.ts'
import { isObject, refuseSize } from './read-source.ts'
import { emptyValue, typeComparedWith } from './rule-type.ts'
import type { StepOrder } from './step-order.ts'

const ITERATORS = ['map', 'filter', 'all', 'some', 'none']
const MAX_INPUTS = 10_000

/** What a rule's names mean at one place in it: the case's data, or an item of a list whose schema is known or not. */
type Scope = 'case' | 'fold' | { item: JsonObject | undefined }

interface Task {
  step: DraftStep
  at: string
  /** Own fields that are calculated later, or by this very rule. */
  unset: ReadonlySet<string>
}

/**
 * Puts the flat names of a source's rules into the paths `step.field` of the newest step that supplies them and that the rule's
 * role sees. Where the source would find nothing and go on with null, the field's empty value stands.
 */
export class RuleTranslator {
  readonly #steps: readonly DraftStep[]
  readonly #order: StepOrder
  readonly #losses: Losses
  #inputs = 0

  constructor(steps: readonly DraftStep[], order: StepOrder, losses: Losses) {
    this.#steps = steps
    this.#order = order
    this.#losses = losses
  }

  /** Gives the step a field for every input that no action of the source declares. Before disclosures, which may be of all fields. */
  addUndeclared(step: DraftStep, rule: Rule, at: string): void {
    for (const path of pathsOf(rule)) {
      const names = path.split('.')
      if (this.#steps.some((other) => findInStep(other, names) !== undefined)) continue
      const taken = new Set(Object.keys(step.schema.properties as JsonObject))
      const type = typeComparedWith(rule, path) ?? 'string'
      const name = uniqueFieldName(names.join('_'), taken)
      step.pointers.set(names.join('/'), addField(step, name, { type }))
      const what = `${step.id} gets the field ${name}, ${type === 'string' ? 'a text' : `of type ${type}`}`
      this.#losses.add('RULE_INPUT_ADDED', at, what, 'a rule reads it, and no action declares it')
    }
  }

  /** The schema of an input as the step's rules would find it. */
  schemaOf(step: DraftStep, path: string): JsonObject | undefined {
    const names = path.split('.')
    const own = findInStep(step, names)
    return (own ?? this.#earlier(step, names)[0]?.found)?.schema
  }

  /** Undefined, with a reason, for a rule that has no counterpart. */
  translate(rule: Rule, task: Task): { rule: Rule } | { refused: string } {
    try {
      const translated = this.#rule(rule, 'case', task)
      const lost = inputs(translated).find(({ path }) => !this.#steps.some(({ id }) => path.startsWith(`${id}.`)))
      if (lost) return { refused: `no action that comes before supplies ${lost.path.slice(0, 64)}` }
      return { rule: translated }
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code === 'IMPORT_TOO_LARGE') throw error
      const { expected, got } = error.detail
      return { refused: `rules here take ${expected}; this one has ${got}` }
    }
  }

  #rule(rule: Rule, scope: Scope, task: Task): Rule {
    if (Array.isArray(rule)) return rule.map((item) => this.#rule(item, scope, task))
    if (!isObject(rule)) return rule
    const keys = Object.keys(rule)
    const [operator] = keys
    if (operator === undefined || keys.length > 1) return rule
    const argument = rule[operator]!
    if (operator === 'var') return this.#variable(argument, scope, task)
    if ((operator === 'missing' || operator === 'missing_some') && scope === 'case') {
      return { [operator]: this.#paths(argument, task) }
    }
    if (operator === 'reduce' && Array.isArray(argument)) {
      return { reduce: argument.map((item, place) => this.#rule(item, place === 1 ? 'fold' : scope, task)) }
    }
    if (ITERATORS.includes(operator) && Array.isArray(argument)) {
      const inner: Scope = { item: scope === 'case' ? this.#itemOf(argument[0]!, task) : undefined }
      return { [operator]: argument.map((item, place) => this.#rule(item, place === 1 ? inner : scope, task)) }
    }
    return { [operator]: this.#rule(argument, scope, task) }
  }

  #variable(argument: JsonValue, scope: Scope, task: Task): Rule {
    const [path, fallback] = Array.isArray(argument) ? argument : [argument]
    if (typeof path !== 'string' || scope === 'fold') return { var: argument }
    if (scope === 'case')
      return this.#input(path, fallback === undefined ? undefined : this.#rule(fallback, scope, task), task)
    if (fallback !== undefined || path === '') return { var: argument }
    const properties = isObject(scope.item?.properties) ? scope.item.properties : {}
    const name = path.split('.')[0]!
    const required = Array.isArray(scope.item?.required) && scope.item.required.includes(name)
    if (required) return { var: path }
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    return { var: [path, isObject(property) ? emptyValue(property) : null] }
  }

  #input(path: string, fallback: Rule | undefined, task: Task): Rule {
    const names = path.split('.')
    const { step, unset, at } = task
    this.#inputs += 1
    if (this.#inputs > MAX_INPUTS) refuseSize(at, MAX_INPUTS, 'inputs of rules', 'more')
    const own = findInStep(step, names)
    const chain: { path: string; always: boolean; found: Found }[] = []
    if (own && !unset.has(own.pointer)) {
      chain.push({ path: pathOf(step, own), always: step.sure.has(own.pointer) && own.rest.length === 0, found: own })
    }
    if (chain[0]?.always !== true) {
      for (const { other, found } of this.#visible(step, names, at)) {
        const always = other.sure.has(found.pointer) && found.rest.length === 0
        chain.push({
          path: pathOf(other, found),
          always: always && this.#order.surelyPrecedes(other.index, step.index),
          found,
        })
      }
    }
    const end = chain.findIndex(({ always }) => always)
    const used = end < 0 ? chain : chain.slice(0, end + 1)
    if (used.length === 0) return fallback ?? this.#absent(path, names, task)
    let rule: Rule | undefined = fallback
    if (end < 0 && rule === undefined) {
      const last = used.at(-1)!.found
      rule = last.rest.length > 0 ? null : emptyValue(last.schema)
      const why = 'the input may be absent, which the source reads as null'
      this.#losses.add(
        'RULE_DEFAULT_ASSUMED',
        at,
        `${used[0]!.path} counts as ${JSON.stringify(rule)} where it is absent`,
        why,
      )
    }
    for (const { path: place, always } of used.toReversed())
      rule = always || rule === undefined ? { var: place } : { var: [place, rule] }
    return rule!
  }

  /** Declared by a later step only: the source would find nothing. */
  #absent(path: string, names: string[], { at }: Task): Rule {
    const declared = this.#steps.map((step) => findInStep(step, names)).find((found) => found !== undefined)
    const value = declared ? emptyValue(declared.schema) : null
    const why = 'no step that comes before supplies it, which the source reads as null'
    this.#losses.add('RULE_DEFAULT_ASSUMED', at, `${path.slice(0, 64)} counts as ${JSON.stringify(value)}`, why)
    return value
  }

  /** Steps that supply a name before `step`, newest first, and those only that the step's role sees if it sees any. */
  #visible(step: DraftStep, names: readonly string[], at: string): { other: DraftStep; found: Found }[] {
    const candidates = this.#earlier(step, names)
    const seen = candidates.filter(({ other, found }) => this.#sees(step, other, found.pointer))
    for (const { other, found } of candidates) {
      if (seen.some((entry) => entry.other === other)) continue
      const what = `${pathOf(other, found)}, read by ${step.id}`
      const why =
        seen.length > 0
          ? `${step.role} is not shown it; the rule reads ${pathOf(seen[0]!.other, seen[0]!.found)} instead`
          : `${step.role} is not shown it before; the source discloses it to others only, or to nobody`
      this.#losses.add('RULE_READS_UNSEEN', at, what, why)
    }
    return seen.length > 0 ? seen : candidates
  }

  #earlier(step: DraftStep, names: readonly string[]): { other: DraftStep; found: Found }[] {
    return this.#steps
      .filter((other) => other !== step && this.#order.canPrecede(other.index, step.index))
      .flatMap((other) => {
        const found = findInStep(other, names)
        return found === undefined ? [] : [{ other, found }]
      })
      .reverse()
  }

  #sees(step: DraftStep, other: DraftStep, pointer: string): boolean {
    if (other.role === step.role) return true
    return fieldsAt(other, pointer).every((field) =>
      this.#steps.some((discloser) => {
        const before = discloser === other || this.#order.canPrecede(discloser.index, step.index)
        const shown = discloser.disclosed.some((entry) => {
          return entry.to === step.role && entry.step === other && entry.fields.includes(field)
        })
        return before && shown
      }),
    )
  }

  #itemOf(source: Rule, { step }: Task): JsonObject | undefined {
    if (!isObject(source)) return undefined
    const path = Array.isArray(source.var) ? source.var[0] : source.var
    const items = typeof path === 'string' ? this.schemaOf(step, path)?.items : undefined
    return isObject(items) ? items : undefined
  }

  #paths(argument: JsonValue, task: Task): JsonValue {
    if (Array.isArray(argument)) return argument.map((item) => this.#paths(item, task))
    if (typeof argument !== 'string') return argument
    const names = argument.split('.')
    const own = findInStep(task.step, names)
    if (own) return pathOf(task.step, own)
    const [first] = this.#visible(task.step, names, task.at)
    return first ? pathOf(first.other, first.found) : argument
  }
}

/** The names that a rule reads; none of a rule that is refused anyway. */
function pathsOf(rule: Rule): string[] {
  try {
    return inputs(rule).map(({ path }) => path)
  } catch (error) {
    if (error instanceof ConcordatError) return []
    throw error
  }
}

function pathOf(step: DraftStep, { pointer, rest }: Found): string {
  return [step.id, ...pointer.split('/').slice(1), ...rest].join('.')
}
