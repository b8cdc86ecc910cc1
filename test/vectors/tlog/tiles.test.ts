import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { test } from 'node:test'
import { ConcordatError } from '../../../src/core/error.ts'
import { fromBase64 } from '../../../src/core/ledger/base64.ts'
import { parseCheckpoint, signCheckpoint } from '../../../src/core/ledger/checkpoint.ts'
import { nodeChecks } from '../../../src/core/ledger/node-checks.ts'
import { parseNote, parseVkey } from '../../../src/core/ledger/note.ts'
import {
  bundlePath,
  encodeBundle,
  parseBundle,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
  widthInTree,
} from '../../../src/core/ledger/tile.ts'
import { appendToTree, leafHash } from '../../../src/core/ledger/tree.ts'
import { verifyNote } from '../../../src/core/ledger/verify-note.ts'
import { readSharedJson, readSharedVector, sharedVectorsAbsent } from '../shared-vectors.ts'

interface Log {
  origin: string
  vkey: string
  testSigningKey: string
  entries: string[]
}

test('a published log: roots, tiles, bundles and checkpoints at every size, its signatures reproduced', {
  skip: sharedVectorsAbsent,
}, async () => {
  const log = readSharedJson<Log>('tlog/tiles/log.json')
  const key = await parseVkey(log.vkey, nodeChecks.sha256)
  assert.ok(key.type === 1)
  const seed = fromBase64(log.testSigningKey.split('+').slice(4).join('+')).subarray(1)
  let tree = { size: 0, tile: undefined as Uint8Array | undefined }
  for (let size = 0; size <= log.entries.length; size++) {
    const leaves = log.entries.slice(tree.size, size)
    const grown = appendToTree({ size: tree.size, readTile: () => tree.tile }, leaves.map(leafHash))
    tree = { size, tile: grown.tiles[0]?.hashes ?? tree.tile }

    const published = readSharedVector(`tlog/tiles/log/checkpoint.${size}`).toString()
    const note = parseNote(published)
    assert.equal((await verifyNote(note, [key], nodeChecks)).length, 1)
    assert.deepEqual(parseCheckpoint(note.text), { origin: log.origin, size, root: new Uint8Array(grown.root) })
    const checkpoint = { origin: log.origin, size, root: grown.root }
    assert.equal(await signCheckpoint(checkpoint, key, (data) => signEd25519(seed, data)), published)
    if (size === 0) continue
    assert.deepEqual(tree.tile, new Uint8Array(readSharedVector(`tlog/tiles/log/${tilePath(0, 0, size)}`)))
    const bundle = new Uint8Array(readSharedVector(`tlog/tiles/log/${bundlePath(0, size)}`))
    assert.deepEqual(parseBundle(bundle), log.entries.slice(0, size))
    assert.deepEqual(encodeBundle(log.entries.slice(0, size)), bundle)
  }
  assert.equal(
    readSharedVector('tlog/tiles/log/checkpoint').toString(),
    readSharedVector('tlog/tiles/log/checkpoint.15').toString(),
  )
})

test('tile paths', { skip: sharedVectorsAbsent }, () => {
  const vectors = readSharedJson<{
    tilePath: { level: number; index: number; width: number; path: string }[]
    entryBundlePath: { entry: number; treeSize: number; path: string }[]
    parse: { level: string; index: string; valid: boolean; wantLevel: number; wantIndex: string; wantWidth: number }[]
    tilesOfTree: { treeSize: number; full: Record<string, number>; partial: Record<string, number> }[]
  }>('tlog/tiles/paths.json')
  for (const { level, index, width, path } of vectors.tilePath) {
    assert.equal(tilePath(level, index, width), path)
    assert.deepEqual(parseTilePath(path), { kind: 'hashes', level, n: index, width })
  }
  for (const { entry, treeSize, path } of vectors.entryBundlePath) {
    const n = Math.floor(entry / TILE_WIDTH)
    assert.equal(bundlePath(n, widthInTree(0, n, treeSize)), path)
    assert.deepEqual(parseTilePath(path), { kind: 'entries', n, width: widthInTree(0, n, treeSize) })
  }
  for (const { level, index, valid, wantLevel, wantIndex, wantWidth } of vectors.parse) {
    const path = `tile/${level}/${index}`
    // A tile number from 2^53 on is refused: no register grows to it, and as a double it would name another tile.
    if (valid && Number.isSafeInteger(Number(wantIndex))) {
      assert.deepEqual(parseTilePath(path), {
        kind: 'hashes',
        level: wantLevel,
        n: Number(wantIndex),
        width: wantWidth,
      })
    } else {
      assert.throws(() => parseTilePath(path), isPathError, path)
    }
  }
  for (const { treeSize, full, partial } of vectors.tilesOfTree) {
    for (let level = 0; level < 4; level++) {
      const count = full[level] ?? 0
      if (count > 0) assert.equal(widthInTree(level, count - 1, treeSize), TILE_WIDTH)
      assert.equal(widthInTree(level, count, treeSize), partial[level] ?? 0)
    }
  }
})

function isPathError(error: unknown): boolean {
  return error instanceof ConcordatError && error.code === 'TILE_PATH_INVALID'
}

async function signEd25519(seed: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return sign(null, data, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}
