import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError } from '../../../src/core/error.ts'
import { parseCheckpoint } from '../../../src/core/ledger/checkpoint.ts'
import { nodeChecks } from '../../../src/core/ledger/node-checks.ts'
import { formatNote, formatVkey, type NoteKey, parseNote, parseVkey } from '../../../src/core/ledger/note.ts'
import { verifyNote } from '../../../src/core/ledger/verify-note.ts'
import { readSharedJson, sharedVectorsAbsent } from '../shared-vectors.ts'

interface NoteCase {
  name: string
  vkeys: string[]
  note: string
  verified?: string[]
  error?: 'signature'
  timestamps?: Record<string, number>
}

interface VkeyCase {
  vkey: string
  valid: boolean
  name?: string
  keyId?: string
  type?: number
  key?: string
}

test('signed notes and cosignatures of both types', { skip: sharedVectorsAbsent }, async () => {
  const { cases } = readSharedJson<{ cases: NoteCase[] }>('tlog/checkpoint/notes.json')
  assert.equal(cases.length, 13)
  for (const { name, vkeys, note: text, verified, error, timestamps } of cases) {
    const keys = await Promise.all(vkeys.map((vkey) => parseVkey(vkey, nodeChecks.sha256)))
    const note = parseNote(text)
    assert.equal(formatNote(note), text)
    if (error === 'signature') {
      await assert.rejects(verifyNote(note, keys, nodeChecks), { code: 'NOTE_SIGNATURE_INVALID' }, name)
    } else if (verified!.length === 0) {
      await assert.rejects(verifyNote(note, keys, nodeChecks), { code: 'NOTE_SIGNER_UNKNOWN' }, name)
    } else {
      const signatures = await verifyNote(note, keys, nodeChecks)
      assert.deepEqual(
        signatures.map(({ key }) => idOf(key)),
        verified,
        name,
      )
      const timed = signatures.filter(({ time }) => time !== null).map(({ key, time }) => [idOf(key), time])
      assert.deepEqual(Object.fromEntries(timed), timestamps ?? {}, name)
    }
  }
})

test('verifier keys', { skip: sharedVectorsAbsent }, async () => {
  const { cases } = readSharedJson<{ cases: VkeyCase[] }>('tlog/checkpoint/vkeys.json')
  assert.equal(cases.length, 12)
  for (const { vkey, valid, name, keyId, type, key } of cases) {
    if (valid) {
      const parsed = await parseVkey(vkey, nodeChecks.sha256)
      assert.equal(formatVkey(parsed), vkey)
      if (name !== undefined) assert.equal(parsed.name, name)
      if (keyId !== undefined) assert.equal(parsed.keyId, keyId)
      if (type !== undefined) assert.equal(parsed.type, type)
      if (key !== undefined) assert.equal(bytesOf(parsed).toHex(), key)
    } else {
      await assert.rejects(parseVkey(vkey, nodeChecks.sha256), ConcordatError, vkey)
    }
  }
})

test('checkpoint bodies', { skip: sharedVectorsAbsent }, () => {
  const { cases } = readSharedJson<{ cases: { name: string; body: string; valid: boolean }[] }>(
    'tlog/checkpoint/bodies.json',
  )
  assert.equal(cases.length, 12)
  // Those called valid have roots of other lengths than 32 bytes, some with extension lines: C2SP and RULES 28 refuse them all.
  for (const { name, body } of cases) assert.throws(() => parseCheckpoint(body), { code: 'CHECKPOINT_INVALID' }, name)
})

function idOf(key: NoteKey): string {
  return `${key.name}+${key.keyId}`
}

function bytesOf(key: NoteKey): Uint8Array {
  return Uint8Array.fromBase64(key.type === 6 ? key.jwk.pub : key.jwk.x, { alphabet: 'base64url' })
}
