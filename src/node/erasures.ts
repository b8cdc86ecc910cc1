import { canonicalize, type JsonValue } from '../core/canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import type { OwedErasure } from '../storage/storage.ts'
import type { Prepared, RequestMacs } from './act.ts'
import { prepareEntry } from './case-entries.ts'
import { findCaseRow, type Part } from './part.ts'
import type { SubmitOnce } from './submit-once.ts'

const POLL_MS = 1_000
const MAX_AT_ONCE = 64
const FIRST_RETRY_SECONDS = 2
const LONGEST_RETRY_SECONDS = 60 * 60
/** The register has it, from before this node was restored, or will never take it. */
const SETTLED: readonly ErrorCode[] = ['ERASED_REPEATED', 'ERASED_NOT_ALLOWED', 'RECALL_UNKNOWN']
/** Nobody's answer, or the case has moved on meanwhile: again, and not a fault. */
const QUIET: readonly ErrorCode[] = [
  'ORDERING_UNAVAILABLE',
  'REGISTER_HALTED',
  'STORAGE_FAILED',
  'CUSTODY_FAILED',
  'CASE_BLUEPRINT_DIFFERS',
]

/** Enters what this member owes the register about keys that it has destroyed (RULES 19, 25). */
export class Erasures {
  readonly #part: Part
  readonly #submitOnce: SubmitOnce
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  /** By what is owed, how often it was tried in vain and when it is tried again. */
  readonly #attempts = new Map<string, { failed: number; notBefore: number }>()
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: { part: Part; submitOnce: SubmitOnce; onError: (error: unknown) => void }) {
    this.#part = parts.part
    this.#submitOnce = parts.submitOnce
    this.#onError = parts.onError
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** What is being entered is cut short by its own stopping. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#enterDue().catch((error: unknown) => this.#report(error))
      await this.#part.clock.wait(POLL_MS, this.#stop.signal)
    }
  }

  async #enterDue(): Promise<void> {
    const { clock, register, storage } = this.#part
    const now = clock.now()
    // As many more as are put off, so that those hide no others.
    const due = await storage.dueErasures(register, now, MAX_AT_ONCE + this.#attempts.size)
    const ready = due.filter((owed) => (this.#attempts.get(nameOf(owed))?.notBefore ?? 0) <= now)
    await Promise.all(ready.slice(0, MAX_AT_ONCE).map((owed) => this.#enter(owed)))
  }

  async #enter(owed: OwedErasure): Promise<void> {
    const name = nameOf(owed)
    const failed = this.#attempts.get(name)?.failed ?? 0
    try {
      const row = await findCaseRow(this.#part, owed.case)
      if (row === undefined) return
      // The same key after a crash, so that what was on its way then is found; another one once the case has moved.
      const request: JsonValue = { erased: [owed.case, owed.recall, owed.opened], bp: row.bp, attempt: failed }
      await this.#submitOnce(canonicalize(['erased', owed.case, owed.recall, row.bp, failed]), request, (macs) =>
        this.#sign(owed, row.bp, macs),
      )
      await this.#settle(owed)
    } catch (error) {
      if (error instanceof ConcordatError && SETTLED.includes(error.code)) {
        await this.#settle(owed)
        return
      }
      const wait = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(failed, 20))
      // What is on its way stays on its way, under the same key.
      const undecided = error instanceof ConcordatError && QUIET.includes(error.code)
      const notBefore = this.#part.clock.now() + wait
      this.#attempts.set(name, { failed: undecided ? failed : failed + 1, notBefore })
      this.#report(error)
    }
  }

  #sign(owed: OwedErasure, bp: string, macs: RequestMacs): Promise<Prepared> {
    const claims = { bp, case: owed.case, recall: owed.recall, opened: owed.opened }
    return prepareEntry(this.#part, 'erased', claims, macs)
  }

  async #settle(owed: OwedErasure): Promise<void> {
    await this.#part.storage.settleErasure(owed)
    this.#attempts.delete(nameOf(owed))
  }

  #report(error: unknown): void {
    if (error instanceof ConcordatError && QUIET.includes(error.code)) return
    this.#onError(error)
  }
}

function nameOf({ case: caseId, recall }: OwedErasure): string {
  return `${caseId}|${recall ?? ''}`
}
