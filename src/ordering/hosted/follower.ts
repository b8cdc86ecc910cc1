import { ConcordatError } from '../../core/error.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import { entryId } from '../../core/ledger/verify-entry.ts'
import { Wakeup } from '../wakeup.ts'
import { Cosigner, type WitnessAnswer } from './cosigner.ts'
import { FollowedLog, type FollowingParts, type Halt } from './followed-log.ts'
import { HeldEntries } from './held-entries.ts'
import type { SubmitOutcome } from './peers.ts'
import { Submitting } from './submitting.ts'

const POLL_MS = 2_000
/** Every so many polls. */
const POLLS_OF_OTHERS = 5

/**
 * Follows a register that another node orders: fetches its leaves, applies every one, compares roots, keeps them, and only
 * then cosigns (RULES 29). What the sequencer says is believed nowhere else.
 */
export class FollowingLog {
  readonly #parts: FollowingParts
  readonly #log: FollowedLog
  readonly #cosigner: Cosigner
  readonly #held: HeldEntries
  readonly #submitting: Submitting
  readonly #stop = new AbortController()
  /** Appending is one at a time: an answer to add-checkpoint, or catching up with a certificate. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #certifiedMore = new Wakeup()
  readonly #pollNow = new Wakeup()
  #polling: Promise<unknown> = Promise.resolve()

  constructor(given: FollowingParts) {
    const parts: FollowingParts = {
      ...given,
      onCertificate: (certificate) => {
        this.#certifiedMore.wake()
        given.onCertificate(certificate)
      },
    }
    this.#parts = parts
    this.#log = new FollowedLog(parts)
    this.#held = new HeldEntries(parts, (jws) => void this.#submitting.send(jws))
    this.#cosigner = new Cosigner(parts, this.#log, this.#held)
    const { clock, peers, member } = parts
    const sequencer = () => this.#log.sequencer
    this.#submitting = new Submitting({ clock, peers, member, sequencer, others: () => this.#log.others() })
  }

  get halt(): Halt | null {
    return this.#log.halt
  }

  start(): void {
    this.#submitting.start()
    this.#polling = this.#pollLoop()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    for (const wakeup of [this.#certifiedMore, this.#pollNow]) wakeup.wake()
    await Promise.all([this.#submitting.stop(), this.#polling])
    await this.#turn
  }

  /** Resolves once this node itself holds the certificate over the entry. */
  async submit(jws: string, id: string): Promise<SubmitOutcome> {
    const { halt } = this.#log
    if (halt !== null) return { refusal: halted(halt) }
    await this.#held.hold(jws).catch(passRefusal)
    const outcome = await this.#submitting.submit(jws, (index) => this.#holds(index, id))
    if ('index' in outcome) this.#held.release(id)
    return outcome
  }

  /** An entry that its submitter finds withheld: this node sees to it that it is not (RULES 32). */
  async submitFromPeer(jws: string): Promise<SubmitOutcome> {
    try {
      const id = entryId(parseEntry(jws))
      const leaf = await this.#findLeaf(id)
      if (leaf !== undefined && leaf.index < this.#log.certified) return { index: leaf.index }
      if (await this.#held.hold(jws)) void this.#submitting.send(jws)
    } catch (error) {
      if (error instanceof ConcordatError) return { refusal: error.detail }
      throw error
    }
    return { refusal: { code: 'ORDERING_UNAVAILABLE', expected: 'the node that orders', got: 'one that follows' } }
  }

  /** C2SP tlog-witness. 503 while this node cannot fetch or does not agree. */
  addCheckpoint(body: string): Promise<WitnessAnswer> {
    return this.inTurn(() => this.#cosigner.answer(body))
  }

  /** A certificate: it is checked, and the leaves that it covers are fetched where they are missing. `from`: who showed it. */
  acceptCertificate(note: string, from: string | undefined): Promise<void> {
    return this.inTurn(() => this.#log.catchUp(note, from))
  }

  /** Whether the node that orders has answered, with nothing that this node could not take in. */
  async catchUp(): Promise<boolean> {
    const { sequencer } = this.#log
    return sequencer === this.#parts.member || (await this.catchUpWith(sequencer))
  }

  /** With the newest certificate that a member's node publishes; false where it does not answer, or with something else. */
  async catchUpWith(member: string): Promise<boolean> {
    try {
      const note = await this.#parts.peers.findCheckpoint(member)
      if (note !== undefined) await this.acceptCertificate(note, member)
      return true
    } catch (error) {
      passRefusal(error)
      return false
    }
  }

  /** While `action` runs nothing is appended, and nothing cosigned. */
  inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(action)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  #findLeaf(id: string): Promise<{ index: number } | undefined> {
    const { storage, log } = this.#parts
    return storage.findLeaf(log.register, id)
  }

  async #holds(index: number, id: string): Promise<boolean> {
    for (let waits = 0; waits < 50 && !this.#stop.signal.aborted; waits++) {
      const { next } = this.#certifiedMore
      if (this.#log.certified > index) return (await this.#findLeaf(id))?.index === index
      if (waits > 0) this.#pollNow.wake()
      const pause = new AbortController()
      await Promise.race([next, this.#parts.clock.wait(POLL_MS, pause.signal)])
      pause.abort()
    }
    return false
  }

  /**
   * The certificate usually comes by itself; asking covers one that was lost and a node that was away. Others are asked in turn where
   * the sequencer has no news: it may be one no longer.
   */
  async #pollLoop(): Promise<void> {
    for (let polls = 0; !this.#stop.signal.aborted; polls++) {
      const pause = new AbortController()
      const stop = AbortSignal.any([pause.signal, this.#stop.signal])
      await Promise.race([this.#pollNow.next, this.#parts.clock.wait(POLL_MS, stop)])
      pause.abort()
      if (this.#stop.signal.aborted) continue
      const before = this.#log.certified
      await this.catchUp()
      if (this.#log.certified > before || polls % POLLS_OF_OTHERS !== 0) continue
      const others = await this.#log.others()
      const [other] = others.slice((polls / POLLS_OF_OTHERS) % Math.max(1, others.length))
      if (other !== undefined) await this.catchUpWith(other)
    }
  }
}

function halted(halt: Halt) {
  return {
    code: 'REGISTER_HALTED' as const,
    expected: 'a register whose every leaf keeps the rules',
    got: `${halt.code} at leaf ${halt.index}`,
    index: halt.index,
  }
}

function passRefusal(error: unknown): undefined {
  if (!(error instanceof ConcordatError)) throw error
}
