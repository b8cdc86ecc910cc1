/** Five members' nodes, each a process, that are killed, paused and cut off from each other while people work with them. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ActionReceipt } from '../../src/api/cases.ts'
import { parseEntry, parseLeaf } from '../../src/core/ledger/entry.ts'
import { openSqliteStorage } from '../../src/storage/sqlite.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { RandomSource } from '../model/random-source.ts'
import { checkNetwork, checkRegister } from '../whole-register.ts'
import { LinkedNetwork } from './linked-network.ts'
import { until } from './open-network.ts'
import { openTwoStories, playTale, type Tale } from './two-stories.ts'

const ORDERING = 'council'
/** Of the four operators three are a quorum; the auditor's node observes. */
const FOLLOWING_OPERATORS = ['agency', 'transport', 'bureau']
const OBSERVING = 'audit'
const PLAYERS_A_TALE = 3
/** How long a fault lasts at least. */
const HOLD_MS: [number, number] = [1_000, 2_000]
const WINDOW_MS = 250

type Kind = 'kill' | 'pause' | 'cut off'
interface Fault {
  away: 'one operator' | 'the ordering node' | 'the quorum'
  kind: Kind
  nodes: string[]
}

test('five processes killed, paused and cut off while both stories run: nothing acknowledged is lost, all roots are equal', async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 32))
  t.diagnostic(`seed ${seed} (set SEED to repeat the faults)`)
  const random = new RandomSource(seed)
  const { nodes, tales, stores } = await open(t)
  const work = new Work(nodes, tales)
  work.begin()

  const measured: Measured[] = []
  for (const [round, fault] of chooseFaults(random).entries()) {
    const began = performance.now()
    await inflict(nodes, fault)
    const started = work.startCase(`fault-${round}`)
    const hold = pause(random.between(...HOLD_MS))
    if (fault.away === 'one operator') await started.receipt
    else if (fault.away === 'the quorum' || fault.kind === 'cut off') await untilOrdered(nodes, stores.get(ORDERING)!)
    await hold
    if (fault.away !== 'one operator') assert.equal(started.acknowledged, false, 'nothing is acknowledged')
    const ended = performance.now()
    await heal(nodes, fault)
    const recoveredMs = (await work.nextReceipt(ended)) - ended
    await started.receipt
    const windows = work.windows(began, ended)
    measured.push({ away: fault.away, windows, recoveredMs })
    t.diagnostic(
      `${fault.away} away, ${fault.kind} ${fault.nodes.join(' and ')} for ${Math.round(ended - began)} ms: ` +
        `acknowledged in ${windows.used} of ${windows.all} windows; the next receipt ${Math.round(recoveredMs)} ms after its end`,
    )
  }

  await work.end()
  await until('everything is with everyone', () => isQuiet([...stores.values()], nodes.register))
  await nodes.stop()
  assert.deepEqual(nodes.bugs, [])
  const members = new Map([...stores].map(([id, storage]) => [id, { storage }]))
  await checkNetwork(members, nodes.register)
  for (const [id, storage] of stores) {
    const { leaves, certified } = await checkRegister(storage, nodes.register)
    assert.equal(certified, leaves.length, `${id} holds a certificate over everything`)
    for (const { record, index } of work.receipts) {
      assert.equal(
        (await storage.findLeaf(nodes.register, record))?.index,
        index,
        `${id} holds each acknowledged record`,
      )
    }
    assert.equal(leaves.filter(isAction).length, work.receipts.length, 'each record once')
  }
  for (const line of summaries(measured)) t.diagnostic(line)
  t.diagnostic(`${work.receipts.length} actions acknowledged in ${work.cases} whole cases and those of the faults`)
})

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-processes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { network, clock, tales } = await openTwoStories(folder)
  const nodes = await LinkedNetwork.start(network, { folder, clock })
  t.after(() => nodes.stop())
  const stores = new Map<string, Storage>()
  for (const id of nodes.members) stores.set(id, await openSqliteStorage({ path: join(folder, id, 'node.db') }))
  t.after(() => Promise.all([...stores.values()].map((storage) => storage.close())))
  return { nodes, tales, stores }
}

/** Each way to be away for each of the three, and twice for a single operator, in an order of the seed's. */
function chooseFaults(random: RandomSource): Fault[] {
  const kinds: Kind[] = ['kill', 'pause', 'cut off']
  const one = [...kinds, ...kinds].map((kind): Fault => {
    const observing = random.chance(0.5) ? [OBSERVING] : []
    return { away: 'one operator', kind, nodes: [random.pick(FOLLOWING_OPERATORS), ...observing] }
  })
  const ordering = kinds.map((kind): Fault => ({ away: 'the ordering node', kind, nodes: [ORDERING] }))
  const quorum = kinds.map(
    (kind): Fault => ({ away: 'the quorum', kind, nodes: random.sample(FOLLOWING_OPERATORS, 2) }),
  )
  const left = [...one, ...ordering, ...quorum]
  return Array.from({ length: left.length }, () => left.splice(random.between(0, left.length - 1), 1)[0]!)
}

