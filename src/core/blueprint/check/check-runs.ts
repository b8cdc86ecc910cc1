import { ConcordatError } from '../../error.ts'
import type { Skeleton } from '../../ledger/skeleton.ts'
import { type Blueprint, documentStepId } from '../blueprint.ts'
import { type Exploration, exploreRuns, type Fault } from '../markings.ts'
import type { BlueprintError } from '../problem.ts'
import { skeletonOf } from '../skeleton.ts'

/** What a blueprint comes to on a register. */
export interface Runs {
  /** Undefined where the register could not carry it. */
  exploration: Exploration | undefined
  /** Why it could not. */
  refusals: BlueprintError[]
}

/** A template is judged with its roles left open. */
export function runsOf(blueprint: Blueprint): Runs {
  try {
    return { exploration: exploreRuns(openSkeleton(blueprint)), refusals: [] }
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error
    const at = 'at' in error.detail ? error.detail.at : ''
    const message = `The register cannot carry this: expected ${error.detail.expected}, got ${error.detail.got}.`
    return { exploration: undefined, refusals: [{ code: 'SKELETON_INVALID', at, message }] }
  }
}

/** Steps that never act while another branch is under way; all where no run is known, so that nothing is reported for that alone. */
export function stepsAlone(blueprint: Blueprint, { exploration }: Runs): Set<string> {
  if (!exploration) return new Set(blueprint.steps.map(({ id }) => id))
  return new Set([...exploration.alone].map((step) => documentStepId(blueprint, step)))
}

/** That parallel branches meet, once each, however they go. */
export function checkRuns(blueprint: Blueprint, { exploration }: Runs): BlueprintError[] {
  if (!exploration) return []
  const errors = exploration.faults.map((fault) => faultError(blueprint, fault))
  if (!exploration.tooComplex) return errors
  const message =
    'There are more ways through this process than can be looked at. Let fewer branches run side by side, or join them earlier.'
  return [...errors, { code: 'PROCESS_TOO_COMPLEX', at: '/steps', message }]
}

function faultError(blueprint: Blueprint, { kind, step, run }: Fault): BlueprintError {
  const id = documentStepId(blueprint, step)
  const at = `/steps/${blueprint.steps.findIndex((candidate) => candidate.id === id)}`
  const story = run.map((name) => documentStepId(blueprint, name)).join(', ')
  if (kind === 'starves') {
    const message = `After ${story}, ${id} waits for branches that do not come, and nothing else is open. Let every branch lead to it, or join with mode any.`
    return { code: 'JOIN_MAY_STARVE', at: `${at}/join`, message }
  }
  const message = `After ${story}, ${id} would be open twice at once. Join the branches that lead to it, and let whatever goes back or on alone close the others.`
  return { code: 'STEP_OPEN_TWICE', at, message }
}

function openSkeleton(blueprint: Blueprint): Skeleton {
  const roles = blueprint.roles.map((role) => {
    return role.kind === 'member' && role.member === undefined
      ? { id: role.id, title: role.title, kind: role.kind, open: true as const }
      : role
  })
  return skeletonOf({ ...blueprint, roles })
}
