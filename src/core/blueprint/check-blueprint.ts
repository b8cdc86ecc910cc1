import type { Blueprint } from './blueprint.ts'
import { checkDisclosure, warnAboutDisclosure } from './check-disclosure.ts'
import { checkPeople, warnAboutOutcomes } from './check-people.ts'
import { checkProcess, checkSkeleton, checkUnbound } from './check-process.ts'
import { checkReferences } from './check-references.ts'
import type { BlueprintError, BlueprintWarning } from './problem.ts'
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
  const graph = new ProcessGraph(blueprint)
  const errors = [...checkProcess(blueprint, graph), ...checkDisclosure(blueprint, graph), ...checkPeople(blueprint)]
  return {
    errors: errors.length > 0 ? errors : checkSkeleton(blueprint),
    warnings: [
      ...checkUnbound(blueprint, graph),
      ...warnAboutDisclosure(blueprint, graph),
      ...warnAboutOutcomes(blueprint),
    ],
  }
}
