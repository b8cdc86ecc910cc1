import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { concordat, root, startSandbox } from './command.ts'

/** The commands of docs/operating/cli.md, in its order, as one person's session. */
describe('the commands, one after the other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-cli-'))
  const data = join(folder, 'sandbox')
  const evidence = join(folder, 'evidence.json')
  let sandbox: Awaited<ReturnType<typeof startSandbox>>
  let register = ''
  const known = { CASE: '', RECORD: '', KEY: '' }
  const as = (member: string) => ['--as', member, '--sandbox', data, '--state', join(folder, 'state.json')]
  const json = async (...args: string[]) => {
    const { code, out, err } = await concordat([...args, '--json'])
    assert.equal(code, 0, err)
    return JSON.parse(out)
  }

  before(async () => {
    sandbox = await startSandbox(data)
    register = /^Register (\S+)$/m.exec(sandbox.out)![1]!
  })
  after(async () => {
    await sandbox.stop()
    rmSync(folder, { recursive: true })
  })

  test('the page that it names answers, with the members and without a script', async () => {
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(sandbox.out)![0]
    const response = await fetch(address)
    const page = await response.text()
    assert.equal(response.status, 200)
    assert(page.includes('Social Security Scotland') && !page.includes('<script'))
    assert.match(response.headers.get('content-security-policy')!, /default-src 'none'/)
    assert.equal((await fetch(`${address}tokens.json`)).status, 404)
    const elsewhere = await ask(Number(new URL(address).port), 'example.org')
    assert.equal(elsewhere, 421, 'a name that leads here by DNS rebinding')
  })

  test('tokens are for their owner only', () => {
    for (const path of ['tokens.json', 'sandbox.json', 'council/token', 'council/passphrase', 'council/node.db']) {
      assert.equal(statSync(join(data, path)).mode & 0o077, 0, path)
    }
  })

  test('case start', async () => {
    const file = 'examples/travel-card/data/apply.json'
    const { code, out } = await concordat(['case', 'start', ...as('council'), '--role', 'applicant', '--data', file])
    assert.equal(code, 0)
    known.CASE = /^case +(\S+)$/m.exec(out)![1]!
    known.RECORD = /^record +([^,]+),/m.exec(out)![1]!
    known.KEY = /^key +(\S+)$/m.exec(out)![1]!
    assert.match(out, /proof verified/)
  })

  test('the same again with the same key is the same case', async () => {
    const file = 'examples/travel-card/data/apply.json'
    const args = ['case', 'start', ...as('council'), '--role', 'applicant', '--data', file, '--key', known.KEY]
    const again = await json(...args)
    assert.deepEqual([again.case, again.record], [known.CASE, known.RECORD])
  })

  test('inbox', async () => {
    const items = await json('inbox', ...as('council'))
    assert.deepEqual(
      items.map((item: { case: string; step: string }) => [item.case, item.step]),
      [[known.CASE, 'check-residence']],
    )
    const { out } = await concordat(['inbox', ...as('agency')])
    assert.equal(out, 'Nothing waits for this member.\n')
  })

  test('action submit', async () => {
    const file = 'examples/travel-card/data/check-residence.json'
    const receipt = await json('action', 'submit', known.CASE, 'check-residence', ...as('council'), '--data', file)
    assert.deepEqual(receipt.next, ['confirm-award'])
    assert.equal(receipt.calculated.residence.months > 0, true)
  })

  test('case show says what it cannot check, and shows no more than the member may see', async () => {
    const { out } = await concordat(['case', 'show', known.CASE, ...as('agency')])
    assert.match(out, /not checkable: calculation, without check-residence\.residence\.from/)
    assert.match(out, /nationalInsuranceNumber: "QQ123456C"/)
    assert.doesNotMatch(out, /Tollcross/)
  })

  test('evidence export never overwrites, and verify accepts it for its own register only', async () => {
    const args = ['evidence', 'export', known.RECORD, ...as('council'), '--fields', '/name/given', '--out', evidence]
    assert.equal((await concordat(args)).code, 0)
    assert.match((await concordat(args)).err, /^FILE_UNREADABLE.*EEXIST/)
    const verified = await json('verify', evidence, '--register', register)
    assert.deepEqual(
      verified.fields.map((field: { name: string; value: string }) => [field.name, field.value]),
      [['/name/given', 'Eilidh']],
    )
    assert.equal((await concordat(['verify', evidence, '--register', register, '--pq'])).code, 0)
    const other = await concordat(['verify', evidence, '--register', known.RECORD])
    assert.equal(other.code, 1)
    assert.match(other.err, /^EVIDENCE_REGISTER_MISMATCH/)
  })

  test('verify refuses evidence in which a value was changed', async () => {
    const file = JSON.parse(readFileSync(evidence, 'utf8'))
    const [salt, name] = JSON.parse(Buffer.from(file.disclosures[0], 'base64url').toString())
    file.disclosures[0] = Buffer.from(JSON.stringify([salt, name, 'Mairi'])).toString('base64url')
    const forged = join(folder, 'forged.json')
    writeFileSync(forged, JSON.stringify(file))
    const { code, err } = await concordat(['verify', forged, '--register', register])
    assert.equal(code, 1)
    assert.match(err, /^EVIDENCE_(DISCLOSURE|GROUP)_INVALID/)
  })

  test('audit of a running member', async () => {
    const { code, out } = await concordat(['audit', '--data', join(data, 'audit')])
    assert.equal(code, 0, out)
    assert.match(out, /passed: 13 leaves/)
  })

  test('blueprint check', async () => {
    const { code, out } = await concordat(['blueprint', 'check', 'examples/travel-card/blueprint.json'])
    assert.equal(code, 0)
    assert.match(out, /0 errors, 0 warnings/)
  })

  test('a second sandbox in the same folder is refused', async () => {
    const { code, err } = await concordat(['sandbox', '--data', data])
    assert.equal(code, 1)
    assert.match(err, /^SANDBOX_IN_USE/)
  })

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
  const server = (address: string, { tokenFile = join(data, 'council/token'), register: id = register } = {}) => {
    const state = join(folder, 'elsewhere.json')
    return ['inbox', '--address', address, '--token-file', tokenFile, '--register', id, '--state', state]
  }
  const apply = () => JSON.parse(readFileSync(join(root, 'examples/travel-card/data/apply.json'), 'utf8'))
  const canary = 'canary-9f81'
  const rows: [what: string, args: () => string[], exit: number, code: RegExp][] = [
    ['no command', () => [], 2, /Usage/],
    ['a group of commands', () => ['evidence'], 2, /^Usage: concordat evidence/],
    ['an unknown command', () => [canary], 2, /^COMMAND_UNKNOWN/],
    ['an unknown command of a group', () => ['case', canary], 2, /^COMMAND_UNKNOWN/],
    ['an unknown option', () => ['inbox', ...as('council'), `--frob=${canary}`], 2, /^OPTION_UNKNOWN.*got --frob$/m],
    ['a missing option', () => ['case', 'start', ...as('council')], 2, /^OPTION_MISSING.*--role/],
    ['an option without its value', () => ['inbox', ...as('council'), '--limit'], 2, /^OPTION_INVALID.*--limit/],
    ['a limit that is no number', () => ['inbox', ...as('council'), '--limit', canary], 2, /^OPTION_INVALID.*--limit/],
    ['a limit that no server grants', () => ['inbox', ...as('council'), '--limit', '1001'], 2, /^OPTION_INVALID/],
    ['too long a measurement', () => ['bench', '--seconds', '3601'], 2, /^OPTION_INVALID.*--seconds/],
    ['a missing argument', () => ['case', 'show', ...as('council')], 2, /^ARGUMENTS_WRONG.*fewer/],
    ['an argument too many', () => ['inbox', canary, ...as('council')], 2, /^ARGUMENTS_WRONG.*more/],
    ['a key with spaces', () => [...badData('key.json', '{}'), '--key', `two ${canary}`], 2, /^OPTION_INVALID.*--key/],
    ['a key of 129 characters', () => [...badData('key2.json', '{}'), '--key', 'k'.repeat(129)], 2, /^OPTION_INVALID/],
    ['a register that is none', () => ['verify', evidence, '--register', canary], 2, /^OPTION_INVALID.*--register/],
    [
      'a sandbox and a server',
      () => ['inbox', ...as('council'), '--address', 'http://[::1]'],
      2,
      /^OPTION_INVALID.*both/,
    ],
    ['a server over http elsewhere', () => server('http://example.org'), 2, /^ADDRESS_REFUSED.*http elsewhere/],
    ['a server that is no address', () => server(canary), 2, /^ADDRESS_REFUSED/],
    ['a server with a password', () => server(`https://u:${canary}@127.0.0.1:9`), 2, /^ADDRESS_REFUSED/],
    [
      'a token file that holds something else',
      () => server('http://127.0.0.1:9', { tokenFile: written('token', `two ${canary}`) }),
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
      () => ['case', 'show', known.CASE, ...as('council'), '--state', written('state', canary)],
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
      () => ['blueprint', 'check', written('bp.json', `{"${canary}":1,"${canary}":2}`)],
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
      () => badData('more.json', JSON.stringify({ ...apply(), extra: canary })),
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
      () => badData('long.json', JSON.stringify({ ...apply(), dateOfBirth: canary.repeat(2_000) })),
      1,
      /^FIELD_INVALID/,
    ],
    [
      'a body over 1 MB',
      () => badData('big.json', JSON.stringify({ a: canary.repeat(100_000) })),
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
      () => ['evidence', 'export', register, ...as('council'), '--out', join(folder, 'e2')],
      1,
      /^RECORD_UNKNOWN/,
    ],
    ['a field that is not held', () => exported('/none', 'e3'), 1, /^FIELD_NOT_HELD/],
    ['evidence that is none', () => ['verify', 'package.json', '--register', register], 1, /^EVIDENCE_FORMAT_INVALID/],
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
  const addressOf = (member: string): string =>
    JSON.parse(readFileSync(join(data, 'tokens.json'), 'utf8')).members[member].address

  test('every wrong call has its exit code and its own words, quotes no value, and changes nothing', {
    concurrency: 3,
  }, async (t) => {
    const sizeOf = async () => (await json('audit', '--data', join(data, 'council'))).registers[0].audit.size
    const before = await sizeOf()
    const tried = rows.map(([what, args, exit, code]) =>
      t.test(what, async () => {
        const result = await concordat(args())
        assert.match(result.err + result.out, code)
        assert.equal(result.code, exit, result.err)
        assert(!(result.err + result.out).includes(canary), 'it quotes what it was given')
      }),
    )
    await Promise.all(tried)
    assert.equal(await sizeOf(), before)
    assert.deepEqual(
      ['e2', 'e3', 'none', 'elsewhere.json'].filter((name) => existsSync(join(folder, name))),
      [],
    )
  })

  test('a restart carries on with the same register and the same addresses', async () => {
    const addresses = sandbox.out.match(/http:\/\/127\.0\.0\.1:\d+/g)
    assert.equal(addresses?.length, 6)
    assert.equal(await sandbox.stop(), 0)
    sandbox = await startSandbox(data)
    assert.equal(/^Register (\S+)$/m.exec(sandbox.out)![1], register)
    assert.deepEqual(sandbox.out.match(/http:\/\/127\.0\.0\.1:\d+/g), addresses)
    const view = await json('case', 'show', known.CASE, ...as('council'))
    assert.equal(view.records.length, 2)
  })
})

/** The status of an answer to a request for another host's name. */
function ask(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}
