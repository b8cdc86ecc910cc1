import { ConcordatError } from '../core/error.ts'
import { DISPUTE_RETENTION } from './dispute.ts'
import type { Part } from './part.ts'
import { getCaseRow } from './part.ts'
import { recallsOf, recallsReaching } from './recalls.ts'
import { erasureMark, parseVaultKeyId, vaultKeyId } from './vault.ts'

/** RULES 25: told at a random time, so that a list of such entries does not link the cases of one person. */
const TOLD_WITHIN_SECONDS = 7 * 24 * 60 * 60

/**
 * Destroys this node's keys to one subject's fields in a case (RULES 25), in the retention classes named. The key store first:
 * once it is done, nothing in the database, its journal or any backup of it opens. What comes later under those keys is refused.
 */
export async function erase(
  part: Part,
  wanted: { case: string; subject: string; retention: readonly string[] | 'all' },
): Promise<{ erased: number; kept: string[] }> {
  const row = await getCaseRow(part, wanted.case)
  const blueprint = await part.documents.get(row.bp)
  const classes = [...blueprint.retention.map(({ id }) => id), DISPUTE_RETENTION]
  // Destroyed ids are kept for ever, so made-up ones are not let in.
  if (![...blueprint.roles, ...(blueprint.persons ?? [])].some(({ id }) => id === wanted.subject)) {
    throw new ConcordatError({ code: 'SUBJECT_UNKNOWN', expected: 'a role or person of the blueprint', got: 'another' })
  }
  if (wanted.retention !== 'all' && !wanted.retention.every((id) => classes.includes(id))) {
    throw new ConcordatError({
      code: 'RETENTION_UNKNOWN',
      expected: 'retention classes of the blueprint',
      got: 'another',
    })
  }
  const erased = classes.filter((id) => wanted.retention === 'all' || wanted.retention.includes(id))
  const { register } = part
  const recalls = recallsReaching((await recallsOf(part, wanted.case)).recalls, part.member).map(({ id }) => id)
  const vaultKeys = blueprint.roles.flatMap(({ id: role }) =>
    erased.flatMap((retention) => {
      const scope = { register, case: wanted.case, subject: wanted.subject, role, retention }
      return [erasureMark(scope), ...[null, ...recalls].map((after) => vaultKeyId({ ...scope, after }))]
    }),
  )
  const held = (await part.storage.caseGroups(part.register, wanted.case)).map(({ vaultKey }) => vaultKey)
  await part.custody.destroyVaultKeys(vaultKeys)
  const dueAt = part.clock.now() + randomBelow(part, TOLD_WITHIN_SECONDS)
  await part.storage.saveOwedErasure({ register, case: wanted.case, recall: null, opened: null, dueAt })
  await part.storage.eraseGroups(vaultKeys)
  const kept = held
    .map(parseVaultKeyId)
    .filter(({ subject, retention }) => subject === wanted.subject && !erased.includes(retention))
    .map(({ retention }) => retention)
  return { erased: held.filter((vaultKey) => vaultKeys.includes(vaultKey)).length, kept: [...new Set(kept)].sort() }
}

function randomBelow(part: Part, limit: number): number {
  const bytes = part.random(4)
  const drawn = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  return Math.floor((drawn * limit) / 2 ** 32)
}
