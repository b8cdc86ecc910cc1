import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { explains, isConditionTrue, memberOf } from './advance.ts'
import { unaskedValues } from './asked-fields.ts'
import { type Blueprint, getStep, opaqueNext, type Route, type Rule, type Step } from './blueprint.ts'
import { calculatedValue } from './calculation.ts'
import { getAt } from './pointer.ts'
import { evaluate } from './rules/json-logic.ts'
import { isTruthy } from './rules/rule-value.ts'
import { type CompiledSchema, compileSchema, type FieldError } from './schema.ts'
import { hiddenInputs, ruleData, type View } from './view.ts'

/** RULES 27. `not checkable` says which inputs the role was not shown; `contradicts` is ground for a dispute. */
type Verdict = 'agrees' | 'contradicts' | 'not checkable'

export interface Finding {
  check: 'schema' | 'calculation' | 'route' | 'binding'
  verdict: Verdict
  /** The field that the finding is about. */
  field?: string
  /** Of a schema finding. */
  keyword?: string
  /** What the role would have to see, as `step.field` paths. */
  missing?: string[]
}

export interface Recheck {
  verdict: Verdict
  findings: Finding[]
}

export interface ReceivedRecord {
  /** The document's step id. */
  step: string
  /** The record's claims, in the register's step ids. */
  record: { next: readonly string[]; bind: Readonly<Record<string, { member: string }>> }
  /** The role that checks. */
  role: string
  /** What it was shown of the record, joined, and the fields that it is shown of the step, whether present or not. */
  visible: JsonObject
  sees: readonly string[]
  /** What it holds of the records before it; `bound` as it was before this record. */
  view: View
  /** The record's `iat`. */
  asOf: number
}

/**
 * A recipient's own run of the blueprint over a record, as far as it sees it. Digests and commitments have been verified.
 * A refusal by a rule that the role can fully evaluate contradicts: the signer's node would have been refused in the same way.
 */
export function recheck(blueprint: Blueprint, received: ReceivedRecord): Recheck {
  const step = getStep(blueprint, received.step)
  const schema = compileSchema(step.schema)
  const findings = [
    ...checkSchema(schema, step, received),
    ...checkAsked(blueprint, step, received),
    ...(step.calculations ?? []).map((_, index) => checkCalculation(blueprint, step, schema, index, received)),
    checkRoute(blueprint, step, received),
    ...checkBindings(blueprint, step, received),
  ]
  const verdicts = findings.map((finding) => finding.verdict)
  const verdict = verdicts.includes('contradicts')
    ? 'contradicts'
    : verdicts.includes('not checkable')
      ? 'not checkable'
      : 'agrees'
  return { verdict, findings }
}

function checkSchema(schema: CompiledSchema, step: Step, { visible, sees }: ReceivedRecord): Finding[] {
  const unseen = schema.fields.filter(({ pointer }) => !sees.includes(pointer))
  const errors = refusalAsUndefined(() => {
    return unseen.length === 0 ? schema.validate(visible) : visibleErrors(schema, visible, sees)
  }) ?? [{ at: '', keyword: 'size', expected: 'less data' }]
  const contradictions = errors.map(
    ({ at, keyword }): Finding => ({ check: 'schema', verdict: 'contradicts', field: at, keyword }),
  )
  if (contradictions.length > 0) return contradictions
  if (unseen.length === 0 || !saysMoreThanFields(schema.schema)) return [{ check: 'schema', verdict: 'agrees' }]
  const missing = unseen.map(({ pointer }) => path(step, pointer))
  return [{ check: 'schema', verdict: 'not checkable', missing }]
}

/** A value that the signer's node would not have asked for; nothing where all values are in order. */
function checkAsked(blueprint: Blueprint, step: Step, received: ReceivedRecord): Finding[] {
  const hidden = (condition: Rule) => unseenInputs(blueprint, step, condition, received)
  const data = dataSeen(step, received)
  const unasked = unaskedValues(step, received.visible, (condition) => {
    return hidden(condition).length > 0 ? undefined : isConditionTrue(condition, data)
  })
  return unasked.map(({ at, unknown }): Finding => {
    const finding = { check: 'schema', field: at, keyword: 'when' } as const
    if (unknown.length === 0) return { ...finding, verdict: 'contradicts' }
    return { ...finding, verdict: 'not checkable', missing: [...new Set(unknown.flatMap(hidden))].sort() }
  })
}

function visibleErrors(schema: CompiledSchema, visible: JsonObject, sees: readonly string[]): FieldError[] {
  const present = fieldPointers(visible, '')
  const errors = present.flatMap((pointer) => schema.validateField(pointer, getAt(visible, pointer)!))
  const undisclosed = present.filter((pointer) => !sees.includes(pointer))
  return [
    ...errors,
    ...undisclosed.map((at) => ({ at, keyword: 'disclosure', expected: 'a field of the role' })),
    ...requiredMissing(schema.schema, visible, '', sees),
  ]
}

