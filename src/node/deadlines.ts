import { canonicalize, type JsonValue } from '../core/canonical-json.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import type { OwnCaseClaims } from '../core/ledger/case-claims.ts'
import { findRegister } from '../core/ledger/state.ts'
import type { CaseSummary } from '../storage/storage.ts'
import { prepareEntry } from './case-entries.ts'
import { findCaseRow, getBlueprintRow, type Part } from './part.ts'
import { type RunningDeadline, runningDeadlines } from './running-deadlines.ts'
import type { SubmitOnce } from './submit-once.ts'

const POLL_MS = 1_000
/** Cases looked at together: days end at midnight for all of them. */
const MAX_CASES = 64
/** Between one member's node and the next, so that mostly one enters what all of them notice. */
const SPREAD_SECONDS = 3
const FIRST_RETRY_SECONDS = 2
const LONGEST_RETRY_SECONDS = 60 * 60

/** Somebody else was faster, or the case has gone another way: the committed entry says so too, and clears what was due. */
const OVERTAKEN: readonly ErrorCode[] = [
  'OPENING_USED',
  'OPENING_WAITS',
  'STEP_NOT_OPEN',
  'PREV_NOT_OPEN',
  'CONFIRM_WAITS',
  'LAPSE_NOT_ALLOWED',
  'DISPUTE_ENDED',
  'DISPUTE_UNKNOWN',
  'RECORD_UNKNOWN',
  'RECORD_VOID',
  'ROLE_UNBOUND',
  'SIGNER_NOT_BOUND_TO_ROLE',
  'CASE_BLUEPRINT_DIFFERS',
]
/** The register's clock is behind this node's, or it stood still for too long: the same again, signed anew. */
const ILL_TIMED: readonly ErrorCode[] = ['LAPSE_TOO_EARLY', 'ENTRY_EXPIRED', 'ENTRY_FROM_FUTURE']
/** Nobody's answer. What is on its way stays on its way. */
const UNDECIDED: readonly ErrorCode[] = ['ORDERING_UNAVAILABLE', 'REGISTER_HALTED', 'STORAGE_FAILED', 'CUSTODY_FAILED']

const QUIET: readonly ErrorCode[] = [...OVERTAKEN, ...ILL_TIMED, ...UNDECIDED]

/** What became of entering a deadline so far. `of` names the deadline. */
interface Attempts {
  of: string
  refused: number
  notBefore: number
}

/**
 * Enters what agreed deadlines lead to once they have passed by this node's clock (RULES 15 to 17), in the cases in which the
 * member has a role. Every node does; the register takes the first.
 */
export class Deadlines {
  readonly #part: Part
  readonly #submitOnce: SubmitOnce
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  /** By case, until its summary shows no deadline that has passed. */
  readonly #attempts = new Map<string, Attempts>()
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
      const more = await this.#enterDue().catch((error: unknown) => {
        this.#report(error)
        return false
      })
      if (!more) await this.#part.clock.wait(POLL_MS, this.#stop.signal)
    }
  }

  /** Whether there is more than one look takes. */
  async #enterDue(): Promise<boolean> {
    const { clock, register, storage } = this.#part
    const before = clock.now() - (await this.#place()) * SPREAD_SECONDS
    // As many more as are put off, so that those hide no others.
    const due = await storage.dueCases(register, before, MAX_CASES + this.#attempts.size)
    for (const id of this.#attempts.keys()) if (!due.some((item) => item.case === id)) this.#attempts.delete(id)
    const ready = due.filter((item) => (this.#attempts.get(item.case)?.notBefore ?? 0) <= clock.now())
    await Promise.all(ready.slice(0, MAX_CASES).map((item) => this.#enter(item, before)))
    return ready.length > MAX_CASES
  }

  /** This member's place among all: how many others notice before it. */
  async #place(): Promise<number> {
    const row = findRegister(await this.#part.ordering.log.rows(['register']))
    return Math.max(0, row?.members.findIndex(({ id }) => id === this.#part.member) ?? 0)
  }

  /** The earliest of a case; what follows from it tells whether the next one is left. */
  async #enter(summary: CaseSummary, before: number): Promise<void> {
    const row = await findCaseRow(this.#part, summary.case)
    if (row === undefined) return
    const as = Object.keys(row.roles).find((role) => row.roles[role]!.member === this.#part.member)
    const [first] = runningDeadlines(row, await getBlueprintRow(this.#part, row.bp))
    // The row is ahead of what is committed: the summary follows.
    if (as === undefined || first === undefined || first.due >= before) return
    await this.#enterOnce({ bp: row.bp, case: summary.case, as, what: first.what }, first)
  }

  async #enterOnce(claims: OwnCaseClaims['lapse'], deadline: RunningDeadline): Promise<void> {
    const { case: caseId } = claims
    const of = canonicalize(deadline as unknown as JsonValue)
    const known = this.#attempts.get(caseId)
    const refused = known?.of === of ? known.refused : 0
    try {
      // The same key after a crash, so that what was on its way then is found; another one after a refusal.
      const request = { lapse: of, attempt: refused }
      await this.#submitOnce(canonicalize(['automatic lapse', caseId, of, refused]), request, (macs) =>
        prepareEntry(this.#part, 'lapse', claims, macs),
      )
      this.#attempts.delete(caseId)
    } catch (error) {
      const undecided = error instanceof ConcordatError && UNDECIDED.includes(error.code)
      const wait = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(refused, 20))
      const notBefore = this.#part.clock.now() + wait
      this.#attempts.set(caseId, { of, refused: undecided ? refused : refused + 1, notBefore })
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    if (error instanceof ConcordatError && QUIET.includes(error.code)) return
    this.#onError(error)
  }
}
