import type { Imported } from '../src/core/blueprint/import/build-blueprint.ts'
import { importSorcha } from '../src/core/blueprint/import/import-sorcha.ts'
import type { JsonObject, JsonValue } from '../src/core/canonical-json.ts'
import { readSharedJson } from './vectors/shared-vectors.ts'

// Sorcha's walkthrough "ConstructionPermit": five participants, six actions, three scenarios. Only where the shared vectors are.

const FOLDER = 'blueprints/sorcha/walkthroughs/ConstructionPermit'

export const PERMIT_SCENARIOS = ['scenario-a-low-risk', 'scenario-b-high-risk', 'scenario-c-rejection'] as const

/** One action in the words of the imported blueprint. */
interface PermitAction {
  step: string
  role: string
  data: JsonObject
}

export interface PermitScenario {
  name: string
  /** In the order of `expectedPath`; the last one of a rejection says so in its data. */
  actions: PermitAction[]
  riskScore: number
  /** Undefined where the case is rejected before it is calculated. */
  permitFee: number | undefined
  rejected: boolean
  /** Steps that are open after the last action: none, or the one that a rejection sends back to. */
  openAtEnd: string[]
}

interface ScenarioFile {
  name: string
  expectedRiskScore: number
  expectedPermitFee?: number
  expectedPath: number[]
  expectedRejection: boolean
  rejectionAction?: number
  rejectionReason?: string
  actions: Record<string, JsonObject>
}

/** All roles are fixed: give them to members with `fixRoles` before the blueprint is proposed. */
export function importPermit(): Imported {
  return importSorcha(readSharedJson<JsonValue>(`${FOLDER}/construction-permit-template.json`))
}

export function readPermitScenario(file: (typeof PERMIT_SCENARIOS)[number], imported: Imported): PermitScenario {
  const scenario = readSharedJson<ScenarioFile>(`${FOLDER}/data/${file}.json`)
  const roleOf = (step: string) => imported.blueprint.steps.find(({ id }) => id === step)!.role
  const actions = scenario.expectedPath.map((id): PermitAction => {
    const step = imported.steps[id]!
    const entered = scenario.actions[id] ?? {}
    const rejection = { rejected: true, rejectionReason: scenario.rejectionReason ?? '' }
    const data = scenario.rejectionAction === id ? { ...entered, ...rejection } : entered
    return { step, role: roleOf(step), data }
  })
  return {
    name: scenario.name,
    actions,
    riskScore: scenario.expectedRiskScore,
    permitFee: scenario.expectedPermitFee,
    rejected: scenario.expectedRejection,
    openAtEnd: scenario.expectedRejection ? [imported.blueprint.start] : [],
  }
}
