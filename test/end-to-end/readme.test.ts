import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { root } from './command.ts'

/** What a document's commands are tried in: the project's own files, elsewhere, so that nobody's sandbox is touched. */
describe('the commands of the documents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-readme-'))

  before(() => {
    const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root })
    for (const file of tracked.toString().split('\0').filter(Boolean)) cpSync(join(root, file), join(folder, file))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const shell = async (command: string): Promise<{ code: number; out: string; err: string }> => {
    const child = spawn('sh', ['-c', command], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    const [code] = await once(child, 'close')
    return { code, out, err }
  }

  /** `npm start`, until it says how to end it; then `use`, then the end. */
  const withSandbox = async (use: (printed: string) => Promise<void>): Promise<void> => {
    const child = spawn('npm', ['start'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    const ended = once(child, 'exit')
    try {
      let printed = ''
      for await (const chunk of child.stdout) {
        printed += chunk
        if (printed.includes('Ctrl-C')) break
      }
      await use(printed)
    } finally {
      process.kill(-child.pid!, 'SIGINT')
      await ended
    }
  }

  const tried: Record<string, () => Promise<void>> = {
    'npm start': () =>
      withSandbox(async (printed) => {
        const [page] = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed) ?? []
        assert(page !== undefined, printed)
        assert.equal((await fetch(page)).status, 200)
      }),
    'npm test': async () => {},
    'npm run demo': async () => {
      const { code, out, err } = await shell('npm run demo')
      assert.equal(code, 0, out + err)
    },
  }

  test('README.md', async () => {
    const commands = codeBlocks('README.md', 'sh').map((line) => line.replace(/ +#.*/, ''))
    assert.deepEqual(commands, Object.keys(tried))
    for (const command of commands) await tried[command]!()
  })

  test('the lines between the words of README.md', async () => {
    const help = await shell('node bin/concordat.js --help')
    assert.equal(help.code, 0)
    for (const command of [
      'sandbox',
      'demo',
      'bench',
      'blueprint',
      'case',
      'action',
      'record',
      'dispute',
      'deadline',
      'inbox',
      'evidence',
      'verify',
      'audit',
    ]) {
      assert.match(help.out, new RegExp(`^  ${command} `, 'm'))
    }
    const some = await shell("node_modules/.bin/node --test 'src/core/record/**/*.test.ts'")
    assert.equal(some.code, 0, some.out)
  })

  test('npm run bench -- --json', async () => {
    const { code, out, err } = await shell('npm run -s bench -- --seconds 1 --json')
    assert.equal(code, 0, err)
    const { raw, rules, ledger, wholeAction, blueBadge, audit } = JSON.parse(out)
    for (const rate of [raw.p256Verify, rules.advancePerSecond, ledger.perSecond, audit.perSecond]) assert(rate > 0)
    for (const { wholePerSecond } of [wholeAction, blueBadge]) assert(wholePerSecond > 0)
  })

  test('docs/operating/cli.md', async () => {
    await withSandbox(async (printed) => {
      const known: Record<string, string> = { REGISTER: /^Register (\S+)$/m.exec(printed)![1]! }
      for (const line of codeBlocks('docs/operating/cli.md', 'sh')) {
        const command = line
          .replace(/^concordat/, 'node bin/concordat.js')
          .replaceAll(/\b(CASE|RECORD|DISPUTE|REGISTER)\b/g, (name) => known[name] ?? name)
        const { code, out, err } = await shell(`XDG_STATE_HOME=${folder} ${command}`)
        assert.equal(code, 0, `${line}\n${out}${err}`)
        known.CASE ??= /^case +(\S+)$/m.exec(out)?.[1] ?? ''
        known.RECORD ??= /^record +([^,]+),/m.exec(out)?.[1] ?? ''
        const dispute = /^dispute +([^,]+),/m.exec(out)?.[1]
        if (dispute !== undefined) known.DISPUTE = dispute
      }
    })
  })

  test('no other document has commands that nobody tries', () => {
    const documents = ['formats', 'decisions', 'operating'].flatMap((name) =>
      readdirSync(join(root, 'docs', name)).map((file) => `docs/${name}/${file}`),
    )
    const others = ['ARCHITECTURE.md', 'docs/errors.md', ...documents].filter(
      (file) => file !== 'docs/operating/cli.md',
    )
    assert.deepEqual(
      others.filter((file) => codeBlocks(file, 'sh').length > 0),
      [],
    )
  })
})

function codeBlocks(file: string, language: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))]
  return blocks.flatMap(([, body]) => body!.split('\n').filter((line) => line !== ''))
}
