import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changed } from '../../../../test/blueprint-cases.ts'
import { disclosureOf, sampleBlueprint } from '../../../../test/sample-blueprint.ts'
import { parseBlueprint } from '../blueprint.ts'
import { checkBlueprint } from './check-blueprint.ts'

// Each code has a failing blueprint and a near miss in the test of the file that finds it.

test('the sample blueprint has neither errors nor warnings, and says nothing twice over', () => {
  assert.deepEqual(checkBlueprint(parseBlueprint(sampleBlueprint() as never)), { errors: [], warnings: [] })
})

test('the report tells all errors of a kind at once', () => {
  const report = checkBlueprint(
    changed((b) => {
      b.justification = ''
      disclosureOf(b, 'apply', 0).purpose = ''
      disclosureOf(b, 'apply', 1).basis = ''
    }),
  )
  assert.deepEqual(
    report.errors.map(({ code }) => code),
    ['JUSTIFICATION_MISSING', 'PURPOSE_MISSING', 'BASIS_MISSING'],
  )
})
