import type { FastifyRequest } from 'fastify'
import type { Route, Schema } from '../api/route.ts'
import { explainMismatch, matches } from '../api/validate.ts'
import { parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'

const IDEMPOTENCY_KEY = /^[!-~]{1,128}$/

export function parseBody(route: Route, request: FastifyRequest): unknown {
  if (route.body === undefined) return undefined
  const raw = rawBody(request)
  if (raw === undefined) {
    throw new ConcordatError({ code: 'INPUT_FIELD_MISSING', at: '/body', expected: 'a body', got: 'none' })
  }
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  const expected = route.body.type.split(';')[0] ?? ''
  if (type !== expected) {
    throw new ConcordatError({ code: 'MEDIA_TYPE_UNSUPPORTED', expected: `Content-Type: ${expected}`, got: 'another' })
  }
  if (route.body.type === 'application/json')
    return parseInput(route.body.schema, parseJson(raw, { maxBytes: raw.length }), '/body')
  return parseText(raw)
}

function parseText(raw: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
  } catch {
    throw new ConcordatError({ code: 'INPUT_INVALID', at: '/body', expected: 'UTF-8', got: 'bytes that are not' })
  }
}

export function parseInput(schema: Schema, value: unknown, root: string): unknown {
  if (matches(schema, value)) return value
  throw new ConcordatError(explainMismatch(schema, value, root))
}

export function parseIdempotencyKey(request: FastifyRequest): string {
  const key = request.headers['idempotency-key']
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  throw new ConcordatError({
    code: 'IDEMPOTENCY_KEY_INVALID',
    expected: 'an Idempotency-Key of 1 to 128 printable ASCII characters without spaces',
    got: key === undefined ? 'none' : 'another',
  })
}

/** The bytes as they came; undefined where the request has no body. */
export function rawBody(request: FastifyRequest): Buffer | undefined {
  return request.body as Buffer | undefined
}

/** A repeated parameter becomes an array, and is refused for its type. */
export function parseQuery(text: string): Record<string, unknown> {
  const query: Record<string, unknown> = {}
  const params = new URLSearchParams(text)
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    Object.defineProperty(query, name, { value: values.length === 1 ? values[0] : values, enumerable: true })
  }
  return query
}
