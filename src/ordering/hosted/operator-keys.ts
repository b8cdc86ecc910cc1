import type { OkpPublicJwk } from '../../core/crypto/jwk.ts'
import { ConcordatError } from '../../core/error.ts'
import { type Checkpoint, originOf } from '../../core/ledger/checkpoint.ts'
import type { OperatingMember } from '../../core/ledger/configuration.ts'
import type { CosignerKey } from '../../core/ledger/cosignature.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { formatNote, isBy, type NoteKey, noteKey, type SignedNote } from '../../core/ledger/note.ts'
import { findMember, type MemberRow } from '../../core/ledger/state.ts'
import { verifyNote } from '../../core/ledger/verify-note.ts'
import type { RegisterLog } from '../register-log.ts'

/** A member whose node follows the register and cosigns: an operator, or an observer beside the quorum. */
export interface Follower {
  member: string
  address: string | null
  keys: CosignerKey[]
}

/** The key that signs a term's checkpoints. */
export async function logKey(register: string, term: number, jwk: OkpPublicJwk): Promise<NoteKey & { type: 1 }> {
  const key = await noteKey(originOf(register, term), { type: 1, jwk }, nodeChecks.sha256)
  return { ...key, type: 1, jwk }
}

/** The operator whose key signed a checkpoint, as the sequencer of the term that its origin names; undefined if none did. */
export async function findSigner(
  note: SignedNote,
  { origin }: Checkpoint,
  members: readonly Pick<OperatingMember, 'id' | 'checkpoint'>[],
): Promise<string | undefined> {
  for (const { id, checkpoint } of members) {
    if (checkpoint === null) continue
    const key = await noteKey(origin, { type: 1, jwk: checkpoint.ed25519 }, nodeChecks.sha256)
    if (!note.signatures.some((signature) => isBy(signature, key))) continue
    // A key id proves nothing: another's may be the same.
    const verified = await verifyNote(note, [key], nodeChecks).catch(passRefusal)
    if (verified !== undefined) return id
  }
  return undefined
}

/** A checkpoint with no signature but the log's own. */
export function withoutCosignatures({ text, signatures }: SignedNote, key: NoteKey): string {
  return formatNote({ text, signatures: signatures.filter((signature) => isBy(signature, key)).slice(0, 1) })
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

function passRefusal(error: unknown): undefined {
  if (!(error instanceof ConcordatError)) throw error
}
