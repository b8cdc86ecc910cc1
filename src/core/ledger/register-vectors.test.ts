import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonValue } from '../canonical-json.ts'
import { ConcordatError } from '../error.ts'
import { applyEntry, rowsNamed } from './apply-entry.ts'
import { parseEntry, parseLeaf, verifyLeafTime } from './entry.ts'
import { verifyEntry } from './verify-entry.ts'

interface Vectors {
  leaves: string[]
  ids: string[]
  rows: { [key: string]: JsonValue }
  invalid: { name: string; index: number; time: number; jws: string; code: string }[]
}

const path = new URL('../../../test/vectors/ledger/register.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors

async function apply(rows: Map<string, JsonValue>, jws: string, leaf: { index: number; time: number }) {
  const parsed = parseEntry(jws)
  const named = new Map(rowsNamed(parsed).flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!]] : [])))
  const entry = await verifyEntry(parsed, named)
  return { id: entry.id, changes: applyEntry(named, entry, leaf) }
}

/** The state after the first `size` leaves. */
async function fold(size: number) {
  const rows = new Map<string, JsonValue>()
  const ids: string[] = []
  let previous = 0
  for (const [index, leaf] of vectors.leaves.slice(0, size).entries()) {
    const { time, jws } = parseLeaf(leaf)
    verifyLeafTime(previous, time)
    previous = time
    const { id, changes } = await apply(rows, jws, { index, time })
    ids.push(id)
    for (const [key, row] of changes) rows.set(key, row)
  }
  return { rows, ids }
}

test('the vectors give the state that docs/formats tells of', async () => {
  const { rows, ids } = await fold(vectors.leaves.length)
  assert.deepEqual(ids, vectors.ids)
  assert.deepEqual(Object.fromEntries(rows), vectors.rows)
})

for (const { name, index, time, jws, code } of vectors.invalid) {
  test(`vector refused: ${name}`, async () => {
    const { rows } = await fold(index)
    await assert.rejects(
      apply(rows, jws, { index, time }),
      (error) => error instanceof ConcordatError && error.code === code,
    )
  })
}
