import type { JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { Rule } from '../blueprint.ts'
import { evaluate, inputs } from '../rules/json-logic.ts'
import { isTruthy } from '../rules/rule-value.ts'
import { isObject } from './read-source.ts'

/** One way through a rule that chooses: where `when` holds (undefined: otherwise) the rule yields `result`. */
export interface Choice {
  when: Rule | undefined
  result: JsonValue
}

const MAX_CHOICES = 100

/**
 * Takes a rule apart that chooses between literals by `if`. The first choice whose `when` holds is the rule's result; the last
 * one has none. Undefined for a rule that computes its result in another way, or has more than MAX_CHOICES.
 */
export function choicesOf(rule: Rule): Choice[] | undefined {
  const choices = choicesUnder(rule)
  return choices === undefined || choices.length > MAX_CHOICES ? undefined : choices
}

function choicesUnder(rule: Rule): Choice[] | undefined {
  if (Array.isArray(rule)) return undefined
  if (!isObject(rule)) return [{ when: undefined, result: rule }]
  const argument = Object.keys(rule).length === 1 ? (rule.if ?? rule['?:']) : undefined
  if (!Array.isArray(argument)) return undefined
  const choices: Choice[] = []
  for (let place = 0; place + 1 < argument.length; place += 2) {
    const condition = argument[place]!
    const known = constantOf(condition)
    if (known === false) continue
    const inner = choicesUnder(argument[place + 1]!)
    if (inner === undefined || choices.length > MAX_CHOICES) return undefined
    if (known) return [...choices, ...inner]
    choices.push(
      ...inner.map(({ when, result }) => ({
        when: when === undefined ? condition : { and: [condition, when] },
        result,
      })),
    )
  }
  const otherwise = argument.length % 2 === 1 ? choicesUnder(argument.at(-1)!) : [{ when: undefined, result: null }]
  return otherwise && [...choices, ...otherwise]
}

/** Whether a condition that reads nothing holds; undefined if it reads something. */
function constantOf(condition: Rule): boolean | undefined {
  try {
    return inputs(condition).length === 0 ? isTruthy(evaluate(condition, {})) : undefined
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}
