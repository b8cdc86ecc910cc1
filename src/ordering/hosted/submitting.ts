import type { Clock } from '../../core/clock.ts'
import { ConcordatError } from '../../core/error.ts'
import { Wakeup } from '../wakeup.ts'
import type { HostedPeers, SubmitOutcome } from './peers.ts'

const MAX_ENTRIES_A_REQUEST = 256
const MAX_REQUESTS = 4
const SUBMIT_RETRY_MS = 500
const MAX_SUBMIT_ATTEMPTS = 20
/** What takes longer also goes to the other nodes, which then see to it that it is not withheld (RULES 32). */
const TELL_OTHERS_MS = 5_000

/** Takes entries to the node that orders the register, and to the others what that one leaves waiting. */
export class Submitting {
  readonly #clock: Clock
  readonly #peers: Pick<HostedPeers, 'submitEntries'>
  readonly #member: string
  readonly #sequencer: () => string
  readonly #others: () => Promise<string[]>
  readonly #stop = new AbortController()
  readonly #queue: { jws: string; settle: (outcome: SubmitOutcome) => void }[] = []
  readonly #queued = new Wakeup()
  #loops: Promise<unknown> = Promise.resolve()

  /** `sequencer` and `others`: members, as of now. */
  constructor(parts: {
    clock: Clock
    peers: Pick<HostedPeers, 'submitEntries'>
    member: string
    sequencer: () => string
    others: () => Promise<string[]>
  }) {
    this.#clock = parts.clock
    this.#peers = parts.peers
    this.#member = parts.member
    this.#sequencer = parts.sequencer
    this.#others = parts.others
  }

  start(): void {
    this.#loops = Promise.all(Array.from({ length: MAX_REQUESTS }, () => this.#sendLoop()))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#queued.wake()
    await this.#loops
  }

  /** Until it is refused by a rule, or `holds` its place: the sequencer's word is not enough. */
  async submit(jws: string, holds: (index: number) => Promise<boolean>): Promise<SubmitOutcome> {
    const answered = new AbortController()
    void this.#tellOthers(jws, AbortSignal.any([answered.signal, this.#stop.signal]))
    try {
      for (let attempt = 0; attempt < MAX_SUBMIT_ATTEMPTS && !this.#stop.signal.aborted; attempt++) {
        const outcome = await this.send(jws)
        if ('index' in outcome) {
          if (await holds(outcome.index)) return outcome
        } else if (outcome.refusal.code !== 'ORDERING_UNAVAILABLE') {
          return outcome
        }
        await this.#clock.wait(SUBMIT_RETRY_MS, this.#stop.signal)
      }
    } finally {
      answered.abort()
    }
    return { refusal: unanswered('no answer') }
  }

  /** What the sequencer says to the entry. */
  send(jws: string): Promise<SubmitOutcome> {
    return new Promise((settle) => {
      this.#queue.push({ jws, settle })
      this.#queued.wake()
    })
  }

  async #tellOthers(jws: string, signal: AbortSignal): Promise<void> {
    await this.#clock.wait(TELL_OTHERS_MS, signal)
    if (signal.aborted) return
    for (const member of await this.#others()) void this.#peers.submitEntries(member, [jws]).catch(() => undefined)
  }

  async #sendLoop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { next } = this.#queued
      const entries = this.#queue.splice(0, MAX_ENTRIES_A_REQUEST)
      if (entries.length === 0) {
        await next
        continue
      }
      const outcomes = await this.#sendAll(entries.map(({ jws }) => jws)).catch((error: unknown) =>
        entries.map((): SubmitOutcome => ({ refusal: unanswered(codeOf(error)) })),
      )
      for (const [i, { settle }] of entries.entries()) settle(outcomes[i] ?? { refusal: unanswered('no answer') })
    }
    for (const { settle } of this.#queue.splice(0)) settle({ refusal: unanswered('a node that stops') })
  }

  async #sendAll(entries: readonly string[]): Promise<SubmitOutcome[]> {
    const sequencer = this.#sequencer()
    // A node that has stopped ordering, while nobody else has begun to.
    if (sequencer === this.#member) return entries.map(() => ({ refusal: unanswered('no sequencer') }))
    return this.#peers.submitEntries(sequencer, entries)
  }
}

function codeOf(error: unknown): string {
  return error instanceof ConcordatError ? error.code : 'no answer'
}

function unanswered(got: string) {
  return { code: 'ORDERING_UNAVAILABLE' as const, expected: 'an entry ordered and certified', got }
}
