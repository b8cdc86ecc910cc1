import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import type { TestContext } from 'node:test'
import { signRequest } from '../../src/api/request-signature.ts'
import { pathOf, type Route, SCOPES } from '../../src/api/route.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'
import { waitUntilReady } from '../../src/sandbox/play.ts'
import type { Story } from '../../src/sandbox/scenario.ts'
import { openTestNetwork, storyStart, until } from '../faults/open-network.ts'
import { permitStory } from '../faults/permit-story.ts'
import { sampleData } from '../sample-blueprint.ts'
import { StillClock } from './still-clock.ts'
import { StoredContent } from './stored-content.ts'

export interface Sent {
  status: number
  type: string
  body: string
}

/** The permit story's network, in the middle of two cases, and everything that a caller of it could know. */
export interface BadInputNetwork {
  network: Network
  clock: StillClock
  now: number
  content: StoredContent
  logged: string[]
  /** Assessed and waiting for the inspector. */
  assessed: { case: string; application: string; assessment: string }
  /** Applied for only: the inspector has no role in it. */
  applied: { case: string; application: string }
  /** Inspected; the inspection waits for the council's countersignature. */
  inspected: { case: string; application: string; inspection: string }
  /** Assessed, and the assessment disputed by the registry, which is its resolver too: so nobody can decide. */
  disputed: { case: string; assessment: string; dispute: string }[]
  /** Proposed and not approved. */
  proposed: { proposal: string; blueprint: string }
  member(id: string): MemberNode
  tokenWith(id: string, scopes: readonly string[]): Promise<string>
}

export async function openBadInputNetwork(t: TestContext): Promise<BadInputNetwork> {
  const story = storyWithWork()
  const clock = new StillClock(storyStart(story))
  const logged: string[] = []
  const { network, folder } = await openTestNetwork(t, story, {
    around: (opened) => opened,
    clock,
    onLog: (fields, message) => logged.push(message, JSON.stringify(fields)),
  })
  const council = network.clients.get('council')!
  const inspector = network.clients.get('inspector')!
  const registry = network.clients.get('registry')!
  const apply = async (idempotencyKey: string) => {
    const data = { ...sampleData().apply, visits: [1, 2, 3] }
    const started = await council.startCase({ blueprint: network.blueprint, role: 'applicant', data, idempotencyKey })
    await waitUntilReady(council, { caseId: started.case, step: 'assess' }, clock)
    return { case: started.case, application: started.record }
  }
  const assess = async (name: string) => {
    const { case: id, application } = await apply(name)
    const data = { verdict: 'inspect', inspector: network.memberIds.inspector! }
    const taken = await council.submitAction({ case: id, step: 'assess', data, idempotencyKey: `${name}-assess` })
    await waitUntilReady(inspector, { caseId: id, step: 'inspect' }, clock)
    return { case: id, application, assessment: taken.record }
  }
  const dispute = async (name: string) => {
    const { case: id, assessment: record } = await assess(name)
    const words = { role: 'registry', reason: 'other', explanation: 'The fee is not right' } as const
    const raised = await registry.raiseDispute({ case: id, record, ...words, idempotencyKey: `${name}-dispute` })
    return { case: id, assessment: record, dispute: raised.dispute }
  }
  const assessed = await assess('first')
  const applied = await apply('second')
  const third = await assess('third')
  const inspection = { case: third.case, step: 'inspect', data: sampleData().inspect, idempotencyKey: 'third-inspect' }
  const inspected = { ...third, inspection: (await inspector.submitAction(inspection)).record }
  const disputed = [await dispute('fourth'), await dispute('fifth')]
  const document = { ...network.document, version: '1.0.1' } as unknown as JsonObject
  const proposed = await council.propose({ document, idempotencyKey: 'propose' })
  const content = new StoredContent(folder, network.members.keys())
  t.after(() => content.close())
  await until('nothing is under way any more', () => isQuiet(network))
  return {
    network,
    clock,
    now: clock.now(),
    content,
    logged,
    assessed,
    applied,
    inspected,
    disputed,
    proposed,
    member: (id) => network.members.get(id)!,
    async tokenWith(id, scopes) {
      const token = toBase64url(randomBytes(32))
      const { storage, member } = network.members.get(id)!
      await storage.saveToken({ hash: digest(token), member, name: 'desk', scopes })
      return token
    },
  }
}

