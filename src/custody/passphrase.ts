import { argon2 } from 'node:crypto'
import { ConcordatError } from '../core/error.ts'

/** What one guess at the passphrase costs (RFC 9106). */
export interface Argon2Cost {
  memoryKiB: number
  passes: number
  parallelism: number
}

export const ARGON2_NONCE_BYTES = 16

/** A written passphrase counts as the UTF-8 of its NFC form, so that it opens from every keyboard. */
export function passphraseBytes(passphrase: Uint8Array | string): Uint8Array {
  return typeof passphrase === 'string' ? Buffer.from(passphrase.normalize('NFC')) : passphrase
}

/** The 256-bit key under which all others of a folder lie. The limits keep an altered folder from taking all memory at start. */
export function deriveKeyEncryptionKey(
  passphrase: Uint8Array,
  { memoryKiB, passes, parallelism }: Argon2Cost,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const withinLimits =
    isBetween(parallelism, 1, 16) && isBetween(passes, 1, 64) && isBetween(memoryKiB, 8 * parallelism, 1_048_576)
  if (!withinLimits || nonce.length !== ARGON2_NONCE_BYTES)
    throw new ConcordatError({
      code: 'CUSTODY_INVALID',
      expected: 'Argon2id with 1 to 16 lanes, 1 to 64 passes, 8 KiB a lane to 1 GiB of memory',
      got: 'other parameters',
    })
  return new Promise((resolve, reject) => {
    const parameters = { message: passphrase, nonce, memory: memoryKiB, passes, parallelism, tagLength: 32 }
    argon2('argon2id', parameters, (error, derived) => {
      if (error) reject(error)
      else resolve(derived)
    })
  })
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}
