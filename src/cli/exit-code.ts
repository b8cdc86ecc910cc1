import type { ErrorCode } from '../core/error.ts'

/** docs/operating/cli.md lists them. */
export const EXIT = { ok: 0, refused: 1, usage: 2, comeAgain: 3, bug: 70 } as const

const USAGE: readonly ErrorCode[] = [
  'COMMAND_UNKNOWN',
  'OPTION_UNKNOWN',
  'OPTION_MISSING',
  'OPTION_INVALID',
  'ARGUMENTS_WRONG',
  'FILE_UNREADABLE',
  'CONNECTION_INCOMPLETE',
  'ADDRESS_REFUSED',
  'SYSTEM_REFUSED',
]
/** Nobody said no: the same command, with the same key, may go through later. */
const COME_AGAIN: readonly ErrorCode[] = ['REMOTE_UNREACHABLE', 'ORDERING_UNAVAILABLE', 'OVERLOADED', 'STORAGE_FAILED']

export function exitCodeOf(code: ErrorCode): number {
  if (USAGE.includes(code)) return EXIT.usage
  return COME_AGAIN.includes(code) ? EXIT.comeAgain : EXIT.refused
}
