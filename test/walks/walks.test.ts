/** Random processes that checkBlueprint passes, walked at random (RULES 13 to 23). WALK_SEED=N replays the blueprint N alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBlueprint } from '../../src/core/blueprint/blueprint.ts'
import { checkBlueprint } from '../../src/core/blueprint/check/check-blueprint.ts'
import type { JsonValue } from '../../src/core/canonical-json.ts'
import { randomBlueprint } from './random-blueprint.ts'
import { walk } from './walk.ts'

const BLUEPRINTS = 500
const WALKS = 20
/** Most of what chance writes must be sound, or the generator has gone wrong. */
const MAX_SEEDS = 5_000

test(`${BLUEPRINTS} random blueprints, ${WALKS} random walks each`, (t) => {
  const given = process.env.WALK_SEED
  const entered = new Map<string, number>()
  const refused = new Map<string, number>()
  let passed = 0
  let ended = 0
  const from = given === undefined ? 1 : Number(given)
  const to = given === undefined ? MAX_SEEDS : from
  for (let seed = from; seed <= to && passed < BLUEPRINTS; seed++) {
    const blueprint = parseBlueprint(JSON.parse(JSON.stringify(randomBlueprint(seed))) as JsonValue)
    if (checkBlueprint(blueprint).errors.length > 0) continue
    passed++
    for (let one = 0; one < WALKS; one++) {
      try {
        const walked = walk(blueprint, seed * 1_000 + one)
        for (const [kind, count] of walked.entered) entered.set(kind, (entered.get(kind) ?? 0) + count)
        for (const [code, count] of walked.refused) refused.set(code, (refused.get(code) ?? 0) + count)
        if (walked.ended) ended++
      } catch (error) {
        throw new Error(`blueprint ${seed}, walk ${one}: WALK_SEED=${seed} replays it`, { cause: error })
      }
    }
  }
  t.diagnostic(`entered ${JSON.stringify(Object.fromEntries(entered))}, ${ended} cases ended`)
  t.diagnostic(`refused ${JSON.stringify(Object.fromEntries([...refused].sort()))}`)
  if (given !== undefined) return
  assert.equal(passed, BLUEPRINTS)
  for (const kind of ['action', 'confirm', 'dispute', 'resolve', 'lapse', 'extend']) {
    assert.ok((entered.get(kind) ?? 0) > 100, `${kind} hardly ever happened`)
  }
  assert.ok(refused.size > 10, 'the walks try much that is refused')
})
