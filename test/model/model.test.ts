/**
 * applyEntry against a second, naive statement of RULES part B (naive-rules.ts), on random blueprints and random entries, right and
 * wrong. A failure prints its seed: MODEL_SEED=<seed> plays that sequence alone. MODEL_RUNS=<n> plays so many.
 */
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { buildMember, RegisterBuilder } from '../register-builder.ts'
import { playSequence, type Tally } from './play-sequence.ts'

/** Without a number the same sequences each time; with one, others each time. */
const MORE = process.env.MODEL_RUNS === undefined ? undefined : Number(process.env.MODEL_RUNS)
const RUNS = MORE ?? 150
const SEED = process.env.MODEL_SEED === undefined ? undefined : Number(process.env.MODEL_SEED)

const members = ['Council', 'Auditor', 'Bureau', 'Carrier'].map((name) => buildMember(name, { voting: true }))
members.push(buildMember('Observer', { voting: false }))
const founded = await RegisterBuilder.found(members)

const tally: Tally = new Map()

test('the ledger and the naive rules agree on random sequences of entries', async (t) => {
  const first = SEED ?? (MORE === undefined ? 1 : randomInt(2 ** 31))
  const seeds = Array.from({ length: SEED === undefined ? RUNS : 1 }, (_, i) => first + i)
  for (const seed of seeds) {
    try {
      await playSequence(seed, founded, members, tally)
    } catch (error) {
      throw new Error(`MODEL_SEED=${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  t.diagnostic(
    [...tally]
      .sort()
      .map(([what, count]) => `${what} ${count}`)
      .join(', '),
  )
})
