/** Due times across the October change of the hour, a weekend and a bank holiday, on nodes with clocks and languages of their own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CaseRow } from '../../src/core/ledger/state.ts'
import { Permit } from '../permit-register.ts'

const CALENDAR = {
  from: '2026-01-01',
  to: '2026-12-31',
  weekdays: [1, 2, 3, 4, 5],
  // A local holiday on the Monday after the clocks go back.
  nonWorking: ['2026-10-26'],
  offsets: [
    [0, 0],
    [1_774_746_000, 60],
    [1_792_890_000, 0],
  ] as [number, number][],
}

const PLACES = [
  { TZ: 'UTC', LC_ALL: 'C' },
  { TZ: 'Europe/London', LC_ALL: 'en_GB.UTF-8' },
  { TZ: 'Pacific/Auckland', LC_ALL: 'mi_NZ.UTF-8' },
  { TZ: 'America/St_Johns', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'Asia/Kathmandu', LC_ALL: 'ar_EG.UTF-8' },
]

/** What a node does with leaves that it has fetched: folds them. Says how its own environment tells the time, too. */
const FOLD = `
import { readFileSync } from 'node:fs'
const src = process.argv[1]
const { parseEntry, parseLeaf } = await import(src + '/entry.ts')
const { applyEntry, rowsNamed } = await import(src + '/apply-entry.ts')
const { verifyEntry } = await import(src + '/verify-entry.ts')
const rows = new Map()
for (const [index, leaf] of JSON.parse(readFileSync(0, 'utf8')).entries()) {
  const { time, jws } = parseLeaf(leaf)
  const parsed = parseEntry(jws)
  const entry = await verifyEntry(parsed, rows)
  const named = new Map(rowsNamed(parsed).flatMap((key) => (rows.has(key) ? [[key, rows.get(key)]] : [])))
  for (const [key, row] of applyEntry(named, entry, { index, time })) rows.set(key, row)
}
const local = new Date(1792890000000).toString() + new Intl.NumberFormat().format(1.5)
console.log(JSON.stringify({ rows: [...rows], local }))
`

test('every node computes the same due times, whatever its zone and locale', async () => {
  const permit = await Permit.open((skeleton) => ({
    ...skeleton,
    steps: skeleton.steps.map((step) => {
      if (step.id !== 's3') return step
      return { ...step, deadline: { count: 3, unit: 'workingDays' as const, calendar: CALENDAR } }
    }),
  }))
  permit.builder.time = Date.parse('2026-10-23T15:30:00Z') / 1000
  const first = await permit.start()
  const told = PLACES.map((place) => {
    const input = JSON.stringify(permit.builder.leaves)
    const ledger = join(import.meta.dirname, '..', '..', 'src', 'core', 'ledger')
    const args = ['--input-type=module', '-e', FOLD, ledger]
    return JSON.parse(
      execFileSync(process.execPath, args, { input, env: { ...process.env, ...place } }).toString(),
    ) as {
      rows: [string, unknown][]
      local: string
    }
  })
  assert.ok(new Set(told.map(({ local }) => local)).size > 3, 'the nodes live in different places')
  for (const { rows } of told) {
    assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(permit.builder.rows))
    const row = rows.find(([key]) => key === `case/${permit.id}`)?.[1] as CaseRow
    const visit = row.openings.find(({ step }) => step === 's3')
    // Friday; then no Saturday, Sunday or holiday; Tuesday, Wednesday and Thursday, until 24:00 by the clock of winter.
    assert.equal(new Date(visit!.due! * 1000).toISOString(), '2026-10-30T00:00:00.000Z')
    assert.deepEqual(visit!.prev, [first])
  }
})
