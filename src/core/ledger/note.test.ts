import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeMember } from '../../../test/tlog-register.ts'
import { signWith } from '../crypto/signature.ts'
import { ConcordatError } from '../error.ts'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { cosign, parseCosignature } from './cosignature.ts'
import { nodeChecks } from './node-checks.ts'
import { formatNote, formatVkey, type NoteKey, noteKey, parseNote, parseVkey } from './note.ts'
import { verifyNote } from './verify-note.ts'

const line = '— log AAAAAAE='

test('a note is text, an empty line and signature lines, and nothing else', () => {
  const { text, signatures } = parseNote(`a\n\nb\n\n${line}\n`)
  assert.equal(text, 'a\n\nb\n')
  assert.equal(signatures.length, 1)
  const malformed = [
    '',
    line,
    `${line}\n`,
    `\n\n${line}\n`,
    `a\n\n`,
    `a\n\n${line}`,
    `a\n${line}\n`,
    `a\n\n${line}\n\n`,
    `a\n\n${line}\r\n`,
    `a\t\n\n${line}\n`,
    `a\u0000\n\n${line}\n`,
    `\ud800\n\n${line}\n`,
    `a\n\n- log AAAAAAE=\n`,
    `a\n\n—  AAAAAAE=\n`,
    `a\n\n— a+b AAAAAAE=\n`,
    `a\n\n— a b AAAAAAE=\n`,
    `a\n\n— a\u2003b AAAAAAE=\n`,
    `a\n\n— log AAAAAA==\n`,
    `a\n\n— log AAAAAAE\n`,
    `a\n\n— log AAAA-AE=\n`,
    `a\n\n${`${line}\n`.repeat(257)}`,
    `${'a'.repeat(600_000)}\n\n${line}\n`,
  ]
  for (const note of malformed) assert.throws(() => parseNote(note), ConcordatError, JSON.stringify(note.slice(0, 40)))
})

test('what is signed with each type of key verifies, and with any bit changed does not', async () => {
  const member = makeMember()
  const keys = await Promise.all([
    noteKey('log', { type: 1, jwk: member.ed25519.publicJwk }, nodeChecks.sha256),
    noteKey('member', { type: 4, jwk: member.ed25519.publicJwk }, nodeChecks.sha256),
    noteKey('member', { type: 6, jwk: member.mldsa44.publicJwk }, nodeChecks.sha256),
  ])
  const bits = fc.nat({ max: 2 ** 32 - 1 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keys),
      fc.nat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.integer({ min: 0, max: 9_999_999_999 }),
      bits,
      async (key, size, root, time, bit) => {
        const text = formatCheckpoint({ origin: 'log', size: size + 1, root })
        const signature = await signatureOf(text, key, time)
        const [verified] = await verifyNote(parseNote(formatNote({ text, signatures: [signature] })), [key], nodeChecks)
        assert.deepEqual(verified, { key, time: key.type === 1 ? null : time })
        const forged = new Uint8Array(signature.signature)
        forged[(bit >>> 3) % forged.length]! ^= 1 << (bit & 7)
        const note = { text, signatures: [{ ...signature, signature: forged }] }
        await assert.rejects(verifyNote(note, [key], nodeChecks), ConcordatError)
        const other = { text: formatCheckpoint({ origin: 'log', size: size + 2, root }), signatures: [signature] }
        await assert.rejects(verifyNote(other, [key], nodeChecks), { code: 'NOTE_SIGNATURE_INVALID' })
      },
    ),
    { numRuns: 1000 },
  )

  async function signatureOf(text: string, key: NoteKey, time: number) {
    if (key.type === 1) return { ...key, signature: signWith(member.ed25519, text) }
    const secret = key.type === 4 ? member.ed25519 : member.mldsa44
    return cosign(text, key, time, async (data) => signWith(secret, data))
  }
})

test('an ML-DSA-44 cosignature covers the name of its cosigner', async () => {
  const { mldsa44 } = makeMember()
  const [one, other] = await Promise.all(
    ['one', 'other'].map((name) => noteKey(name, { type: 6, jwk: mldsa44.publicJwk }, nodeChecks.sha256)),
  )
  assert.ok(one?.type === 6 && other?.type === 6)
  const text = formatCheckpoint({ origin: 'log', size: 1, root: new Uint8Array(32) })
  const signature = await cosign(text, one, 1, async (data) => signWith(mldsa44, data))
  const moved = { text, signatures: [{ ...signature, name: other.name, keyId: other.keyId }] }
  await assert.rejects(verifyNote(moved, [other], nodeChecks), { code: 'NOTE_SIGNATURE_INVALID' })
})

test('a cosignature has its exact length and a time below 2^53', () => {
  for (const length of [0, 71, 73, 2427, 2429]) {
    assert.throws(() => parseCosignature(4, new Uint8Array(length)), { code: 'COSIGNATURE_INVALID' })
    assert.throws(() => parseCosignature(6, new Uint8Array(length)), { code: 'COSIGNATURE_INVALID' })
  }
  assert.throws(() => parseCosignature(4, new Uint8Array(72).fill(0xff)), { code: 'COSIGNATURE_INVALID' })
})

test('verifier keys come back as they were written', async () => {
  const { ed25519, mldsa44 } = makeMember()
  const materials = [
    { type: 1, jwk: ed25519.publicJwk },
    { type: 4, jwk: ed25519.publicJwk },
    { type: 6, jwk: mldsa44.publicJwk },
  ] as const
  for (const material of materials) {
    const key = await noteKey('example.org/log', material, nodeChecks.sha256)
    assert.deepEqual(await parseVkey(formatVkey(key), nodeChecks.sha256), key)
  }
  for (const name of ['', 'a b', 'a+b', 'a\u00a0b']) {
    await assert.rejects(noteKey(name, materials[0], nodeChecks.sha256), { code: 'NOTE_KEY_INVALID' })
  }
})

test('a checkpoint is three lines', () => {
  const root = `${'A'.repeat(43)}=`
  assert.equal(parseCheckpoint(`log\n1\n${root}\n`).size, 1)
  const malformed = [
    '',
    `\n1\n${root}\n`,
    `log\n1\n${root}`,
    `log\n1\n${root}\n\n`,
    `log\n1\n${root}\nextension\n`,
    `log\n01\n${root}\n`,
    `log\n+1\n${root}\n`,
    `log\n-1\n${root}\n`,
    `log\n1.0\n${root}\n`,
    `log\n9007199254740992\n${root}\n`,
    `log\n0\n${root}\n`,
    `log\n1\n${'A'.repeat(42)}B=\n`,
    `log\n1\n${'A'.repeat(44)}\n`,
  ]
  for (const text of malformed) assert.throws(() => parseCheckpoint(text), { code: 'CHECKPOINT_INVALID' }, text)
})
