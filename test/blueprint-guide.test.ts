/** docs/blueprints.md: each example is merged, checked and played as the page says. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newBlueprint } from '../src/cli/new-blueprint.ts'
import { getStep } from '../src/core/blueprint/blueprint.ts'
import { checkBlueprint } from '../src/core/blueprint/check/check-blueprint.ts'
import { playScenario } from '../src/core/blueprint/simulate/play-scenario.ts'
import { parseScenario } from '../src/core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../src/core/blueprint/simulate/simulated-register.ts'
import type { JsonObject } from '../src/core/canonical-json.ts'
import { guideCommands, guideMembers, readGuide } from './blueprint-guide.ts'

test('docs/blueprints.md: its commands, one after the other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-guide-'))
  const program = join(import.meta.dirname, '../src/main.ts')
  const printed = guideCommands().map(([name, ...args]) => {
    assert.equal(name, 'concordat')
    return execFileSync(process.execPath, [program, ...args], { cwd: folder, encoding: 'utf8' })
  })
  rmSync(folder, { recursive: true })
  assert.match(printed.at(-1) ?? '', / 0 errors/)
})

for (const { title, text, blueprint, runs, scenarios, mappings } of readGuide()) {
  test(`docs/blueprints.md, ${title}: the document has no error, and no warning that the page does not speak of`, () => {
    const { errors, warnings } = checkBlueprint(blueprint)
    assert.deepEqual(errors, [])
    const unexpected = warnings.filter(({ code }) => code !== 'FIELD_SEEN_BY_EVERYBODY' && !text.includes(code))
    assert.deepEqual(unexpected, [])
  })

  const members = guideMembers(blueprint)
  const play = (scenario: JsonObject) => {
    const register = simulateRegister(blueprint, Object.values(members))
    return playScenario(register, parseScenario(scenario), members).differences
  }

  for (const [i, steps] of runs.entries()) {
    test(`docs/blueprints.md, ${title}: run ${i + 1}`, () => {
      const differences = play(asScenario(steps, Object.keys(members)))
      assert.deepEqual(
        differences.filter(({ at }) => at.startsWith('/steps/')),
        [],
      )
    })
  }
  for (const scenario of scenarios) {
    test(`docs/blueprints.md, ${title}: the scenario`, () => assert.deepEqual(play(scenario), []))
  }
  for (const mapping of mappings) {
    test(`docs/blueprints.md, ${title}: every step is mapped to one of its role`, () => {
      const before = newBlueprint('parking')
      assert.deepEqual(
        Object.keys(mapping),
        before.steps.map(({ id }) => id),
      )
      for (const [from, to] of Object.entries(mapping)) {
        assert.equal(getStep(blueprint, to).role, getStep(before, from).role)
      }
    })
  }
}

/** With what a reader need not see: who acted, calculated fields where there are none, an end. The applicant is served by the office. */
function asScenario(steps: readonly JsonObject[], roles: readonly string[]): JsonObject {
  const actor = { kind: 'staff', name: 'Rhona Calder', signIn: 'office' }
  const completed = steps.map((step): JsonObject => {
    if ('lapse' in step) return step
    if (!('step' in step)) return { actor, ...step }
    return { actor, ...step, expect: { calculated: {}, ...(step.expect as JsonObject) } }
  })
  const path = steps.map((step) => {
    const [kind = '', name] = Object.entries(step)[0]!
    return kind === 'step' ? name! : `${kind}:${name}`
  })
  return {
    ...{ name: 'example', title: 'Example', about: 'From the page.', startsAt: '2026-03-02T09:00:00Z' },
    members: Object.fromEntries(roles.map((role) => [role, role === 'applicant' ? 'office' : role])),
    steps: completed,
    expected: { path, ended: false, values: {}, seen: {} },
  }
}
