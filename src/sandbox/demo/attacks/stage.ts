import type { Client } from '../../client/client.ts'
import { Http, type HttpRequest, type HttpResponse } from '../../client/http.ts'
import { Peer } from '../../client/peer.ts'
import { type Scenario, withMemberIds } from '../../core/blueprint/scenario.ts'
import type { JsonObject } from '../../core/canonical-json.ts'
import { ConcordatError } from '../../core/error.ts'
import type { Storage } from '../../storage/storage.ts'
import type { MemberNode } from '../member-node.ts'
import type { Network } from '../network.ts'
import { playStep } from '../play.ts'
import type { Story } from '../scenario.ts'
import type { StoryClock } from '../story-clock.ts'

/** What attackers have: a running network, their own keys and tokens, and what they tapped from the wires. */
export interface Stage {
  network: Network
  story: Story
  clock: StoryClock
  random: (sizeBytes: number) => Uint8Array
  http: Http
  /** The network's folder, one folder a member in it. */
  folder: string
  /** The story's cases, by scenario. */
  cases: ReadonlyMap<string, string>
  /** Deliveries between nodes as they went over the wire, oldest first. */
  wire: readonly HttpRequest[]
  /** While it is closed, Social Security Scotland's node delivers nothing. */
  agencyGate: Gate
}

export interface Gate {
  closed: boolean
}

/** One attempt: what was tried, and what became of it. */
export interface Attempt {
  what: string
  /** The code that must come. */
  expected: string
  /** The code that came; `SUCCEEDED` if nothing stood in the way. */
  got: string
}

export interface Attack {
  name: string
  title: string
  /** One sentence: why it fails. */
  why: string
  run(stage: Stage): Promise<Attempt[]>
}

export const SUCCEEDED = 'SUCCEEDED'

/** The code of the failure. Anything that is not an expected failure is a bug and is thrown. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return SUCCEEDED
  } catch (error) {
    if (error instanceof ConcordatError) return error.code
    throw error
  }
}

export function memberOf({ network }: Stage, id: string): MemberNode {
  return network.members.get(id)!
}

export function clientOf({ network }: Stage, id: string): Client {
  return network.clients.get(id)!
}

/** Requests to another member's node, signed by `from` with its own request key. */
export function peerOf({ clock, random, http }: Stage, from: MemberNode, to: MemberNode): Peer {
  return new Peer({
    address: to.nodeAddress,
    member: from.member,
    sign: (data) => from.custody.sign('request', data),
    clock,
    random,
    http,
  })
}

/** Hands an entry to the sequencer over HTTP, past the attacker's own node. The rules alone decide. */
export async function submitRaw(stage: Stage, from: MemberNode, jws: string): Promise<string> {
  const sequencer = [...stage.network.members.values()][0]!
  const [outcome] = await peerOf(stage, from, sequencer).submitEntries(stage.network.register, [jws])
  return outcome !== undefined && 'refusal' in outcome ? outcome.refusal.code : SUCCEEDED
}

function scenarioOf({ story }: Stage, name: string): Scenario {
  return story.scenarios.find((scenario) => scenario.name === name)!
}

/** What the story's honest member enters at a step. */
export function honestData(stage: Stage, scenario: string, step: string): JsonObject {
  const entered = scenarioOf(stage, scenario).steps.find((candidate) => candidate.step === step)
  if (entered?.kind !== 'action') throw new TypeError(`nobody acts at ${step}`)
  return withMemberIds(entered.data, stage.network.memberIds) as JsonObject
}

/** A new case, played honestly from the scenario's first step up to and including `until`. */
export async function playCase(
  stage: Stage,
  { scenario: name, until, key }: { scenario: string; until: string; key: string },
): Promise<string> {
  const scenario = scenarioOf(stage, name)
  let caseId: string | undefined
  for (const [place, step] of scenario.steps.entries()) {
    const idempotencyKey = `attack-${key}-${place}`
    const played = await playStep(stage.network, scenario, step, { clock: stage.clock, caseId, idempotencyKey })
    caseId = played.case
    if (step.step === until) break
  }
  return caseId!
}

interface Played {
  scenario: string
  step: string
  caseId: string
  key: string
}

/** Goes on with a case that has been played, honestly, by one step. */
export async function playOn(stage: Stage, { scenario: name, step, caseId, key }: Played): Promise<string> {
  const scenario = scenarioOf(stage, name)
  const place = placeOf(scenario, step)
  const played = { clock: stage.clock, caseId, idempotencyKey: `attack-${key}-${place}` }
  return (await playStep(stage.network, scenario, scenario.steps[place]!, played)).entry
}

/** Sends once more, word for word, what playCase sent for a step. Answers the record. */
export async function repeat(stage: Stage, { scenario: name, step, caseId, key }: Played): Promise<string> {
  const scenario = scenarioOf(stage, name)
  const place = placeOf(scenario, step)
  const client = clientOf(stage, scenario.members[scenario.steps[place]!.by]!)
  const data = honestData(stage, name, step)
  return (await client.submitAction({ case: caseId, step, data, idempotencyKey: `attack-${key}-${place}` })).record
}

function placeOf(scenario: Scenario, step: string): number {
  return scenario.steps.findIndex((candidate) => candidate.step === step)
}

/** The newest record of a step in a case. */
export async function recordOf(stage: Stage, caseId: string, step: string): Promise<string> {
  const { records } = await clientOf(stage, 'council').getCase(caseId)
  return records.findLast((record) => record.step === step)!.record
}

/** A member's connections, each delivery copied on its way. */
export class TappedHttp extends Http {
  readonly wire: HttpRequest[] = []

  override async send(request: HttpRequest): Promise<HttpResponse> {
    if (request.url.endsWith('/deliveries')) this.wire.push(request)
    return super.send(request)
  }
}

/** A member's storage as its own administrator may change it: while the gate is closed the node finds nothing to deliver. */
export function gated(storage: Storage, gate: Gate): Storage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'dueRecipients' && gate.closed) return async () => []
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
