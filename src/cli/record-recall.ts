import { RECALL_REASONS } from '../core/ledger/case-claims.ts'
import { type EntryCommand, showEntered } from './entry-command.ts'
import { parseOneOf } from './options.ts'

export const recordRecall: EntryCommand = {
  group: 'record',
  usage: 'recall <case> <record>',
  description: "take back fields of the member's own record that others were given by mistake",
  options: [
    { flags: '--fields <pointers>', description: 'such as /name/given,/outcome; or all', required: true },
    { flags: '--reason <reason>', description: RECALL_REASONS.join(', '), required: true },
  ],
  async run({ connection, args: [caseId = '', record = ''], flags, ...call }) {
    const fields = flags.fields === 'all' ? 'all' : flags.fields!.split(',')
    const reason = parseOneOf('--reason', RECALL_REASONS)(flags.reason!)
    return showEntered(call, {
      kind: 'recall',
      submit: () => connection.client.recallRecord({ case: caseId, record, fields, reason, idempotencyKey: call.key }),
      text: ({ fields: taken, members }) =>
        `${taken.join(', ')} taken back from ${members.join(', ')}; \`case show\` says who has answered.`,
    })
  },
}
