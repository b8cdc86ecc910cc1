import type { OkpPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import type { Checks } from './checks.ts'
import type { Configuration, OperatorKeys } from './configuration.ts'
import { type NoteKey, noteKey, parseNote } from './note.ts'
import { type VerifiedSignature, verifyNote } from './verify-note.ts'

/** Which cosignatures count. One kind at a time: a quorum made up of both would be as weak as the weaker kind. */
export type CosignatureKind = 'Ed25519' | 'ML-DSA-44'

export interface CertificateClaim {
  /** A checkpoint with its cosignatures. */
  note: string
  origin: string
  /** The Ed25519 key that signs checkpoints under this origin. */
  logKey: OkpPublicJwk
  /** The one that decides about the checkpoint's size (RULES 30). */
  configuration: Pick<Configuration, 'operators' | 'quorum'>
  kind: CosignatureKind
}

export interface VerifiedCertificate {
  checkpoint: Checkpoint
  /** Operators that cosigned, by member id, with the time of the cosignature in Unix seconds. */
  cosigners: { member: string; time: number }[]
}

/**
 * RULES 30: the log's own signature and a quorum of distinct operators of the configuration. Cosignatures by anyone else, outside
 * witnesses included, are ignored. Untimed ones do not count (RULES 35).
 */
export async function verifyCertificate(claim: CertificateClaim, checks: Checks): Promise<VerifiedCertificate> {
  const note = parseNote(claim.note)
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint.origin !== claim.origin) {
    throw new ConcordatError({ code: 'CERTIFICATE_ORIGIN_MISMATCH', expected: claim.origin, got: checkpoint.origin })
  }
  const logKey = await noteKey(claim.origin, { type: 1, jwk: claim.logKey }, checks.sha256)
  const cosignerKeys = await Promise.all(
    claim.configuration.operators.map((operator) => cosignerKey(operator, claim.kind, checks)),
  )
  const verified = await verifyNote(note, [logKey, ...cosignerKeys], checks)
  if (!verified.some(({ key }) => key === logKey)) {
    throw new ConcordatError({
      code: 'CERTIFICATE_NOT_SIGNED_BY_LOG',
      expected: "the signature of the origin's own key",
      got: 'cosignatures only',
    })
  }
  const cosigners = distinctCosigners(verified)
  if (cosigners.length < claim.configuration.quorum) {
    throw new ConcordatError({
      code: 'CERTIFICATE_QUORUM_MISSING',
      expected: `timed ${claim.kind} cosignatures of ${claim.configuration.quorum} operators`,
      got: `${cosigners.length}`,
      cosigners: cosigners.length,
      quorum: claim.configuration.quorum,
    })
  }
  return { checkpoint, cosigners }
}

function cosignerKey(operator: OperatorKeys, kind: CosignatureKind, checks: Checks): Promise<NoteKey> {
  return kind === 'Ed25519'
    ? noteKey(operator.member, { type: 4, jwk: operator.ed25519 }, checks.sha256)
    : noteKey(operator.member, { type: 6, jwk: operator.mldsa44 }, checks.sha256)
}

/**
 * Counts keys, not names: an Ed25519 cosignature does not cover its signer's name, so an operator that states another's key as
 * its own could show that other's cosignature a second time.
 */
function distinctCosigners(verified: readonly VerifiedSignature[]): { member: string; time: number }[] {
  const byKey = new Map<string, { member: string; time: number }>()
  for (const { key, time } of verified) {
    const publicKey = key.type === 6 ? key.jwk.pub : key.jwk.x
    if (time !== null && time > 0) byKey.set(publicKey, { member: key.name, time })
  }
  return [...byKey.values()]
}
