import type { FastifyRequest } from 'fastify'
import { type ClaimedSignature, checkCreated, parseRequestSignature, verifyRequest } from '../api/request-signature.ts'
import type { Route } from '../api/route.ts'
import type { RouteName } from '../api/routes.ts'
import type { Clock } from '../core/clock.ts'
import { ConcordatError } from '../core/error.ts'
import type { Node } from '../node/node.ts'
import { type AccessToken, authenticate, type FindToken, requireScope, unknownToken } from './authenticate.ts'
import { notFound } from './handlers.ts'
import { parseInput, rawBody } from './input.ts'
import type { ReplayGuard } from './replay-guard.ts'

interface ServedNode {
  node: Node
  /** Where other members reach it, as its member entry says: `<base>/nodes/<member id>`. Signed requests name it. */
  address: string
}

export interface AdmissionOptions {
  /** By member id. */
  nodes: ReadonlyMap<string, ServedNode>
  findToken: FindToken
  clock: Clock
}

/** Set by `admit` before the body is read. */
export interface Admission {
  /** Null for operations of the server itself. */
  served: ServedNode | null
  /** Whose node is called. */
  member: string | null
  params: Record<string, string>
  token: AccessToken | null
  signature: ClaimedSignature | null
}

declare module 'fastify' {
  interface FastifyRequest {
    admission: Admission | null
    /** Of the problem that was answered. */
    problemCode: string | null
  }
  interface FastifyContextConfig {
    operation?: RouteName
  }
}

/** Everything that can be refused before the body is read: what is not let in costs no memory. */
export async function admit(route: Route, request: FastifyRequest, options: AdmissionOptions): Promise<Admission> {
  const bearer = route.access !== 'open' && route.access !== 'signed'
  const token = bearer ? await authenticate(request.headers.authorization, options.findToken) : null
  const { '*': slashes, ...named } = request.params as Record<string, string>
  const params = parseInput(
    route.params,
    slashes === undefined ? named : { ...named, tile: slashes },
    '/path',
  ) as Record<string, string>
  const member = token?.member ?? params.member ?? null
  const served = member === null ? null : (options.nodes.get(member) ?? null)
  if (token !== null && served === null) throw unknownToken()
  if (token !== null) requireScope(token, route.access as Exclude<Route['access'], 'open' | 'signed'>)
  if (member !== null && served === null) {
    throw new ConcordatError({ code: 'NODE_UNKNOWN', expected: 'a member whose node is served here', got: 'another' })
  }
  const signature = route.access === 'signed' && served !== null ? await claim(request, served, params, options) : null
  return { served, member, params, token, signature }
}

/** The signer must be a member of the register and its clock near ours before its body is let in. */
async function claim(
  request: FastifyRequest,
  { node }: ServedNode,
  params: Record<string, string>,
  { clock }: AdmissionOptions,
) {
  const claimed = parseRequestSignature(request.headers)
  checkCreated(claimed.created, clock.now())
  if ((await node.requestKeys(params.register ?? '', claimed.keyid)).length === 0) {
    throw new ConcordatError({
      code: 'REQUEST_SIGNER_UNKNOWN',
      expected: 'the id of a member of this register with a request key as keyid',
      got: 'another',
    })
  }
  return claimed
}

/** With the body: exactly this request was signed, by a key that counts once it is here, and it has not come before. */
export async function proveSignature(request: FastifyRequest, replayGuard: ReplayGuard, clock: Clock): Promise<void> {
  const { served, signature, params } = request.admission!
  if (served === null || signature === null) return
  const message = { method: request.method, targetUri: targetUri(request, served), body: rawBody(request) }
  await verifyRequest(message, signature, await served.node.requestKeys(params.register ?? '', signature.keyid))
  replayGuard.remember(signature, clock.now())
}

/** The node's configured address and the path exactly as sent: proxies may rewrite host and scheme, and nobody else's Host counts. */
function targetUri(request: FastifyRequest, { node, address }: ServedNode): string {
  const prefix = `/nodes/${node.member}`
  const url = request.raw.url ?? ''
  // Percent-encoding the prefix would reach this route too; it has one spelling.
  if (!url.startsWith(`${prefix}/`)) throw notFound()
  return address + url.slice(prefix.length)
}
