import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE } from '../api/problem.ts'
import type { Route } from '../api/route.ts'
import { RawAnswer } from './handlers.ts'
import { problemOf } from './problem.ts'

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** Answers as the route documents it. */
export function send(route: Route, value: unknown, reply: FastifyReply): FastifyReply {
  if (value instanceof RawAnswer) return reply.code(value.status).type(value.contentType).send(value.body)
  reply.code(route.response.status)
  const { content } = route.response
  if (content === undefined) return reply.send()
  if (content.type === 'application/json') return reply.type(content.type).send(JSON.stringify(value))
  return reply.type(content.type).send(typeof value === 'string' ? value : Buffer.from(value as Uint8Array))
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, request.id)
  request.problemCode = problem.code
  reply.code(problem.status).type(PROBLEM_TYPE).headers(SECURITY_HEADERS)
  if (problem.code.startsWith('TOKEN_')) reply.header('www-authenticate', 'Bearer')
  if (problem.code === 'SCOPE_MISSING') {
    reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${problem.facts?.scope}"`)
  }
  return reply.send(JSON.stringify(problem))
}

const STATUS_LINES: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What is no HTTP at all never becomes a request, so it gets no problem document. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const status = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
