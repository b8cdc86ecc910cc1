import { randomBytes } from 'node:crypto'
import { AES_IV_BYTES, openAes256Gcm, sealAes256Gcm } from '../core/crypto/aes-gcm.ts'

/** AES-256-GCM under a random IV: IV, ciphertext, tag. `context` is authenticated: what is sealed opens in its own place only. */
export function seal(key: Uint8Array, context: string, bytes: Uint8Array): Uint8Array {
  const iv = randomBytes(AES_IV_BYTES)
  return Buffer.concat([iv, sealAes256Gcm(key, iv, Buffer.from(context), bytes)])
}

/** Undefined for bytes altered, or sealed under another key or for another context. */
export function unseal(key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array | undefined {
  return openAes256Gcm(key, sealed.subarray(0, AES_IV_BYTES), Buffer.from(context), sealed.subarray(AES_IV_BYTES))
}
