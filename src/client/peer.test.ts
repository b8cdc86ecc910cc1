import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { checkResponses } from '../../test/openapi-check.ts'
import { digest } from '../core/crypto/hash.ts'
import { HPKE_SUITE } from '../core/crypto/hpke.ts'
import { generateSigningKey, signWith } from '../core/crypto/signature.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import type { Node } from '../node/node.ts'
import { createServer } from '../server/server.ts'
import { Http } from './http.ts'
import { Peer } from './peer.ts'

/** Over real HTTP, through the real server, up to the node: which of its methods is reached, and with what. */
const NOW = 1_750_000_000
const key = generateSigningKey('ES256')
const caller = thumbprint(key.publicJwk)
const member = digest('the other member')
const register = digest('a register')
const clock = { now: () => NOW, wait: () => assert.fail('nothing here waits') }
const random = (bytes: number) => new Uint8Array(randomBytes(bytes))
const sent: unknown[][] = []
let answer: unknown

const reached = new Proxy({} as Node, {
  get(_, name) {
    if (name === 'member') return member
    if (name === 'requestKeys') return async (_register: string, id: string) => (id === caller ? [key.publicJwk] : [])
    return async (...given: unknown[]) => {
      sent.push([name, ...given])
      return answer
    }
  },
})

const http = new Http({ timeoutMs: 5_000, allowInternal: true })
const nodes = new Map<string, { node: Node; address: string }>()
let server: FastifyInstance
let documented: { assertDocumented(): void }
let peer: Peer

function peerOf(of: { member: string; address?: string }): Peer {
  const { address } = nodes.get(member)!
  return new Peer({ http, address, signers: async () => [async (data) => signWith(key, data)], clock, random, ...of })
}

before(async () => {
  server = createServer({
    nodes,
    findToken: async () => undefined,
    clock,
    random,
    log: false,
    bodyLimitBytes: 1024 * 1024,
    signedBodyLimitBytes: 16 * 1024 * 1024,
  })
  documented = checkResponses(server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  nodes.set(member, { node: reached, address: `http://127.0.0.1:${port}/nodes/${member}` })
  peer = peerOf({ member: caller })
})
after(async () => {
  http.close()
  await server.close()
  documented.assertDocumented()
})
beforeEach(() => {
  sent.length = 0
})

async function failsWith(remoteCode: string | null, run: Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof ConcordatError, String(error))
    assert.ok(error.detail.code === 'REMOTE_FAILED', error.message)
    assert.equal(error.detail.remoteCode, remoteCode)
    return true
  })
}

describe('peer', () => {
  it('submits entries', async () => {
    const refusal = { code: 'JTI_USED', expected: 'a jti not used before', got: 'one used before' }
    answer = [{ index: 7 }, { refusal }]
    assert.deepEqual(await peer.submitEntries(register, ['a.b.c', 'd.e.f']), answer)
    assert.deepEqual(sent, [['submitEntries', register, caller, ['a.b.c', 'd.e.f']]])
  })
  it('delivers more than a client may send', async () => {
    answer = { results: [{ state: 'acknowledged' }, { state: 'erased' }] }
    const due = { record: digest('record'), role: 'council', authorisedBy: digest('entry') }
    const grant = { suite: HPKE_SUITE, kid: digest('kid'), ...due, enc: 'AAAA', ciphertext: 'AAAA' } as const
    const sealed = 'A'.repeat(4 * 1024 * 1024)
    const message = {
      checkpoint: 'a note',
      items: [
        { ...due, grant, groups: [{ index: 1, sealed }] },
        { ...due, erased: true as const },
      ],
    }
    assert.deepEqual(await peer.deliver(register, message), [{ state: 'acknowledged' }, { state: 'erased' }])
    assert.deepEqual(sent, [['acceptDeliveries', register, caller, message]])
  })
  it('hands on certificates and finds documents', async () => {
    answer = undefined
    await peer.sendCertificate(register, 'a note\nMòrag\n')
    assert.equal(await peer.findDocument(register, digest('none')), undefined)
    answer = '{"a":1}'
    assert.equal(await peer.findDocument(register, digest('one')), answer)
    assert.deepEqual(sent, [
      ['acceptCertificate', register, caller, 'a note\nMòrag\n'],
      ['findDocument', digest('none')],
      ['findDocument', digest('one')],
    ])
  })
  it('reads checkpoint, tiles and bundles', async () => {
    answer = 'a note\n'
    assert.equal(await peer.findCheckpoint(register), 'a note\n')
    answer = new Uint8Array(random(32 * 256))
    assert.deepEqual(new Uint8Array(await peer.readTile(register, { level: 1, n: 1234, width: 256 })), answer)
    assert.deepEqual(new Uint8Array(await peer.readBundle(register, { n: 0, width: 3 })), answer)
    assert.deepEqual(sent, [
      ['logCheckpoint', register],
      ['logTile', register, 1, 1234, 256],
      ['logBundle', register, 0, 3],
    ])
  })
  it("takes a witness's statuses for answers", async () => {
    for (const [status, contentType, body] of [
      [200, 'text/plain; charset=utf-8', '— a line\n'],
      [409, 'text/x.tlog.size', '7\n'],
      [422, 'text/plain; charset=utf-8', ''],
      [503, 'text/plain; charset=utf-8', ''],
    ] as const) {
      answer = { status, contentType, body }
      assert.deepEqual(await peer.addCheckpoint(register, 'old 0\n'), { status, body })
    }
    assert.deepEqual(sent[0], ['addCheckpoint', register, 'old 0\n'])
  })
  it('says with which code the other node refused', async () => {
    const stranger = peerOf({ member: digest('a stranger') })
    await failsWith('REQUEST_SIGNER_UNKNOWN', stranger.submitEntries(register, ['a.b.c']))
    const { address } = nodes.get(member)!
    const elsewhere = peerOf({ member: caller, address: address.replace('127.0.0.1', 'localhost') })
    await failsWith('REQUEST_SIGNATURE_INVALID', elsewhere.submitEntries(register, ['a.b.c']))
    await failsWith('INPUT_INVALID', peer.submitEntries(register, ['no entry']))
    await failsWith('TILE_PATH_INVALID', peer.readTile(register, { level: 64, n: 0, width: 1 }))
    await failsWith('INPUT_TOO_LONG', peer.readBundle(`${register}/x`, { n: 0, width: 1 }))
    assert.deepEqual(sent, [])
  })
})
