import { errorStatus } from '../api/error-status.ts'
import { type Problem, problemType } from '../api/problem.ts'
import { ConcordatError, type ErrorDetail } from '../core/error.ts'

/**
 * What an error tells a caller. Anything that is no ConcordatError is a bug of ours: it is INTERNAL and says nothing more,
 * since its message could quote what a person wrote.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  const detail = detailOf(error)
  const code = detail?.code ?? 'INTERNAL'
  const problem = {
    type: problemType(code),
    title: titleOf(code),
    status: errorStatus[code],
    code,
    instance: `urn:concordat:request:${requestId}`,
  }
  if (detail === undefined || code === 'INTERNAL') return problem
  const { code: _, ...facts } = detail
  return { ...problem, detail: `Expected ${facts.expected}; got ${facts.got}.`, facts }
}

/** What happened, if it is an expected failure. Fastify's own errors get our codes; their messages, which quote the request, are dropped. */
export function detailOf(error: unknown): ErrorDetail | undefined {
  if (error instanceof ConcordatError) return error.detail
  switch ((error as { code?: unknown } | null)?.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return undefined
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { code: 'MEDIA_TYPE_UNSUPPORTED', expected: 'the documented Content-Type', got: 'another or none' }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return {
        code: 'INPUT_INVALID',
        at: '/body',
        expected: 'as many bytes as Content-Length says',
        got: 'another number',
      }
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return { code: 'INPUT_INVALID', at: '/path', expected: 'a valid path', got: 'one that is not' }
    default:
      return undefined
  }
}

export function bodyTooLarge(limit: number): ConcordatError {
  return new ConcordatError({
    code: 'BODY_TOO_LARGE',
    expected: `a body of at most ${limit} bytes`,
    got: 'more',
    limit,
  })
}

function titleOf(code: string): string {
  return code[0] + code.slice(1).toLowerCase().replaceAll('_', ' ')
}
