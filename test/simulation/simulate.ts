import { createHash } from 'node:crypto'
import { digest } from '../../src/core/crypto/hash.ts'
import { findRegister } from '../../src/core/ledger/state.ts'
import { type BuiltMember, memberClaims, RegisterBuilder } from '../register-builder.ts'
import { Disk } from './disk.ts'
import { memberNamed } from './members.ts'
import { FAIR, SimulatedNetwork } from './network.ts'
import { SimulatedNode } from './node.ts'
import { Watch } from './watch.ts'
import { World } from './world.ts'

/** See source-changes.ts. */
declare global {
  var checkedSignatures: Map<string, boolean> | undefined
}

export interface Outcome {
  seed: number
  /** What is wrong; empty for a run that went well. */
  problems: string[]
  /** Of all that happened: the same for every run of a seed. */
  trace: string
  events: readonly string[]
  entries: number
  terms: number
}

const SECOND = 1_000
const NAMES = ['A', 'B', 'C', 'D', 'E', 'F', 'G'] as const
const MEMBERS = NAMES.map(memberNamed)

/** What the seed decides about a run as a whole. */
type Character = 'honest' | 'two-faced' | 'withholding'

/**
 * One run: operators found a register, and while entries come messages are lost, doubled, late and out of order, nodes crash, disks
 * fill, the network falls apart, clocks are wrong, and people hand over. In some runs the first sequencer (and where there are seven
 * operators another one with it) shows two histories, or withholds. Then all faults end, and everything must come to rest.
 */
export async function simulate(seed: number): Promise<Outcome> {
  globalThis.checkedSignatures?.clear()
  const world = new World(seed)
  const run = new Run(world)
  await run.found()
  await run.suffer()
  await run.recover()
  await run.watch.atTheEnd(run.register)
  const [first] = run.honest
  return {
    seed,
    problems: run.watch.problems,
    trace: createHash('sha256').update(world.trace.join('\n')).digest('hex'),
    events: world.trace,
    entries: first!.disk.leaves.length,
    terms: findRegister(first!.disk.rows)?.terms.length ?? 0,
  }
}

class Run {
  readonly world: World
  readonly network: SimulatedNetwork
  readonly watch: Watch
  readonly register: string
  readonly #members: readonly BuiltMember[]
  readonly #entries: string[]
  readonly #character: Character
  /** Members that lie. */
  readonly #liars: Set<BuiltMember> = new Set()
  #ending = false

