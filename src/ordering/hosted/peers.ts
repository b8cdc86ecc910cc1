import type { ErrorDetail } from '../../core/error.ts'

export type SubmitOutcome = { index: number } | { refusal: ErrorDetail }

/** How the hosted engine reaches other members' nodes. Answers are not trusted; any call may fail. */
export interface HostedPeers {
  /** Answers once every entry is committed or refused. */
  submitEntries(member: string, entries: readonly string[]): Promise<SubmitOutcome[]>
  /** An entry bundle of exactly `width` leaves (C2SP tlog-tiles). */
  readBundle(member: string, n: number, width: number): Promise<Uint8Array>
  /** The newest certificate that the sequencer publishes. */
  findCheckpoint(member: string): Promise<string | undefined>
  /** C2SP tlog-witness. */
  addCheckpoint(member: string, body: string): Promise<{ status: number; body: string }>
  sendCertificate(member: string, note: string): Promise<void>
}

/** Signs with this operator's checkpoint keys, in custody. */
export interface CheckpointSigner {
  signCheckpoint(algorithm: 'Ed25519' | 'ML-DSA-44', data: Uint8Array): Promise<Uint8Array>
}
