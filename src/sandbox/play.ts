import { isDeepStrictEqual } from 'node:util'
import type { ActionReceipt, CaseView } from '../api/cases.ts'
import type { Client } from '../client/client.ts'
import { getStep } from '../core/blueprint/blueprint.ts'
import { split } from '../core/blueprint/pointer.ts'
import {
  type ActionStep,
  pathOf,
  type Scenario,
  type ScenarioStep,
  timesOf,
  withMemberIds,
} from '../core/blueprint/simulate/scenario.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { ConcordatError } from '../core/error.ts'
import type { Network } from './network.ts'
import type { StoryClock } from './story-clock.ts'

/** An entry of a scenario, as the node of whoever entered it shows the case after. */
export interface PlayedStep {
  scenario: Scenario
  step: ScenarioStep
  case: string
  /** Entry id and index on the register. */
  entry: string
  index: number
  time: number
  /** The steps that are open now and were not before. */
  opened: string[]
  /** Of an action. */
  calculated: JsonObject
}

const POLL_MS = 10
const PATIENCE_MS = 30_000

/**
 * Plays scenarios over the network as their members' clients would, all at once, in the order of their times. Yields each step
 * when it is committed. Deadlines that pass are entered by the nodes themselves. `run` sets this telling apart from others on the
 * same register.
 */
export async function* playScenarios(
  network: Network,
  scenarios: readonly Scenario[],
  { clock, run }: { clock: StoryClock; run: string },
): AsyncGenerator<PlayedStep> {
  const cases = new Map<Scenario, string>()
  const steps = scenarios.flatMap((scenario) => {
    const times = timesOf(scenario)
    return scenario.steps.map((step, place) => ({ scenario, step, place, time: times[place]! }))
  })
  steps.sort((a, b) => a.time - b.time)
  for (const { scenario, step, place, time } of steps) {
    clock.advanceTo(time)
    const idempotencyKey = `${run}-${scenario.name}-${place}`
    const played = await playStep(network, scenario, step, { clock, caseId: cases.get(scenario), idempotencyKey })
    cases.set(scenario, played.case)
    yield played
  }
}

export async function playStep(
  network: Network,
  scenario: Scenario,
  step: ScenarioStep,
  { clock, caseId, idempotencyKey }: { clock: Clock; caseId: string | undefined; idempotencyKey: string },
): Promise<PlayedStep> {
  const client = clientOf(network, scenario, step.by)
  const place = scenario.steps.indexOf(step)
  if (caseId === undefined) {
    if (step.kind !== 'action') throw new TypeError('a case starts with an action')
    const data = withMemberIds(step.data, network.memberIds) as JsonObject
    const receipt = await client.startCase({ blueprint: network.blueprint, role: step.by, data, idempotencyKey })
    return playedAction(scenario, step, receipt, (await client.getCase(receipt.case)).open, [])
  }
  const before = await caseWith(client, { caseId, entries: place, step: step.step }, clock)
  const played = { scenario, step, case: caseId, calculated: {} }
  if (step.kind === 'action') {
    const receipt = await act(network, client, step, { caseId, before, clock, idempotencyKey })
    const { open } = await caseWith(client, { caseId, entries: place + 1, step: step.step }, clock)
    return playedAction(scenario, step, receipt, open, before.open)
  }
  await enter(client, step, { before, clock, idempotencyKey })
  const after = await caseWith(client, { caseId, entries: place + 1, step: step.step }, clock)
  const last = newestEntry(after)
  return { ...played, ...last, opened: openedSince(before.open, after.open) }
}

function playedAction(
  scenario: Scenario,
  step: ScenarioStep,
  { case: caseId, record, index, time, calculated }: ActionReceipt,
  open: CaseView['open'],
  before: CaseView['open'],
): PlayedStep {
  return { scenario, step, case: caseId, entry: record, index, time, calculated, opened: openedSince(before, open) }
}

/** What each step opened and computed, held against its scenario, in words. */
export function findUnexpected(steps: readonly PlayedStep[]): string[] {
  return steps.flatMap(({ scenario, step, opened, calculated }) => {
    const found: string[] = []
    const expected = 'expect' in step && 'next' in step.expect ? step.expect.next : []
    if (!isDeepStrictEqual(opened, expected.toSorted())) found.push(`opens ${opened.join(', ') || 'nothing'}`)
    const computed = step.kind === 'action' ? step.expect.calculated : {}
    if (!isDeepStrictEqual(Object.fromEntries(split(calculated)), computed)) found.push('computes another value')
    return found.map((text) => `${scenario.name}: ${pathOf(step)} ${text}`)
  })
}

