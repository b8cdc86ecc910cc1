import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTlogProof, parseTlogProof } from './tlog-proof.ts'

const hash = new Uint8Array(32)

test('a proof has at most 63 hashes and a checkpoint', () => {
  const proof = { extra: null, index: 5, proof: Array(63).fill(hash), checkpoint: 'checkpoint\n' }
  assert.deepEqual(parseTlogProof(formatTlogProof(proof)), proof)
  for (const changed of [{ proof: Array(64).fill(hash) }, { checkpoint: '' }, { index: 2 ** 53 }]) {
    assert.throws(() => parseTlogProof(formatTlogProof({ ...proof, ...changed })), { code: 'TLOG_PROOF_INVALID' })
  }
})
