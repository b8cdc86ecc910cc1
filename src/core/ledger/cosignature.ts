import { ConcordatError } from '../error.ts'
import { parseCheckpoint } from './checkpoint.ts'
import type { NoteKey, NoteSignature } from './note.ts'

/** C2SP tlog-cosignature. A member's cosignature says more: that it applied every leaf up to that size (RULES 29). `time` is Unix seconds. */
export interface Cosignature {
  time: number
  signature: Uint8Array
}

export type CosignerKey = NoteKey & { type: 4 | 6 }

const SIGNATURE_BYTES = { 4: 64, 6: 2420 } as const
const MAX_NAME_BYTES = 255

/** What a cosigner signs over a checkpoint's text: an Ed25519 message (type 4) or a `cosigned_message` (type 6). */
export function cosignatureMessage(text: string, key: Pick<CosignerKey, 'type' | 'name'>, time: number): Uint8Array {
  return key.type === 4 ? encode(`cosignature/v1\ntime ${time}\n${text}`) : cosignedMessage(text, key.name, time)
}

/** `sign` is custody's, with the algorithm of the key. The caller has made the leaves and (term, size, root) durable before (RULES 30). */
export async function cosign(
  text: string,
  key: CosignerKey,
  time: number,
  sign: (data: Uint8Array) => Promise<Uint8Array>,
): Promise<NoteSignature> {
  const raw = await sign(cosignatureMessage(text, key, time))
  const signature = new Uint8Array(8 + raw.length)
  new DataView(signature.buffer).setBigUint64(0, BigInt(time))
  signature.set(raw, 8)
  return { name: key.name, keyId: key.keyId, signature }
}

/** Splits a `timestamped_signature`; it is not checked yet. */
export function parseCosignature(type: 4 | 6, bytes: Uint8Array): Cosignature {
  if (bytes.length !== 8 + SIGNATURE_BYTES[type]) {
    throw cosignatureError(`${8 + SIGNATURE_BYTES[type]} bytes`, `${bytes.length}`)
  }
  const time = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw cosignatureError('a time below 2^53', 'a later one')
  return { time: Number(time), signature: bytes.subarray(8) }
}

/** struct { label[12], cosigner_name<1..255>, uint64 timestamp, log_origin<1..255>, uint64 start = 0, uint64 end = size, hash[32] }. */
function cosignedMessage(text: string, name: string, time: number): Uint8Array {
  const { origin, size, root } = parseCheckpoint(text)
  const message = new Uint8Array(12 + 1 + MAX_NAME_BYTES + 8 + 1 + MAX_NAME_BYTES + 8 + 8 + 32)
  const view = new DataView(message.buffer)
  let at = put(message, encode('subtree/v1\n\0'), 0)
  at = putNamed(message, name, at)
  view.setBigUint64(at, BigInt(time))
  at = putNamed(message, origin, at + 8)
  view.setBigUint64(at + 8, BigInt(size))
  at = put(message, root, at + 16)
  return message.subarray(0, at)
}

function putNamed(target: Uint8Array, name: string, at: number): number {
  const bytes = encode(name)
  if (bytes.length === 0 || bytes.length > MAX_NAME_BYTES) {
    throw cosignatureError(`names of 1 to ${MAX_NAME_BYTES} bytes`, `${bytes.length} bytes`)
  }
  target[at] = bytes.length
  return put(target, bytes, at + 1)
}

function put(target: Uint8Array, bytes: Uint8Array, at: number): number {
  target.set(bytes, at)
  return at + bytes.length
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function cosignatureError(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'COSIGNATURE_INVALID', expected, got })
}
