/** setup.js on a copy of itself, with a stand-in for npm that links this Node.js where `npm ci` would install one. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'

const nodePackage = { linux: `node-linux-${process.arch}`, darwin: `node-bin-darwin-${process.arch}` }[
  process.platform as string
]
const skip = nodePackage === undefined && 'links are made as on Linux and macOS'

const standIn = `
import { appendFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
appendFileSync('installs', process.argv[2] + '\\n')
rmSync('node_modules', { recursive: true, force: true })
await setTimeout(200)
if (existsSync('offline')) { console.error('no network'); process.exit(3) }
mkdirSync('node_modules/${nodePackage}/bin', { recursive: true })
symlinkSync(${JSON.stringify(process.execPath)}, 'node_modules/${nodePackage}/bin/node')
`

const program = `
const [what, ...rest] = process.argv.slice(2)
if (what === 'wait') {
  process.on('SIGTERM', () => process.exit(7))
  setInterval(() => {}, 1000)
  console.log('ready')
} else {
  console.log(JSON.stringify(rest))
  process.exitCode = Number(what)
}
`

function project(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-setup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(import.meta.dirname, '..', 'setup.js'), join(folder, 'setup.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  mkdirSync(join(folder, 'npm'))
  writeFileSync(join(folder, 'npm', 'npm-cli.js'), standIn)
  writeFileSync(join(folder, 'program.ts'), program)
  return folder
}

function environment(folder: string): NodeJS.ProcessEnv {
  const { npm_lifecycle_event: _, ...env } = process.env
  return { ...env, npm_execpath: join(folder, 'npm', 'npm-cli.js'), npm_node_execpath: process.execPath }
}

function start(folder: string, ...args: string[]): ChildProcess {
  const options = { cwd: folder, env: environment(folder) }
  return spawn(process.execPath, [join(folder, 'setup.js'), 'program.ts', ...args], options)
}

async function run(folder: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(folder, ...args)
  const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout!), text(child.stderr!)])
  return { code, out, err }
}

function installs(folder: string): number {
  return readFileSync(join(folder, 'installs'), 'utf8').split('ci\n').length - 1
}

test('installs once for one lockfile, again for another, and says so on one line', { skip }, async (t) => {
  const folder = project(t)
  const first = await run(folder, '0', '--json', 'two words')
  assert.deepEqual([first.code, first.out], [0, '["--json","two words"]\n'])
  assert.match(first.err, /^concordat set-up: installing [^\n]*\n$/)
  assert.deepEqual(await run(folder, '0'), { code: 0, out: '[]\n', err: '' })
  assert.equal(installs(folder), 1)
  writeFileSync(join(folder, 'package-lock.json'), '{"changed":true}')
  assert.equal((await run(folder, '0')).code, 0)
  assert.equal(installs(folder), 2)
})

test('two at once install once', { skip }, async (t) => {
  const folder = project(t)
  const both = await Promise.all([run(folder, '0'), run(folder, '0')])
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  )
  assert.equal(installs(folder), 1)
})

test('a failed install fails with what npm said, starts nothing, and is done again', { skip }, async (t) => {
  const folder = project(t)
  writeFileSync(join(folder, 'offline'), '')
  const failed = await run(folder, '0')
  assert.deepEqual([failed.code, failed.out], [3, ''])
  assert.match(failed.err, /no network/)
  rmSync(join(folder, 'offline'))
  assert.equal((await run(folder, '0')).code, 0)
  assert.equal(installs(folder), 2)
})

test('an interrupted install ends at once, gives the lock back and is done again', { skip }, async (t) => {
  const folder = project(t)
  const child = start(folder, '0')
  await once(child.stderr!, 'data')
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  assert.notEqual((await ended)[0], 0)
  assert.equal(existsSync(join(folder, '.concordat', 'setup-lock')), false)
  assert.equal((await run(folder, '0')).code, 0)
})

test('exits as the program exits, and passes signals on to it', { skip }, async (t) => {
  const folder = project(t)
  assert.equal((await run(folder, '5')).code, 5)
  const child = start(folder, 'wait')
  await once(child.stdout!, 'data')
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [7, null])
})

test('ends the program when npm was told to end, which only the shell in between hears', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const folder = project(t)
  const shell = spawn('sh', ['-c', `'${process.execPath}' setup.js program.ts wait; true`], {
    cwd: folder,
    env: { ...environment(folder), npm_lifecycle_event: 'start' },
  })
  await once(shell.stdout, 'data')
  const closed = once(shell, 'close') // the program holds the shell's output open until it ends
  shell.kill('SIGTERM')
  await closed
})
