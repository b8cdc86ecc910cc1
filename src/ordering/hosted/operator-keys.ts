import { originOf } from '../../core/ledger/checkpoint.ts'
import type { CosignerKey } from '../../core/ledger/cosignature.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { type NoteKey, noteKey } from '../../core/ledger/note.ts'
import { findMember, type MemberRow } from '../../core/ledger/state.ts'
import type { RegisterLog } from '../register-log.ts'

/** A member whose node follows the register and cosigns: an operator, or an observer beside the quorum. */
export interface Follower {
  member: string
  address: string | null
  keys: CosignerKey[]
}

/** The sequencer's key for its term's checkpoints. */
export async function logKey(register: string, term: number, row: MemberRow): Promise<NoteKey & { type: 1 | 4 }> {
  const checkpoint = checkpointKeys(row)
  const key = await noteKey(originOf(register, term), { type: 1, jwk: checkpoint.ed25519 }, nodeChecks.sha256)
  return { ...key, type: 1, jwk: checkpoint.ed25519 }
}

/** A member's cosignature keys, named by its member id. */
export async function cosignerKeys(member: string, row: MemberRow): Promise<CosignerKey[]> {
  const { ed25519, mldsa44 } = checkpointKeys(row)
  return (await Promise.all([
    noteKey(member, { type: 4, jwk: ed25519 }, nodeChecks.sha256),
    noteKey(member, { type: 6, jwk: mldsa44 }, nodeChecks.sha256),
  ])) as CosignerKey[]
}

export async function findMemberRow(log: RegisterLog, member: string): Promise<MemberRow | undefined> {
  return findMember(await log.rows([`member/${member}`]), member)
}

function checkpointKeys(row: MemberRow): NonNullable<MemberRow['keys']['checkpoint']> {
  if (row.keys.checkpoint === null) throw new TypeError('a member that runs no node has no checkpoint keys')
  return row.keys.checkpoint
}
