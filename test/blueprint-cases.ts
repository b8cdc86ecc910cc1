import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Blueprint, parseBlueprint } from '../src/core/blueprint/blueprint.ts'
import { checkBlueprint } from '../src/core/blueprint/check/check-blueprint.ts'
import type { JsonObject } from '../src/core/canonical-json.ts'
import { sampleBlueprint, stepOf } from './sample-blueprint.ts'

export type Change = (blueprint: Blueprint) => void

/** A change of the sample that `checkBlueprint` finds, and one that comes as close to it as a blueprint may. */
export interface Case {
  code: string
  at: string
  fails: Change
  nearMiss: Change
}

export const unchanged: Change = () => undefined

/** A test for each case. */
export function testCases(kind: 'errors' | 'warnings', cases: readonly Case[]): void {
  for (const { code, at, fails, nearMiss } of cases) {
    test(`checkBlueprint finds ${code} at ${at}, and not in the near miss`, () => {
      const report = checkBlueprint(changed(fails))
      const found = report[kind].find((problem) => problem.code === code && problem.at === at)
      assert.ok(found, `among ${JSON.stringify(report, null, 1)}`)
      assert.ok(found.message.length > 20 && /[.]$/.test(found.message))
      assert.ok(!checkBlueprint(changed(nearMiss))[kind].some((problem) => problem.code === code))
    })
  }
}

/** The sample as a parsed document, changed. */
export function changed(change: Change): Blueprint {
  const blueprint = sampleBlueprint()
  change(blueprint)
  return parseBlueprint(JSON.parse(JSON.stringify(blueprint)))
}

export function propertiesOf(blueprint: Blueprint, step: string): JsonObject {
  return stepOf(blueprint, step).schema.properties as JsonObject
}
