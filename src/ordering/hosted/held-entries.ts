import type { Clock } from '../../core/clock.ts'
import { ConcordatError } from '../../core/error.ts'
import { parseEntry } from '../../core/ledger/entry.ts'
import { entryId } from '../../core/ledger/verify-entry.ts'
import type { LeafBatch } from '../../storage/storage.ts'
import type { RegisterLog } from '../register-log.ts'

/** RULES 32. */
const HELD_SECONDS = 60
/** RULES 3: older ones could not enter any more. */
const ENTRY_LIFE_SECONDS = 60 * 60
const MAX_HELD = 2_000
/** Between two nodes of which each takes the other for the sequencer an entry must not go to and fro. */
const PASS_ON_SECONDS = 10

interface HeldEntry {
  jws: string
  case: string | null
  since: number
  /** When it was last passed on to the sequencer. */
  passedOn: number
  /** A lapse in its case was ordered before it. */
  lapsed: boolean
}

/**
 * Entries that this node knows of and the sequencer could order (RULES 32): a checkpoint that leaves one out for a minute is not
 * cosigned. In memory only: a submitter that gets no answer sends its entry again.
 */
export class HeldEntries {
  readonly #log: RegisterLog
  readonly #clock: Clock
  readonly #passOn: (jws: string) => void
  readonly #held = new Map<string, HeldEntry>()

  /** `passOn`: to the sequencer. */
  constructor({ log, clock }: { log: RegisterLog; clock: Clock }, passOn: (jws: string) => void) {
    this.#log = log
    this.#clock = clock
    this.#passOn = passOn
  }

  /** Keeps an entry that the rules would take now; throws why not otherwise. Answers whether to pass it on: now and then, while it waits. */
  async hold(jws: string): Promise<boolean> {
    const entry = parseEntry(jws)
    const id = entryId(entry)
    const time = this.#clock.now()
    const known = this.#held.get(id)
    if (known !== undefined) {
      return this.#isToPassOn(known)
    }
    const refusal = await this.#log.findRefusal({ jws, time })
    if (refusal !== undefined) throw new ConcordatError(refusal)
    this.#forgetOld(time)
    // Of more than that, the first come are judged by; the others are held by other nodes, or come again.
    if (this.#held.has(id) || this.#held.size >= MAX_HELD) return false
    this.#held.set(id, {
      jws,
      case: 'case' in entry.claims ? entry.claims.case : null,
      since: time,
      passedOn: time,
      lapsed: false,
    })
    return true
  }

  release(id: string): void {
    this.#held.delete(id)
  }

  /** Those that have waited for so long, and that the register would still take, or would but for a lapse of their step. */
  async due(): Promise<[string, HeldEntry][]> {
    const time = this.#clock.now()
    this.#forgetOld(time)
    const due = [...this.#held].filter(([, { since }]) => time - since >= HELD_SECONDS)
    const wanted = await Promise.all(due.map(async ([, entry]) => entry.lapsed || (await this.#isValid(entry))))
    for (const [i, [id]] of due.entries()) if (!wanted[i]) this.#held.delete(id)
    return due.filter((_, i) => wanted[i])
  }

  /**
   * Whether the log, with the leaves that are new in it, leaves out one of `due`: one that is valid still, or that a lapse made invalid
   * that came while it waited. Others are released.
   */
  async isOmitted(due: readonly [string, HeldEntry][], leaves: LeafBatch['leaves']): Promise<boolean> {
    const entered = new Set(leaves.map(({ id }) => id))
    const lapsed = new Set(leaves.flatMap(({ leaf }) => lapsedCase(leaf)))
    let omitted = false
    for (const [id, entry] of due) {
      if (entered.has(id)) {
        this.#held.delete(id)
        continue
      }
      if (entry.case !== null && lapsed.has(entry.case)) entry.lapsed = true
      if (!entry.lapsed && !(await this.#isValid(entry))) {
        this.#held.delete(id)
        continue
      }
      omitted = true
      // A sequencer that never got it, as one that is new, gets it now.
      if (this.#isToPassOn(entry)) this.#passOn(entry.jws)
    }
    return omitted
  }

  async #isValid({ jws }: HeldEntry): Promise<boolean> {
    return (await this.#log.findRefusal({ jws, time: this.#clock.now() })) === undefined
  }

  #isToPassOn(entry: HeldEntry): boolean {
    const time = this.#clock.now()
    if (time - entry.passedOn < PASS_ON_SECONDS) return false
    entry.passedOn = time
    return true
  }

  #forgetOld(time: number): void {
    for (const [id, { since }] of this.#held) if (time - since > ENTRY_LIFE_SECONDS) this.#held.delete(id)
  }
}

function lapsedCase(leaf: string): string[] {
  const entry = parseEntry(leaf.slice(leaf.indexOf('.') + 1))
  return entry.kind === 'lapse' ? [entry.claims.case] : []
}
