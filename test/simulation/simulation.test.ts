/** Seeds of the simulator (simulate.ts), and deliberate bugs that it must find. Each runs in a process of its own: sources are changed as they load. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { bugs } from './bugs.ts'

const SEEDS = 200
const AT_ONCE = 2
/** Seeds that once found something in this code, with what it was. */
const FOUND: [seed: number, what: string][] = [
  [8, 'two nodes that took each other for the sequencer sent an entry to and fro without end'],
  [
    315,
    'a node that was shown the losing history could not open a term, and a new sequencer never got what others held',
  ],
  [349, 'the same, with another member'],
]

describe('seeds: one register, nothing acknowledged lost, everything comes to rest', { concurrency: AT_ONCE }, () => {
  for (let part = 0; part < AT_ONCE; part++) {
    test(`part ${part + 1} of ${SEEDS}`, async (t) => {
      const count = SEEDS / AT_ONCE
      const { lines, code } = await runSeeds(1 + part * count, count)
      const summary = lines.at(-1) as { seeds: number; entries: number; terms: number }
      t.diagnostic(
        `seeds ${1 + part * count} to ${(part + 1) * count}: ${summary.entries} entries, ${summary.terms} terms`,
      )
      assert.deepEqual(lines.slice(0, -1), [])
      assert.equal(code, 0)
      assert.equal(summary.seeds, count)
      // Handovers happen, or the seeds show little.
      assert(summary.terms > 1.5 * count, `${summary.terms} terms`)
    })
  }
})

for (const [seed, what] of FOUND) {
  test(`seed ${seed}, which found: ${what}`, async () => {
    assert.deepEqual((await runSeeds(seed, 1)).lines.slice(0, -1), [])
  })
}

test('a seed replays exactly', async () => {
  const [once, again] = await Promise.all([1, 2].map(() => runSeeds(5, 3, '--trace')))
  assert.equal(once!.lines.length, 4)
  assert.deepEqual(again!.lines.slice(0, -1), once!.lines.slice(0, -1))
})

describe('a deliberate bug is found', () => {
  for (const { name, seed } of bugs) {
    test(`${name}: seed ${seed}`, async () => {
      const { lines, code } = await runSeeds(seed, 1, '--bug', name)
      assert.equal(code, 1)
      const [found] = lines as [{ seed: number; problems: string[] }]
      assert(found.problems.length > 0)
    })
  }
})

async function runSeeds(
  first: number,
  count: number,
  ...options: string[]
): Promise<{ lines: unknown[]; code: number | null }> {
  const file = join(import.meta.dirname, 'run-seeds.ts')
  const args = [file, '--from', String(first), '--seeds', String(count), ...options]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return {
    lines: output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown),
    code,
  }
}
