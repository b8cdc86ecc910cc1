import { ConcordatError } from '../../src/core/error.ts'
import { HASH_BYTES } from '../../src/core/ledger/merkle.ts'
import { parseAddCheckpoint } from '../../src/core/ledger/witness.ts'
import type { HostedPeers } from '../../src/ordering/hosted/peers.ts'
import type { SimulatedNode } from './node.ts'
import type { World } from './world.ts'

const TIMEOUT_MS = 20_000

/** How bad the network is. Probabilities are of one message, either way. */
export interface Weather {
  loss: number
  duplicates: number
  /** The longest that a message takes; messages overtake each other. */
  slowestMs: number
}

export const FAIR: Weather = { loss: 0, duplicates: 0, slowestMs: 40 }

/** Between nodes: delays, losses, duplicates, partitions. A member that lies has two nodes, its faces: each other node meets one of them. */
export class SimulatedNetwork {
  readonly #world: World
  readonly nodes: SimulatedNode[] = []
  weather: Weather = FAIR
  /** Which nodes hear each other: those with the same number. */
  readonly sides = new Map<SimulatedNode, number>()
  /** Which face of a member that has two a node sees, and is seen by. */
  readonly sees = new Map<SimulatedNode, number>()
  /** A call that never arrives, whatever the weather. */
  isWithheld: (from: SimulatedNode, to: SimulatedNode, what: string, entries: readonly string[]) => boolean = () =>
    false
  /** Hears of every cosignature that a node gives. */
  onCosigned: (node: SimulatedNode, note: string) => void = () => {}
  /** Hears of every checkpoint that a node sends as a sequencer. */
  onSent: (node: SimulatedNode, note: string) => void = () => {}

  constructor(world: World) {
    this.#world = world
  }

  peersOf(from: SimulatedNode, isAlive: () => boolean): HostedPeers {
    const call = <T>(
      member: string,
      what: string,
      answer: (to: SimulatedNode) => Promise<T>,
      entries: readonly string[] = [],
    ) => this.#call({ from, isAlive, member, what, entries }, answer)
    return {
      submitEntries: (member, entries) =>
        call(member, 'entries', (to) => to.ordering!.submitFromPeer([...entries]), entries),
      readBundle: (member, n, width) =>
        call(member, 'bundle', async (to) => found(await to.ordering!.findBundle(n, width))),
      readTile: (member, { level, n, width }) =>
        call(member, 'tile', async (to) => {
          const tile = found(to.disk.tiles.get(`${level}/${n}`))
          return found(tile.length < width * HASH_BYTES ? undefined : tile.subarray(0, width * HASH_BYTES))
        }),
      findCheckpoint: (member) => call(member, 'checkpoint', async (to) => to.ordering!.certificate?.note),
      findBoundaryCertificate: (member, size) =>
        call(member, 'certificate', async (to) => to.disk.certificates.get(size)?.note),
      addCheckpoint: (member, body) => {
        const { note } = parseAddCheckpoint(body)
        this.onSent(from, note)
        return call(member, 'add-checkpoint', async (to) => {
          const answered = await to.ordering!.addCheckpoint(body)
          if (answered.status === 200) this.onCosigned(to, note)
          return answered
        })
      },
      sendCertificate: (member, note) =>
        call(member, 'certificates', (to) => to.ordering!.acceptCertificate(note, from.member.id)),
      sendStatement: (member, sent) => call(member, 'statements', (to) => to.ordering!.acceptStatement(sent)),
    }
  }

  #call<T>(
    {
      from,
      isAlive,
      member,
      what,
      entries,
    }: { from: SimulatedNode; isAlive: () => boolean; member: string; what: string; entries: readonly string[] },
    answer: (to: SimulatedNode) => Promise<T>,
  ): Promise<T> {
    const world = this.#world
    return new Promise((resolve, reject) => {
      let settled = false
      const settle = (end: () => void) => {
        if (settled || !isAlive()) return
        settled = true
        end()
      }
      world.schedule(TIMEOUT_MS, () => settle(() => reject(unreachable())))
      const deliver = () => {
        const to = this.#route(from, member)
        if (to === undefined || this.isWithheld(from, to, what, entries)) return
        if (!to.isUp) return settle(() => reject(unreachable()))
        answer(to).then(
          (result) => {
            if (!this.#isLost()) world.schedule(this.#delayMs(), () => settle(() => resolve(result)))
          },
          (error: unknown) => {
            if (!(error instanceof ConcordatError)) throw error
            world.schedule(this.#delayMs(), () => settle(() => reject(failed(error))))
          },
        )
      }
      if (!this.#isLost()) world.schedule(this.#delayMs(), deliver)
      if (world.chance(this.weather.duplicates)) world.schedule(this.#delayMs() * 20, deliver)
    })
  }

  #route(from: SimulatedNode, member: string): SimulatedNode | undefined {
    const to = this.nodes.filter((node) => node.member.id === member).find((node) => this.#meets(from, node))
    return this.sides.get(from) === (to && this.sides.get(to)) ? to : undefined
  }

  #meets(from: SimulatedNode, to: SimulatedNode): boolean {
    const [one, other] = [from, to].map((node) =>
      this.#isFace(node) ? this.nodes.filter(({ member }) => member === node.member).indexOf(node) : undefined,
    )
    if (one !== undefined && other !== undefined) return one === other
    if (other !== undefined) return (this.sees.get(from) ?? 0) === other
    return one === undefined || (this.sees.get(to) ?? 0) === one
  }

  #isFace(node: SimulatedNode): boolean {
    return this.nodes.filter(({ member }) => member === node.member).length > 1
  }

  #isLost(): boolean {
    return this.#world.chance(this.weather.loss)
  }

  #delayMs(): number {
    return this.#world.between(1, this.weather.slowestMs)
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined)
    throw new ConcordatError({ code: 'NOT_FOUND', expected: 'what was asked for', got: 'nothing' })
  return value
}

function unreachable(): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none in time' })
}

function failed({ code }: ConcordatError): ConcordatError {
  return new ConcordatError({ code: 'REMOTE_FAILED', expected: 'success', got: code, status: 409, remoteCode: code })
}
