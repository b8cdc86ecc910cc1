import type { JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Blueprint, Rule } from '../blueprint.ts'
import type { BlueprintError, BlueprintErrorCode } from '../problem.ts'
import { evaluate, inputs, RULE_LIMITS } from '../rules/json-logic.ts'
import { AS_OF, readsOf } from '../view.ts'

/** A rule of the profile that can be evaluated at all, and reads only what the document has. */
export function ruleReferences(blueprint: Blueprint, rule: Rule, at: string): BlueprintError[] {
  const refused = refusals(at, () => {
    refuseLong(rule)
    // What reads nothing always ends alike, so it can be tried now.
    if (inputs(rule).length === 0) evaluate(rule, {})
  })
  if (refused.length > 0) return refused
  return readsOf(blueprint, rule)
    .filter(({ path, step, fields }) => path !== AS_OF && (step === undefined || fields.length === 0))
    .map(({ path, step }): BlueprintError => {
      const message = `The rule reads ${path}, which is no ${step === undefined ? 'step' : 'field of that step'}. Name an input as step.field.`
      return { code: step === undefined ? 'STEP_UNKNOWN' : 'FIELD_UNKNOWN', at, message }
    })
}

/** A rule of more parts than an evaluation has steps. */
function refuseLong(rule: Rule): void {
  let parts = 0
  const waiting: JsonValue[] = [rule]
  for (let part = waiting.pop(); part !== undefined && parts <= RULE_LIMITS.steps; part = waiting.pop()) {
    parts++
    if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) waiting.push(inner)
  }
  if (parts <= RULE_LIMITS.steps) return
  const limit = RULE_LIMITS.steps
  throw new ConcordatError({ code: 'RULE_TOO_LONG', expected: `at most ${limit} parts`, got: 'more', limit })
}

/** A refusal of a part as an error of the document, at its place there. */
export function refusals(at: string, run: () => void): BlueprintError[] {
  try {
    run()
    return []
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    const inner = 'at' in error.detail ? error.detail.at : ''
    const message = `Expected ${error.detail.expected}, got ${error.detail.got}.`
    return [{ code: error.code as BlueprintErrorCode, at: at + inner, message }]
  }
}
