import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CANARY, type Session, wrongCalls } from './cli-wrong-calls.ts'
import { concordat, startSandbox } from './command.ts'

/** The commands of docs/operating/cli.md, in its order, as one person's session. */
describe('the commands, one after the other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-cli-'))
  const data = join(folder, 'sandbox')
  const evidence = join(folder, 'evidence.json')
  let sandbox: Awaited<ReturnType<typeof startSandbox>>
  const known = { CASE: '', RECORD: '', KEY: '', DISPUTE: '' }
  const as = (member: string) => ['--as', member, '--sandbox', data, '--state', join(folder, 'state.json')]
  const session: Session = { folder, data, evidence, register: '', known, as }
  const json = async (...args: string[]) => {
    const { code, out, err } = await concordat([...args, '--json'])
    assert.equal(code, 0, err)
    return JSON.parse(out)
  }

  before(async () => {
    sandbox = await startSandbox(data)
    session.register = /^Register (\S+)$/m.exec(sandbox.out)![1]!
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

  test('dispute raise, and what the case and the inbox then say', async () => {
    const raised = await json(
      ...['dispute', 'raise', known.CASE, known.RECORD, ...as('agency'), '--role', 'agency', '--reason', 'other'],
      ...['--explanation', 'examples/travel-card/data/dispute.txt'],
    )
    known.DISPUTE = raised.dispute
    const { out } = await concordat(['case', 'show', known.CASE, ...as('council')])
    assert.match(out, new RegExp(`disputed by agency, .*, to be decided by .*dispute ${known.DISPUTE}`))
    const [item] = (await json('inbox', ...as('transport'))).filter(({ kind }: { kind: string }) => kind === 'resolve')
    assert.equal(item.dispute, known.DISPUTE)
    const page = await (await fetch(/http:\/\/127\.0\.0\.1:\d+\//.exec(sandbox.out)![0])).text()
    assert.match(page, /To do: decide the dispute about [^<;]+, by <time datetime="[^"]+">[\d :-]+<\/time> UTC/)
  })

  test('dispute resolve', async () => {
    const args = ['dispute', 'resolve', known.CASE, known.DISPUTE, ...as('agency'), '--role', 'agency']
    const { code, out } = await concordat([...args, '--outcome', 'withdrawn'])
    assert.equal(code, 0)
    assert.match(out, /^resolve [\w-]{43}, entry \d+ of the register\n +The dispute is withdrawn/)
    const show = await concordat(['case', 'show', known.CASE, ...as('agency')])
    assert.match(show.out, /disputed by agency, .*, withdrawn by agency/)
    const again = await concordat([...args, '--outcome', 'withdrawn'])
    assert.match(again.err, /^DISPUTE_ENDED/)
  })

  test('blueprint suspend and resume', async () => {
    await json('blueprint', 'suspend', ...as('council'), '--roles', 'council')
    const file = 'examples/travel-card/data/apply.json'
    const { err } = await concordat(['case', 'start', ...as('council'), '--role', 'applicant', '--data', file])
    assert.match(err, /^ROLE_SUSPENDED/)
    await json('blueprint', 'resume', ...as('council'), '--roles', 'council')
  })

  test('evidence export never overwrites, and verify accepts it for its own register only', async () => {
    const args = ['evidence', 'export', known.RECORD, ...as('council'), '--fields', '/name/given', '--out', evidence]
    assert.equal((await concordat(args)).code, 0)
    assert.match((await concordat(args)).err, /^FILE_UNREADABLE.*EEXIST/)
    const verified = await json('verify', evidence, '--register', session.register)
    assert.deepEqual(
      verified.fields.map((field: { name: string; value: string }) => [field.name, field.value]),
      [['/name/given', 'Eilidh']],
    )
    assert.equal((await concordat(['verify', evidence, '--register', session.register, '--pq'])).code, 0)
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
    const { code, err } = await concordat(['verify', forged, '--register', session.register])
    assert.equal(code, 1)
    assert.match(err, /^EVIDENCE_(DISCLOSURE|GROUP)_INVALID/)
  })

  test('audit of a running member', async () => {
    const { code, out } = await concordat(['audit', '--data', join(data, 'audit')])
    assert.equal(code, 0, out)
    assert.match(out, /passed: 17 leaves/)
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

  test('every wrong call has its exit code and its own words, quotes no value, and changes nothing', {
    concurrency: 3,
  }, async (t) => {
    const sizeOf = async () => (await json('audit', '--data', join(data, 'council'))).registers[0].audit.size
    const before = await sizeOf()
    const tried = wrongCalls(session).map(([what, args, exit, code]) =>
      t.test(what, async () => {
        const result = await concordat(args())
        assert.match(result.err + result.out, code)
        assert.equal(result.code, exit, result.err)
        assert(!(result.err + result.out).includes(CANARY), 'it quotes what it was given')
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
    assert.equal(/^Register (\S+)$/m.exec(sandbox.out)![1], session.register)
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
