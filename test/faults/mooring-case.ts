import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ActionReceipt, CaseView, InboxItem } from '../../src/api/cases.ts'
import type { Client } from '../../src/client/client.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { type MemberFolder, type MemberNode, openMemberFolder, serveMember } from '../../src/sandbox/member-node.ts'
import { checkNetwork } from '../whole-register.ts'
import { FastClock } from './fast-clock.ts'
import { withFaults } from './faulty-folder.ts'
import { mooringStory } from './mooring-story.ts'
import { logTo, openTestNetwork, storyStart, type TestNetwork, until } from './open-network.ts'

/** The mooring story's network and what its members' clients do. */
export class Moorings {
  readonly clock: FastClock
  readonly network: TestNetwork['network']
  /** Members whose nodes reach no other, and those whose nodes reach others and get no answer. A restart ends both. */
  readonly away: Set<string>
  readonly deaf: Set<string>
  readonly #opened: TestNetwork
  readonly #down = new Set<string>()
  #keys = 0

  /** In a folder of its own, gone with the test. */
  static async open(t: TestContext): Promise<Moorings> {
    const story = mooringStory()
    const clock = new FastClock({ startsAt: storyStart(story), originMs: Date.now(), rate: 10 })
    const cut = { away: new Set<string>(), deaf: new Set<string>() }
    const around = (folder: MemberFolder, member: string) => {
      return withFaults(folder, async (name, write) => {
        if (name !== 'POST') return write()
        if (cut.away.has(member)) throw unreachable()
        const answer = await write()
        if (cut.deaf.has(member)) throw unreachable()
        return answer
      })
    }
    return new Moorings(await openTestNetwork(t, story, { around, clock }), { clock, ...cut })
  }

  private constructor(opened: TestNetwork, parts: Pick<Moorings, 'clock' | 'away' | 'deaf'>) {
    this.#opened = opened
    this.network = opened.network
    this.clock = parts.clock
    this.away = parts.away
    this.deaf = parts.deaf
  }

  client(id: string): Client {
    return this.network.clients.get(id)!
  }

  memberId(id: string): string {
    return this.network.memberIds[id]!
  }

  storage(id: string): MemberNode['storage'] {
    return this.network.members.get(id)!.storage
  }

  /** Another one each time. */
  key(): { idempotencyKey: string } {
    return { idempotencyKey: `key-${++this.#keys}` }
  }

  async ask(blueprint = this.network.blueprint): Promise<ActionReceipt> {
    return this.client('yard').startCase({ blueprint, role: 'yard', data: { length: 12 }, ...this.key() })
  }

  async assign(caseId: string, survey: 'yes' | 'no'): Promise<ActionReceipt> {
    return this.act('harbour', caseId, 'assign', this.assignment(survey))
  }

  async berth(caseId: string): Promise<ActionReceipt> {
    return this.act('harbour', caseId, 'berth', { berth: 'B7', pilots: this.memberId('pilots') })
  }

  assignment(survey: 'yes' | 'no', nights = 30): JsonObject {
    return { survey, surveyor: this.memberId('surveyor'), nights }
  }

  /** Takes the step once it waits in the member's inbox with all that it builds on. */
  async act(id: string, caseId: string, step: string, data: JsonObject): Promise<ActionReceipt> {
    await this.untilWaiting(id, caseId, { kind: 'act', step })
    return this.client(id).submitAction({ case: caseId, step, data, ...this.key() })
  }

  /** Countersigns the newest record of the step, or refuses to, once it waits in the member's inbox. */
  async confirm(id: string, caseId: string, { step, accept }: { step: string; accept: boolean }): Promise<void> {
    const { record, role } = await this.untilWaiting(id, caseId, { kind: 'confirm', step })
    assert(record !== null)
    await this.client(id).confirmRecord({ case: caseId, record, role, accept, ...this.key() })
  }

  async untilWaiting(id: string, caseId: string, { kind, step }: Pick<InboxItem, 'kind' | 'step'>): Promise<InboxItem> {
    let found: InboxItem | undefined
    await until(`${step} waits for ${id} to ${kind}`, async () => {
      const items = await this.client(id).listInbox(1_000)
      found = items.find((item) => item.case === caseId && item.kind === kind && item.step === step && item.ready)
      return found !== undefined
    })
    return found!
  }

  /** Until every running node of a member bound in the case shows it so. */
  async untilAll(what: string, caseId: string, isSo: (view: CaseView, id: string) => boolean): Promise<void> {
    const bound = Object.values((await this.client('harbour').getCase(caseId)).roles)
    const ids = [...this.network.clients.keys()].filter(
      (id) => bound.includes(this.memberId(id)) && !this.#down.has(id),
    )
    for (const id of ids) {
      await until(`${id} shows ${what}`, async () => isSo(await this.client(id).getCase(caseId), id))
    }
  }

  async stop(id: string): Promise<void> {
    this.#down.add(id)
    await this.network.members.get(id)!.stop()
  }

  /** A stopped member's node on its folder, at its address. */
  async startAgain(id: string): Promise<void> {
    const { folder, clock, errors } = this.#opened
    const { name, address } = this.network.members.get(id)!
    const again = await serveMember({
      name,
      folder: await openMemberFolder(join(folder, id), clock),
      port: Number(new URL(address).port),
      clock,
      random: (sizeBytes) => crypto.getRandomValues(new Uint8Array(sizeBytes)),
      log: logTo(errors),
    })
    // The network stops the nodes that its map holds.
    ;(this.network.members as Map<string, MemberNode>).set(id, again)
    await again.node.start()
    this.#down.delete(id)
  }

  /** Nothing is left to send, and an audit of each node finds the register that the others hold. Answers its entries by kind. */
  async check(): Promise<Readonly<Record<string, number>>> {
    const { members, register } = this.network
    for (const [id, { storage }] of members) {
      await until(
        `${id} has nothing left to send`,
        async () => (await storage.pendingSubmissions(register)).length === 0,
      )
    }
    const { entries, size, committed } = await checkNetwork(members, register)
    assert.equal(committed, size, 'everything is committed')
    const bugs = this.#opened.errors.filter(({ code }) => code === 'bug')
    assert.deepEqual(bugs, [])
    return entries
  }
}

function unreachable(): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
}
