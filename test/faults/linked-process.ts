/**
 * One member's node in a process of its own, which reaches the others over the test's links: `linked-process.ts FOLDER NAME PORT
 * TIME LINKS`, where its clock begins at TIME, in Unix seconds, and LINKS is what `Links.portsFor` says, as JSON. Ends with its parent.
 */
import { randomBytes } from 'node:crypto'
import type { Http, HttpRequest } from '../../src/client/http.ts'
import { openMemberFolder, serveMember } from '../../src/sandbox/member-node.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { checkedServers } from '../openapi-check.ts'

/** That it serves, that another program has its port just now, what it logs as gone wrong. */
export type LinkedSaid = 'ready' | 'port taken' | { error: string }

const [folder = '', name = '', port = '', time = '', links = ''] = process.argv.slice(2)
process.once('disconnect', () => process.exit(1))
const say = (said: LinkedSaid) => process.send?.(said)
const clock = new StoryClock(Number(time))
const opened = await openMemberFolder(folder, clock)
const member = await serveMember({
  name,
  folder: { ...opened, http: overLinks(opened.http, JSON.parse(links) as Record<string, number>) },
  port: Number(port),
  clock,
  random: (sizeBytes) => randomBytes(sizeBytes),
  log: { info() {}, error: (facts: object) => say({ error: JSON.stringify(facts) }) },
  // An answer that the OpenAPI document does not allow becomes a 500, which no test here takes.
  makeServer: checkedServers().makeServer,
}).catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error
  process.send?.('port taken' satisfies LinkedSaid, () => process.exit(1))
  return new Promise<never>(() => {})
})
await member.node.start()
say('ready')

/** What is signed is the address that the other node knows as its own; only the connection goes another way. */
function overLinks(http: Http, ports: Record<string, number>): Http {
  return new Proxy(http, {
    get(_, method) {
      if (method === 'close') return () => http.close()
      return (request: HttpRequest) => {
        const url = new URL(request.url)
        url.port = String(ports[url.port] ?? url.port)
        return http.send({ ...request, url: url.href })
      }
    },
  })
}
