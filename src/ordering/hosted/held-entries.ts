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

interface HeldEntry {
  jws: string
  case: string | null
  since: number
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
  readonly #held = new Map<string, HeldEntry>()

  constructor({ log, clock }: { log: RegisterLog; clock: Clock }) {
    this.#log = log
    this.#clock = clock
  }

  /** Keeps an entry that the rules would take now; answers why not otherwise. */
  async hold(jws: string): Promise<void> {
    const entry = parseEntry(jws)
    const id = entryId(entry)
    if (this.#held.has(id)) return
    const time = this.#clock.now()
    const refusal = await this.#log.findRefusal({ jws, time })
    if (refusal !== undefined) throw new ConcordatError(refusal)
    this.#forgetOld(time)
    // Of more than that, the first come are judged by; the others are held by other nodes, or come again.
    if (this.#held.size >= MAX_HELD) return
    this.#held.set(id, { jws, case: 'case' in entry.claims ? entry.claims.case : null, since: time, lapsed: false })
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
      if (entry.lapsed || (await this.#isValid(entry))) omitted = true
      else this.#held.delete(id)
    }
    return omitted
  }

  async #isValid({ jws }: HeldEntry): Promise<boolean> {
    return (await this.#log.findRefusal({ jws, time: this.#clock.now() })) === undefined
  }

  #forgetOld(time: number): void {
    for (const [id, { since }] of this.#held) if (time - since > ENTRY_LIFE_SECONDS) this.#held.delete(id)
  }
}

function lapsedCase(leaf: string): string[] {
  const entry = parseEntry(leaf.slice(leaf.indexOf('.') + 1))
  return entry.kind === 'lapse' ? [entry.claims.case] : []
}
