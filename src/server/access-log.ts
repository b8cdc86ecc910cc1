import type { FastifyReply, FastifyRequest } from 'fastify'

/** What a pino logger offers. */
export interface Log {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** One line a request: which operation, for whom, how it went. Never a URL, header or body: they name cases and people. */
export function logRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const fields = {
    request: request.id,
    operation: request.routeOptions.config.operation ?? null,
    member: request.admission?.member ?? null,
    status: reply.statusCode,
    code: request.problemCode,
    durationMs: Math.round(reply.elapsedTime),
  }
  log.info(fields, 'request')
}

/** A bug. Its message stays out, because it may quote data; where it happened does not. */
export function logBug(log: Log, request: FastifyRequest, error: unknown): void {
  const { name, stack = '' } = error instanceof Error ? error : new Error()
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  log.error({ request: request.id, error: name, frames }, 'bug')
}
