import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomId } from '../../test/register-builder.ts'
import { buildSample, forkSample, type Sample } from '../../test/sample-register.ts'
import { replayRegister, textOf } from '../../test/whole-register.ts'
import { parseLeaf } from '../core/ledger/entry.ts'
import { openSqliteStorage } from '../storage/sqlite.ts'
import { type Candidate, RegisterLog } from './register-log.ts'

test('however entries are batched and whatever is refused between them, replaying the leaves gives the same rows and tiles', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-log-'))
  const storage = await openSqliteStorage({ path: join(folder, 'node.db') })
  t.after(async () => {
    await storage.close()
    rmSync(folder, { recursive: true })
  })
  const sample = await buildSample()
  const seed = randomInt(2 ** 31)
  t.diagnostic(`seed ${seed}`)
  let runs = 0
  let refused = 0
  const steps = fc.array(fc.record({ go: fc.nat(2), repeat: fc.boolean() }), { minLength: 1, maxLength: 5 })
  const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(steps, sizes, async (choices, batches) => {
      const fork = forkSample(sample)
      const candidates = await walk(fork, choices)
      // The name under which it is stored; the register's id is its genesis.
      const name = `run ${runs++}`
      let log = await RegisterLog.open(storage, name)
      for (let at = 0, turn = 0; at < candidates.length; turn++) {
        const some = candidates.slice(at, at + batches[turn % batches.length]!)
        const { outcomes, batch } = await log.check(some, 'up to a boundary')
        at += outcomes.length
        refused += outcomes.filter((outcome) => 'refusal' in outcome).length
        if (batch !== null) await log.commit(batch)
        if (turn % 3 === 2) log = await RegisterLog.open(storage, name)
      }
      const { leaves, rows } = await replayRegister(storage, name)
      assert.deepEqual(leaves, fork.builder.leaves)
      assert.equal(rows, textOf(fork.builder.rows))
    }),
    { numRuns: 1_000, seed },
  )
  assert(refused > 1_000, `${refused} refused`)
})

/** The sample's own entries, then actions of several cases, some of them offered once more, each with its leaf time. */
async function walk(
  { builder, skeleton, council, bureau, carrier }: Sample,
  choices: readonly { go: number; repeat: boolean }[],
): Promise<Candidate[]> {
  const candidates: Candidate[] = builder.leaves.map(parseLeaf)
  const start = { skeleton, step: 's1', as: 'applicant', prev: [], next: ['s2'], bind: { applicant: carrier } }
  const ask = { skeleton, step: 's2', as: 'council', next: ['s3', 's4'], bind: { checker: bureau, carrier } }
  const waiting: { id: string; first: string }[] = []
  for (const { go, repeat } of choices) {
    const open = go === 0 ? undefined : waiting.shift()
    const id = open?.id ?? randomId()
    const jws =
      open === undefined
        ? builder.action(carrier, { ...start, case: id })
        : builder.action(council, { ...ask, case: id, prev: [open.first] })
    const record = await builder.add(jws)
    if (open === undefined) waiting.push({ id, first: record })
    const candidate = { jws, time: builder.time }
    candidates.push(candidate)
    if (repeat) candidates.push(candidate, { ...candidate, jws: `${jws.slice(0, -8)}AAAAAAAA` })
  }
  return candidates
}