/** The permit with a list of numbers, a calculation whose work grows with it, and an inspection that has a deadline and is countersigned. */
function storyWithWork(): Story {
  const story = permitStory()
  const blueprint = story.blueprint as JsonObject
  const stepOf = (id: string) => (blueprint.steps as JsonObject[]).find((step) => step.id === id)!
  const apply = stepOf('apply')
  const { properties } = apply.schema as { properties: JsonObject }
  properties.visits = { type: 'array', maxItems: 1000, items: { type: 'integer' } }
  properties.busy = { type: 'integer' }
  const sum = { '+': [{ var: 'accumulator' }, { var: 'current' }, ...Array<number>(12).fill(0)] }
  ;(apply.calculations as JsonValue[]).push({
    field: '/busy',
    rule: { reduce: [{ var: ['apply.visits', []] }, sum, 0] },
  })
  ;((apply.disclosures as JsonObject[])[0]!.fields as JsonValue[]).push('/visits', '/busy')
  const hours = (count: number) => ({ count, unit: 'hours', calendar: null })
  ;(stepOf('assess').dispute as JsonObject).resolver = 'registry'
  Object.assign(stepOf('inspect'), {
    deadline: hours(240),
    lapse: { to: ['inspect'] },
    extend: { role: 'council', limit: hours(480) },
    confirm: { roles: ['council'], deadline: hours(240), default: 'accept' },
  })
  return story
}

/** Nothing is on its way any more: every node holds one certified register, has acted on all of it, and owes nobody anything. */
async function isQuiet({ members, register }: Network): Promise<boolean> {
  const settledAt = async ({ storage }: MemberNode) => {
    const size = (await storage.findHead(register))?.size
    const certified = (await storage.findCertificate(register))?.size
    const cursor = await storage.effectsCursor(register)
    const owed = await storage.dueRecipients(register, Number.MAX_SAFE_INTEGER)
    const pending = await storage.pendingSubmissions(register)
    return size === certified && size === cursor && owed.length === 0 && pending.length === 0 ? size : undefined
  }
  const sizes = new Set(await Promise.all([...members.values()].map(settledAt)))
  return sizes.size === 1 && !sizes.has(undefined)
}

export interface Plain {
  method: string
  /** Below the member's server. */
  path: string
  headers: Record<string, string>
  body?: string | Uint8Array | undefined
}

export function send(member: MemberNode, { method, path, headers, body }: Plain): Promise<Sent> {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      member.address + path,
      { method, headers: { ...headers, ...(bytes && { 'content-length': bytes.length }) } },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk) => chunks.push(chunk))
        incoming.on('end', () => {
          const type = incoming.headers['content-type']?.split(';')[0] ?? ''
          resolve({ status: incoming.statusCode ?? 0, type, body: Buffer.concat(chunks).toString() })
        })
        incoming.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}

export interface SignedChange {
  created?: number
  nonce?: string
  keyid?: string
  /** What is signed instead of what is sent. */
  signedPath?: string
  signedBody?: Uint8Array
  /** Whose request key signs instead of the sender's. */
  signer?: MemberNode
}

/** A request of one node to another, signed. `path` is below the receiver's node address. */
export async function signed(
  { from, to, now }: { from: MemberNode; to: MemberNode; now: number },
  { method, path, headers, body }: Plain,
  change: SignedChange,
): Promise<Plain> {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const signature = await signRequest(
    { method, targetUri: to.nodeAddress + (change.signedPath ?? path), body: change.signedBody ?? bytes },
    {
      created: change.created ?? now,
      nonce: change.nonce ?? toBase64url(randomBytes(16)),
      keyid: change.keyid ?? from.member,
    },
    (data) => {
      const { custody } = change.signer ?? from
      return custody.sign(thumbprint(custody.publicKeys().request.at(-1)!), data)
    },
  )
  const prefix = to.nodeAddress.slice(to.address.length)
  return { method, path: prefix + path, headers: { ...headers, ...signature }, body }
}

export function scopesBut(route: Route): string[] {
  return SCOPES.filter((scope) => scope !== route.access)
}

export function pathFor(route: Route, params: Record<string, string>): string {
  return pathOf(route, params)
}
