import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Http } from '../client/http.ts'
import { pathOf, type Scenario, timesOf } from '../core/blueprint/scenario.ts'
import { type JsonObject, parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'
import { type Audit, auditRegister } from '../core/ledger/audit.ts'
import { verifyEvidence } from '../core/ledger/evidence.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { openSqliteSnapshot } from '../storage/sqlite.ts'
import { alteredDisclosure } from './attacks/altered-disclosure.ts'
import { contradictingRoute } from './attacks/contradicting-route.ts'
import { doubleSubmit } from './attacks/double-submit.ts'
import { editedLeaf } from './attacks/edited-leaf.ts'
import { missingApproval } from './attacks/missing-approval.ts'
import { outOfTurn } from './attacks/out-of-turn.ts'
import { type Attack, type Attempt, gated, type Stage, TappedHttp } from './attacks/stage.ts'
import { stolenGrant } from './attacks/stolen-grant.ts'
import { twoValues } from './attacks/two-values.ts'
import { wrongMember } from './attacks/wrong-member.ts'
import { findDifferences, type Holdings, readHoldings } from './holdings.ts'
import { openMemberFolder } from './member-node.ts'
import { type Network, openNetwork } from './network.ts'
import { findUnexpected, type PlayedStep, playScenarios, waitFor } from './play.ts'
import { readStory } from './scenario.ts'
import { StoryClock } from './story-clock.ts'
import { Transcript } from './transcript.ts'

const ATTACKS: readonly Attack[] = [
  outOfTurn,
  wrongMember,
  doubleSubmit,
  alteredDisclosure,
  twoValues,
  editedLeaf,
  stolenGrant,
  missingApproval,
  contradictingRoute,
]

/** The demo's folder holds this file, so that nothing else is ever emptied. */
const MARKER = 'demo.txt'
const BEFORE_STORY_SECONDS = 600
const PEER_TIMEOUT_MS = 20_000

export interface DemoOptions {
  /** Emptied first, and kept. */
  folder: string
  /** The story's folder. */
  story: string
  /** One JSON object in the place of the transcript. */
  json: boolean
  write: (text: string) => void
  onProgress: (text: string) => void
}

/** One case of the story, as it was played. */
export interface PlayedCase {
  scenario: Scenario
  case: string
  steps: PlayedStep[]
  holdings: Holdings
}

export interface Evidence {
  scenario: string
  step: string
  /** Below the demo's folder. */
  file: string
  fields: number
  index: number
  signer: string
  cosigners: number
}

interface PlayedAttack {
  attack: Pick<Attack, 'name' | 'title' | 'why'>
  attempts: Attempt[]
}

/** Plays the story and the attacks on it over real HTTP. Answers 0 if all came out as it must, else 1, and says what did not. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { folder, onProgress } = options
  const start = performance.now()
  const laps: { part: string; seconds: number }[] = []
  let last = start
  const lap = (part: string) => {
    const now = performance.now()
    laps.push({ part, seconds: (now - last) / 1000 })
    last = now
  }
  emptyFolder(folder)
  const story = readStory(options.story)
  const clock = new StoryClock(Math.min(...story.scenarios.flatMap(timesOf)) - BEFORE_STORY_SECONDS)
  const wire = new TappedHttp({ timeoutMs: PEER_TIMEOUT_MS, allowInternal: true })
  const agencyGate = { closed: false }
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const errors: string[] = []
  const transcript = new Transcript(options.json ? () => {} : options.write)

  transcript.opening()
  const network = await openNetwork({
    folder,
    async openFolder(path, memberClock) {
      const opened = await openMemberFolder(path, memberClock)
      if (path === join(folder, 'council')) return { ...opened, http: wire }
      if (path === join(folder, 'agency')) return { ...opened, storage: gated(opened.storage, agencyGate) }
      return opened
    },
    story,
    makeClock: () => clock,
    random,
    log: { info() {}, error: (facts, message) => errors.push(`${message} ${JSON.stringify(facts)}`) },
    onProgress(text) {
      onProgress(text)
      transcript.founding(text)
    },
  })
  const http = new Http({ timeoutMs: PEER_TIMEOUT_MS, allowInternal: true })
  const failures: string[] = []
  try {
    transcript.founded(network, story)
    lap('starting, founding, agreeing')

    const played = await playStory(network, story.scenarios, clock, onProgress)
    for (const one of played) {
      failures.push(...findUnexpected(one.steps), ...findDifferences(one.scenario, one.holdings))
      transcript.playedCase(network, one)
    }
    transcript.matrix(network, story, played[0]!)
    lap('six cases')

    onProgress('exporting evidence')
    mkdirSync(join(folder, 'evidence'))
    const evidence: Evidence[] = []
    for (const one of played) {
      await orFail(failures, `${one.scenario.name}: evidence`, async () => {
        evidence.push(await exportAndVerify(network, folder, one))
      })
    }
    transcript.evidence(network, folder, evidence)
    lap('evidence')

    const cases = new Map(played.map((one) => [one.scenario.name, one.case]))
    const stage: Stage = { network, story, clock, random, http, folder, cases, wire: wire.wire, agencyGate }
    const attacks: PlayedAttack[] = []
    transcript.attacks()
    for (const attack of ATTACKS) {
      onProgress(attack.title)
      let attempts: Attempt[] = []
      await orFail(failures, attack.name, async () => {
        attempts = await attack.run(stage)
      })
      failures.push(
        ...attempts
          .filter(({ expected, got }) => got !== expected)
          .map(({ what, expected, got }) => `${attack.name}: ${what}: expected ${expected}, got ${got}`),
      )
      attacks.push({ attack, attempts })
      transcript.attack(attacks.length, attack, attempts)
    }
    lap('attacks')

    onProgress('auditing')
    await orFail(failures, 'coming to rest', () => untilQuiet(network, clock))
    const audits: { member: string; audit: Audit }[] = []
    for (const id of network.members.keys()) {
      await orFail(failures, `the audit of ${id}`, async () => {
        audits.push({ member: id, audit: await audit(join(folder, id, 'node.db'), network.register) })
      })
    }
    if (new Set(audits.map(({ audit: { size, root } }) => `${size} ${root}`)).size !== 1) {
      failures.push('the members hold different registers')
    }
    failures.push(...errors.map((error) => `a node reports: ${error}`))
    transcript.audits(network, folder, audits)
    lap('audits')
    const seconds = (performance.now() - start) / 1000
    transcript.ending(laps, seconds, failures)
    if (options.json) {
      options.write(
        `${JSON.stringify(jsonOf({ folder, network, played, evidence, attacks, audits, failures, laps, seconds }), null, 2)}\n`,
      )
    }
    return failures.length === 0 ? 0 : 1
  } finally {
    await network.stop()
    http.close()
  }
}

/** Nothing is left that a node enters by itself, such as the end of a dispute that nobody may decide, and all hold the same. */
async function untilQuiet({ members, register }: Network, clock: StoryClock): Promise<void> {
  await waitFor(clock, async () => {
    const sizes = await Promise.all(
      [...members.values()].map(async ({ storage }) => {
        const due = await storage.dueCases(register, clock.now(), 1)
        const size = (await storage.findHead(register))?.size
        return due.length === 0 && size === (await storage.effectsCursor(register)) ? size : undefined
      }),
    )
    return sizes[0] !== undefined && sizes.every((size) => size === sizes[0])
  })
}

/** What should not have failed is told with the rest. */
async function orFail(failures: string[], what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Throws rather than delete what is not a demo's. */
function emptyFolder(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, MARKER))) {
    throw new ConcordatError({
      code: 'INPUT_INVALID',
      expected: 'an empty or new folder, or one of an earlier demo',
      got: 'a folder with something else in it',
      at: '/folder',
    })
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, MARKER), 'Made by `npm run demo`, which empties this folder each time.\n')
}

