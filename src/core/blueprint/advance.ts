import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import { ConcordatError } from '../error.ts'
import { unaskedValues } from './asked-fields.ts'
import { type Blueprint, getRole, getStep, opaqueNext, type Route, type Rule, type Step } from './blueprint.ts'
import { calculatedValue } from './calculation.ts'
import { getAt, setAt, split } from './pointer.ts'
import { evaluate } from './rules/json-logic.ts'
import { isTruthy } from './rules/rule-value.ts'
import { type CompiledSchema, compileSchema, refuseInvalid } from './schema.ts'
import { hiddenInputs, ruleData, type View } from './view.ts'

/** Ids are the document's. */
export interface Action {
  step: string
  role: string
  data: JsonObject
}

export interface Advanced {
  /** With the calculated fields. */
  data: JsonObject
  /** The steps that open, in the order of the register's ids; empty ends the branch. */
  next: string[]
  /** Roles that this action binds, to member ids. */
  bind: Record<string, string>
  outcome: { adverse: boolean } | null
}

/**
 * What an action does, or a refusal that says why not; the same on every node. Untrusted are `action` and the values in
 * `view`; the blueprint has passed `checkBlueprint`. `asOf` is the record's `iat` (RULES 3). Whether the step is open is the
 * register's to say (RULES 13).
 */
export function advance(blueprint: Blueprint, view: View, action: Action, asOf: number): Advanced {
  const step = getStep(blueprint, action.step)
  if (step.role !== getRole(blueprint, action.role).id) {
    throw new ConcordatError({
      code: 'STEP_NOT_YOUR_ROLE',
      expected: `the role ${step.role}`,
      got: `the role ${action.role}`,
      step: step.id,
      role: action.role,
    })
  }
  const schema = compileSchema(step.schema)
  split(action.data)
  const data = calculate(blueprint, step, schema, view, action.data, asOf)
  refuseInvalid(schema.validate(data))
  refuseUnasked(step, data, ruleData(view, step.id, data, asOf))
  const route = takeRoute(blueprint, step, view, data, asOf)
  if (route.outcome?.adverse) requireExplanation(step, data)
  return {
    data,
    next: inRegisterOrder(blueprint, route.to),
    bind: bindRoles(blueprint, step, view, data),
    outcome: route.outcome ?? null,
  }
}

/** RULES 27: the signer's rules read only what its role sees or discloses. */
function refuseHidden(blueprint: Blueprint, step: Step, rule: Rule, view: View): void {
  const sees = compileSchema(step.schema).fields.map((field) => field.pointer)
  const [input] = hiddenInputs(blueprint, rule, { role: step.role, view, step: step.id, sees })
  if (input === undefined) return
  const expected = 'inputs that the role was shown'
  throw new ConcordatError({ code: 'RULE_INPUT_HIDDEN', expected, got: 'one that it was not', input })
}

function calculate(
  blueprint: Blueprint,
  step: Step,
  schema: CompiledSchema,
  view: View,
  given: JsonObject,
  asOf: number,
): JsonObject {
  const calculations = step.calculations ?? []
  let data = given
  for (const calculation of calculations) {
    try {
      refuseHidden(blueprint, step, calculation.rule, view)
      data = setAt(data, calculation.field, calculatedValue(calculation, schema, ruleData(view, step.id, data, asOf)))
    } catch (error) {
      // A field that is wrong or missing is a clearer reason than the rule that stumbled over it.
      const names = calculations.map(({ field }) => field)
      refuseInvalid(schema.validate(data).filter(({ at }) => !names.includes(at)))
      throw error
    }
  }
  for (const { field } of calculations) {
    const asked = getAt(given, field)
    if (asked !== undefined && canonicalize(asked) !== canonicalize(getAt(data, field)!)) {
      const at = field
      throw new ConcordatError({
        code: 'CALCULATION_DIFFERS',
        expected: 'the calculated value, or none',
        got: 'another',
        at,
      })
    }
  }
  return data
}

/** A value that no page asked for: a condition that is not true, also because it reads a field that was left empty. */
function refuseUnasked(step: Step, data: JsonObject, known: JsonObject): void {
  const unasked = unaskedValues(step, data, (condition) => isConditionTrue(condition, known))
  refuseInvalid(unasked.map(({ at }) => ({ at, keyword: 'when', expected: 'no value, as the field is not asked' })))
}

export function isConditionTrue(condition: Rule, data: JsonObject): boolean {
  try {
    return isTruthy(evaluate(condition, data))
  } catch (error) {
    if (error instanceof ConcordatError) return false
    throw error
  }
}

/** The route that an action takes: the first whose condition holds. */
export function takeRoute(blueprint: Blueprint, step: Step, view: View, data: JsonObject, asOf: number): Route {
  const known = ruleData(view, step.id, data, asOf)
  for (const route of step.routes) {
    if (route.when === undefined) return route
    refuseHidden(blueprint, step, route.when, view)
    if (isTruthy(evaluate(route.when, known))) return route
  }
  throw new ConcordatError({
    code: 'ROUTE_NOT_FOUND',
    expected: 'a route whose condition holds',
    got: 'none',
    step: step.id,
  })
}

/** An adverse outcome is never without its reason, whatever the schema says about the field. */
function requireExplanation(step: Step, data: JsonObject): void {
  const at = step.decision?.explanation ?? ''
  if (at !== '' && explains(getAt(data, at))) return
  throw new ConcordatError({ code: 'EXPLANATION_MISSING', expected: 'an explanation for the person', got: 'none', at })
}

export function explains(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

function bindRoles(blueprint: Blueprint, step: Step, view: View, data: JsonObject): Record<string, string> {
  const bind: Record<string, string> = {}
  for (const { role, field } of step.bind ?? []) {
    const member = getAt(data, field)
    if (member === undefined) continue
    if (typeof member !== 'string' || !isDigest(member)) {
      refuseInvalid([{ at: field, keyword: 'bind', expected: 'a member id' }])
      continue
    }
    const before = memberOf(blueprint, view, role)
    if (before === undefined) bind[role] = member
    else if (before !== member) {
      throw new ConcordatError({
        code: 'BIND_ROLE_TAKEN',
        expected: 'the member that already holds the role',
        got: 'another member',
        at: field,
        role,
      })
    }
    refuseSameMember(blueprint, { ...view, bound: { ...view.bound, ...bind } }, role, field)
  }
  return bind
}

function refuseSameMember(blueprint: Blueprint, view: View, role: string, at: string): void {
  for (const pair of blueprint.distinct ?? []) {
    const other = pair.find((candidate) => candidate !== role)
    if (!pair.includes(role) || other === undefined) continue
    if (memberOf(blueprint, view, role) !== memberOf(blueprint, view, other)) continue
    throw new ConcordatError({
      code: 'BIND_MEMBERS_NOT_DISTINCT',
      expected: 'another member than the other role has',
      got: 'the same one',
      at,
      role,
      other,
    })
  }
}

export function memberOf(blueprint: Blueprint, view: View, role: string): string | undefined {
  return Object.hasOwn(view.bound, role) ? view.bound[role] : getRole(blueprint, role).member
}

function inRegisterOrder(blueprint: Blueprint, stepIds: readonly string[]): string[] {
  const byOpaqueId = new Map(stepIds.map((stepId) => [opaqueNext(blueprint, [stepId])[0]!, stepId]))
  return opaqueNext(blueprint, stepIds).map((opaqueId) => byOpaqueId.get(opaqueId)!)
}
