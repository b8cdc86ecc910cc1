/**
 * `npm run simulate -- --seeds N`: so many runs of the simulator, one after the other. Prints a line of JSON for each that went wrong, then
 * a summary, and ends with 1 where one did. `--from SEED` begins with that one, `--trace` shows what each run comes to, and
 * `--bug NAME` puts a mistake of bugs.ts in first and ends with the seed that finds it.
 */
import { parseArgs } from 'node:util'
import { bugs } from './bugs.ts'
import { changeSources, SYNCHRONOUS } from './source-changes.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    bug: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const first = seedOf('--from', values.from)
const count = seedOf('--seeds', values.seeds)
const bug = values.bug === undefined ? undefined : bugs.find(({ name }) => name === values.bug)
if (values.bug !== undefined && bug === undefined) misused('--bug', 'a name in bugs.ts')

changeSources([SYNCHRONOUS, ...(bug?.changes ?? [])])
const { simulate } = await import('./simulate.ts')
const startMs = performance.now()
const sums = { seeds: 0, failed: 0, entries: 0, terms: 0 }
for (let seed = first; seed < first + count; seed++) {
  const { problems, trace, entries, terms } = await simulate(seed)
  sums.seeds++
  sums.entries += entries
  sums.terms += terms
  if (values.trace) console.log(JSON.stringify({ seed, trace }))
  if (problems.length === 0) continue
  sums.failed++
  console.log(JSON.stringify({ seed, problems }))
  if (bug !== undefined) break
}
console.log(JSON.stringify({ ...sums, seconds: Math.round((performance.now() - startMs) / 100) / 10 }))
process.exitCode = sums.failed === 0 ? 0 : 1

function seedOf(option: string, text: string): number {
  const value = Number(text)
  return /^[1-9]\d{0,8}$/.test(text) ? value : misused(option, 'a whole number from 1 on')
}

function misused(option: string, expected: string): never {
  console.error(`${option}: expected ${expected}`)
  process.exit(2)
}
