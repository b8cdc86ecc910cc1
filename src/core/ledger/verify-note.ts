import { ConcordatError } from '../error.ts'
import type { Checks } from './checks.ts'
import { cosignatureMessage, parseCosignature } from './cosignature.ts'
import { isBy, type NoteKey, type NoteSignature, type SignedNote } from './note.ts'

/** A signature that fits its key. `time` is null for type 1, which has none. */
export interface VerifiedSignature {
  key: NoteKey
  time: number | null
}

/**
 * C2SP signed-note: signatures by unknown keys are ignored; one that a known key did not make refuses the whole note, and so does
 * a note that no known key signed. In the order of the note; a key that signed twice is there twice.
 */
export async function verifyNote(
  note: SignedNote,
  keys: readonly NoteKey[],
  checks: Checks,
): Promise<VerifiedSignature[]> {
  const verified: VerifiedSignature[] = []
  for (const signature of note.signatures) {
    const key = keys.find((k) => isBy(signature, k))
    if (key !== undefined) verified.push({ key, time: await verifySignature(note.text, signature, key, checks) })
  }
  if (verified.length === 0) {
    throw new ConcordatError({ code: 'NOTE_SIGNER_UNKNOWN', expected: 'a signature by a known key', got: 'none' })
  }
  return verified
}

async function verifySignature(
  text: string,
  line: NoteSignature,
  key: NoteKey,
  checks: Checks,
): Promise<number | null> {
  if (key.type === 1) {
    const fits = await checks.verify('Ed25519', key.jwk, new TextEncoder().encode(text), line.signature)
    if (fits) return null
  } else {
    const { time, signature } = parseCosignature(key.type, line.signature)
    const algorithm = key.type === 4 ? 'Ed25519' : 'ML-DSA-44'
    if (await checks.verify(algorithm, key.jwk, cosignatureMessage(text, key, time), signature)) return time
  }
  throw new ConcordatError({
    code: 'NOTE_SIGNATURE_INVALID',
    expected: 'the signature of this key over the text',
    got: 'another',
    name: line.name,
    keyId: line.keyId,
  })
}
