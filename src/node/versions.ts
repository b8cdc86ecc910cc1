import { type Blueprint, documentStepId } from '../core/blueprint/blueprint.ts'
import { stepIn } from '../core/ledger/case-version.ts'
import type { CaseRow } from '../core/ledger/state.ts'
import type { Part } from './part.ts'

/** A version under which a case runs or ran, as its document. */
export interface DocumentVersion {
  bp: string
  blueprint: Blueprint
}

/** A step of one version of a case in the words of that version or a later one; undefined where a mapping leaves it out. */
export function stepNameIn(
  { versions }: Pick<CaseRow, 'versions'>,
  at: { bp: string; step: string },
  { bp, blueprint }: DocumentVersion,
): string | undefined {
  const step = stepIn(versions, at, bp)
  return step === undefined ? undefined : documentStepId(blueprint, step)
}

/** The documents of every version under which the case runs or ran, by hash. */
export async function documentsOf(part: Part, { bp, versions }: CaseRow): Promise<Map<string, Blueprint>> {
  const hashes = [...versions.map((version) => version.bp), bp]
  return new Map(await Promise.all(hashes.map(async (hash) => [hash, await part.documents.get(hash)] as const)))
}
