import type { Skeleton } from './skeleton.ts'
import type { CaseAct, CaseRecord, CaseRow, CaseVersion } from './state.ts'

interface StepsOpened {
  bp: string
  next: readonly string[]
}

/** A step of the version `bp`, as a later version of the case names it; undefined where a mapping leaves it out. */
export function stepIn(
  versions: readonly CaseVersion[],
  { bp, step }: { bp: string; step: string },
  later: string,
): string | undefined {
  let at: string | undefined = step
  const from = versions.findIndex((version) => version.bp === bp)
  if (bp === later || from < 0) return at
  for (const version of versions.slice(from)) {
    if (version.bp === later || at === undefined) break
    at = Object.hasOwn(version.mapping, at) ? version.mapping[at] : undefined
  }
  return at
}

/** The steps that a record opens, as a later version of the case names them; sorted, each once. */
export function nextIn(versions: readonly CaseVersion[], record: StepsOpened, later: string): string[] {
  const { bp, next } = record
  return [...new Set(next.flatMap((step) => stepIn(versions, { bp, step }, later) ?? []))].sort()
}

/**
 * The steps to which a case has come, as the version under which it runs names them: open or used once, also by what is void or
 * closed now, since undoing an entry leads back to them.
 */
export function stepsComeTo(row: CaseRow): string[] {
  const used = [...row.records, ...row.acts.flatMap((act) => lapsedOpening(row, act) ?? [])]
  const inForce = used.flatMap(({ bp, step, next }) => {
    return [stepIn(row.versions, { bp, step }, row.bp) ?? [], nextIn(row.versions, { bp, next }, row.bp)].flat()
  })
  return [...new Set([...row.openings.map(({ step }) => step), ...inForce])].sort()
}

/** The opening that a lapse used, and what it opened in its place. It came under the version of the record before it. */
export function lapsedOpening(
  row: CaseRow,
  act: CaseAct,
): (StepsOpened & { step: string; prev: string[] }) | undefined {
  if (act.kind !== 'lapse' || act.what.type !== 'opening') return undefined
  const { bp } = row.records.findLast(({ index }) => index < act.index)!
  return { bp, step: act.what.step, prev: act.what.prev, next: act.what.next }
}

/** The skeleton of a version under which the case runs or ran. */
export function skeletonOf(row: Pick<CaseRow, 'versions'>, current: Skeleton, bp: string): Skeleton {
  return row.versions.find((version) => version.bp === bp)?.skeleton ?? current
}

/** A case's records and the versions under which they were signed. */
type CaseLine = Pick<CaseRow, 'bp' | 'versions'> & { records: readonly CaseRecord[] }

/** The record of its own step that a correction replaces (RULES 17). The decision of a review is of a step of its own. */
export function correctedRecord(
  row: CaseLine,
  { bp, step, replaces }: Pick<CaseRecord, 'bp' | 'step' | 'replaces'>,
): CaseRecord | undefined {
  const replaced = replaces === null ? undefined : row.records.find(({ id }) => id === replaces)
  if (replaced === undefined) return undefined
  return stepIn(row.versions, replaced, row.bp) === stepIn(row.versions, { bp, step }, row.bp) ? replaced : undefined
}

/** The record with which a chain of corrections that count began: they stand in for it, also in what it opened. */
export function originOf(row: CaseLine, id: string): string {
  const record = row.records.find((candidate) => candidate.id === id)
  const corrected = record && correctedRecord(row, record)
  return corrected?.replacedBy === id ? originOf(row, corrected.id) : id
}
