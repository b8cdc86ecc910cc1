import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './command.ts'

/** In what is called wrongly; in no answer. */
export const CANARY = 'canary-9f81'

/** A person's session with a sandbox: what the commands before have made known is filled in as it comes. */
export interface Session {
  folder: string
  /** The sandbox's. */
  data: string
  evidence: string
  register: string
  known: { CASE: string; RECORD: string; KEY: string; DISPUTE: string }
  as(member: string): string[]
}

/** `code` matches what is printed. */
export type WrongCall = [what: string, args: () => string[], exit: number, code: RegExp]

/** Every command, called wrongly. */
export function wrongCalls(session: Session): WrongCall[] {
  const { folder, data, evidence, known, as } = session
  const written = (name: string, content: string | Buffer): string => {
    const path = join(folder, 'bad input', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }
  const badData = (name: string, content: string | Buffer) => {
    return ['case', 'start', ...as('council'), '--role', 'applicant', '--data', written(name, content)]
  }
  const exported = (field: string, out: string) => {
    return ['evidence', 'export', known.RECORD, ...as('council'), '--fields', field, '--out', join(folder, out)]
  }
  const server = (
    address: string,
    { tokenFile = join(data, 'council/token'), register: id = session.register } = {},
  ) => {
    const state = join(folder, 'elsewhere.json')
    return ['inbox', '--address', address, '--token-file', tokenFile, '--register', id, '--state', state]
  }
  const acting = (member: string) => [...as(member), '--role', member]
  const raise = (option: '--reason' | '--explanation', value: string) => {
    const options = { '--reason': 'other', '--explanation': 'examples/travel-card/data/dispute.txt', [option]: value }
    return ['dispute', 'raise', known.CASE, known.RECORD, ...acting('agency'), ...Object.entries(options).flat()]
  }
  const resolve = (...options: string[]) => {
    return ['dispute', 'resolve', known.CASE, known.DISPUTE, ...acting('agency'), ...options]
  }
  const confirm = (accept: string) => {
    return ['record', 'confirm', known.CASE, known.RECORD, ...acting('agency'), '--accept', accept]
  }
  const recall = (...options: string[]) => ['record', 'recall', known.CASE, known.RECORD, ...as('council'), ...options]
  const extend = (until: string) => {
    return ['deadline', 'extend', known.CASE, 'confirm-award', ...acting('council'), '--until', until]
  }
  const lapse = (...what: string[]) => ['deadline', 'lapse', known.CASE, ...acting('council'), ...what]
  const apply = () => JSON.parse(readFileSync(join(root, 'examples/travel-card/data/apply.json'), 'utf8'))
  const addressOf = (member: string): string =>
    JSON.parse(readFileSync(join(data, 'tokens.json'), 'utf8')).members[member].address
  return [
    ['no command', () => [], 2, /Usage/],
    ['a group of commands', () => ['evidence'], 2, /^Usage: concordat evidence/],
    ['an unknown command', () => [CANARY], 2, /^COMMAND_UNKNOWN/],
    ['an unknown command of a group', () => ['case', CANARY], 2, /^COMMAND_UNKNOWN/],
    ['an unknown option', () => ['inbox', ...as('council'), `--frob=${CANARY}`], 2, /^OPTION_UNKNOWN.*got --frob$/m],
    ['a missing option', () => ['case', 'start', ...as('council')], 2, /^OPTION_MISSING.*--role/],
    ['an option without its value', () => ['inbox', ...as('council'), '--limit'], 2, /^OPTION_INVALID.*--limit/],
    ['a limit that is no number', () => ['inbox', ...as('council'), '--limit', CANARY], 2, /^OPTION_INVALID.*--limit/],
    ['a limit that no server grants', () => ['inbox', ...as('council'), '--limit', '1001'], 2, /^OPTION_INVALID/],
    ['too long a measurement', () => ['bench', '--seconds', '3601'], 2, /^OPTION_INVALID.*--seconds/],
    ['a missing argument', () => ['case', 'show', ...as('council')], 2, /^ARGUMENTS_WRONG.*fewer/],
    ['an argument too many', () => ['inbox', CANARY, ...as('council')], 2, /^ARGUMENTS_WRONG.*more/],
    ['a key with spaces', () => [...badData('key.json', '{}'), '--key', `two ${CANARY}`], 2, /^OPTION_INVALID.*--key/],
    ['a key of 129 characters', () => [...badData('key2.json', '{}'), '--key', 'k'.repeat(129)], 2, /^OPTION_INVALID/],
    ['a register that is none', () => ['verify', evidence, '--register', CANARY], 2, /^OPTION_INVALID.*--register/],
    [
      'a sandbox and a server',
      () => ['inbox', ...as('council'), '--address', 'http://[::1]'],
      2,
      /^OPTION_INVALID.*both/,
    ],
    ['a server over http elsewhere', () => server('http://example.org'), 2, /^ADDRESS_REFUSED.*http elsewhere/],
    ['a server that is no address', () => server(CANARY), 2, /^ADDRESS_REFUSED/],
    ['a server with a password', () => server(`https://u:${CANARY}@127.0.0.1:9`), 2, /^ADDRESS_REFUSED/],
    [
      'a token file that holds something else',
      () => server('http://127.0.0.1:9', { tokenFile: written('token', `two ${CANARY}`) }),
      2,
      /^FILE_UNREADABLE.*a token/,
    ],
    [
      'a tokens file that holds something else',
      () => ['inbox', '--as', 'council', '--sandbox', dirname(written('tokens.json', '{"members":null}'))],
      2,
      /^FILE_UNREADABLE.*when it starts/,
    ],
    [
      'remembered checkpoints that cannot be read',
      () => ['case', 'show', known.CASE, ...as('council'), '--state', written('state', CANARY)],
      2,
      /^FILE_UNREADABLE.*delete it/,
    ],
    ['a sandbox where a file is', () => ['sandbox', '--data', written('a file', '')], 2, /^SYSTEM_REFUSED.*EEXIST/],
    [
      'a sandbox in a folder that remembers something else',
      () => ['sandbox', '--data', dirname(written('broken/sandbox.json', '{}'))],
      2,
      /^FILE_UNREADABLE.*between two starts/,
    ],
    ['evidence into a folder that is none', () => exported('/name/given', 'none/e'), 2, /^FILE_UNREADABLE.*ENOENT/],
    ['a reason that is none', () => raise('--reason', CANARY), 2, /^OPTION_INVALID.*--reason/],
    ['no explanation', () => ['dispute', 'raise', known.CASE, known.RECORD, ...acting('agency')], 2, /^OPTION_MISSING/],
    [
      'an explanation that is no text',
      () => raise('--explanation', written('bytes.txt', Buffer.from([0xff]))),
      2,
      /^FILE_UNREADABLE.*UTF-8/,
    ],
    [
      'an explanation that is too long',
      () => raise('--explanation', written('long.txt', CANARY.repeat(200))),
      1,
      /^INPUT_TOO_LONG/,
    ],
    ['an outcome that is none', () => resolve('--outcome', CANARY), 2, /^OPTION_INVALID.*--outcome/],
    ['a settlement without its correction', () => resolve('--outcome', 'settled'), 2, /^OPTION_INVALID.*--correction/],
    [
      'a correction that settles nothing',
      () => [...resolve('--outcome', 'upheld'), '--correction', known.RECORD],
      2,
      /^OPTION_INVALID.*--correction/,
    ],
    ['a dispute that has ended', () => resolve('--outcome', 'withdrawn'), 1, /^DISPUTE_ENDED/],
    ['a reason that is none', () => recall('--fields', 'all', '--reason', CANARY), 2, /^OPTION_INVALID.*--reason/],
    ['a recall of nothing', () => recall('--reason', 'other'), 2, /^OPTION_MISSING.*--fields/],
    ['a field of no record', () => recall('--fields', '/none', '--reason', 'other'), 1, /^FIELD_NOT_HELD/],
    ['an answer that is none', () => confirm(CANARY), 2, /^OPTION_INVALID.*--accept/],
    ['a record that waits for nobody', () => confirm('yes'), 1, /^CONFIRM_NOT_OPEN/],
    ['a time that is none', () => extend(CANARY), 2, /^OPTION_INVALID.*--until/],
    ['a time without its offset', () => extend('2036-01-01T00:00:00'), 2, /^OPTION_INVALID.*--until/],
    ['a deadline that nobody may move', () => extend('2036-01-01T00:00:00Z'), 1, /^EXTEND_NOT_ALLOWED/],
    ['a lapse of nothing', () => lapse(), 2, /^OPTION_MISSING/],
    ['a lapse of two', () => lapse('--step', 'decide', '--record', known.RECORD), 2, /^OPTION_INVALID/],
    ['a lapse of a record that waits for nobody', () => lapse('--record', known.RECORD), 1, /^LAPSE_NOT_ALLOWED/],
    [
      'a correction and a review request in one',
      () => [
        ...[
          'action',
          'submit',
          known.CASE,
          'apply',
          ...as('council'),
          '--data',
          'examples/travel-card/data/apply.json',
        ],
        ...['--corrects', known.RECORD, '--reviews', known.RECORD],
      ],
      2,
      /^OPTION_INVALID.*--corrects/,
    ],
    [
      'a correction of what nobody disputes',
      () => [
        ...[
          'action',
          'submit',
          known.CASE,
          'apply',
          ...as('council'),
          '--data',
          'examples/travel-card/data/apply.json',
        ],
        ...['--corrects', known.RECORD],
      ],
      1,
      /^CORRECTION_NOT_OPEN/,
    ],
    [
      "another member's role",
      () => ['blueprint', 'suspend', ...as('council'), '--roles', 'agency'],
      1,
      /^SUSPEND_NOT_OWN_ROLE/,
    ],
    [
      'a role that is not suspended',
      () => ['blueprint', 'resume', ...as('council'), '--roles', 'council'],
      1,
      /^SUSPEND_CHANGES_NOTHING/,
    ],
    ['keys of no use', () => ['member', 'rotate', ...as('council'), '--use', CANARY], 2, /^OPTION_INVALID/],
    ['a key of nobody', () => ['member', 'revoke', 'A'.repeat(43), ...as('council')], 1, /^REVOKE_NOT_ALLOWED/],
    [
      'a doubt from no entry',
      () => ['member', 'revoke', 'A'.repeat(43), ...as('council'), '--since', CANARY],
      2,
      /^OPTION_INVALID/,
    ],
    ['keys of an unknown member', () => ['member', 'keys', ...as('nobody')], 2, /^CONNECTION_INCOMPLETE/],
    ['no server', () => ['inbox', '--state', join(folder, 's')], 2, /^CONNECTION_INCOMPLETE/],
    ['half a server', () => ['inbox', '--address', 'http://127.0.0.1:1'], 2, /^CONNECTION_INCOMPLETE/],
    ['an unknown member', () => ['inbox', ...as('nobody')], 2, /^CONNECTION_INCOMPLETE/],
    ['a folder without a sandbox', () => ['inbox', '--as', 'council', '--sandbox', folder], 2, /^FILE_UNREADABLE/],
    [
      'an unknown case whose id begins like an option',
      () => ['case', 'show', '-h4InKJyxrXvLFccQuGNPA', ...as('council')],
      1,
      /^CASE_UNKNOWN/,
    ],
    ['a missing file', () => ['blueprint', 'check', join(folder, 'none.json')], 2, /^FILE_UNREADABLE.*ENOENT/],
    ['a folder as file', () => ['blueprint', 'check', folder], 2, /^FILE_UNREADABLE.*EISDIR/],
    [
      'a file over 16 MB',
      () => ['blueprint', 'check', written('huge.json', ' '.repeat(2 ** 24 + 1))],
      2,
      /^FILE_UNREADABLE.*at most/,
    ],
    ['a blueprint that is none', () => ['blueprint', 'check', 'package.json'], 1, /^BLUEPRINT_INVALID/],
    [
      'a blueprint in which a key is twice',
      () => ['blueprint', 'check', written('bp.json', `{"${CANARY}":1,"${CANARY}":2}`)],
      1,
      /^JSON_DUPLICATE_KEY/,
    ],
    ['no JSON', () => badData('text.json', 'hello'), 1, /^JSON_INVALID/],
    ['bad UTF-8', () => badData('bytes.json', Buffer.from([0x7b, 0xff, 0x7d])), 1, /^JSON_UTF8_INVALID/],
    ['duplicate keys', () => badData('twice.json', '{"a":1,"a":2}'), 1, /^JSON_DUPLICATE_KEY/],
    ['a number that loses digits', () => badData('digits.json', '{"a":9007199254740993}'), 1, /^JSON_NUMBER_LOSES/],
    ['nesting over 64', () => badData('deep.json', `${'['.repeat(65)}${']'.repeat(65)}`), 1, /^JSON_TOO_DEEP/],
    ['prototype keys', () => badData('proto.json', '{"__proto__":{}}'), 1, /^JSON_KEY_FORBIDDEN/],
    ['data that is no object', () => badData('list.json', '[]'), 1, /^INPUT_TYPE_WRONG/],
    [
      'an unknown field',
      () => badData('more.json', JSON.stringify({ ...apply(), extra: CANARY })),
      1,
      /^FIELD_INVALID/,
    ],
    [
      'a field of the wrong type',
      () => badData('type.json', JSON.stringify({ ...apply(), dateOfBirth: 7 })),
      1,
      /^FIELD_INVALID/,
    ],
    [
      'a text that is too long',
      () => badData('long.json', JSON.stringify({ ...apply(), dateOfBirth: CANARY.repeat(2_000) })),
      1,
      /^FIELD_INVALID/,
    ],
    [
      'a body over 1 MB',
      () => badData('big.json', JSON.stringify({ a: CANARY.repeat(100_000) })),
      1,
      /^BODY_TOO_LARGE/,
    ],
    ['a case that is none', () => ['case', 'show', 'x', ...as('council')], 1, /^INPUT_INVALID/],
    ["another member's case", () => ['case', 'show', known.CASE, ...as('bureau')], 1, /^CASE_UNKNOWN/],
    [
      'an unknown step',
      () => [
        'action',
        'submit',
        known.CASE,
        'frob',
        ...as('council'),
        '--data',
        'examples/travel-card/data/apply.json',
      ],
      1,
      /^STEP_UNKNOWN/,
    ],
    [
      'a step out of turn',
      () => [
        'action',
        'submit',
        known.CASE,
        'check-residence',
        ...as('council'),
        '--data',
        'examples/travel-card/data/check-residence.json',
      ],
      1,
      /^STEP_NOT_OPEN/,
    ],
    [
      'the wrong member',
      () => [
        'action',
        'submit',
        known.CASE,
        'confirm-award',
        ...as('council'),
        '--data',
        'examples/travel-card/data/confirm-award.json',
      ],
      1,
      /^SIGNER_NOT_BOUND_TO_ROLE/,
    ],
    [
      'an unknown record',
      () => ['evidence', 'export', session.register, ...as('council'), '--out', join(folder, 'e2')],
      1,
      /^RECORD_UNKNOWN/,
    ],
    ['a field that is not held', () => exported('/none', 'e3'), 1, /^FIELD_NOT_HELD/],
    [
      'evidence that is none',
      () => ['verify', 'package.json', '--register', session.register],
      1,
      /^EVIDENCE_FORMAT_INVALID/,
    ],
    ['an audit of nothing', () => ['audit', '--data', join(folder, 'nothing')], 2, /^FILE_UNREADABLE/],
    [
      'an unknown register',
      () => ['audit', '--data', join(data, 'audit'), '--register', known.RECORD],
      1,
      /REGISTER_UNKNOWN/,
    ],
    ['a server that does not answer', () => server('http://127.0.0.1:9'), 3, /^REMOTE_UNREACHABLE/],
    [
      'an unknown register at a server',
      () => server(addressOf('council'), { register: known.RECORD }),
      1,
      /^REGISTER_UNKNOWN/,
    ],
    ['the token of another member', () => server(addressOf('agency')), 1, /^TOKEN_UNKNOWN/],
  ]
}
