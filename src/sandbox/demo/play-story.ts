import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Http } from '../../client/http.ts'
import { pathOf, type Scenario, timesOf } from '../../core/blueprint/simulate/scenario.ts'
import { parseJson } from '../../core/canonical-json.ts'
import { type Audit, auditRegister } from '../../core/ledger/audit.ts'
import { verifyEvidence } from '../../core/ledger/evidence.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { openSqliteSnapshot } from '../../storage/sqlite.ts'
import { findDifferences, type Holdings, readHoldings } from '../holdings.ts'
import { openMemberFolder } from '../member-node.ts'
import { type Network, openNetwork } from '../network.ts'
import { findUnexpected, type PlayedStep, playScenarios, waitFor } from '../play.ts'
import { readStory } from '../scenario.ts'
import { StoryClock } from '../story-clock.ts'
import { type Attempt, gated, type Stage, TappedHttp } from './attacks/stage.ts'
import type { DemoStory } from './stories.ts'
import type { Transcript } from './transcript.ts'

const BEFORE_STORY_SECONDS = 600
const PEER_TIMEOUT_MS = 20_000

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

export interface PlayedAttack {
  name: string
  title: string
  why: string
  attempts: Attempt[]
}

export interface MemberAudit {
  member: string
  audit: Audit
}

/** How long each part of a story took. */
export interface Lap {
  part: string
  seconds: number
}

export interface PlayedStory {
  name: string
  network: Pick<Network, 'register' | 'blueprint' | 'members'>
  cases: PlayedCase[]
  evidence: Evidence[]
  attacks: PlayedAttack[]
  audits: MemberAudit[]
  laps: Lap[]
  /** What did not come out as it must, in words. */
  failures: string[]
}

export interface PlayOptions {
  story: DemoStory
  /** Where the stories' folders are. */
  examples: string
  /** Empty; each member gets a folder in it. */
  folder: string
  transcript: Transcript
  onProgress: (text: string) => void
}

/** Plays a story and the attacks on it over real HTTP, by its own time. What should not have failed is told with the rest. */
export async function playStory(options: PlayOptions): Promise<PlayedStory> {
  const { folder, transcript, onProgress } = options
  const story = readStory(join(options.examples, options.story.name))
  const laps = new Laps()
  const clock = new StoryClock(Math.min(...story.scenarios.flatMap(timesOf)) - BEFORE_STORY_SECONDS)
  const wire = new TappedHttp({ timeoutMs: PEER_TIMEOUT_MS, allowInternal: true })
  const agencyGate = { closed: false }
  const random = (sizeBytes: number) => randomBytes(sizeBytes)
  const failures: string[] = []
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
    log: { info() {}, error: (facts, message) => failures.push(`a node reports: ${message} ${JSON.stringify(facts)}`) },
    onProgress(text) {
      onProgress(text)
      transcript.founding(text)
    },
  })
  const http = new Http({ timeoutMs: PEER_TIMEOUT_MS, allowInternal: true })
  try {
    transcript.founded(network, story)
    laps.end('starting, founding, agreeing')

    const cases = await playCases(network, story.scenarios, { clock, onProgress })
    for (const one of cases) {
      failures.push(...findUnexpected(one.steps), ...findDifferences(one.scenario, one.holdings))
      transcript.playedCase(network, one)
    }
    transcript.matrix(network, story, cases[0]!)
    laps.end(`${cases.length} cases`)

    onProgress('exporting evidence')
    mkdirSync(join(folder, 'evidence'))
    const evidence: Evidence[] = []
    for (const one of cases) {
      await orFail(failures, `${one.scenario.name}: evidence`, async () => {
        evidence.push(await exportAndVerify(network, folder, one))
      })
    }
    transcript.evidence(network, folder, evidence)
    laps.end('evidence')

    const byScenario = new Map(cases.map((one) => [one.scenario.name, one.case]))
    const { cast } = options.story
    const onStage = {
      network,
      story,
      cast,
      clock,
      random,
      http,
      folder,
      cases: byScenario,
      wire: wire.wire,
      agencyGate,
    }
    const attacks = await playAttacks(options, onStage, failures)
    laps.end('attacks')

    onProgress('auditing')
    const audits = await auditAtRest(network, { folder, clock, failures })
    transcript.audits(network, folder, audits)
    laps.end('audits')
    transcript.storyEnding(laps.ended, failures)
    return { name: options.story.name, network, cases, evidence, attacks, audits, laps: laps.ended, failures }
  } finally {
    await network.stop()
    http.close()
  }
}

const MAX_AUDITS = 5

class Laps {
  readonly ended: Lap[] = []
  #sinceMs = performance.now()

  end(part: string): void {
    const nowMs = performance.now()
    this.ended.push({ part, seconds: (nowMs - this.#sinceMs) / 1000 })
    this.#sinceMs = nowMs
  }
}

async function playAttacks(
  { story, transcript, onProgress }: PlayOptions,
  stage: Stage,
  failures: string[],
): Promise<PlayedAttack[]> {
  const played: PlayedAttack[] = []
  transcript.attacks()
  for (const attack of story.attacks) {
    const { name } = attack
    const [title, why] = [attack.title(stage), attack.why(stage)]
    onProgress(title)
    let attempts: Attempt[] = []
    await orFail(failures, name, async () => {
      attempts = await attack.run(stage)
    })
    failures.push(
      ...attempts
        .filter(({ expected, got }) => got !== expected)
        .map(({ what, expected, got }) => `${name}: ${what}: expected ${expected}, got ${got}`),
    )
    played.push({ name, title, why, attempts })
    transcript.attack(played.length, played.at(-1)!)
  }
  return played
}

/** Nodes enter things of their own, such as a month's new encryption key: then they are audited again. */
async function auditAtRest(
  network: Network,
  { folder, clock, failures }: { folder: string; clock: StoryClock; failures: string[] },
): Promise<MemberAudit[]> {
  for (let attempt = 1; ; attempt++) {
    const found: string[] = []
    await orFail(found, 'coming to rest', () => untilQuiet(network, clock))
    const audits = await auditAll(network, folder, found)
    if (found.length > 0 && attempt < MAX_AUDITS) continue
    failures.push(...found)
    return audits
  }
}

async function auditAll({ members, register }: Network, folder: string, failures: string[]): Promise<MemberAudit[]> {
  const audits: MemberAudit[] = []
  for (const id of members.keys()) {
    await orFail(failures, `the audit of ${id}`, async () => {
      audits.push({ member: id, audit: await audit(join(folder, id, 'node.db'), register) })
    })
  }
  if (new Set(audits.map(({ audit: { size, root } }) => `${size} ${root}`)).size !== 1) {
    failures.push('the members hold different registers')
  }
  return audits
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

async function playCases(
  network: Network,
  scenarios: readonly Scenario[],
  { clock, onProgress }: { clock: StoryClock; onProgress: (text: string) => void },
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
  { clients, members, register }: Network,
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
