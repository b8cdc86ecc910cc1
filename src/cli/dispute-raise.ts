import { type EntryCommand, ROLE_OPTION, showEntered } from './entry-command.ts'
import { readTextFile } from './files.ts'
import { parseOneOf } from './options.ts'

const REASONS = ['contradicts', 'undelivered', 'other'] as const

export const disputeRaise: EntryCommand = {
  group: 'dispute',
  usage: 'raise <case> <record>',
  description: 'dispute a record: what it opened waits until that is decided',
  options: [
    ROLE_OPTION,
    { flags: '--reason <reason>', description: REASONS.join(', '), required: true },
    // Not an argument: everybody on a machine can see those.
    { flags: '--explanation <file>', description: 'a text for the signer and whoever decides', required: true },
  ],
  async run({ connection, args: [caseId = '', record = ''], flags, ...call }) {
    const reason = parseOneOf('--reason', REASONS)(flags.reason!)
    const explanation = readTextFile(flags.explanation!)
    const dispute = { case: caseId, record, role: flags.role!, reason, explanation }
    return showEntered(call, {
      kind: 'dispute',
      submit: () => connection.client.raiseDispute({ ...dispute, idempotencyKey: call.key }),
      text: 'What the record opened waits until the dispute ends.',
    })
  },
}
