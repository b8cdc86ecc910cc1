import { ConcordatError } from '../core/error.ts'
import { HASH_BYTES } from '../core/ledger/merkle.ts'
import { TILE_WIDTH } from '../core/ledger/tile.ts'
import type { Statements } from './sqlite-statements.ts'
import type { LeafBatch } from './storage.ts'

/** 256^7 leaves are more than 2^53. */
const MAX_TILE_LEVELS = 7

/** Within a transaction that has compared the head. What the rows were is kept, for `dropLeaves`. */
export function appendLeaves(sql: Statements, register: number, batch: LeafBatch): void {
  const { expected, head, leaves, tiles, rows, cosigned } = batch
  const from = expected?.size ?? 0
  const { term, size, root, time } = head
  for (const [i, leaf] of leaves.entries())
    sql.addLeaf.run({ register, idx: from + i, id: leaf.id, case: leaf.case, leaf: leaf.leaf })
  for (const { level, n, hashes } of tiles) sql.saveTile.run({ register, level, n, hashes })
  for (const [key, value] of rows) {
    sql.keepRow.run({ register, size: from, end: size, key })
    sql.saveRow.run({ register, key, body: JSON.stringify(value) })
  }
  sql.saveHead.run({ register, term, size, root, time })
  if (cosigned !== null) sql.saveCosigned.run({ register, note: cosigned })
}

/** Takes leaves, rows and tiles back to what they were at `size`; the head is for who appends next. The leaves are kept aside. */
export function dropLeaves(sql: Statements, register: number, { size, until }: { size: number; until: number }): void {
  if (!sql.undoSizes.all({ register }).some((row) => row.size === size))
    throw new ConcordatError({ code: 'STORAGE_HEAD_MOVED', expected: 'a size to go back to', got: `${size}` })
  for (const [key, body] of undoneRows(sql, register, size)) {
    if (body === null) sql.dropRow.run({ register, key })
    else sql.saveRow.run({ register, key, body })
  }
  sql.keepLeaves.run({ register, until, size })
  sql.dropLeaves.run({ register, size })
  for (let level = 0, width = size; level < MAX_TILE_LEVELS; level++, width = Math.floor(width / TILE_WIDTH)) {
    const [n, rest] = [Math.floor(width / TILE_WIDTH), width % TILE_WIDTH]
    if (rest > 0) sql.cutTile.run({ register, level, n, bytes: rest * HASH_BYTES })
    sql.dropTiles.run({ register, level, n: rest > 0 ? n + 1 : n })
  }
  sql.dropUndoFrom.run({ register, size })
}

/** By key, the stored text that each row had at this size; null where it was not there. */
export function undoneRows(sql: Statements, register: number, size: number): Map<string, string | null> {
  // The oldest comes last, and stays.
  const rows = sql.undoRows.all({ register, size })
  return new Map(rows.map(({ key, body }) => [key as string, body as string | null]))
}
