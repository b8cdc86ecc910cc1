import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { Http } from './http.ts'

let server: Server
let base: string
let connections = 0
const http = new Http({ timeoutMs: 200, allowInternal: true })

before(async () => {
  server = createServer((request, response) => {
    if (request.url === '/never') return
    if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': '10' })
      response.write('12345')
      return setImmediate(() => response.destroy())
    }
    request.pipe(response.writeHead(200, { 'content-type': 'TEXT/Plain; charset=utf-8' }))
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  http.close()
  server.closeAllConnections()
  server.close()
})

const post = (path: string, body: string, maxBytes = 100) =>
  http.send({ method: 'POST', url: base + path, headers: {}, body: Buffer.from(body), maxBytes })

async function refusedAs(code: ErrorCode, sent: Promise<unknown>): Promise<void> {
  await assert.rejects(sent, (error) => error instanceof ConcordatError && error.code === code)
}

describe('http', () => {
  it('gives status, media type and bytes, over one connection', async () => {
    for (const body of ['', 'mòran taing', 'a'.repeat(100)]) {
      const response = await post('/echo', body)
      assert.deepEqual(
        { ...response, body: Buffer.from(response.body).toString() },
        { status: 200, type: 'text/plain', body },
      )
    }
    assert.equal(connections, 1)
  })
  it('refuses a longer answer than asked for', () =>
    refusedAs('REMOTE_RESPONSE_INVALID', post('/echo', 'a'.repeat(101))))
  it('gives up on a server that does not answer', () => refusedAs('REMOTE_UNREACHABLE', post('/never', '')))
  it('gives up on an answer that is cut off', () => refusedAs('REMOTE_UNREACHABLE', post('/cut', '')))
  it('gives up where nobody listens', () =>
    refusedAs(
      'REMOTE_UNREACHABLE',
      http.send({ method: 'GET', url: 'http://127.0.0.1:1/', headers: {}, body: undefined, maxBytes: 1 }),
    ))
})
