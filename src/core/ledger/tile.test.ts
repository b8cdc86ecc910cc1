import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConcordatError } from '../error.ts'
import { bundlePath, encodeBundle, parseBundle, parseTilePath, tilePath } from './tile.ts'

test('bundles come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 256 }), (leaves) => {
      assert.deepEqual(parseBundle(encodeBundle(leaves)), leaves)
    }),
    { numRuns: 1000 },
  )
})

test('a bundle that is cut anywhere is another bundle or none', () => {
  const leaves = ['one', '', 'three']
  const bundle = encodeBundle(leaves)
  const whole = [0, 5, 7, 14]
  for (let length = 0; length < bundle.length; length++) {
    const cut = bundle.subarray(0, length)
    if (whole.includes(length)) assert.deepEqual(parseBundle(cut), leaves.slice(0, whole.indexOf(length)))
    else assert.throws(() => parseBundle(cut), { code: 'BUNDLE_INVALID' })
  }
})

test('a bundle has at most 256 leaves of at most 65,535 bytes of UTF-8', () => {
  encodeBundle(['x'.repeat(65_535)])
  assert.throws(() => encodeBundle(['x'.repeat(65_536)]), { code: 'BUNDLE_INVALID' })
  assert.throws(() => encodeBundle(Array(257).fill('')), { code: 'BUNDLE_INVALID' })
  assert.throws(() => parseBundle(new Uint8Array(257 * 2)), { code: 'BUNDLE_INVALID' })
  assert.throws(() => parseBundle(new Uint8Array([0, 1, 0xff])), { code: 'BUNDLE_INVALID' })
})

test('a path has one spelling, and comes back as it was written', () => {
  const n = fc.oneof(fc.nat({ max: 2000 }), fc.maxSafeNat())
  fc.assert(
    fc.property(fc.nat({ max: 63 }), n, fc.integer({ min: 1, max: 256 }), (level, number, width) => {
      assert.deepEqual(parseTilePath(tilePath(level, number, width)), { kind: 'hashes', level, n: number, width })
      assert.deepEqual(parseTilePath(bundlePath(number, width)), { kind: 'entries', n: number, width })
    }),
    { numRuns: 1000 },
  )
  const others = [
    '/tile/0/000',
    'tile/00/000',
    'tile/0/0',
    'tile/0/x000/001',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/300',
    'tile/0/000/',
    'tile/0/000\n',
    'tile/entries/../checkpoint',
    'tile/0/x009/x007/x199/x254/x740/992',
  ]
  for (const path of others) assert.throws(() => parseTilePath(path), ConcordatError, path)
})
