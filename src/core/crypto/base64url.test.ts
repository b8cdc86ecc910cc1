import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConcordatError } from '../error.ts'
import { fromBase64url, fromBase64urlOfSize, isDigest, isRandomId, toBase64url } from './base64url.ts'

function refuses(run: () => unknown): void {
  assert.throws(run, (error) => error instanceof ConcordatError && error.code === 'BASE64URL_INVALID')
}

test('one spelling for each byte string', () => {
  assert.deepEqual(fromBase64url(''), new Uint8Array())
  assert.deepEqual(fromBase64url('QQ'), Uint8Array.of(0x41))
  assert.deepEqual(fromBase64url('-_8'), Uint8Array.of(0xfb, 0xff))
  for (const text of ['Q', 'QR', 'QUJDR', '-_9', 'QQ=', 'QQ==', '+/8', 'Q Q', ' QQ', 'QQ\n', 'Q\tQ', 'QÄ', 'QQ\0']) {
    refuses(() => fromBase64url(text))
  }
})

test('what is accepted is written alike', () => {
  const characters = fc.constantFrom(...'AQgwRx-_+/= 09')
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 9 }), fc.uint8Array({ maxLength: 40 }), (parts, bytes) => {
      assert.deepEqual(fromBase64url(toBase64url(bytes)), bytes)
      assert.equal(toBase64url(bytes), Buffer.from(bytes).toString('base64url'))
      const text = parts.join('')
      try {
        assert.equal(toBase64url(fromBase64url(text)), text)
      } catch (error) {
        assert.ok(error instanceof ConcordatError)
      }
    }),
    { numRuns: 1000 },
  )
})

test('digests and random ids have their exact size', () => {
  for (let size = 0; size < 40; size++) {
    const text = toBase64url(randomBytes(size))
    assert.equal(isDigest(text), size === 32)
    assert.equal(isRandomId(text), size === 16)
    assert.equal(fromBase64urlOfSize(text, size).length, size)
    refuses(() => fromBase64urlOfSize(text, size + 1))
  }
  // Set bits after the last byte.
  assert.equal(isDigest(`${'A'.repeat(42)}B`), false)
  assert.equal(isRandomId(`${'A'.repeat(21)}B`), false)
  assert.equal(isDigest(undefined), false)
})
