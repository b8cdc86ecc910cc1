import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError } from '../../../src/core/error.ts'
import { formatTlogProof, parseTlogProof } from '../../../src/core/ledger/tlog-proof.ts'
import { readSharedJson, sharedVectorsAbsent } from '../shared-vectors.ts'

interface ProofCase {
  name: string
  index: number
  extra?: string
  hashes: string[]
  checkpoint: string
  text: string
}

test('framing of tlog-proof', { skip: sharedVectorsAbsent }, () => {
  const vectors = readSharedJson<{ valid: ProofCase[]; invalid: { name: string; text: string }[] }>(
    'tlog/proof/format.json',
  )
  assert.equal(vectors.valid.length + vectors.invalid.length, 10)
  for (const { index, extra, hashes, checkpoint, text } of vectors.valid) {
    const proof = {
      extra: extra === undefined ? null : Uint8Array.fromBase64(extra),
      index,
      proof: hashes.map((hash) => Uint8Array.fromBase64(hash)),
      checkpoint,
    }
    assert.deepEqual(parseTlogProof(text), proof)
    assert.equal(formatTlogProof(proof), text)
  }
  for (const { name, text } of vectors.invalid) assert.throws(() => parseTlogProof(text), ConcordatError, name)
})