/** Required fields that the role is shown but that are not there, wherever the object that requires them surely is. */
function requiredMissing(
  schema: JsonObject,
  data: JsonValue | undefined,
  at: string,
  sees: readonly string[],
): FieldError[] {
  const required = (schema.required ?? []) as string[]
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]): FieldError[] => {
    const pointer = `${at}/${name}`
    const property = value as JsonObject
    const inner = getAt({ data: data ?? {} }, `/data/${name}`)
    if (property.type === 'object') {
      return required.includes(name) || inner !== undefined ? requiredMissing(property, inner, pointer, sees) : []
    }
    if (inner !== undefined || !required.includes(name) || !sees.includes(pointer)) return []
    return [{ at: pointer, keyword: 'required', expected: 'a value' }]
  })
}

/** Keywords of objects that speak of several fields at once. */
function saysMoreThanFields(schema: JsonObject): boolean {
  const speaking = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'enum', 'const']
  if (speaking.some((keyword) => schema[keyword] !== undefined)) return true
  return Object.values(schema.properties ?? {}).some((property) => {
    return (property as JsonObject).type === 'object' && saysMoreThanFields(property as JsonObject)
  })
}

function checkCalculation(
  blueprint: Blueprint,
  step: Step,
  schema: CompiledSchema,
  index: number,
  received: ReceivedRecord,
): Finding {
  const calculation = step.calculations![index]!
  const { field, rule } = calculation
  const missing = unseenInputs(blueprint, step, rule, received)
  if (!received.sees.includes(field)) missing.push(path(step, field))
  if (missing.length > 0) return { check: 'calculation', verdict: 'not checkable', field, missing }
  const found = getAt(received.visible, field)
  const expected = refusalAsUndefined(() => calculatedValue(calculation, schema, dataSeen(step, received)))
  const agrees = found !== undefined && expected !== undefined && canonicalize(found) === canonicalize(expected)
  return { check: 'calculation', verdict: agrees ? 'agrees' : 'contradicts', field }
}

/**
 * Follows the routes as the signer must have, keeping those that unseen inputs leave possible: a contradiction if none of them
 * opens what the record opens, agreement if all of them do.
 */
function checkRoute(blueprint: Blueprint, step: Step, received: ReceivedRecord): Finding {
  const actual = received.record.next.join()
  const data = dataSeen(step, received)
  const possible: Route[] = []
  const missing = new Set<string>()
  for (const route of step.routes) {
    const unseen = route.when === undefined ? [] : unseenInputs(blueprint, step, route.when, received)
    for (const input of unseen) missing.add(input)
    const { when } = route
    const taken = when === undefined || unseen.length > 0 || refusalAsUndefined(() => isTruthy(evaluate(when, data)))
    // A rule that fails refuses the action: if the signer came this far, it had no route.
    if (taken === undefined) break
    if (taken) possible.push(route)
    if (taken && unseen.length === 0) break
  }
  const opening = possible.filter(({ to }) => opaqueNext(blueprint, to).join() === actual)
  if (opening.length === 0) return { check: 'route', verdict: 'contradicts' }
  const explanation = step.decision?.explanation
  if (
    explanation !== undefined &&
    opening.every(({ outcome }) => outcome?.adverse) &&
    received.sees.includes(explanation)
  ) {
    if (!explains(getAt(received.visible, explanation))) {
      return { check: 'route', verdict: 'contradicts', field: explanation }
    }
  }
  if (opening.length === possible.length) return { check: 'route', verdict: 'agrees' }
  return { check: 'route', verdict: 'not checkable', missing: [...missing] }
}

function checkBindings(blueprint: Blueprint, step: Step, { record, visible, sees, view }: ReceivedRecord): Finding[] {
  const binds = step.bind ?? []
  const findings = binds.map(({ role, field }): Finding => {
    if (!sees.includes(field))
      return { check: 'binding', verdict: 'not checkable', field, missing: [path(step, field)] }
    const before = memberOf(blueprint, view, role)
    const named = getAt(visible, field)
    const bound = Object.hasOwn(record.bind, role) ? record.bind[role]!.member : undefined
    const agrees =
      before === undefined ? bound === named : bound === undefined && (named === undefined || named === before)
    return { check: 'binding', verdict: agrees ? 'agrees' : 'contradicts', field }
  })
  // At the start the signer's own role is bound too (RULES 13).
  const stray = Object.keys(record.bind).some((role) => role !== step.role && !binds.some((bind) => bind.role === role))
  return stray ? [...findings, { check: 'binding', verdict: 'contradicts' }] : findings
}

function unseenInputs(blueprint: Blueprint, step: Step, rule: Rule, { role, view, sees }: ReceivedRecord): string[] {
  return hiddenInputs(blueprint, rule, { role, view, step: step.id, sees })
}

function dataSeen(step: Step, { view, visible, asOf }: ReceivedRecord): JsonObject {
  return ruleData(view, step.id, visible, asOf)
}

/** What the blueprint refuses is a finding here; anything else is a bug. */
function refusalAsUndefined<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}

function fieldPointers(data: JsonObject, at: string): string[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? fieldPointers(value, `${at}/${name}`) : [`${at}/${name}`]
  })
}

function path(step: Step, pointer: string): string {
  return `${step.id}${pointer.replaceAll('/', '.')}`
}
