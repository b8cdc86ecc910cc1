import { fromBase64urlOfSize, toBase64url } from '../crypto/base64url.ts'
import type { AkpPublicJwk, OkpPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { fromBase64, fromLaxBase64, toBase64 } from './base64.ts'
import type { Hash } from './checks.ts'

/** C2SP signed-note. `text` ends in a newline and is what is signed. */
export interface SignedNote {
  text: string
  signatures: NoteSignature[]
}

/** One signature line. `keyId` is 8 hexadecimal digits; `signature` is what follows the key id. */
export interface NoteSignature {
  name: string
  keyId: string
  signature: Uint8Array
}

/** Signature types of C2SP signed-note: 1 Ed25519 of a log, 4 and 6 timestamped cosignatures (C2SP tlog-cosignature). */
export type NoteKey = { name: string; keyId: string } & NoteKeyMaterial
export type NoteKeyMaterial =
  | { type: 1; jwk: OkpPublicJwk }
  | { type: 4; jwk: OkpPublicJwk }
  | { type: 6; jwk: AkpPublicJwk }

/** Room for 100 operators with both signatures each; C2SP asks for 16 signatures at least. */
export const MAX_NOTE_LENGTH = 524_288
const MAX_SIGNATURES = 256
const ED25519_KEY_BYTES = 32
const ML_DSA_44_KEY_BYTES = 1312

/** The signatures are not checked yet, so nothing in the text may be believed (see verify-note.ts). */
export function parseNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_LENGTH) throw noteError(`a note of at most ${MAX_NOTE_LENGTH} characters`, 'a longer one')
  if (!note.isWellFormed() || hasControlCharacter(note)) {
    throw noteError('text without control characters', 'control characters or lone surrogates')
  }
  const end = note.lastIndexOf('\n\n')
  if (end <= 0) throw noteError('a text, an empty line and signature lines', 'no empty line after a text')
  return { text: note.slice(0, end + 1), signatures: parseSignatureLines(note.slice(end + 2)) }
}

/** One or more lines, as they end a note and as a witness answers them. */
export function parseSignatureLines(lines: string): NoteSignature[] {
  const rows = lines.split('\n')
  if (rows.pop() !== '' || rows.length === 0)
    throw noteError('signature lines, each ended by a newline', 'none or a cut one')
  if (rows.length > MAX_SIGNATURES) throw noteError(`at most ${MAX_SIGNATURES} signatures`, `${rows.length}`)
  return rows.map(parseSignatureLine)
}

export function formatNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`
}

export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const bytes = new Uint8Array(4 + signature.length)
  bytes.set(Uint8Array.fromHex(keyId))
  bytes.set(signature, 4)
  return `— ${name} ${toBase64(bytes)}\n`
}

/** The key id is a hint that says which key to check with; it proves nothing. */
export async function noteKey(name: string, material: NoteKeyMaterial, hash: Hash): Promise<NoteKey> {
  if (!isKeyName(name)) throw keyError('a key name without spaces or +', `${name.length} characters that are none`)
  const input = new TextEncoder().encode(`${name}\n`)
  const key = typedKey(material)
  const bytes = new Uint8Array(input.length + key.length)
  bytes.set(input)
  bytes.set(key, input.length)
  return { name, keyId: (await hash(bytes)).subarray(0, 4).toHex(), ...material }
}

/** A verifier key as C2SP programs write it: `<name>+<key id>+<base64 of type and key>`. */
export async function parseVkey(vkey: string, hash: Hash): Promise<NoteKey> {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey)
  if (match === null) throw keyError('<name>+<8 hexadecimal digits>+<base64>', 'something else')
  const [, name = '', keyId, encoded = ''] = match
  const key = await noteKey(name, parseTypedKey(fromBase64(encoded)), hash)
  if (key.keyId !== keyId) throw keyError('the key id of this name and key', 'another key id')
  return key
}

export function formatVkey(key: NoteKey): string {
  return `${key.name}+${key.keyId}+${toBase64(typedKey(key))}`
}

/** Tuples of name and key id are what identifies a key (C2SP signed-note). */
export function isBy(signature: NoteSignature, key: NoteKey): boolean {
  return signature.name === key.name && signature.keyId === key.keyId
}

function parseSignatureLine(line: string): NoteSignature {
  const match = /^— (\S+) ([A-Za-z0-9+/=]+)$/u.exec(line)
  if (match === null) throw noteError('— <name> <base64>', 'another line')
  const [, name = '', encoded = ''] = match
  const bytes = fromLaxBase64(encoded)
  if (!isKeyName(name) || bytes.length < 5)
    throw noteError('a key name, a key id and a signature', 'less, or a name with +')
  return { name, keyId: bytes.subarray(0, 4).toHex(), signature: bytes.subarray(4) }
}

function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+]/u.test(name) && !hasControlCharacter(name)
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 && unit !== 0x0a) return true
  }
  return false
}

function typedKey(material: NoteKeyMaterial): Uint8Array {
  const key =
    material.type === 6
      ? fromBase64urlOfSize(material.jwk.pub, ML_DSA_44_KEY_BYTES)
      : fromBase64urlOfSize(material.jwk.x, ED25519_KEY_BYTES)
  const typed = new Uint8Array(1 + key.length)
  typed[0] = material.type
  typed.set(key, 1)
  return typed
}

function parseTypedKey(typed: Uint8Array): NoteKeyMaterial {
  const type = typed[0]
  const key = typed.subarray(1)
  if ((type === 1 || type === 4) && key.length === ED25519_KEY_BYTES) {
    return { type, jwk: { kty: 'OKP', crv: 'Ed25519', x: toBase64url(key) } }
  }
  if (type === 6 && key.length === ML_DSA_44_KEY_BYTES) {
    return { type, jwk: { kty: 'AKP', alg: 'ML-DSA-44', pub: toBase64url(key) } }
  }
  throw keyError('an Ed25519 key of type 1 or 4 or an ML-DSA-44 key of type 6', `type ${type} with ${key.length} bytes`)
}

function noteError(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'NOTE_INVALID', expected, got })
}

function keyError(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'NOTE_KEY_INVALID', expected, got })
}
