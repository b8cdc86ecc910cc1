import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Changes an answer on its way to the client; the path is the request's. */
export type Tamper = (path: string, body: Buffer) => Buffer

/** Somebody between a client and its node: passes everything on, answers changed by `tamper`. */
export async function startProxy(
  target: string,
  proxy: { tamper: Tamper },
): Promise<{ address: string; stop: () => Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    const { method, headers } = incoming
    const onward = request(target + path, { method: method ?? 'GET', headers, agent: false }, (answer) => {
      read(answer).then((body) => {
        const changed = proxy.tamper(path, body)
        const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = answer.headers
        outgoing.writeHead(answer.statusCode ?? 502, { ...kept, 'content-length': changed.length })
        outgoing.end(changed)
      }, outgoing.destroy)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
