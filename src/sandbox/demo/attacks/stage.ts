import type { Client } from '../../../client/client.ts'
import { Http, type HttpRequest, type HttpResponse } from '../../../client/http.ts'
import { Peer } from '../../../client/peer.ts'
import { type Scenario, withMemberIds } from '../../../core/blueprint/simulate/scenario.ts'
import type { JsonObject } from '../../../core/canonical-json.ts'
import { thumbprint } from '../../../core/crypto/thumbprint.ts'
import { ConcordatError } from '../../../core/error.ts'
import type { Storage } from '../../../storage/storage.ts'
import type { MemberNode } from '../../member-node.ts'
import type { Network } from '../../network.ts'
import { playStep, waitUntilReady } from '../../play.ts'
import type { Story } from '../../scenario.ts'
import type { StoryClock } from '../../story-clock.ts'

/** What attackers have: a running network, their own keys and tokens, and what they tapped from the wires. */
export interface Stage {
  network: Network
  story: Story
  cast: Cast
  clock: StoryClock
  random: (sizeBytes: number) => Uint8Array
  http: Http
  /** The network's folder, one folder a member in it. */
  folder: string
  /** The story's cases, by scenario. */
  cases: ReadonlyMap<string, string>
  /** Deliveries of the council's node as they went over the wire, oldest first. */
  wire: readonly HttpRequest[]
  /** While it is closed, the agency's node delivers nothing. */
  agencyGate: Gate
}

export interface Gate {
  closed: boolean
}

/**
 * Who plays which part in the attacks, by the story's own ids. In each story a `council` asks an `agency`, after the step `asked`,
 * something that the agency answers at `answer` and on which the council then decides at `decide`.
 */
export interface Cast {
  /** What attackers play honestly, up to their attack, and whose data they enter. */
  scenario: string
  /** Where the decision is a refusal, and of whom. */
  refused: { scenario: string; of: string }
  asked: string
  answer: string
  /** Steps of others that the decision waits for, besides the answer. */
  beside: readonly string[]
  /** What the agency could as well have answered. */
  otherAnswer: JsonObject
  /** What contradicts that the answer leads on. */
  contradiction: JsonObject
  /** A field of the answer that is true and a lie could make false. */
  liedAbout: string
  /** Who is shown the answer later, and when: these steps follow the answer, and the last one shows it. */
  latecomer: { role: string; scenario: string; after: readonly string[]; shownBy: string }
  /** A member without a part in a case until somebody binds it. */
  stranger: string
  /** One with a part, but another one. */
  bystander: string
  /** One that copies from the wire what was meant for the agency. */
  thief: string
  /** One that has not approved a changed process. */
  unasked: string
  /** A next step that the process does not have after the answer. */
  shortCut: string
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
  title(stage: Stage): string
  /** One sentence: why it fails. */
  why(stage: Stage): string
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

export function nameOf(stage: Stage, id: string): string {
  return memberOf(stage, id).name
}

export function clientOf({ network }: Stage, id: string): Client {
  return network.clients.get(id)!
}

/** Requests to another member's node, signed by `from` with its own request key. */
export function peerOf({ clock, random, http }: Stage, from: MemberNode, to: MemberNode): Peer {
  return new Peer({
    address: to.nodeAddress,
    member: from.member,
    signers: async () => [(data) => from.custody.sign(thumbprint(from.custody.publicKeys().request.at(-1)!), data)],
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

export function scenarioOf({ story }: Stage, name: string): Scenario {
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

/** Goes on with a case that has been played, honestly, by one action, as soon as its member is asked for it. */
export async function playOn(stage: Stage, played: Played): Promise<string> {
  const { caseId, step } = played
  const { client } = honestPart(stage, played)
  const asks = stage.network.document.review?.request.includes(step) === true
  if (!asks) await waitUntilReady(client, { caseId, step }, stage.clock)
  return enter(stage, played)
}

/** What playCase sent for a step, once more, word for word. */
export function repeat(stage: Stage, played: Played): Promise<string> {
  return enter(stage, played)
}

/** Answers the record. */
async function enter(stage: Stage, played: Played): Promise<string> {
  const { scenario, step, caseId, key } = played
  const { client, place } = honestPart(stage, played)
  const data = honestData(stage, scenario, step)
  return (await client.submitAction({ case: caseId, step, data, idempotencyKey: `attack-${key}-${place}` })).record
}

function honestPart(stage: Stage, { scenario: name, step }: Played): { client: Client; place: number } {
  const scenario = scenarioOf(stage, name)
  const place = scenario.steps.findIndex((candidate) => candidate.step === step)
  return { client: clientOf(stage, scenario.members[scenario.steps[place]!.by]!), place }
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
