import { ConcordatError } from '../core/error.ts'
import type { Connection } from './connection.ts'
import type { EntryCommand } from './entry-command.ts'
import { showEntered } from './entry-command.ts'
import { EXIT } from './exit-code.ts'
import { formatTable, formatTime, type Output, withProgress, writeJson } from './output.ts'

export const memberRotate: EntryCommand = {
  group: 'member',
  usage: 'rotate',
  description: "replace this member's record and request keys",
  options: [{ flags: '--use <use>', description: 'record, request or all', required: true }],
  run({ connection, flags, ...call }) {
    const use = parseUse(flags.use!)
    return showEntered(call, {
      kind: 'member',
      submit: () => connection.client.rotateKeys({ use, idempotencyKey: call.key }),
      text: 'New keys are stated and sign from now on. The old ones leave with the next entry.',
    })
  },
}

export const memberRevoke: EntryCommand = {
  group: 'member',
  usage: 'revoke <key>',
  description: 'end a record or request key of this member that others may have',
  options: [
    { flags: '--since <index>', description: 'entry from which on what it signed is in doubt', required: false },
  ],
  run({ connection, args: [key], flags, ...call }) {
    const since = flags.since === undefined ? {} : { since: parseIndex(flags.since) }
    return showEntered(call, {
      kind: 'revoke',
      submit: () => connection.client.revokeKey({ key: key!, ...since, idempotencyKey: call.key }),
      text: 'The key signs nothing that counts any more. What it signed before stands.',
    })
  },
}

/** The member's keys as the register states them, by thumbprint. */
export async function runMemberKeys(command: { connection: Connection; output: Output }): Promise<number> {
  const { connection, output } = command
  const answer = await withProgress(output, 'reading the keys', () => connection.client.listKeys())
  if (output.json) {
    writeJson(output, answer)
    return EXIT.ok
  }
  const rows = [
    ...answer.keys.map(({ key, use, held, signs }) => {
      return [key, use, signs ? 'signs' : held ? 'gives way' : 'not in this key store']
    }),
    ...answer.epochs.map(({ key, from, until, destroyedFrom, held }) => {
      const end = held ? `destroyed from ${formatTime(destroyedFrom)}` : 'destroyed'
      return [key, 'encryption', `${formatTime(from)} to ${formatTime(until)}, ${end}`]
    }),
    ...answer.revoked.map(({ kid, use, since, index }) => {
      const doubt = since === null ? '' : `, in doubt from entry ${since}`
      return [kid, use, `revoked by entry ${index}${doubt}`]
    }),
  ]
  output.write(formatTable([['KEY', 'USE', ''], ...rows]))
  return EXIT.ok
}

function parseUse(text: string): 'record' | 'request' | 'all' {
  if (text === 'record' || text === 'request' || text === 'all') return text
  throw new ConcordatError({
    code: 'OPTION_INVALID',
    expected: 'record, request or all',
    got: 'another',
    option: '--use',
  })
}

function parseIndex(text: string): number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  throw new ConcordatError({ code: 'OPTION_INVALID', expected: 'a whole number', got: 'another', option: '--since' })
}
