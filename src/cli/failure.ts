import { ConcordatError, type ErrorDetail } from '../core/error.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'

/** What a command that did not do its work says on standard error, and its exit code. */
export function describeFailure(error: unknown, { json }: { json: boolean }): { text: string; exitCode: number } {
  const detail = error instanceof ConcordatError ? error.detail : findSystemRefusal(error)
  if (detail === undefined) {
    const stack = String(error instanceof Error ? error.stack : error)
    return { text: `This is a fault in the program, not in what you did:\n${stack}\n`, exitCode: EXIT.bug }
  }
  return {
    text: json ? `${JSON.stringify(detail)}\n` : textOf(detail),
    exitCode: exitCodeOf(detail.code),
  }
}

function textOf({ code, expected, got, ...facts }: ErrorDetail): string {
  const known = Object.entries(facts).filter(([, value]) => value !== '' && ['string', 'number'].includes(typeof value))
  return `${code}: expected ${expected}; got ${got}${known.map(([name, value]) => ` (${name} ${value})`).join('')}\n`
}

/** A file, folder or port that the operating system does not give: no fault of the program. */
function findSystemRefusal(error: unknown): ErrorDetail | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, syscall, path, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === undefined || syscall === undefined) return undefined
  const where = path ?? (port === undefined ? 'unknown' : `port ${port}`)
  return {
    code: 'SYSTEM_REFUSED',
    expected: 'a file, folder or port that can be used',
    got: code,
    call: syscall,
    where,
  }
}
