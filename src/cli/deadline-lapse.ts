import { ConcordatError } from '../core/error.ts'
import { type EntryCommand, ROLE_OPTION, showEntered } from './entry-command.ts'

export const deadlineLapse: EntryCommand = {
  group: 'deadline',
  usage: 'lapse <case>',
  description: 'enter that a deadline has passed; whoever notices may',
  options: [
    ROLE_OPTION,
    { flags: '--step <step>', description: 'an open step that nobody took', required: false },
    { flags: '--record <record>', description: 'a record that not all have countersigned', required: false },
    { flags: '--dispute <dispute>', description: 'a dispute that nobody decided', required: false },
  ],
  async run({ connection, args: [caseId = ''], flags, ...call }) {
    const [what, ...more] = lapsed(flags)
    if (what === undefined || more.length > 0) {
      const expected = 'one of --step, --record and --dispute'
      const detail = { expected, got: what === undefined ? 'none' : 'several', option: '--step' }
      throw new ConcordatError({ code: what === undefined ? 'OPTION_MISSING' : 'OPTION_INVALID', ...detail })
    }
    return showEntered(call, {
      kind: 'lapse',
      submit: () => connection.client.enterLapse({ case: caseId, role: flags.role!, what, idempotencyKey: call.key }),
      text: 'What was agreed for this takes effect: see `case show`.',
    })
  },
}

function lapsed({ step, record, dispute }: Readonly<Record<string, string>>) {
  return [
    ...(step === undefined ? [] : [{ type: 'opening' as const, step }]),
    ...(record === undefined ? [] : [{ type: 'confirm' as const, record }]),
    ...(dispute === undefined ? [] : [{ type: 'dispute' as const, dispute }]),
  ]
}
