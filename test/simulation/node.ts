import type { JsonObject } from '../../src/core/canonical-json.ts'
import { signWith } from '../../src/core/crypto/signature.ts'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import { type EntryKind, parseEntry } from '../../src/core/ledger/entry.ts'
import { entryId } from '../../src/core/ledger/verify-entry.ts'
import { HostedOrdering } from '../../src/ordering/hosted/hosted.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type BuiltMember, json, sign } from '../register-builder.ts'
import { type Disk, DiskHandle } from './disk.ts'
import type { SimulatedNetwork } from './network.ts'
import { skewedClock, type World } from './world.ts'

const STARTS_AT = 1_788_000_000

/** Nobody said no: the same bytes go again, as a node's outbox does it. */
const COME_AGAIN: readonly ErrorCode[] = ['ORDERING_UNAVAILABLE', 'REGISTER_HALTED', 'STORAGE_FAILED']
const OUTBOX_RETRY_MS = 1_000

interface Waiting {
  id: string
  jws: string
}

/** A member's node: the real ordering over a simulated disk, network and clock. */
export class SimulatedNode {
  readonly world: World
  readonly member: BuiltMember
  readonly name: string
  readonly disk: Disk
  readonly skewMs: number
  readonly #network: SimulatedNetwork
  readonly #register: string
  readonly #sequencer: string
  ordering: HostedOrdering | undefined
  /** Grows with each crash: what belongs to an earlier life does nothing any more. */
  #life = 0
  /** The term to which it has told its people that it hands over. */
  promisedTerm = 0
  /** Called once, at the next acknowledgement. */
  atNextAcknowledgement: () => void = () => {}
  /** Survives a crash, as a node's outbox does. */
  readonly outbox: Waiting[] = []
  readonly acknowledged: { id: string; index: number }[] = []
  readonly refused: { id: string; code: ErrorCode }[] = []

  constructor(parts: {
    world: World
    network: SimulatedNetwork
    member: BuiltMember
    name: string
    register: string
    sequencer: string
    skewMs: number
    disk: Disk
  }) {
    this.world = parts.world
    this.#network = parts.network
    this.member = parts.member
    this.name = parts.name
    this.#register = parts.register
    this.#sequencer = parts.sequencer
    this.skewMs = parts.skewMs
    this.disk = parts.disk
  }

  get isUp(): boolean {
    return this.ordering !== undefined
  }

  async start(): Promise<void> {
    const life = ++this.#life
    const isAlive = () => this.#life === life
    const { world, member, disk } = this
    const storage = new DiskHandle(world, disk, isAlive)
    const clock = skewedClock(world, { startsAt: STARTS_AT, skewMs: this.skewMs, isAlive })
    const register = this.#register
    const ordering = await HostedOrdering.open({
      storage: storage as unknown as Storage,
      register,
      member: member.id,
      sequencer: this.#sequencer,
      clock,
      signer: {
        async signCheckpoint(algorithm, data) {
          return signWith(algorithm === 'Ed25519' ? member.ed25519 : member.mldsa44, data)
        },
      },
      peers: this.#network.peersOf(this, isAlive),
      halt: disk.halt,
      promised: disk.promised,
      onHalt: (halt) =>
        storage.write((written) => {
          world.note(`${this.name} ${halt === null ? 'goes on' : `halts: ${halt.code}`}`)
          written.halt = halt
        }),
      onPromise: (promised) =>
        storage.write((written) => {
          written.promised = promised
        }),
      signHandover: async (claims) =>
        sign('handover', member, this.#claims(clock.now(), { ...(json(claims) as JsonObject) })),
    })
    if (!isAlive()) return
    this.ordering = ordering
    ordering.start()
    for (const waiting of this.outbox) void this.#send(waiting, isAlive)
  }

  /** Its people hand over. Refused where it is too late, or the disk is full: they ask again. */
  async handOver(term: number, sequencer: SimulatedNode): Promise<void> {
    try {
      await this.ordering?.handOver({ term, sequencer: sequencer.member.id })
      this.promisedTerm = Math.max(this.promisedTerm, term)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
    }
  }

  /** What had not become durable is lost, and nobody gets an answer any more. */
  crash(): void {
    this.#life++
    this.ordering = undefined
  }

  /** Proposes that somebody be admitted, some stranger where nobody is named: an entry that depends on no other. Answers its id. */
  propose(newcomer?: BuiltMember): string {
    const { id = randomBytes(this.world, 32), name = 'Stranger' } = newcomer ?? {}
    const what = { type: 'admit', member: id, name, voting: true }
    return this.submit('proposal', this.member, { rules: 1, expires: this.#now() + 86_400, what })
  }

  /** Signs an entry and sends it until it is acknowledged or refused. Answers its id. */
  submit(kind: EntryKind, signer: BuiltMember, claims: JsonObject): string {
    const life = this.#life
    const jws = sign(kind, signer, this.#claims(this.#now(), { ...claims, iss: signer.id }))
    const waiting = { id: entryId(parseEntry(jws)), jws }
    this.outbox.push(waiting)
    if (this.isUp) void this.#send(waiting, () => this.#life === life)
    return waiting.id
  }

  #now(): number {
    return STARTS_AT + Math.floor((this.world.nowMs + this.skewMs) / 1000)
  }

  async #send(waiting: Waiting, isAlive: () => boolean): Promise<void> {
    while (isAlive()) {
      try {
        const { index } = await this.ordering!.submit(waiting.jws)
        if (!isAlive()) return
        this.world.note(`${this.name} has entry ${index} acknowledged`)
        this.acknowledged.push({ id: waiting.id, index })
        this.outbox.splice(this.outbox.indexOf(waiting), 1)
        const hear = this.atNextAcknowledgement
        this.atNextAcknowledgement = () => {}
        hear()
        return
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
        if (!isAlive()) return
        if (!COME_AGAIN.includes(error.code)) {
          this.refused.push({ id: waiting.id, code: error.code })
          this.outbox.splice(this.outbox.indexOf(waiting), 1)
          return
        }
      }
      await this.world.wait(OUTBOX_RETRY_MS)
    }
  }

  #claims(iat: number, claims: JsonObject): JsonObject {
    return { iss: this.member.id, iat, jti: randomBytes(this.world, 16), reg: this.#register, ...claims }
  }
}

/** From the seed, in base64url. */
function randomBytes(world: World, size: number): string {
  return Buffer.from(Array.from({ length: size }, () => Math.floor(world.random() * 256))).toString('base64url')
}
