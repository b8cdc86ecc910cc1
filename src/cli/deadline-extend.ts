import { type EntryCommand, ROLE_OPTION, showEntered } from './entry-command.ts'
import { parseTime } from './options.ts'
import { formatTime } from './output.ts'

export const deadlineExtend: EntryCommand = {
  group: 'deadline',
  usage: 'extend <case> <step>',
  description: 'give an open step more time, within the agreed limit',
  options: [
    ROLE_OPTION,
    { flags: '--until <time>', description: 'its new last second, such as 2026-12-24T23:59:59Z', required: true },
  ],
  async run({ connection, args: [caseId = '', step = ''], flags, ...call }) {
    const until = parseTime('--until', flags.until!)
    const extension = { case: caseId, step, role: flags.role!, until }
    return showEntered(call, {
      kind: 'extend',
      submit: () => connection.client.extendDeadline({ ...extension, idempotencyKey: call.key }),
      text: `The step is due by ${formatTime(until)}.`,
    })
  },
}
