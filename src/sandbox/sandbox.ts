import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import pino from 'pino'
import type { TokensFile } from '../cli/connection.ts'
import { ConcordatError } from '../core/error.ts'
import { openMemberFolder } from './member-node.ts'
import { type Network, openNetwork } from './network.ts'
import { openPage } from './page.ts'
import { readStory } from './scenario.ts'
import { systemClock } from './story-clock.ts'

/** Any free one: what is bookmarked are the members' own addresses. */
const PAGE_PORT = 0

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
      const tokens = writeTokens(folder, network)
      const page = await openPage(network, PAGE_PORT)
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

/** One sandbox a folder: two would order the same register twice. What a dead one left is taken over. */
function takeFolder(folder: string): () => void {
  const path = join(folder, 'sandbox.pid')
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : undefined
  if (pid !== undefined && pid !== process.pid && isRunning(pid)) {
    throw new ConcordatError({
      code: 'SANDBOX_IN_USE',
      expected: 'a folder that no other sandbox uses',
      got: `process ${pid}`,
    })
  }
  writeFileSync(path, String(process.pid), { mode: 0o600 })
  return () => rmSync(path, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function writeTokens(folder: string, { register, blueprint, members }: Network): string {
  const path = join(folder, 'tokens.json')
  const file: TokensFile = {
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
  const as = (member: string) => `--sandbox ${folder} --as ${member}`
  const data = (step: string) => relative(process.cwd(), join(story, 'data', `${step}.json`))
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
    `  ${program} audit --data ${join(folder, 'audit')}`,
    '',
    'Ctrl-C ends it.',
  ]
  return `${lines.join('\n')}\n`
}