async function act(
  network: Network,
  client: Client,
  { step, data: entered, corrects }: ActionStep,
  { caseId, before, clock, idempotencyKey }: { caseId: string; before: CaseView; clock: Clock; idempotencyKey: string },
): Promise<ActionReceipt> {
  const data = withMemberIds(entered, network.memberIds) as JsonObject
  const { withdrawal } = getStep(network.document, step)
  const asks = network.document.review?.request.includes(step) === true
  if (withdrawal !== true && !asks && !corrects) await waitUntilReady(client, { caseId, step }, clock)
  const correction = corrects ? { corrects: newestRecord(before, step).record } : {}
  return client.submitAction({ case: caseId, step, data, ...correction, idempotencyKey })
}

async function enter(
  client: Client,
  step: Exclude<ScenarioStep, ActionStep>,
  { before, clock, idempotencyKey }: { before: CaseView; clock: Clock; idempotencyKey: string },
): Promise<void> {
  const common = { case: before.case, role: step.by, idempotencyKey }
  switch (step.kind) {
    case 'confirm': {
      const { record } = newestRecord(before, step.step)
      await client.confirmRecord({ ...common, record, accept: step.accept })
      return
    }
    case 'dispute': {
      const { record } = newestRecord(before, step.step)
      await client.raiseDispute({ ...common, record, reason: step.reason, explanation: step.explanation })
      return
    }
    case 'resolve': {
      const { dispute, record } = openDispute(before, step.step)
      const correction = before.records.findLast(({ replaces, void: isVoid }) => replaces === record && !isVoid)
      const settles = step.outcome === 'settled' && correction !== undefined ? { correction: correction.record } : {}
      await client.resolveDispute({ ...common, dispute, outcome: step.outcome, ...settles })
      return
    }
    case 'extend':
      await client.extendDeadline({ ...common, step: step.step, until: step.until })
      return
    case 'lapse':
      // Whichever node notices first enters it.
      await waitFor(clock, async () => entriesOf(await client.getCase(before.case)) > entriesOf(before))
  }
}

/** The case as the member's node has it once so many entries have come, and with what the newest record of the step shows it. */
async function caseWith(
  client: Client,
  { caseId, entries, step }: { caseId: string; entries: number; step: string },
  clock: Clock,
): Promise<CaseView> {
  let view: CaseView | undefined
  await waitFor(clock, async () => {
    // A member that is bound by the newest entry may not know the case yet.
    view = await client.getCase(caseId).catch(withoutPart)
    if (view === undefined || entriesOf(view) < entries) return false
    return view.records.every((record) => record.step !== step || !record.awaiting)
  })
  return view!
}

export function entriesOf({ records, disputes, acts }: CaseView): number {
  return records.length + disputes.length + acts.length
}

function newestEntry({ records, disputes, acts }: CaseView): { entry: string; index: number; time: number } {
  const all = [
    ...records.map(({ record: entry, index, time }) => ({ entry, index, time })),
    ...disputes.map(({ dispute: entry, index, time }) => ({ entry, index, time })),
    ...acts.map(({ id: entry, index, time }) => ({ entry, index, time })),
  ]
  return all.sort((a, b) => a.index - b.index).at(-1)!
}

function openedSince(before: CaseView['open'], after: CaseView['open']): string[] {
  const left = before.map(({ step }) => step)
  return after
    .map(({ step }) => step)
    .filter((step) => {
      const at = left.indexOf(step)
      if (at < 0) return true
      left.splice(at, 1)
      return false
    })
    .sort()
}

function newestRecord({ records }: CaseView, step: string): CaseView['records'][number] {
  const record = records.findLast((candidate) => candidate.step === step && !candidate.void)
  if (record === undefined) throw new TypeError(`nothing has been recorded at ${step}`)
  return record
}

function openDispute({ disputes, records }: CaseView, step: string): CaseView['disputes'][number] {
  const found = disputes.findLast(({ record, end }) => {
    return end === null && records.some((candidate) => candidate.record === record && candidate.step === step)
  })
  if (found === undefined) throw new TypeError(`nobody disputes ${step}`)
  return found
}

/** For a member that has no part in the case. */
export function withoutPart(error: unknown): undefined {
  if (!(error instanceof ConcordatError) || error.code !== 'CASE_UNKNOWN') throw error
}

function clientOf(network: Network, scenario: Scenario, role: string): Client {
  const client = network.clients.get(scenario.members[role] ?? '')
  if (client === undefined) throw new TypeError(`no member of the network plays ${role}`)
  return client
}

/** Until the step waits for this member with everything that it is owed. A withdrawal waits for nobody. */
export async function waitUntilReady(
  client: Client,
  { caseId, step }: { caseId: string; step: string },
  clock: Clock,
): Promise<void> {
  await waitFor(clock, async () => {
    const items = await client.listInbox(1_000)
    return items.some(({ kind, ...item }) => kind === 'act' && item.case === caseId && item.step === step && item.ready)
  })
}

export async function waitFor(clock: Clock, condition: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    if (await condition()) return
    await clock.wait(POLL_MS)
  }
  throw new Error('what was waited for did not come about')
}
