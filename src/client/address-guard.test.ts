import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConcordatError } from '../core/error.ts'
import { guardedLookup, isInternalAddress, parseAddress } from './address-guard.ts'
import { Http } from './http.ts'

const internal = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.19.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '2001:db8::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'ff02::1',
  'not an address',
  '',
]
const outside = [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '192.0.3.1',
  '100.128.0.1',
  '223.255.255.255',
  '2600::1',
  '2a00:1450::8',
]

describe('address guard', () => {
  for (const address of internal) {
    it(`takes ${address || 'nothing'} for internal`, () => assert.equal(isInternalAddress(address), true))
  }
  for (const address of outside) {
    it(`takes ${address} for outside`, () => assert.equal(isInternalAddress(address), false))
  }

  const refused = [
    'http://node.example',
    'https://127.0.0.1/nodes/a',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://user:secret@node.example/',
    'https://node.example/?a=b',
    'https://node.example/#a',
    'ftp://node.example/',
    'file:///etc/passwd',
    'node.example',
    '',
  ]
  for (const address of refused) {
    it(`refuses ${address || 'nothing'} unless internal addresses are allowed`, () => {
      assert.throws(() => parseAddress(address, { allowInternal: false }), isRefusal)
    })
  }
  it('takes https anywhere else', () => {
    assert.equal(parseAddress('https://node.example/nodes/a', { allowInternal: false }).host, 'node.example')
    assert.equal(parseAddress('https://8.8.8.8/', { allowInternal: false }).host, '8.8.8.8')
  })
  it('takes http and internal addresses where they are allowed, and nothing else more', () => {
    assert.equal(parseAddress('http://127.0.0.1:8080/nodes/a', { allowInternal: true }).port, '8080')
    assert.throws(() => parseAddress('ftp://127.0.0.1/', { allowInternal: true }), isRefusal)
    assert.throws(() => parseAddress('http://user:secret@127.0.0.1/', { allowInternal: true }), isRefusal)
  })

  for (const all of [true, false]) {
    it(`refuses a name of an internal address (all: ${all})`, async () => {
      const error = await new Promise((resolve) => guardedLookup('localhost', { all }, (error) => resolve(error)))
      assert.ok(isRefusal(error))
    })
  }
  it('is asked by the connection itself', async () => {
    const http = new Http({ timeoutMs: 2_000, allowInternal: false })
    const request = { method: 'GET', url: 'https://localhost:1/', headers: {}, body: undefined, maxBytes: 1 } as const
    await assert.rejects(http.send(request), isRefusal)
    http.close()
  })
})

function isRefusal(error: unknown): boolean {
  assert.ok(error instanceof ConcordatError, String(error))
  assert.equal(error.code, 'ADDRESS_REFUSED')
  assert.ok(!error.message.includes('secret'))
  return true
}
