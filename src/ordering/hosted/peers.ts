import type { ErrorDetail } from '../../core/error.ts'
import type { Fork } from '../../core/ledger/handover/fork.ts'

export type SubmitOutcome = { index: number } | { refusal: ErrorDetail }

/** What an operator sends to the member that is to order a term (RULES 31). */
export interface SentStatement {
  statement: string
  /** Proofs that sequencers of earlier terms lied. */
  forks: Fork[]
}

/** How the hosted engine reaches other members' nodes. Answers are not trusted; any call may fail. */
export interface HostedPeers {
  /** Answers once every entry is committed or refused; from a node that does not order, at once. */
  submitEntries(member: string, entries: readonly string[]): Promise<SubmitOutcome[]>
  /** An entry bundle of exactly `width` leaves (C2SP tlog-tiles). */
  readBundle(member: string, n: number, width: number): Promise<Uint8Array>
  /** A hash tile of exactly `width` hashes (C2SP tlog-tiles). */
  readTile(member: string, tile: { level: number; n: number; width: number }): Promise<Uint8Array>
  /** The newest certificate that a member's node publishes. */
  findCheckpoint(member: string): Promise<string | undefined>
  /** The certificate over a boundary (RULES 30). */
  findBoundaryCertificate(member: string, size: number): Promise<string | undefined>
  /** C2SP tlog-witness. */
  addCheckpoint(member: string, body: string): Promise<{ status: number; body: string }>
  sendCertificate(member: string, note: string): Promise<void>
  sendStatement(member: string, sent: SentStatement): Promise<void>
}

/** Signs with this operator's checkpoint keys, in custody. */
export interface CheckpointSigner {
  signCheckpoint(algorithm: 'Ed25519' | 'ML-DSA-44', data: Uint8Array): Promise<Uint8Array>
}
