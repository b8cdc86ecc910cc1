import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  importPermit,
  PERMIT_SCENARIOS,
  type PermitScenario,
  readPermitScenario,
} from '../../../../test/construction-permit.ts'
import { sharedVectorsAbsent } from '../../../../test/vectors/shared-vectors.ts'
import type { JsonObject } from '../../canonical-json.ts'
import { type Advanced, advance } from '../advance.ts'
import type { Blueprint } from '../blueprint.ts'
import { checkBlueprint } from '../check/check-blueprint.ts'
import { fieldsSeen } from '../groups.ts'
import { getAt, setAt } from '../pointer.ts'
import type { View } from '../view.ts'

const AS_OF = 1_771_934_400 // 2026-02-24
const skip = sharedVectorsAbsent

test('the imported construction permit can be published as it is', { skip }, () => {
  const { blueprint } = importPermit()
  assert.deepEqual(checkBlueprint(blueprint).errors, [])
  assert.equal(blueprint.start, 'submit-application')
  assert.deepEqual(
    blueprint.roles.map(({ id }) => id),
    ['contractor', 'structural-engineer', 'planning-officer', 'environmental-assessor', 'building-control'],
  )
})

for (const file of PERMIT_SCENARIOS) {
  test(`${file} takes the expected path to the expected values`, { skip }, () => {
    const imported = importPermit()
    const scenario = readPermitScenario(file, imported)
    const { data, next } = run(imported.blueprint, scenario)
    const assessed = data.get('structural-assessment')!
    assert.equal(assessed.riskScore, scenario.riskScore)
    assert.equal(data.get('building-control-inspection')?.permitFee, scenario.permitFee)
    assert.deepEqual(next, scenario.openAtEnd)
  })
}

test('a rejection needs its reason, and nothing else that the action asks for', { skip }, () => {
  const imported = importPermit()
  const scenario = readPermitScenario('scenario-a-low-risk', imported)
  const rejectedWith = (data: JsonObject) => {
    const last = { ...scenario.actions.at(-1)!, data }
    return run(imported.blueprint, { ...scenario, actions: [...scenario.actions.slice(0, -1), last] }).next
  }
  assert.deepEqual(rejectedWith({ rejected: true, rejectionReason: 'No' }), ['submit-application'])
  assert.throws(() => rejectedWith({ rejected: true }), { code: 'FIELD_INVALID' })
  assert.throws(() => rejectedWith({ rejected: false }), { code: 'FIELD_INVALID' })
})

/** Each actor sees what the blueprint discloses to its role and no more; each action is at a step that the one before opened. */
function run(blueprint: Blueprint, scenario: PermitScenario): { data: Map<string, JsonObject>; next: string[] } {
  const data = new Map<string, JsonObject>()
  let next = [blueprint.start]
  for (const action of scenario.actions) {
    assert.ok(next.includes(action.step), `${action.step} is not open, but ${next.join()}`)
    const advanced: Advanced = advance(blueprint, viewOf(blueprint, action.role, data), action, AS_OF)
    data.set(action.step, advanced.data)
    next = advanced.next
  }
  return { data, next }
}

function viewOf(blueprint: Blueprint, role: string, data: ReadonlyMap<string, JsonObject>): View {
  const values: Record<string, JsonObject> = {}
  const sees: Record<string, string[]> = {}
  for (const [step, whole] of data) {
    sees[step] = fieldsSeen(blueprint, { step, role, disclosedBy: [...data.keys()].filter((other) => other !== step) })
    values[step] = sees[step].reduce<JsonObject>((part, field) => {
      const value = getAt(whole, field)
      return value === undefined ? part : setAt(part, field, value)
    }, {})
  }
  return { values, sees, bound: {} }
}