async function playStory(
  network: Awaited<ReturnType<typeof openNetwork>>,
  scenarios: readonly Scenario[],
  clock: StoryClock,
  onProgress: (text: string) => void,
): Promise<PlayedCase[]> {
  const steps = new Map<Scenario, PlayedStep[]>()
  for await (const step of playScenarios(network, scenarios, { clock, run: 'demo' })) {
    onProgress(`${step.scenario.name}: ${pathOf(step.step)}`)
    steps.set(step.scenario, [...(steps.get(step.scenario) ?? []), step])
  }
  const played: PlayedCase[] = []
  for (const scenario of scenarios) {
    const own = steps.get(scenario)!
    const caseId = own[0]!.case
    const holdings = await readHoldings(network, { scenario, caseId, clock })
    played.push({ scenario, case: caseId, steps: own, holdings })
  }
  return played
}

/** The decision, or the last record where there is none: written to a file, read again, verified from the register's id alone. */
async function exportAndVerify(
  { clients, members, register }: Awaited<ReturnType<typeof openNetwork>>,
  folder: string,
  { scenario, steps }: PlayedCase,
): Promise<Evidence> {
  const acted = steps.filter(({ step }) => step.kind === 'action')
  const { step, entry } = acted.findLast((candidate) => candidate.step.step === 'decide') ?? acted.at(-1)!
  const signer = scenario.members[step.by]!
  const { file } = await clients.get(signer)!.exportEvidence({ record: entry, fields: 'all' })
  const path = join('evidence', `${scenario.name}-${step.step}.json`)
  writeFileSync(join(folder, path), `${JSON.stringify(file, null, 2)}\n`)
  const read = parseJson(readFileSync(join(folder, path)))
  const verified = await verifyEvidence(read, { register, checks: nodeChecks, pq: true })
  return {
    scenario: scenario.name,
    step: step.step,
    file: path,
    fields: verified.fields.length,
    index: verified.record.index,
    signer: members.get(signer)!.name,
    cosigners: verified.cosigners.length,
  }
}

