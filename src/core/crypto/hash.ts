import { hash } from 'node:crypto'

/** Text is hashed as UTF-8. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash('sha256', data, 'buffer')
}

/** SHA-256 in base64url: 43 characters. */
export function digest(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64url')
}
