import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { timesOf } from '../../src/core/blueprint/simulate/scenario.ts'
import type { Clock } from '../../src/core/clock.ts'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import { type MemberFolder, type MemberNode, openMemberFolder, serveMember } from '../../src/sandbox/member-node.ts'
import { type Network, openNetwork } from '../../src/sandbox/network.ts'
import type { Story } from '../../src/sandbox/scenario.ts'
import { checkedServers } from '../openapi-check.ts'
import { FastClock } from './fast-clock.ts'

/** What the nodes logged as gone wrong with nobody waiting for it. */
export interface LoggedError {
  node: string
  code: ErrorCode | 'bug'
}

export interface TestNetwork {
  network: Network
  folder: string
  clock: Clock
  errors: LoggedError[]
}

const RATE = 10

/** A story's network in a folder of its own, gone with the test. Every answer is checked against the OpenAPI document. */
export async function openTestNetwork(
  t: TestContext,
  story: Story,
  options: {
    around: (folder: MemberFolder, member: string) => MemberFolder
    /** Runs fast where absent. */
    clock?: Clock
    /** Everything that the nodes log, whatever its level. */
    onLog?: (fields: object, message: string) => void
    /** Called for each server before it is ready. */
    onServer?: (server: FastifyInstance) => void
  },
): Promise<TestNetwork> {
  const { around, onLog = () => {}, onServer = () => {} } = options
  const folder = mkdtempSync(join(tmpdir(), 'concordat-faults-'))
  const clock = options.clock ?? new FastClock({ startsAt: storyStart(story), originMs: Date.now(), rate: RATE })
  const errors: LoggedError[] = []
  const logErrors = logTo(errors)
  const { makeServer, assertDocumented } = checkedServers()
  const network = await openNetwork({
    folder,
    openFolder: async (path, at) => around(await openMemberFolder(path, at), path.slice(folder.length + 1)),
    story,
    makeClock: () => clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    log: {
      info: onLog,
      error(facts, message) {
        onLog(facts, message)
        logErrors.error(facts, message)
      },
    },
    makeServer(settings) {
      const server = makeServer(settings)
      onServer(server)
      return server
    },
    onProgress: () => {},
  })
  t.after(async () => {
    await network.stop()
    rmSync(folder, { recursive: true })
    assertDocumented()
  })
  return { network, folder, clock, errors }
}

/** The same node again, at the same address, until the test ends. */
export async function restarted(
  t: TestContext,
  { folder, clock }: TestNetwork,
  before: MemberNode,
): Promise<MemberNode> {
  const opened = await openMemberFolder(join(folder, before.name.toLowerCase()), clock)
  const port = Number(new URL(before.address).port)
  const log = { info() {}, error() {} }
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const served = await serveMember({ name: before.name, folder: opened, port, clock, random, log })
  t.after(() => served.stop())
  await served.node.start()
  return served
}

export function logTo(errors: LoggedError[]) {
  return {
    info() {},
    error(facts: object, message: string) {
      if (message === 'background') errors.push(facts as LoggedError)
      else errors.push({ node: 'server', code: 'bug' })
    },
  }
}

export function storyStart(story: Story): number {
  return Math.min(...story.scenarios.flatMap(timesOf))
}

/** Until the condition holds; fails, naming it, when it does not come about. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const patienceMs = 40_000
  const end = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`in ${patienceMs} ms it did not come about that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Answers that say that nobody can tell: the same request again, with the same key, is what a client does then. */
const COME_AGAIN: readonly ErrorCode[] = [
  'REMOTE_UNREACHABLE',
  'REMOTE_FAILED',
  'ORDERING_UNAVAILABLE',
  'STORAGE_FAILED',
  'CUSTODY_FAILED',
]

/** Undefined where nobody could tell. A refusal is passed on: none is expected of an honest member. */
export async function orAway<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ConcordatError && COME_AGAIN.includes(error.code)) return undefined
    throw error
  }
}
