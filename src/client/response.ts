import { isErrorCode } from '../api/error-status.ts'
import { PROBLEM_TYPE, Problem } from '../api/problem.ts'
import type { ResponseOf, Route } from '../api/route.ts'
import { explainMismatch, matches } from '../api/validate.ts'
import { type JsonValue, parseJson } from '../core/canonical-json.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import type { HttpResponse } from './http.ts'

/** A server's answer to a route, checked against the route's own schema: nothing unexpected is passed on. */
export function parseResponse<R extends Route>(route: R, response: HttpResponse): ResponseOf<R> {
  if (response.status !== route.response.status) throw mismatch('/status', `status ${route.response.status}`)
  return parseContent(route, response) as ResponseOf<R>
}

/** The problem that the server reported; undefined when it is none, whatever its status. */
export function findProblem(response: HttpResponse): { code: string; detail: ErrorDetail | undefined } | undefined {
  if (response.type !== PROBLEM_TYPE) return undefined
  const problem = parseResponseJson(response)
  if (!matches(Problem, problem) || problem.status !== response.status) throw mismatch('/body', 'a problem document')
  const { code, facts } = problem
  if (!isErrorCode(code) || facts === undefined) return { code, detail: undefined }
  // Which facts come with a code is the server's word; they are shown and never relied on.
  return { code, detail: { ...facts, code } as unknown as ErrorDetail }
}

export function remoteFailed(status: number, remoteCode: string | null): ConcordatError {
  return new ConcordatError({
    code: 'REMOTE_FAILED',
    expected: 'the server to do it',
    got: remoteCode === null ? `status ${status}` : `${remoteCode}, status ${status}`,
    status,
    remoteCode,
  })
}

function parseContent(route: Route, response: HttpResponse): unknown {
  const { content } = route.response
  if (content === undefined) return undefined
  const type = content.type.split(';')[0] ?? ''
  if (response.type !== type) throw mismatch('/headers/content-type', type)
  if (content.type === 'application/octet-stream') return response.body
  if (content.type !== 'application/json') return parseText(response.body)
  const value = parseResponseJson(response)
  if (matches(content.schema, value)) return value
  const { at, expected, got } = explainMismatch(content.schema, value, '/body')
  throw new ConcordatError({ code: 'REMOTE_RESPONSE_INVALID', at, expected, got })
}

function parseResponseJson({ body }: HttpResponse): JsonValue {
  return parseJson(body, { maxBytes: body.length })
}

function parseText(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw mismatch('/body', 'UTF-8')
  }
}

function mismatch(at: string, expected: string): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_RESPONSE_INVALID', at, expected, got: 'something else' })
}
