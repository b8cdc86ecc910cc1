import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { openApiDocument } from '../api/openapi.ts'
import type { Route } from '../api/route.ts'
import { type RouteName, routes } from '../api/routes.ts'
import { object } from '../api/scalars.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { type Log, logBug, logRequest } from './access-log.ts'
import { type AdmissionOptions, admit, proveSignature } from './admission.ts'
import { handlers, type NodeRouteName, notFound } from './handlers.ts'
import { parseBody, parseIdempotencyKey, parseInput, parseQuery } from './input.ts'
import { bodyTooLarge, detailOf } from './problem.ts'
import { ReplayGuard } from './replay-guard.ts'
import { refuseMalformed, SECURITY_HEADERS, send, sendProblem } from './reply.ts'

export interface ServerOptions extends AdmissionOptions {
  random: (bytes: number) => Uint8Array
  log: Log | false
  /** For members' own clients and for anything that is open. */
  bodyLimitBytes: number
  /** For other members' nodes, whose signature's claim is checked before the body is read. */
  signedBodyLimitBytes: number
}

const NO_QUERY = object({})

/** Serves `api/` over the nodes. Everything is refused unless its route lets it through. */
export function createServer(options: ServerOptions): FastifyInstance {
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    exposeHeadRoutes: false,
    requestTimeout: 30_000,
    genReqId: () => toBase64url(options.random(12)),
    requestIdHeader: false,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
    clientErrorHandler: refuseMalformed,
    routerOptions: { maxParamLength: 128, querystringParser: parseQuery },
  })
  const replayGuard = new ReplayGuard()
  server.decorateRequest('admission', null)
  server.decorateRequest('problemCode', null)
  keepBodiesRaw(server)
  server.addHook('onSend', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS)
  })
  server.setNotFoundHandler(() => {
    throw notFound()
  })
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const known = error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? bodyTooLarge(request.routeOptions.bodyLimit) : error
    if (options.log !== false && detailOf(known) === undefined) logBug(options.log, request, known)
    return sendProblem(known, request, reply)
  })
  const { log } = options
  if (log !== false) server.addHook('onResponse', async (request, reply) => logRequest(log, request, reply))

  const openApi = openApiDocument()
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    server.route({
      method: route.method,
      url: fastifyPath(route),
      bodyLimit: route.access === 'signed' ? options.signedBodyLimitBytes : options.bodyLimitBytes,
      config: { operation: name },
      onRequest: async (request) => {
        request.admission = await admit(route, request, options)
      },
      handler: async (request, reply) => {
        if (name === 'getHealth') return send(route, { status: 'ok' }, reply)
        if (name === 'getOpenApi') return send(route, openApi, reply)
        await proveSignature(request, replayGuard, options.clock)
        // The table and the routes are typed together; the loop over them cannot say so.
        const handler = handlers[name as NodeRouteName] as (call: object) => Promise<unknown>
        return send(route, await handler(parseCall(route, request)), reply)
      },
    })
  }
  return server
}

/** The `Call` that the route's handler is typed for. */
function parseCall(route: Route, request: FastifyRequest): object {
  const { served, params, token, signature } = request.admission!
  return {
    node: served?.node,
    params,
    query: parseInput(route.query ?? NO_QUERY, request.query, '/query'),
    body: parseBody(route, request),
    ...(route.idempotent === true ? { idempotencyKey: parseIdempotencyKey(request) } : {}),
    ...(token === null ? {} : { caller: { name: token.name, kind: 'client' } }),
    ...(signature === null ? {} : { from: signature.keyid }),
  }
}

/** Fastify's own JSON parser takes repeated keys, bad UTF-8 and numbers that lose digits. */
function keepBodiesRaw(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  for (const type of ['application/json', 'text/plain']) {
    server.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  }
}

function fastifyPath(route: Route): string {
  return route.path.replace(/\{\+\w+\}/, '*').replaceAll(/\{(\w+)\}/g, ':$1')
}
