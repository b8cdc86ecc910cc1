import type { Clock } from '../core/clock.ts'
import { ConcordatError, type ErrorCode, type ErrorDetail } from '../core/error.ts'
import type { Ordering } from '../ordering/ordering.ts'
import type { Storage, StoredGroup, Submission } from '../storage/storage.ts'
import { GroupCommit } from './group-commit.ts'

const RETRY_MS = 1_000
/** How long a caller waits for a register that cannot say yet. The entry stays on its way. */
const ANSWER_WITHIN_MS = 15_000
/** RULES 3: an entry may enter up to this long after its `iat`. */
const ENTRY_LIFE_SECONDS = 60 * 60

type Settled = { id: string; index: number } | { id: string; refusal: ErrorDetail }

/**
 * Takes signed entries to the register (RULES 26): stored before they are sent, sent until they are committed or refused, the
 * same bytes after any crash.
 */
export class Outbox {
  readonly #register: string
  readonly #storage: Storage
  readonly #ordering: Ordering
  readonly #clock: Clock
  /**
   * Signs anew what expired unordered, or whose key no longer counts. Undefined lets the refusal stand; throws ORDERING_UNAVAILABLE while
   * it cannot be done yet.
   */
  readonly #renew: (refused: Submission, code: 'ENTRY_EXPIRED' | 'KEY_NOT_VALID') => Promise<Submission | undefined>
  readonly #stop = new AbortController()
  readonly #save: GroupCommit<{ submission: Submission; groups: readonly StoredGroup[] }, undefined>
  readonly #settle: GroupCommit<Settled, undefined>
  /** By entry id, what is on its way. */
  readonly #sending = new Map<string, Promise<Submission>>()

  constructor(parts: {
    register: string
    storage: Storage
    ordering: Ordering
    clock: Clock
    renew: (refused: Submission, code: 'ENTRY_EXPIRED' | 'KEY_NOT_VALID') => Promise<Submission | undefined>
  }) {
    this.#register = parts.register
    this.#storage = parts.storage
    this.#ordering = parts.ordering
    this.#clock = parts.clock
    this.#renew = parts.renew
    this.#save = new GroupCommit(async (items) => {
      await parts.storage.saveSubmissions(items)
      return items.map(() => undefined)
    })
    this.#settle = new GroupCommit(async (outcomes) => {
      await parts.storage.settleSubmissions(parts.register, outcomes)
      return outcomes.map(() => undefined)
    })
  }

  /** Sends again what a crash left. */
  async start(): Promise<void> {
    for (const submission of await this.#storage.pendingSubmissions(this.#register)) void this.#send(submission)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#sending.values())
  }

  /**
   * Resolves once the entry is committed, also to a caller who comes again with the same idempotency key. Rejects when it is
   * refused; with REGISTER_HALTED or ORDERING_UNAVAILABLE while nobody can say: it is kept, and the caller comes again.
   */
  async submit(submission: Submission, groups: readonly StoredGroup[]): Promise<Submission> {
    await this.#save.add({ submission, groups })
    return this.#answer(submission)
  }

  /** What became, or becomes, of an earlier submission. */
  async outcomeOf(submission: Submission): Promise<Submission> {
    if (submission.state === 'pending') return this.#answer(submission)
    if (submission.refusal !== null) throw new ConcordatError(submission.refusal)
    return submission
  }

  async #answer(submission: Submission): Promise<Submission> {
    const answered = new AbortController()
    const late = this.#clock.wait(ANSWER_WITHIN_MS, answered.signal).then((): never => {
      throw unavailable('none yet')
    })
    return Promise.race([this.#send(submission), late]).finally(() => answered.abort())
  }

  #send(submission: Submission): Promise<Submission> {
    const sending = this.#sending.get(submission.id)
    if (sending !== undefined) return sending
    const sent = this.#sendUntilSettled(submission).finally(() => this.#sending.delete(submission.id))
    sent.catch(() => undefined)
    this.#sending.set(submission.id, sent)
    return sent
  }

  async #sendUntilSettled(first: Submission): Promise<Submission> {
    let submission = first
    while (!this.#stop.signal.aborted) {
      const outcome = await this.#sendOnce(submission)
      if ('index' in outcome) {
        await this.#keep({ id: submission.id, ...outcome })
        return { ...submission, state: 'committed', ...outcome }
      }
      if ('renewed' in outcome) {
        submission = outcome.renewed
        continue
      }
      const { refusal } = outcome
      // The register stands still until its members act: whoever submits again, or a restart, finds out whether they have.
      if (refusal.code === 'REGISTER_HALTED') throw new ConcordatError(refusal)
      if (!UNDECIDED.includes(refusal.code)) {
        await this.#keep({ id: submission.id, refusal })
        throw new ConcordatError(refusal)
      }
      await this.#clock.wait(RETRY_MS, this.#stop.signal)
    }
    throw unavailable('one that stops')
  }

  async #sendOnce(
    submission: Submission,
  ): Promise<{ index: number } | { renewed: Submission } | { refusal: ErrorDetail }> {
    try {
      return await this.#ordering.submit(submission.jws)
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
      const { code } = error
      const late = this.#clock.now() > submission.iat + ENTRY_LIFE_SECONDS
      if (code !== 'KEY_NOT_VALID' && !(code === 'ENTRY_EXPIRED' && late)) return { refusal: error.detail }
      return this.#renewOnce(submission, code, error.detail)
    }
  }

  async #renewOnce(
    refused: Submission,
    code: 'ENTRY_EXPIRED' | 'KEY_NOT_VALID',
    refusal: ErrorDetail,
  ): Promise<{ renewed: Submission } | { refusal: ErrorDetail }> {
    try {
      const renewed = await this.#renew(refused, code)
      return renewed === undefined ? { refusal } : { renewed }
    } catch (error) {
      if (error instanceof ConcordatError) return { refusal: error.detail }
      throw error
    }
  }

  /** What the register said is kept, however often its storing fails: a lost answer would be another one. */
  async #keep(outcome: Settled): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#settle.add(outcome)
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error
        await this.#clock.wait(RETRY_MS, this.#stop.signal)
      }
    }
    throw unavailable('one that stops')
  }
}

/** Not the rules' answer but nobody's: the same bytes go again. */
const UNDECIDED: readonly ErrorCode[] = ['ORDERING_UNAVAILABLE', 'STORAGE_FAILED', 'CUSTODY_FAILED']

function unavailable(got: string): ConcordatError {
  return new ConcordatError({ code: 'ORDERING_UNAVAILABLE', expected: 'an answer of the register', got })
}