async function audit(path: string, register: string): Promise<Audit> {
  const store = await openSqliteSnapshot({ path })
  try {
    return await auditRegister({ register, store, checks: nodeChecks, onProgress() {} })
  } finally {
    await store.close()
  }
}

function jsonOf(result: {
  folder: string
  network: Awaited<ReturnType<typeof openNetwork>>
  played: PlayedCase[]
  evidence: Evidence[]
  attacks: PlayedAttack[]
  audits: { member: string; audit: Audit }[]
  failures: string[]
  laps: { part: string; seconds: number }[]
  seconds: number
}): JsonObject {
  const { folder, network, played, evidence, attacks, audits, failures, laps, seconds } = result
  const members = [...network.members].map(([id, { name, member, address }]) => ({ id, name, member, address }))
  return JSON.parse(
    JSON.stringify({
      passed: failures.length === 0,
      failures,
      folder,
      register: network.register,
      blueprint: network.blueprint,
      members,
      cases: played.map(({ scenario, case: id, steps, holdings }) => ({
        scenario: scenario.name,
        case: id,
        steps: steps.map(({ step, entry, index, time, opened, calculated }) => {
          return { step: pathOf(step), by: step.by, entry, index, time, opened, calculated }
        }),
        seen: Object.fromEntries([...holdings.seen].map(([place, fields]) => [place, [...fields.keys()].sort()])),
      })),
      evidence,
      attacks: attacks.map(({ attack: { name, title, why }, attempts }) => ({ name, title, why, attempts })),
      audits: audits.map(({ member, audit: found }) => ({ member, ...found })),
      seconds,
      laps,
    }),
  ) as JsonObject
}
