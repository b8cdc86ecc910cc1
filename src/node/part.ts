import type { Clock } from '../core/clock.ts'
import { ConcordatError } from '../core/error.ts'
import { caseAsOf } from '../core/ledger/case-as-of.ts'
import { tookPart } from '../core/ledger/kinds/case-entry.ts'
import {
  type BlueprintRow,
  type CaseRow,
  findBlueprint,
  findCase,
  findMember,
  type MemberRow,
} from '../core/ledger/state.ts'
import type { Custody } from '../custody/custody.ts'
import type { HostedOrdering } from '../ordering/hosted/hosted.ts'
import type { Storage } from '../storage/storage.ts'
import type { Documents } from './documents.ts'
import type { Successors } from './successors.ts'
import type { Vault } from './vault.ts'

/** One member's part in one register. */
export interface Part {
  register: string
  member: string
  storage: Storage
  custody: Custody
  clock: Clock
  /** Cryptographic randomness, for ids. */
  random: (sizeBytes: number) => Uint8Array
  ordering: HostedOrdering
  documents: Documents
  vault: Vault
  successors: Successors
}

export async function findCaseRow(part: Part, caseId: string): Promise<CaseRow | undefined> {
  return findCase(await part.ordering.log.rows([`case/${caseId}`]), caseId)
}

export async function getCaseRow(part: Part, caseId: string): Promise<CaseRow> {
  const row = await findCaseRow(part, caseId)
  // A case of others is as unknown as one that never was: who handles what is not for everyone (RULES 28).
  if (row === undefined || !tookPart(row, part.member)) {
    throw new ConcordatError({
      code: 'CASE_UNKNOWN',
      expected: 'a case in which this member has a role',
      got: 'another',
    })
  }
  return row
}

/** A case as the leaves below `size` left it, with the version under which it ran then. */
export async function caseAt(
  part: Part,
  newest: CaseRow,
  size: number,
): Promise<{ row: CaseRow; blueprint: BlueprintRow }> {
  const blueprint = await getBlueprintRow(part, newest.bp)
  const row = caseAsOf(newest, blueprint.skeleton, size)
  return { row, blueprint: row.bp === newest.bp ? blueprint : await getBlueprintRow(part, row.bp) }
}

export async function getBlueprintRow(part: Part, hash: string): Promise<BlueprintRow> {
  const row = findBlueprint(await part.ordering.log.rows([`blueprint/${hash}`]), hash)
  if (row !== undefined) return row
  throw new ConcordatError({
    code: 'BLUEPRINT_UNKNOWN',
    expected: 'a blueprint proposed on this register',
    got: 'another',
  })
}

export async function getMemberRow(part: Part, member: string): Promise<MemberRow> {
  const row = findMember(await part.ordering.log.rows([`member/${member}`]), member)
  if (row !== undefined) return row
  throw new ConcordatError({ code: 'MEMBER_UNKNOWN', expected: 'a member of this register', got: 'another' })
}

/**
 * Throws what the register would answer to this entry now, as far as this node knows: so nothing is kept, or sent, of what the rules
 * refuse anyway. The register still decides.
 */
export async function refuseUnacceptable(part: Part, jws: string): Promise<void> {
  const check = () => part.ordering.log.findRefusal({ jws, time: part.clock.now() })
  if ((await check()) === undefined) return
  // It may be news to this node that the entry builds upon.
  await part.ordering.catchUp()
  const refusal = await check()
  if (refusal !== undefined) throw new ConcordatError(refusal)
}
