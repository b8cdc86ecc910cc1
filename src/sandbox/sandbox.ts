import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pino from 'pino'
import { TOKENS_FILE, type TokensFile } from '../cli/tokens-file.ts'
import { ConcordatError } from '../core/error.ts'
import { openMemberFolder } from './member-node.ts'
import { type Network, openNetwork } from './network.ts'
import { openPage } from './page.ts'
import { readStory } from './scenario.ts'
import { systemClock } from './story-clock.ts'

/** The sandbox: a story's members, each with its own node, on this machine, until `stop` aborts. Its folder carries on after a restart. */
export async function runSandbox(options: {
  folder: string
  story: string
  /** How this program is called, for the commands to try. */
  program: string
  json: boolean
  write: (text: string) => void
  progress: (text: string) => void
  stop: AbortSignal
}): Promise<number> {
  const { folder, write, progress, stop, program, json } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const release = takeFolder(folder)
  try {
    const story = readStory(options.story)
    const log = pino({ base: null }, pino.destination({ dest: join(folder, 'sandbox.log'), sync: true, mode: 0o600 }))
    const network = await openNetwork({
      folder,
      openFolder: openMemberFolder,
      story,
      makeClock: () => systemClock,
      random: (sizeBytes) => randomBytes(sizeBytes),
      log,
      onProgress: progress,
    })
    try {
      const page = await openPage(network, findPagePort(folder))
      const tokens = writeTokens(folder, page.address, network)
      const facts = { page: page.address, register: network.register, blueprint: network.blueprint, tokens }
      const members = [...network.members].map(([id, { name, address }]) => ({ id, name, address }))
      write(
        json
          ? `${JSON.stringify({ ...facts, members })}\n`
          : greeting({ ...facts, members, program, story: options.story, folder }),
      )
      await new Promise<void>((resolve) => {
        if (stop.aborted) resolve()
        stop.addEventListener('abort', () => resolve(), { once: true })
      })
      await page.close()
    } finally {
      await network.stop()
    }
  } finally {
    release()
  }
  return 0
}

/**
 * One sandbox a folder: two would order the same register twice. The lock is a database's, which the operating system gives
 * back when the process ends, however it ends.
 */
function takeFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'sandbox.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new ConcordatError(
      { code: 'SANDBOX_IN_USE', expected: 'a folder that no other sandbox uses', got: 'one that is in use' },
      { cause },
    )
  }
  return () => lock.close()
}

/** The same as last time, so that a page left open finds it again; 0, any free one, the first time. */
function findPagePort(folder: string): number {
  try {
    const { page } = JSON.parse(readFileSync(join(folder, TOKENS_FILE), 'utf8')) as TokensFile
    return Number(new URL(page).port)
  } catch {
    return 0
  }
}

function writeTokens(folder: string, page: string, { register, blueprint, members }: Network): string {
  const path = join(folder, TOKENS_FILE)
  const file: TokensFile = {
    page,
    register,
    blueprint,
    members: Object.fromEntries(
      [...members].map(([id, { name, member, address, token }]) => [id, { name, member, address, token }]),
    ),
  }
  rmSync(path, { force: true })
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  return path
}

function greeting(facts: {
  page: string
  register: string
  tokens: string
  members: { id: string; name: string; address: string }[]
  program: string
  story: string
  folder: string
}): string {
  const { page, register, tokens, members, program, story, folder } = facts
  const as = (member: string) => `--sandbox ${quoted(folder)} --as ${member}`
  const data = (step: string) => quoted(relative(process.cwd(), join(story, 'data', `${step}.json`)))
  const width = Math.max(...members.map(({ name }) => name.length))
  const lines = [
    `Open ${page}`,
    '',
    `Five organisations share one register, each with its own node:`,
    ...members.map(({ id, name, address }) => `  ${name.padEnd(width)}  ${address}  --as ${id}`),
    '',
    `Register ${register}`,
    `Tokens   ${tokens}`,
    `Data     ${folder}; it carries on after a restart`,
    '',
    'To try, in another terminal (CASE and RECORD are what the first command prints):',
    `  ${program} case start ${as('council')} --role applicant --data ${data('apply')}`,
    `  ${program} inbox ${as('council')}`,
    `  ${program} action submit CASE check-residence ${as('council')} --data ${data('check-residence')}`,
    `  ${program} case show CASE ${as('agency')}`,
    `  ${program} evidence export RECORD ${as('council')} --out evidence.json`,
    `  ${program} verify evidence.json --register ${register}`,
    `  ${program} audit --data ${quoted(join(folder, 'audit'))}`,
    '',
    'Ctrl-C ends it.',
  ]
  return `${lines.join('\n')}\n`
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
