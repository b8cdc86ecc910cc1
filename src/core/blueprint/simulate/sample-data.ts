import { canonicalize, type JsonObject, type JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { advance, takeRoute } from '../advance.ts'
import { type Blueprint, getStep, type Rule, type Step } from '../blueprint.ts'
import { classesOf, decidingFields, dependents, pathOfField } from '../check/deciding-fields.ts'
import { type Field, getAt, join, setAt, split } from '../pointer.ts'
import { evaluate } from '../rules/json-logic.ts'
import { toJsonValue } from '../rules/rule-value.ts'
import { type CompiledSchema, compileSchema } from '../schema.ts'
import { ruleData, type View } from '../view.ts'
import { type Condition, comparisonsOf, conditionsOf, readsAny, rulesOf, truths } from './rule-conditions.ts'
import type { Pick } from './sample-text.ts'
import { type Hints, valuesFor } from './sample-values.ts'

/** Data of an action that the blueprint's rules accept, and where it leads. */
export interface Sample {
  /** As entered: without the calculated fields. */
  data: JsonObject
  /** The place of the route in the step's list. */
  route: number
  /** Roles that it binds. */
  bind: Record<string, string>
}

export interface SampleContext {
  /** What the step's role holds. */
  view: View
  /** By role, the members that a field may name to bind it, those to try first in front. */
  members: Readonly<Record<string, readonly string[]>>
  /** The time of the action. */
  asOf: number
  pick: Pick
}

const MAX_SAMPLES = 16
const MAX_TRIES = 400
/** Gives up after so many tries that brought nothing new. */
const MAX_IDLE = 80
const MAX_REPAIRS = 16
const MAX_VALUES = 24
const MAX_COMBINATIONS = 200

/**
 * Data that takes different ways through a step: first one for each of its routes that some data takes, then more that differ in
 * what rules turn on, here or later. A search by trial, so that none found is no proof that there is none. The same for the same
 * choices of `pick`.
 */
export function sampleData(blueprint: Blueprint, stepId: string, context: SampleContext): Sample[] {
  return new Search(blueprint, getStep(blueprint, stepId), context).run()
}

interface Found extends Sample {
  /** How each condition turned out, and where each date and number stands. */
  turns: string[]
}

class Search {
  readonly #blueprint: Blueprint
  readonly #step: Step
  readonly #context: SampleContext
  readonly #schema: CompiledSchema
  /** Those that somebody fills in. */
  readonly #fields: readonly Field[]
  /** Fields on which something may turn; the others keep their first value. */
  readonly #active: readonly Field[]
  readonly #conditions: readonly Condition[]
  readonly #options = new Map<string, JsonValue[]>()
  readonly #found = new Map<string, Found>()
  #tries = 0
  #idle = 0

  constructor(blueprint: Blueprint, step: Step, context: SampleContext) {
    this.#blueprint = blueprint
    this.#step = step
    this.#context = context
    this.#schema = compileSchema(step.schema)
    const calculated = (step.calculations ?? []).map(({ field }) => field)
    this.#fields = this.#schema.fields.filter(({ pointer }) => !calculated.includes(pointer))
    this.#conditions = conditionsOf(blueprint)
    const decides = decidingFields(blueprint, step.id)
    this.#active = this.#fields.filter(({ pointer }) => decides.includes(pointer))
  }

  run(): Sample[] {
    const first = this.#first()
    for (const { pointer, schema } of this.#fields) {
      this.#options.set(pointer, this.#valuesOf(pointer, schema, this.#active.length > 0 ? first : {}))
    }
    this.#try(first)
    for (const field of this.#active) {
      for (const value of this.#choicesOf(field)) this.#try(withField(first, field.pointer, value))
    }
    this.#tryCombinations(first)
    while (this.#tries < MAX_TRIES && this.#idle < MAX_IDLE && this.#active.length > 0) this.#tryRandom(first)
    return this.#chosen().map(({ data, route, bind }) => ({ data, route, bind }))
  }

  /** The required fields with the first value that each accepts. */
  #first(): JsonObject {
    const required = this.#fields.filter(({ required }) => required)
    return join(
      required.flatMap(({ pointer, schema }): [string, JsonValue][] => {
        const [value] = this.#valuesOf(pointer, schema, {})
        return value === undefined ? [] : [[pointer, value]]
      }),
    )
  }

  #valuesOf(pointer: string, schema: JsonObject, data: JsonObject): JsonValue[] {
    const { asOf, pick } = this.#context
    const values = valuesFor(schema, this.#hintsFor(pointer, data), asOf, pick)
    const valid = this.#membersFor(pointer) ?? values.filter((value) => this.#isValid(pointer, value))
    return valid.slice(0, MAX_VALUES)
  }

  #membersFor(pointer: string): readonly string[] | undefined {
    const bind = this.#step.bind?.find(({ field }) => field === pointer)
    return bind && this.#context.members[bind.role]
  }

  #isValid(pointer: string, value: JsonValue): boolean {
    return this.#schema.validateField(pointer, value).length === 0
  }

  /** What rules compare the field with, or what is calculated from it. */
  #hintsFor(pointer: string, data: JsonObject): Hints {
    const { view, asOf } = this.#context
    const known = ruleData(view, this.#step.id, data, asOf)
    const path = pathOfField(this.#step.id, pointer)
    const paths = dependents(this.#blueprint, path)
    const values: JsonValue[] = []
    const numbers = new Set<number>()
    for (const rule of this.#blueprint.steps.flatMap(rulesOf)) {
      for (const operands of comparisonsOf(rule)) {
        const readers = operands.filter((operand) => readsAny(operand, paths))
        if (readers.length === 0) continue
        for (const operand of operands) {
          if (readers.includes(operand) && readers.length === 1) continue
          const value = knownValue(operand, known)
          for (const one of Array.isArray(value) ? value : [value]) {
            if (typeof one === 'number') numbers.add(one)
            if (one !== undefined && one !== null) values.push(one)
          }
        }
      }
    }
    return { values, numbers: [...numbers] }
  }

  /** Its values, and to be absent where it may be. */
  #choicesOf({ pointer, required }: Field): (JsonValue | undefined)[] {
    const values = this.#options.get(pointer) ?? []
    return required ? values : [undefined, ...values]
  }

  /** Every combination of the fields that the step's own routes read, as far as there are few. */
  #tryCombinations(first: JsonObject): void {
    const paths = this.#step.routes.flatMap(({ when }) => (when === undefined ? [] : [when]))
    const own = this.#active.filter(({ pointer }) => {
      const path = pathOfField(this.#step.id, pointer)
      return paths.some((when) => readsAny(when, dependents(this.#blueprint, path)))
    })
    let combinations: JsonObject[] = [first]
    for (const field of own) {
      const choices = this.#choicesOf(field)
      if (combinations.length * choices.length > MAX_COMBINATIONS) continue
      combinations = combinations.flatMap((data) => choices.map((value) => withField(data, field.pointer, value)))
    }
    for (const data of combinations) if (this.#tries < MAX_TRIES) this.#try(data)
  }

  #tryRandom(first: JsonObject): void {
    const { pick } = this.#context
    const found = [...this.#found.values()]
    const from = found.length > 0 && pick(2) === 0 ? found[pick(found.length)]!.data : first
    let data = from
    const changes = 1 + pick(this.#active.length)
    for (let i = 0; i < changes; i++) {
      const field = this.#active[pick(this.#active.length)]!
      const choices = this.#choicesOf(field)
      if (choices.length > 0) data = withField(data, field.pointer, choices[pick(choices.length)])
    }
    this.#try(data)
  }

  /** Keeps what the rules accept if it is different; mends what they say is wrong with a field. */
  #try(given: JsonObject): void {
    this.#tries++
    this.#idle++
    let data: JsonObject | undefined = given
    for (let i = 0; i < MAX_REPAIRS && data !== undefined; i++) {
      const outcome = this.#outcomeOf(data)
      if (!(outcome instanceof ConcordatError)) {
        const key = JSON.stringify([outcome.route, Object.keys(outcome.bind), outcome.turns])
        if (this.#found.has(key)) return
        this.#found.set(key, outcome)
        this.#idle = 0
        return
      }
      data = this.#mend(data, outcome)
    }
  }

  #outcomeOf(data: JsonObject): Found | ConcordatError {
    const { view, asOf } = this.#context
    const { id, role, routes } = this.#step
    try {
      const outcome = advance(this.#blueprint, view, { step: id, role, data }, asOf)
      const route = routes.indexOf(takeRoute(this.#blueprint, this.#step, view, outcome.data, asOf))
      const known = ruleData(view, id, outcome.data, asOf)
      const turns = [
        ...truths(this.#conditions, known),
        ...classesOf(this.#blueprint, id, outcome.data, asOf).split(','),
      ]
      return { data, route, bind: outcome.bind, turns: turns.map((turn, i) => `${i}${turn}`) }
    } catch (error) {
      if (error instanceof ConcordatError) return error
      throw error
    }
  }

  /** Undefined where the refusal does not say which field to change, or there is nothing to change it to. */
  #mend(data: JsonObject, { detail }: ConcordatError): JsonObject | undefined {
    if (detail.code === 'EXPLANATION_MISSING') return this.#filled(data, detail.at)
    if (detail.code !== 'FIELD_INVALID') return undefined
    let mended = data
    for (const { at, keyword } of detail.fields) {
      if (keyword === 'required') mended = this.#filled(mended, at) ?? mended
      else if (keyword === 'when') mended = withField(mended, fieldAround(this.#fields, at), undefined)
    }
    return canonicalize(mended) === canonicalize(data) ? undefined : mended
  }

  /** With a value for a missing field, or for what a missing object must have. */
  #filled(data: JsonObject, at: string): JsonObject | undefined {
    const missing = this.#fields.filter(({ pointer }) => pointer === at || pointer.startsWith(`${at}/`))
    let filled = data
    for (const { pointer } of missing.length > 1 ? missing.slice(0, 1) : missing) {
      const values = this.#options.get(pointer) ?? []
      if (values.length === 0) return undefined
      filled = setAt(filled, pointer, values[this.#context.pick(values.length)]!)
    }
    return missing.length === 0 ? undefined : filled
  }

  /** One for each route, then one for each way in which a condition can turn out, then others. */
  #chosen(): Found[] {
    const all = [...this.#found.values()]
    const chosen = new Set<Found>()
    for (const place of this.#step.routes.keys()) {
      const sample = all.find(({ route }) => route === place)
      if (sample) chosen.add(sample)
    }
    const seen = new Set<string>()
    for (const { turns } of chosen) for (const turn of turns) seen.add(turn)
    for (const sample of all) {
      if (sample.turns.every((turn) => seen.has(turn))) continue
      for (const turn of sample.turns) seen.add(turn)
      chosen.add(sample)
    }
    for (const sample of all) chosen.add(sample)
    return [...chosen].slice(0, MAX_SAMPLES)
  }
}

/** The field that holds a place inside a list. */
function fieldAround(fields: readonly Field[], at: string): string {
  return fields.find(({ pointer }) => at === pointer || at.startsWith(`${pointer}/`))?.pointer ?? at
}

function withField(data: JsonObject, pointer: string, value: JsonValue | undefined): JsonObject {
  if (value !== undefined) return setAt(data, pointer, value)
  return getAt(data, pointer) === undefined ? data : join(split(data).filter(([other]) => other !== pointer))
}

/** What an operand comes to before anything is entered; undefined where that cannot be told. */
function knownValue(rule: Rule, data: JsonObject): JsonValue | undefined {
  try {
    return toJsonValue(evaluate(rule, data))
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}
