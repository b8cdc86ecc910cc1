import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InboxItem } from '../api/cases.ts'
import { textIn } from '../core/blueprint/blueprint.ts'
import type { Network } from './network.ts'

const LISTED_CASES = 100
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** A page about the sandbox's members and their cases, for whoever is at this machine. It changes nothing. Any free port if `port` is taken. */
export async function openPage(network: Network, port: number): Promise<{ address: string; close(): Promise<void> }> {
  const names: string[] = []
  const server = createServer((request, response) => {
    // A page elsewhere whose name leads to this machine must not read this one (DNS rebinding).
    if (!names.includes(request.headers.host ?? '')) {
      response.writeHead(421, HEADERS).end('<!doctype html><title>Page not found</title><h1>Page not found</h1>')
      return
    }
    answer(network, request, response).catch(() => {
      response.writeHead(500, HEADERS).end('<!doctype html><title>Sorry</title><p>Sorry, the page cannot be shown now.')
    })
  })
  await listen(server, port).catch(() => listen(server, 0))
  const { port: taken } = server.address() as AddressInfo
  names.push(`127.0.0.1:${taken}`, `localhost:${taken}`)
  return {
    address: `http://127.0.0.1:${taken}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function answer(network: Network, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' || (request.url !== '/' && request.url !== '/style.css')) {
    response.writeHead(404, HEADERS).end('<!doctype html><title>Page not found</title><h1>Page not found</h1>')
  } else if (request.url === '/style.css') {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/css; charset=utf-8' }).end(STYLE)
  } else {
    response.writeHead(200, HEADERS).end(await page(network))
  }
}

async function page(network: Network): Promise<string> {
  const { name: process, title, roles: known } = network.document
  const titles = new Map([[process, title], ...known.map((role) => [role.id, role.title] as const)])
  const titleOf = (id: string) => textIn(titles.get(id) ?? id, 'en')
  const sections: string[] = []
  for (const [id, client] of network.clients) {
    const cases = await client.listCases(LISTED_CASES)
    const waiting = await client.listInbox(LISTED_CASES)
    const rows = cases.map(({ case: caseId, name, roles, changedAt, ended }) => {
      const todo = waiting.filter((item) => item.case === caseId).map(todoOf)
      const state = ended ? 'Closed' : todo.length > 0 ? `To do: ${todo.join('; ')}` : 'With someone else'
      return `<tr><td><code>${escapeHtml(caseId)}</code></td><td>${escapeHtml(titleOf(name ?? ''))}</td><td>${escapeHtml(roles.map(titleOf).join(', '))}</td>
        <td>${timeOf(changedAt)}</td><td>${state}</td></tr>`
    })
    const table =
      rows.length === 0
        ? '<p>No cases yet.</p>'
        : `<table><caption>Cases, newest change first</caption><thead><tr><th scope="col">Case</th><th scope="col">Process</th>
           <th scope="col">Acts as</th><th scope="col">Changed (UTC)</th><th scope="col">State</th></tr></thead>
           <tbody>${rows.join('')}</tbody></table>`
    sections.push(
      `<section aria-labelledby="${id}"><h2 id="${id}">${escapeHtml(network.members.get(id)!.name)}</h2>${table}</section>`,
    )
  }
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Concordat sandbox</title>
    <meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css"></head>
    <body><main><h1>Concordat sandbox</h1>
    <p>Pretend organisations that run one agreed process together. Each sees only its own cases. Reload to see what is new.</p>
    ${sections.join('')}</main></body></html>`
}

/** What a member has to do, and the last moment for it. */
function todoOf({ kind, title, due }: InboxItem): string {
  const what = { act: '', confirm: 'countersign ', resolve: 'decide the dispute about ' }[kind] + title
  return escapeHtml(what) + (due === null ? '' : `, by ${timeOf(due)} UTC`)
}

function timeOf(unixSeconds: number): string {
  const time = new Date(unixSeconds * 1000).toISOString()
  return `<time datetime="${time}">${time.slice(0, 16).replace('T', ' ')}</time>`
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' }
  return text.replaceAll(/[&<>"']/g, (character) => `&${names[character]};`)
}

const STYLE = `
body { margin: 0; color: #0b0c0c; background: #fff; font: 1.1875rem/1.3 Arial, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 2.25rem; margin: 0 0 1rem; }
h2 { font-size: 1.5rem; margin: 2.5rem 0 0.75rem; border-top: 2px solid #1d70b8; padding-top: 0.75rem; }
table { width: 100%; border-collapse: collapse; font-size: 1rem; }
caption { text-align: left; font-weight: bold; padding-bottom: 0.5rem; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 1rem 0.5rem 0; border-bottom: 1px solid #b1b4b6; }
code { font-family: ui-monospace, monospace; font-size: 0.875rem; overflow-wrap: anywhere; }
@media (min-width: 60rem) { code { white-space: nowrap; } }
`
