import type { Blueprint } from '../blueprint.ts'
import type { BlueprintError, BlueprintWarning } from '../problem.ts'
import { checkCountersigning } from './check-countersigning.ts'
import { checkDeadlines, warnAboutLapses } from './check-deadlines.ts'
import { checkDisclosure, warnAboutDisclosure } from './check-disclosure.ts'
import { checkForm } from './check-form.ts'
import { checkPeople, warnAboutOutcomes } from './check-people.ts'
import { checkProcess } from './check-process.ts'
import { checkReferences } from './check-references.ts'
import { checkReview } from './check-review.ts'
import { checkRoles } from './check-roles.ts'
import { checkRuns, runsOf, stepsAlone } from './check-runs.ts'
import { ProcessGraph } from './process-graph.ts'

export interface BlueprintReport {
  /** Stop publication. */
  errors: BlueprintError[]
  /** Approvers see them and accept them by name. Only complete where there are no errors. */
  warnings: BlueprintWarning[]
}

/** Whether a parsed blueprint fits together and keeps what it owes its people. The same document always gives the same report. */
export function checkBlueprint(blueprint: Blueprint): BlueprintReport {
  const unknown = checkReferences(blueprint)
  // The other checks follow references.
  if (unknown.length > 0) return { errors: unknown, warnings: [] }
  const runs = runsOf(blueprint)
  const graph = new ProcessGraph(blueprint, stepsAlone(blueprint, runs))
  const errors = [
    ...checkRoles(blueprint, graph),
    ...checkProcess(blueprint, graph),
    ...checkDeadlines(blueprint),
    ...checkCountersigning(blueprint),
    ...checkReview(blueprint, graph),
    ...checkForm(blueprint),
    ...checkRuns(blueprint, runs),
    ...checkDisclosure(blueprint, graph),
    ...checkPeople(blueprint),
  ]
  return {
    // What the register refuses has mostly been told above, in the document's own words.
    errors: errors.length > 0 ? errors : runs.refusals,
    warnings: [
      ...warnAboutDisclosure(blueprint, graph),
      ...warnAboutLapses(blueprint),
      ...warnAboutOutcomes(blueprint),
    ],
  }
}
