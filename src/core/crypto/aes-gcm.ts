import { createCipheriv, createDecipheriv } from 'node:crypto'

export const AES_KEY_BYTES = 32
/** Only 96-bit IVs: others go through GHASH and lose the guarantee against repeats (SP 800-38D 8.2). */
export const AES_IV_BYTES = 12
export const AES_TAG_BYTES = 16

/** AES-256-GCM: ciphertext and tag. A key never gets the same IV twice. */
export function sealAes256Gcm(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: AES_TAG_BYTES })
  cipher.setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Undefined unless the tag, which follows the ciphertext, is right for all four. */
export function openAes256Gcm(
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  if (key.length !== AES_KEY_BYTES || iv.length !== AES_IV_BYTES || sealed.length < AES_TAG_BYTES) return undefined
  const end = sealed.length - AES_TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: AES_TAG_BYTES })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    return Buffer.concat([plaintext, decipher.final()])
  } catch {
    return undefined
  }
}
