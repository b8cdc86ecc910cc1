/**
 * What `npm test` runs: the checks, then, if they pass, every test.
 * It fails if a check or test fails, if a pattern names no file, and if there is no test in a file that a pattern names.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, constants, tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const patterns = ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts']
const checks: [name: string, program: string, ...args: string[]][] = [
  [
    'lint and format',
    '@biomejs/biome/bin/biome',
    'ci',
    '--error-on-warnings',
    `--colors=${process.stdout.isTTY ? 'force' : 'off'}`,
  ],
  ['types', 'typescript/bin/tsc', '--noEmit', '--project', '.'],
  ['unused code', 'knip/bin/knip.js', '--no-progress'],
]

for (const [name, program, ...args] of checks) {
  const code = await run([join(root, 'node_modules', program), ...args])
  if (code !== 0) stop(`${name}: failed`, code)
}

const files = patterns.flatMap((pattern) => {
  const found = globSync(pattern, { cwd: root })
  if (found.length === 0) stop(`tests: no file matches ${pattern}`, 1)
  return found
})
const folder = mkdtempSync(join(tmpdir(), 'concordat-test-'))
const tallyFile = join(folder, 'files')
const code = await run([
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--test-timeout=900000',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${join(root, 'test', 'tally.ts')}`,
  `--test-reporter-destination=${tallyFile}`,
  ...patterns,
])
const tested = new Set(readFileSync(tallyFile, 'utf8').split('\n'))
rmSync(folder, { recursive: true })
if (code !== 0) process.exit(code)
const untested = files.filter((file) => !tested.has(join(root, file)))
if (untested.length > 0) stop(`tests: no test in ${untested.join(', ')}`, 1)

function stop(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}

/**
 * Runs Node.js to its end in a process group of its own and resolves to its exit code. What is left of the group then, or
 * when this process is told to end, is ended too: no process outlives the tests. (Windows has no groups.)
 */
function run(args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const grouped = process.platform !== 'win32'
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', detached: grouped })
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    const end = (signal: NodeJS.Signals) => {
      try {
        if (grouped && child.pid !== undefined) process.kill(-child.pid, signal)
        else child.kill(signal)
      } catch {
        // Nothing is left of the group.
      }
    }
    for (const signal of signals) process.on(signal, end)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      end('SIGKILL')
      for (const name of signals) process.off(name, end)
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal])
    })
  })
}
