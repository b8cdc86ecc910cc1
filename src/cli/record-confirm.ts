import { type EntryCommand, ROLE_OPTION, showEntered } from './entry-command.ts'
import { parseOneOf } from './options.ts'

export const recordConfirm: EntryCommand = {
  group: 'record',
  usage: 'confirm <case> <record>',
  description: "countersign another member's record, or refuse to",
  options: [
    ROLE_OPTION,
    { flags: '--accept <yes|no>', description: 'no makes the record void, and its step opens anew', required: true },
  ],
  async run({ connection, args: [caseId = '', record = ''], flags, ...call }) {
    const accept = parseOneOf('--accept', ['yes', 'no'])(flags.accept!) === 'yes'
    const confirmation = { case: caseId, record, role: flags.role!, accept }
    return showEntered(call, {
      kind: 'confirm',
      submit: () => connection.client.confirmRecord({ ...confirmation, idempotencyKey: call.key }),
      text: accept ? 'Countersigned.' : 'Refused: the record is void, and its step opens anew.',
    })
  },
}
