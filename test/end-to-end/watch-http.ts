import { channel } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'

/** Everything that requests and answers say outside their bodies, at servers and at clients. */
export function watchHttp(t: TestContext): { heads: Set<string>; requests: { count: number } } {
  const heads = new Set<string>()
  const requests = { count: 0 }
  const onServer = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    requests.count++
    heads.add(request.url ?? '')
    for (const line of request.rawHeaders) heads.add(line)
    heads.add(JSON.stringify(response.getHeaders()))
  }
  const onClient = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    heads.add(request.path)
    heads.add(JSON.stringify(request.getHeaders()))
  }
  const channels = [
    [channel('http.server.response.finish'), onServer],
    [channel('http.client.request.start'), onClient],
  ] as const
  for (const [watched, listener] of channels) watched.subscribe(listener)
  t.after(() => {
    for (const [watched, listener] of channels) watched.unsubscribe(listener)
  })
  return { heads, requests }
}

/** Bodies of requests to nodes and of their answers. */
export function keepExchanged(server: FastifyInstance, exchanged: (string | Buffer)[]): void {
  const keep = (url: string, body: unknown) => {
    if (url.startsWith('/nodes/') && (typeof body === 'string' || Buffer.isBuffer(body))) exchanged.push(body)
  }
  server.addHook('preHandler', async ({ url, body }) => keep(url, body))
  server.addHook('onSend', async ({ url }, _reply, payload) => {
    keep(url, payload)
    return payload
  })
}
