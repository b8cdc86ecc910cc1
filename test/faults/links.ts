import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Link {
  from: string
  to: string
  server: Server
  sockets: Set<Socket>
  isCut: boolean
}

/** The network between nodes: from each to each other a port of its own, which passes bytes on until it is cut. */
export class Links {
  readonly #ports: ReadonlyMap<string, number>
  readonly #links: readonly Link[]

  private constructor(ports: ReadonlyMap<string, number>, links: readonly Link[]) {
    this.#ports = ports
    this.#links = links
  }

  /** `ports`: where each node serves on this machine. */
  static async open(ports: ReadonlyMap<string, number>): Promise<Links> {
    const pairs = [...ports.keys()].flatMap((from) => [...ports.keys()].map((to) => ({ from, to })))
    const links = pairs.filter(({ from, to }) => from !== to).map(({ from, to }) => makeLink(from, to, ports.get(to)!))
    await Promise.all(
      links.map(({ server }) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))),
    )
    return new Links(ports, links)
  }

  /** For one node: what it must call instead of each other node's port. */
  portsFor(node: string): Record<number, number> {
    const mine = this.#links.filter(({ from }) => from === node)
    return Object.fromEntries(mine.map(({ to, server }) => [this.#ports.get(to)!, portOf(server)]))
  }

  /** Between these nodes and the others nothing passes, either way: connections end, new ones are not taken. */
  cutOff(nodes: ReadonlySet<string>): void {
    for (const link of this.#links) {
      if (nodes.has(link.from) === nodes.has(link.to)) continue
      link.isCut = true
      for (const socket of link.sockets) socket.destroy()
    }
  }

  mend(): void {
    for (const link of this.#links) link.isCut = false
  }

  close(): void {
    for (const { server, sockets } of this.#links) {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

function makeLink(from: string, to: string, port: number): Link {
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    if (link.isCut) return incoming.destroy()
    const outgoing = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  const link: Link = { from, to, server, sockets, isCut: false }
  return link
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
