import { CaseProgress } from './case-progress.ts'
import type { Skeleton } from './skeleton.ts'
import type { CaseRow } from './state.ts'

/**
 * A case as the leaves below `size` left it. A node's rows may be ahead of what is committed; only the committed part is shown,
 * delivered or served (RULES 30). `skeleton` is that of the version under which the row stands.
 */
export function caseAsOf(row: CaseRow, skeleton: Skeleton, size: number): CaseRow {
  return row.changed < size ? row : CaseProgress.asOf(row, skeleton, size).row()
}