async function inflict(nodes: LinkedNetwork, { kind, nodes: ids }: Fault): Promise<void> {
  if (kind === 'kill') await Promise.all(ids.map((id) => nodes.kill(id)))
  else if (kind === 'pause') for (const id of ids) nodes.pause(id)
  else nodes.cutOff(new Set(ids))
}

async function heal(nodes: LinkedNetwork, { kind, nodes: ids }: Fault): Promise<void> {
  if (kind === 'kill') await Promise.all(ids.map((id) => nodes.start(id)))
  else if (kind === 'pause') for (const id of ids) nodes.resume(id)
  else nodes.mendLinks()
}

/** Cases of both stories, played one after the other by several people at once, and what was acknowledged to them. */
class Work {
  readonly receipts: ActionReceipt[] = []
  cases = 0
  readonly #nodes: LinkedNetwork
  readonly #tales: readonly Tale[]
  /** When each receipt came. */
  readonly #times: number[] = []
  #players: Promise<unknown> = Promise.resolve()
  #isOver = false

  constructor(nodes: LinkedNetwork, tales: readonly Tale[]) {
    this.#nodes = nodes
    this.#tales = tales
  }

  begin(): void {
    const people = this.#tales.flatMap((tale) => Array.from({ length: PLAYERS_A_TALE }, (_, i) => ({ tale, i })))
    this.#players = Promise.all(
      people.map(async ({ tale, i }) => {
        for (let round = 0; !this.#isOver; round++) {
          await this.#play(tale, `${tale.name}-${i}-${round}`)
          this.cases++
        }
      }),
    )
    // Awaited at the end; a failure before then is not one that nobody sees.
    this.#players.catch(() => undefined)
  }

  /** Begun cases are played to their end. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.#players
  }

  /** One more case, of which nothing but its start is wanted. */
  startCase(key: string): { acknowledged: boolean; receipt: Promise<void> } {
    const [tale] = this.#tales
    const { scenario } = tale!
    const started = { acknowledged: false, receipt: Promise.resolve() }
    started.receipt = this.#play({ ...tale!, scenario: { ...scenario, steps: scenario.steps.slice(0, 1) } }, key).then(
      () => {
        started.acknowledged = true
      },
    )
    return started
  }

  #play(tale: Tale, key: string): Promise<void> {
    return playTale(this.#nodes.clients, tale, {
      key,
      onReceipt: (receipt) => {
        this.receipts.push(receipt)
        this.#times.push(performance.now())
      },
    })
  }

  /** When the first receipt came after this moment. */
  async nextReceipt(since: number): Promise<number> {
    await until('there is a receipt again', () => this.#times.at(-1)! > since)
    return this.#times.find((time) => time > since)!
  }

  /** Whole windows of time, and those in which something was acknowledged. */
  windows(from: number, to: number): { used: number; all: number } {
    const all = Math.floor((to - from) / WINDOW_MS)
    const places = this.#times.map((time) => Math.floor((time - from) / WINDOW_MS))
    return { used: new Set(places.filter((place) => place >= 0 && place < all)).size, all }
  }
}

interface Measured {
  away: Fault['away']
  windows: { used: number; all: number }
  recoveredMs: number
}

function summaries(measured: readonly Measured[]): string[] {
  return [...new Set(measured.map(({ away }) => away))].map((away) => {
    const mine = measured.filter((one) => one.away === away)
    const sum = (of: 'used' | 'all') => mine.reduce((total, { windows }) => total + windows[of], 0)
    const recovered = mine.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b)
    const [median, longest] = [recovered[recovered.length >> 1]!, recovered.at(-1)!].map(Math.round)
    return (
      `${away} away: ${Math.round((100 * sum('used')) / sum('all'))} % of windows of ${WINDOW_MS} ms with something acknowledged; ` +
      `recovered in ${median} ms (median), ${longest} ms (longest)`
    )
  })
}

/** The node that orders holds leaves that no certificate covers. */
async function untilOrdered({ register }: LinkedNetwork, storage: Storage): Promise<void> {
  await until('what is submitted is ordered', async () => {
    const certified = (await storage.findCertificate(register))?.size ?? 0
    return ((await storage.findHead(register))?.size ?? 0) > certified
  })
}

/** All hold the same, and nobody has anything left to send. */
async function isQuiet(stores: readonly Storage[], register: string): Promise<boolean> {
  const sizes = new Set<number | undefined>()
  for (const storage of stores) {
    const certified = (await storage.findCertificate(register))?.size
    sizes
      .add(certified)
      .add((await storage.findHead(register))?.size)
      .add(await storage.effectsCursor(register))
    if ((await storage.pendingSubmissions(register)).length > 0) return false
    if ((await storage.dueRecipients(register, Number.MAX_SAFE_INTEGER)).length > 0) return false
  }
  return sizes.size === 1
}

function isAction(leaf: string): boolean {
  return parseEntry(parseLeaf(leaf).jws).kind === 'action+sd-jwt'
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
