import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { verifyRegisterCertificate } from '../../src/core/ledger/register-certificate.ts'
import { findRegister, type RegisterRow } from '../../src/core/ledger/state.ts'
import { rootOf } from '../../src/core/ledger/tree.ts'
import { checkpointOf } from '../../src/ordering/hosted/fork-proof.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { replayRegister } from '../whole-register.ts'
import { DiskHandle } from './disk.ts'
import type { SimulatedNode } from './node.ts'

/** Looks at the honest nodes after every event, from outside, and says what is wrong. */
export class Watch {
  readonly problems: string[] = []
  readonly #honest: () => readonly SimulatedNode[]
  /** Entry ids by index, as any honest node has held them under a certificate. */
  readonly #committed: string[] = []
  readonly #seen = new Map<SimulatedNode, string>()
  /** What a member cosigned, by member, origin and size. */
  readonly #cosigned = new Map<string, string>()
  /** Certificates are checked after the event in which they came. */
  readonly #checking: Promise<void>[] = []

  constructor(honest: () => readonly SimulatedNode[]) {
    this.#honest = honest
  }

  afterEvent(): void {
    for (const node of this.#honest()) {
      const newest = [...node.disk.certificates.values()].sort((a, b) => a.size - b.size).at(-1)
      if (newest === undefined || this.#seen.get(node) === newest.note) continue
      this.#seen.set(node, newest.note)
      this.#compareCommitted(node, newest.size)
      this.#checking.push(this.#checkCertificate(node, newest.note))
    }
  }

  #compareCommitted(node: SimulatedNode, size: number): void {
    const { leaves } = node.disk
    if (leaves.length < size)
      this.#problem(`${node.name} holds a certificate over ${size} leaves and has ${leaves.length}`)
    for (let i = 0; i < Math.min(size, leaves.length); i++) {
      const { id } = leaves[i]!
      this.#committed[i] ??= id
      if (this.#committed[i] === id) continue
      this.#problem(`${node.name} has another entry ${i} committed than somebody before`)
      break
    }
  }

  async #checkCertificate(node: SimulatedNode, note: string): Promise<void> {
    const register = findRegister(node.disk.rows) as RegisterRow
    const { size, root } = checkpointOf(note)
    // Tiles that do not fit their leaves show at the end, when these are replayed.
    const held = rootOf(size, (level, n) => node.disk.tiles.get(`${level}/${n}`))
    if (toBase64url(held) !== toBase64url(root))
      this.#problem(`${node.name} has other leaves than its certificate over ${size}`)
    await verifyRegisterCertificate(note, register, nodeChecks).catch(() =>
      this.#problem(`${node.name} takes for a certificate over ${size} what has no quorum`),
    )
  }

  cosigned(node: SimulatedNode, note: string): void {
    const { promisedTerm } = node
    const term = Number(checkpointOf(note).origin.split('/')[1])
    if (this.#honest().includes(node) && term < promisedTerm)
      this.#problem(`${node.name} cosigned in term ${term}, having promised ${promisedTerm}`)
    this.signed(node, note)
  }

  /** A node says that it holds every leaf of a checkpoint, and that it never said otherwise in that term. */
  signed(node: SimulatedNode, note: string): void {
    if (!this.#honest().includes(node)) return
    const { origin, size, root } = checkpointOf(note)
    const key = `${node.name} ${origin} ${size}`
    const before = this.#cosigned.get(key)
    const now = toBase64url(root)
    this.#cosigned.set(key, now)
    if (before !== undefined && before !== now)
      this.#problem(`${node.name} signed two checkpoints over ${size} leaves of one term`)
    const { head } = node.disk
    if ((head?.size ?? 0) < size) this.#problem(`${node.name} signed ${size} leaves and holds ${head?.size ?? 0}`)
  }

  /** Once faults have ended and everything has come to rest: one register, nothing lost, rows as the leaves give them. */
  async atTheEnd(register: string): Promise<void> {
    await Promise.all(this.#checking)
    const nodes = this.#honest()
    const [first] = nodes
    for (const node of nodes) {
      const ids = node.disk.leaves.map(({ id }) => id)
      if (node !== first && ids.join() !== first!.disk.leaves.map(({ id }) => id).join()) {
        this.#problem(`${node.name} holds another register than ${first!.name}`)
      }
      for (const { id, index } of nodes.flatMap(({ acknowledged }) => acknowledged)) {
        if (ids[index] !== id) this.#problem(`${node.name} has lost entry ${index}, which was acknowledged`)
      }
      const storage = new DiskHandle(node.world, node.disk, () => true) as unknown as Storage
      await replayRegister(storage, register).catch((error: unknown) =>
        this.#problem(
          `${node.name} does not hold what its leaves give: ${error instanceof Error ? error.message.split('\n')[0] : ''}`,
        ),
      )
    }
  }

  #problem(text: string): void {
    if (!this.problems.includes(text)) this.problems.push(text)
  }
}