  constructor(world: World) {
    this.world = world
    this.network = new SimulatedNetwork(world)
    const count = world.pick([3, 3, 3, 4, 4, 4, 5, 5, 7])
    this.#members = MEMBERS.slice(0, count)
    this.#character = count > 3 ? world.pick<Character>(['honest', 'honest', 'two-faced', 'withholding']) : 'honest'
    const builder = new RegisterBuilder(this.#members)
    const jtiOf = (name: string) => `${digest(`simulation ${name}`).slice(0, 21)}A`
    const genesis = builder.genesis({ jti: jtiOf('genesis') })
    this.register = digest(genesis.slice(0, genesis.lastIndexOf('.')))
    const statements = this.#members.map((member) =>
      builder.member(member, { reg: this.register, jti: jtiOf(member.name) }),
    )
    this.#entries = [genesis, ...statements]
    this.watch = new Watch(() => this.honest)
    this.network.onCosigned = (node, note) => this.watch.cosigned(node, note)
    this.network.onSent = (node, note) => this.watch.signed(node, note)
    for (const member of this.#members) this.network.nodes.push(this.#nodeOf(member, member.name, new Disk()))
  }

  get honest(): SimulatedNode[] {
    return this.network.nodes.filter(({ member }) => !this.#liars.has(member))
  }

  #nodeOf(member: BuiltMember, name: string, disk: Disk): SimulatedNode {
    const { world, network, register } = this
    const skewMs = world.between(-5 * 60, 5 * 60) * SECOND
    return new SimulatedNode({ world, network, member, name, register, sequencer: this.#members[0]!.id, skewMs, disk })
  }

  async found(): Promise<void> {
    for (const node of this.network.nodes) await node.start()
    void this.network.nodes[0]!.ordering!.found(this.#entries)
    const founded = await this.#go(60 * SECOND, () =>
      this.network.nodes.every(({ disk }) => disk.certificates.size > 0),
    )
    if (!founded) this.watch.problems.push('the register was not founded')
  }

  async suffer(): Promise<void> {
    const { world } = this
    this.#submitNow()
    if (this.#character === 'two-faced') await this.#showTwoFaces()
    if (this.#character === 'withholding') this.#withhold()
    if (this.#character === 'honest' && world.chance(0.4)) void this.#admit()
    this.#faultNow()
    await this.#go(world.between(60, 180) * SECOND, () => false)
    this.#ending = true
  }

  /** Entries go on coming until faults end. */
  #submitNow(): void {
    if (this.#ending) return
    const up = this.network.nodes.filter((node) => node.isUp)
    if (up.length > 0) this.world.pick(up).propose()
    this.world.schedule(this.world.between(200, 4_000), () => this.#submitNow())
  }

  #faultNow(): void {
    if (this.#ending) return
    const { world, network } = this
    const node = world.pick(network.nodes)
    const forMs = world.between(1, 40) * SECOND
    const faults: (() => void)[] = [
      () => this.#crash(node, forMs),
      () => this.#crash(node, forMs),
      () => this.#split(forMs),
      () => this.#fill(node, forMs),
      () => {
        network.weather = {
          loss: world.pick([0, 0.05, 0.3]),
          duplicates: world.pick([0, 0.2]),
          slowestMs: world.pick([40, 500, 8_000]),
        }
      },
      () => this.#handOver(),
      () => this.#loseAtAcknowledgement(),
      () => this.#replaceTwice(),
    ]
    world.pick(faults)()
    world.schedule(world.between(1, 25) * SECOND, () => this.#faultNow())
  }

  #crash(node: SimulatedNode, forMs: number): void {
    if (!node.isUp) return
    this.world.note(`${node.name} crashes`)
    node.crash()
    this.world.schedule(forMs, () => void this.#restart(node))
  }

  async #restart(node: SimulatedNode): Promise<void> {
    if (node.isUp || !this.network.nodes.includes(node)) return
    this.world.note(`${node.name} starts`)
    await node.start()
  }

  #split(forMs: number): void {
    this.world.note('the network falls apart')
    for (const node of this.network.nodes) this.network.sides.set(node, this.world.between(0, 1))
    this.world.schedule(forMs, () => this.network.sides.clear())
  }

  #fill(node: SimulatedNode, forMs: number): void {
    this.world.note(`the disk of ${node.name} is full`)
    node.disk.full = true
    this.world.schedule(forMs, () => {
      node.disk.full = false
    })
  }

  /**
   * Some people, or all, hand over to somebody. What a lying sequencer certified is lost where nobody shows the certificate
   * (RULES 31), so after a lie people hand over only once all nodes are back: see recover.
   */
  #handOver(wanted?: SimulatedNode): void {
    if (this.#character === 'two-faced' || this.#ending) return
    const { world } = this
    const up = this.honest.filter((node) => node.isUp)
    if (up.length === 0) return
    const term =
      1 + Math.max(...this.honest.map(({ disk }) => Math.max(disk.head?.term ?? 0, disk.promised?.term ?? 0)))
    const next = wanted?.isUp === true ? wanted : world.pick(up)
    for (const node of up) if (world.chance(0.8)) this.#askToHandOver(node, { term, sequencer: next })
  }

  /** The sequencer dies between acknowledging an entry and telling anybody of the certificate, and one that has not heard of it takes over. */
  #loseAtAcknowledgement(): void {
    const { world, network } = this
    const sequencer = this.#sequencer()
    const others = this.honest.filter((node) => node.isUp && node !== sequencer)
    if (sequencer === undefined || others.length === 0) return
    const unaware = world.pick(others)
    world.note(`${unaware.name} hears nothing`)
    for (const node of network.nodes) network.sides.set(node, node === unaware ? 1 : 0)
    sequencer.atNextAcknowledgement = () => {
      network.sides.clear()
      if (this.#ending) return
      this.#crash(sequencer, 60 * SECOND)
      world.schedule(SECOND, () => this.#handOver(unaware))
    }
    sequencer.propose()
  }

  /** The sequencer is cut off and goes on alone, while others hand over; when they do so again it is back. */
  #replaceTwice(): void {
    const sequencer = this.#sequencer()
    if (sequencer === undefined) return
    this.world.note(`${sequencer.name} is cut off`)
    for (const node of this.network.nodes) this.network.sides.set(node, node === sequencer ? 1 : 0)
    for (let i = 0; i < 15; i++) sequencer.propose()
    this.world.schedule(2 * SECOND, () => this.#handOver())
    this.world.schedule(20 * SECOND, () => {
      this.network.sides.clear()
      this.#handOver()
    })
  }

  /** As the honest nodes that are up see it. */
  #sequencer(): SimulatedNode | undefined {
    const [newest] = this.honest
      .filter(({ isUp }) => isUp)
      .sort((a, b) => (b.disk.head?.term ?? 0) - (a.disk.head?.term ?? 0))
    const row = newest && findRegister(newest.disk.rows)
    return this.honest.find(({ member, isUp }) => isUp && member.id === row?.sequencer)
  }

  /** A further operator comes in: a change of who counts (RULES 30). Its node begins with nothing. */
  async #admit(): Promise<void> {
    const newcomer = MEMBERS[this.#members.length]
    if (newcomer === undefined) return
    const node = this.#nodeOf(newcomer, newcomer.name, new Disk())
    const holds = (id: string) => this.honest.some(({ acknowledged }) => acknowledged.some((entry) => entry.id === id))
    const entered = async (id: string) => {
      while (!holds(id) && !this.#ending) await this.world.wait(SECOND)
    }
    const [first] = this.honest
    const proposal = first!.propose(newcomer)
    await entered(proposal)
    const approvals = this.honest.map((voter) =>
      voter.submit('approval', voter.member, { proposal, target: newcomer.id, roles: [] }),
    )
    for (const id of approvals.slice(0, this.honest.length - 1)) await entered(id)
    if (this.#ending) return
    this.world.note(`${newcomer.name} comes in`)
    await node.start()
    this.network.nodes.push(node)
    first!.submit('member', newcomer, memberClaims(newcomer))
  }

  #askToHandOver(node: SimulatedNode, { term, sequencer }: { term: number; sequencer: SimulatedNode }): void {
    this.world.note(`${node.name} hands over to ${sequencer.name} as term ${term}`)
    void node.handOver(term, sequencer).then(() => {
      if (!this.#ending && this.world.chance(0.2)) this.#crash(node, this.world.between(1, 10) * SECOND)
    })
  }

  /** The sequencer is two nodes with the same keys. Of seven operators a second one lies with it. */
  async #showTwoFaces(): Promise<void> {
    const { world, network } = this
    const liars = this.#members.length === 7 ? this.#members.slice(0, 2) : this.#members.slice(0, 1)
    for (const member of liars) {
      this.#liars.add(member)
      const face = network.nodes.find((node) => node.member === member)!
      const other = this.#nodeOf(member, `${member.name}'`, face.disk.copy())
      network.nodes.splice(network.nodes.indexOf(face) + 1, 0, other)
      await other.start()
    }
    for (const node of this.honest) network.sees.set(node, world.between(0, 1))
    world.note('two faces are shown')
  }

  /** What one member has to say never gets to the sequencer, whoever brings it. */
  #withhold(): void {
    const [sequencer] = this.#members
    this.#liars.add(sequencer!)
    const silenced = this.world.pick(this.honest)
    const isOf = (jws: string) => Buffer.from(jws.split('.')[1]!, 'base64url').toString().includes(silenced.member.id)
    this.network.isWithheld = (_from, to, what, entries) =>
      to.member === sequencer && what === 'entries' && entries.some(isOf)
    this.world.note(`${silenced.name} is withheld`)
  }

  /** All faults end; those who lied are gone for good. Where it does not go on by itself people hand over. */
  async recover(): Promise<void> {
    const { network } = this
    network.weather = FAIR
    network.sides.clear()
    for (const liar of network.nodes.filter(({ member }) => this.#liars.has(member))) liar.crash()
    network.nodes.splice(0, network.nodes.length, ...this.honest)
    for (const node of network.nodes) node.disk.full = false
    for (const node of network.nodes) if (!node.isUp) await node.start()
    for (let attempt = 0; attempt < 4; attempt++) {
      if (await this.#go((attempt === 0 ? 60 : 200) * SECOND, () => this.#isAtRest())) return
      const term =
        1 + Math.max(...this.honest.map(({ disk }) => Math.max(disk.head?.term ?? 0, disk.promised?.term ?? 0)))
      const sequencer = this.world.pick(this.honest)
      for (const node of this.honest) this.#askToHandOver(node, { term, sequencer })
    }
    if (!(await this.#go(300 * SECOND, () => this.#isAtRest()))) {
      const at = this.honest.map(({ name, disk, outbox }) => {
        const certified = Math.max(0, ...disk.certificates.keys())
        return `${name}: term ${disk.head?.term}, ${disk.head?.size} leaves, ${certified} certified, ${outbox.length} waiting`
      })
      this.watch.problems.push(`it does not come to rest: ${at.join('; ')}`)
    }
  }

  #isAtRest(): boolean {
    const [first] = this.honest
    const { head } = first!.disk
    return this.honest.every(({ disk, outbox, ordering }) => {
      const same = disk.head?.root === head?.root && disk.head?.term === head?.term
      return same && disk.certificates.has(head?.size ?? 0) && outbox.length === 0 && ordering?.handover === null
    })
  }

  #go(forMs: number, until: () => boolean): Promise<boolean> {
    return this.world.run(forMs, () => {
      this.watch.afterEvent()
      return until()
    })
  }
}
