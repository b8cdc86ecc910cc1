import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../crypto/hash.ts'
import { EMPTY_ROOT, verifyConsistencySync, verifyInclusionSync } from './merkle.ts'
import { nodeHash } from './tree.ts'

const [a, b] = [sha256('a'), sha256('b')]
const root = nodeHash(a, b)

test('an index is a whole number below the size', () => {
  verifyInclusionSync({ index: 1, size: 2, root, leafHash: b, proof: [a] }, sha256)
  for (const index of [-1, 0.5, 1.5, 2, 3, Number.NaN, 2 ** 53]) {
    for (const leafHash of [a, b]) {
      const claim = { index, size: 2, root, leafHash, proof: [leafHash === a ? b : a] }
      assert.throws(() => verifyInclusionSync(claim, sha256), { code: 'PROOF_INCLUSION_INVALID' }, String(index))
    }
  }
})

test('from the empty tree nothing is consistent but itself', () => {
  const empty = { oldSize: 0, oldRoot: EMPTY_ROOT, size: 0, root: EMPTY_ROOT, proof: [] }
  verifyConsistencySync(empty, sha256)
  const others = [
    { ...empty, oldRoot: a, root: a },
    { ...empty, size: 2, root },
    { ...empty, size: 2, root, proof: [a, b] },
    { ...empty, size: 1, root: a, proof: [a] },
    { ...empty, oldRoot: a, size: 2, root, proof: [b] },
    { ...empty, oldRoot: a, size: 2, root, proof: [a, b] },
    { ...empty, oldSize: 2, oldRoot: root },
  ]
  for (const claim of others)
    assert.throws(() => verifyConsistencySync(claim, sha256), { code: 'PROOF_CONSISTENCY_INVALID' })
})
