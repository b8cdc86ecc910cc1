import { ConcordatError } from '../core/error.ts'
import { type EntryCommand, ROLE_OPTION, showEntered } from './entry-command.ts'
import { parseOneOf } from './options.ts'

const OUTCOMES = ['withdrawn', 'settled', 'upheld', 'rejected'] as const

const MEANING = {
  withdrawn: 'The dispute is withdrawn; the record stands.',
  settled: 'The correction stands in the place of the record.',
  upheld: 'The record and what follows from it are void; its step opens anew.',
  rejected: 'The record stands, and the case goes on.',
}

export const disputeResolve: EntryCommand = {
  group: 'dispute',
  usage: 'resolve <case> <dispute>',
  description: 'end a dispute: withdraw it, settle it with a correction, or decide it',
  options: [
    ROLE_OPTION,
    { flags: '--outcome <outcome>', description: OUTCOMES.join(', '), required: true },
    { flags: '--correction <record>', description: 'the record that settles it', required: false },
  ],
  async run({ connection, args: [caseId = '', dispute = ''], flags, ...call }) {
    const outcome = parseOneOf('--outcome', OUTCOMES)(flags.outcome!)
    const { correction } = flags
    if ((outcome === 'settled') !== (correction !== undefined)) {
      const expected = '--correction with --outcome settled, and with no other'
      const got = correction === undefined ? 'none' : 'one'
      throw new ConcordatError({ code: 'OPTION_INVALID', expected, got, option: '--correction' })
    }
    const resolution = {
      case: caseId,
      dispute,
      role: flags.role!,
      outcome,
      ...(correction === undefined ? {} : { correction }),
    }
    return showEntered(call, {
      kind: 'resolve',
      submit: () => connection.client.resolveDispute({ ...resolution, idempotencyKey: call.key }),
      text: MEANING[outcome],
    })
  },
}
