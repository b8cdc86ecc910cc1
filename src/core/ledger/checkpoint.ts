import { ConcordatError } from '../error.ts'
import { findHash, toBase64 } from './base64.ts'
import { EMPTY_ROOT, sameBytes } from './merkle.ts'
import { formatNote, type NoteKey } from './note.ts'

/** C2SP tlog-checkpoint without extension lines (RULES 28): nobody audits those, and an ML-DSA-44 cosignature does not cover them. */
export interface Checkpoint {
  origin: string
  size: number
  root: Uint8Array
}

/** RULES 31: one origin a term, so that no signature of one term counts in another. */
export function originOf(register: string, term: number): string {
  return `${register}/${term}`
}

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/** Parses a note's text. It says nothing about who signed it. Sizes from 2^53 on are refused. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', rootLine = '', end, ...extensions] = text.split('\n')
  const root = findHash(rootLine)
  const sound = origin !== '' && isDecimal(size) && root !== undefined && end === '' && extensions.length === 0
  if (!sound) {
    throw new ConcordatError({
      code: 'CHECKPOINT_INVALID',
      expected: 'three lines: origin, size, base64 of a 32-byte root',
      got: 'something else',
    })
  }
  if (size === '0' && !sameBytes(root, EMPTY_ROOT)) {
    throw new ConcordatError({
      code: 'CHECKPOINT_INVALID',
      expected: 'the root of the empty tree at size 0',
      got: 'another root',
    })
  }
  return { origin, size: Number(size), root }
}

/** A checkpoint signed by its log. `sign` is custody's Ed25519; `key` is of type 1 and named by the origin. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  key: NoteKey & { type: 1 },
  sign: (data: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const text = formatCheckpoint(checkpoint)
  const signature = await sign(new TextEncoder().encode(text))
  return formatNote({ text, signatures: [{ name: key.name, keyId: key.keyId, signature }] })
}

/** ASCII decimal without leading zeros, below 2^53. */
export function isDecimal(text: string): boolean {
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text))
}
