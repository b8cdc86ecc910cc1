import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sha256 } from '../crypto/hash.ts'
import { EMPTY_ROOT, verifyConsistencySync, verifyInclusionSync } from './merkle.ts'
import { TILE_WIDTH, widthInTree } from './tile.ts'
import { appendToTree, consistencyProof, inclusionProof, leafHash, nodeHash, type ReadTile, rootOf } from './tree.ts'

const LEAVES = Array.from({ length: 70_000 }, (_, i) => leafHash(`leaf ${i}`))

/** RFC 6962 section 2.1, as the definition reads. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return EMPTY_ROOT
  if (leaves.length === 1) return leaves[0]!
  let left = 1
  while (left * 2 < leaves.length) left *= 2
  return nodeHash(naiveRoot(leaves.slice(0, left)), naiveRoot(leaves.slice(left)))
}

/** A tree in memory that keeps the widest tile of each place, and checks what each append hands out. */
function growingTree() {
  const tiles = new Map<string, Uint8Array>()
  const readTile: ReadTile = (level, n) => tiles.get(`${level}/${n}`)
  let size = 0
  return {
    readTile,
    append(count: number) {
      const grown = appendToTree({ size, readTile }, LEAVES.slice(size, size + count))
      for (const { level, n, hashes } of grown.tiles) {
        assert.equal(hashes.length, widthInTree(level, n, grown.size) * 32)
        const before = tiles.get(`${level}/${n}`) ?? new Uint8Array()
        assert.deepEqual(hashes.subarray(0, before.length), before)
        tiles.set(`${level}/${n}`, hashes)
      }
      size = grown.size
      return grown
    },
  }
}

const bigTree = growingTree()
bigTree.append(LEAVES.length)

test('appending in random batches gives the root of the naive tree', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 8 }), (batches) => {
      const tree = growingTree()
      let size = 0
      for (const batch of batches) {
        const grown = tree.append(batch)
        size += batch
        assert.equal(grown.size, size)
        assert.equal(hex(grown.root), hex(rootOf(size, tree.readTile)))
      }
      assert.equal(hex(rootOf(size, tree.readTile)), hex(naiveRoot(LEAVES.slice(0, size))))
    }),
    { numRuns: 1000 },
  )
})

test('a tree of three levels has the naive root, and its smaller trees are read from its tiles', () => {
  assert.equal(hex(rootOf(70_000, bigTree.readTile)), hex(naiveRoot(LEAVES)))
  for (const size of [1, 255, 256, 257, 65_535, 65_536, 65_537]) {
    assert.equal(hex(rootOf(size, bigTree.readTile)), hex(naiveRoot(LEAVES.slice(0, size))))
  }
})

test('an append changes only the tiles at the right edge', () => {
  const tree = growingTree()
  tree.append(65_535)
  const places = tree.append(1).tiles.map(({ level, n, hashes }) => [level, n, hashes.length / 32])
  assert.deepEqual(places, [
    [0, 255, TILE_WIDTH],
    [1, 0, TILE_WIDTH],
    [2, 0, 1],
  ])
  assert.deepEqual(tree.append(0).tiles, [])
})

test('inclusion proofs hold, and with any bit of the leaf or the proof flipped do not', () => {
  fc.assert(
    fc.property(place(), fc.nat(), fc.nat({ max: 255 }), ({ index, size }, flipped, bit) => {
      const root = rootOf(size, bigTree.readTile)
      const claim = {
        index,
        size,
        root,
        leafHash: LEAVES[index]!,
        proof: inclusionProof(index, size, bigTree.readTile),
      }
      verifyInclusionSync(claim, sha256)
      const hashes = [claim.leafHash, ...claim.proof].map((hash) => new Uint8Array(hash))
      const hash = hashes[flipped % hashes.length]!
      hash[bit >> 3]! ^= 1 << (bit & 7)
      const [forgedLeaf, ...forgedProof] = hashes
      const forged = { ...claim, leafHash: forgedLeaf!, proof: forgedProof }
      assert.throws(() => verifyInclusionSync(forged, sha256), { code: 'PROOF_INCLUSION_INVALID' })
    }),
    { numRuns: 1000 },
  )
})

test('consistency proofs hold, and with any bit of the proof or a root flipped do not', () => {
  fc.assert(
    fc.property(place(), fc.nat(), fc.nat({ max: 255 }), ({ index, size }, flipped, bit) => {
      const oldSize = index + 1
      const proof = consistencyProof(oldSize, size, bigTree.readTile)
      const claim = {
        oldSize,
        oldRoot: rootOf(oldSize, bigTree.readTile),
        size,
        root: rootOf(size, bigTree.readTile),
        proof,
      }
      verifyConsistencySync(claim, sha256)
      const hashes = [claim.oldRoot, claim.root, ...proof].map((hash) => new Uint8Array(hash))
      const hash = hashes[flipped % hashes.length]!
      hash[bit >> 3]! ^= 1 << (bit & 7)
      const [oldRoot, root, ...forgedProof] = hashes
      const forged = { ...claim, oldRoot: oldRoot!, root: root!, proof: forgedProof }
      assert.throws(() => verifyConsistencySync(forged, sha256), { code: 'PROOF_CONSISTENCY_INVALID' })
    }),
    { numRuns: 1000 },
  )
})

test('no inclusion proof stands for another index or size', () => {
  fc.assert(
    fc.property(place(), place(), (claimed, other) => {
      fc.pre(claimed.index !== other.index || claimed.size !== other.size)
      const proof = inclusionProof(claimed.index, claimed.size, bigTree.readTile)
      const root = rootOf(other.size, bigTree.readTile)
      const forged = { ...other, root, leafHash: LEAVES[claimed.index]!, proof }
      const sameProof = inclusionProof(other.index, other.size, bigTree.readTile)
      fc.pre(claimed.index !== other.index || sameProof.length !== proof.length)
      assert.throws(() => verifyInclusionSync(forged, sha256), { code: 'PROOF_INCLUSION_INVALID' })
    }),
    { numRuns: 1000 },
  )
})

test('a tile that is missing or too narrow is an error, not another root', () => {
  assert.throws(() => rootOf(300, () => undefined), { code: 'TILE_MISSING' })
  assert.throws(() => rootOf(300, () => new Uint8Array(32)), { code: 'TILE_MISSING' })
  assert.throws(() => appendToTree({ size: 3, readTile: () => undefined }, LEAVES.slice(3, 4)), {
    code: 'TILE_MISSING',
  })
})

/** Small sizes, sizes round powers of two and tile edges, and any other. */
function place(): fc.Arbitrary<{ index: number; size: number }> {
  const edges = fc.tuple(fc.integer({ min: 0, max: 16 }), fc.integer({ min: -1, max: 1 })).map(([h, d]) => 2 ** h + d)
  return fc
    .oneof(fc.integer({ min: 1, max: 600 }), edges, fc.integer({ min: 1, max: 70_000 }))
    .map((size) => Math.max(1, size))
    .chain((size) => fc.record({ index: fc.integer({ min: 0, max: size - 1 }), size: fc.constant(size) }))
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex()
}
