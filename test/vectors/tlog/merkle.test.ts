import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256 } from '../../../src/core/crypto/hash.ts'
import { ConcordatError } from '../../../src/core/error.ts'
import {
  EMPTY_ROOT,
  leafInput,
  nodeInput,
  verifyConsistency,
  verifyConsistencySync,
  verifyInclusion,
  verifyInclusionSync,
} from '../../../src/core/ledger/merkle.ts'
import { nodeChecks } from '../../../src/core/ledger/node-checks.ts'
import { appendToTree } from '../../../src/core/ledger/tree.ts'
import { readSharedJson, sharedVectorsAbsent } from '../shared-vectors.ts'

interface Case {
  name: string
  proof: string[] | null
  wantErr: boolean
}
type InclusionCase = Case & { leafIdx: number; treeSize: number; root: string; leafHash: string }
type ConsistencyCase = Case & { size1: number; size2: number; root1: string; root2: string }

test('inclusion proofs, valid and invalid', { skip: sharedVectorsAbsent }, async () => {
  const cases = readSharedJson<InclusionCase[]>('tlog/merkle/inclusion.json')
  assert.equal(cases.length, 98)
  for (const { name, leafIdx, treeSize, root, leafHash, proof, wantErr } of cases) {
    const claim = { index: leafIdx, size: treeSize, root: raw(root), leafHash: raw(leafHash), proof: hashes(proof) }
    const valid = await holds(() => verifyInclusion(claim, nodeChecks.sha256), 'PROOF_INCLUSION_INVALID')
    assert.equal(valid, !wantErr, name)
    assert.equal(await holds(() => verifyInclusionSync(claim, sha256), 'PROOF_INCLUSION_INVALID'), valid, name)
  }
})

test('consistency proofs, valid and invalid', { skip: sharedVectorsAbsent }, async () => {
  const cases = readSharedJson<ConsistencyCase[]>('tlog/merkle/consistency.json')
  assert.equal(cases.length, 98)
  for (const { name, size1, size2, root1, root2, proof, wantErr } of cases) {
    const claim = { oldSize: size1, oldRoot: raw(root1), size: size2, root: raw(root2), proof: hashes(proof) }
    const valid = await holds(() => verifyConsistency(claim, nodeChecks.sha256), 'PROOF_CONSISTENCY_INVALID')
    // Its root has 12 bytes; ours takes no root that is not a hash.
    const exception = name === 'additional/sizes-are-equal-one-and-proof-is-empty'
    assert.equal(valid, !wantErr && !exception, name)
    assert.equal(await holds(() => verifyConsistencySync(claim, sha256), 'PROOF_CONSISTENCY_INVALID'), valid, name)
  }
})

test('hashes, nodes and roots of a tree', { skip: sharedVectorsAbsent }, () => {
  const vectors = readSharedJson<{
    hasher: { name: string; root?: string; leaf?: string; left?: string; right?: string; hash?: string }[]
    leafInputs: string[]
    nodeHashes: string[][]
    rootHashes: string[]
  }>('tlog/merkle/tree.json')
  for (const { root, leaf, left, right, hash } of vectors.hasher) {
    if (root !== undefined) assert.equal(EMPTY_ROOT.toHex(), root)
    else if (leaf !== undefined) assert.equal(hex(sha256(leafInput(Uint8Array.fromHex(leaf)))), hash)
    else assert.equal(hex(sha256(nodeInput(Uint8Array.fromHex(left!), Uint8Array.fromHex(right!)))), hash)
  }
  const leafHashes = vectors.leafInputs.map((leaf) => sha256(leafInput(Uint8Array.fromHex(leaf))))
  assert.deepEqual(leafHashes.map(hex), vectors.nodeHashes[0])
  for (const [size, root] of vectors.rootHashes.entries()) {
    const grown = appendToTree({ size: 0, readTile: () => undefined }, leafHashes.slice(0, size))
    assert.equal(hex(grown.root), root, `size ${size}`)
  }
})

async function holds(verify: () => unknown, code: string): Promise<boolean> {
  try {
    await verify()
    return true
  } catch (error) {
    assert.ok(error instanceof ConcordatError && error.code === code, String(error))
    return false
  }
}

function raw(base64: string): Uint8Array {
  return Uint8Array.fromBase64(base64)
}

function hashes(proof: string[] | null): Uint8Array[] {
  return (proof ?? []).map(raw)
}

function hex(bytes: Uint8Array): string {
  return new Uint8Array(bytes).toHex()
}
