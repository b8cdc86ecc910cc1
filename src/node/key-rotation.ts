import { canonicalize, type JsonValue } from '../core/canonical-json.ts'
import type { EcPublicJwk } from '../core/crypto/jwk.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { parseEntry } from '../core/ledger/entry.ts'
import { findMember, type MemberRow, REVOCABLE_USES } from '../core/ledger/state.ts'
import type { RotatedUse } from '../custody/custody.ts'
import type { Submission } from '../storage/storage.ts'
import type { RequestMacs } from './act.ts'
import { findNewestStated, prepareMember, type Statement, statementOf } from './member-keys.ts'
import { getMemberRow, type Part } from './part.ts'
import { signEntry } from './sign-entry.ts'
import type { SubmitOnce } from './submit-once.ts'

const POLL_MS = 5_000
const DAY_SECONDS = 24 * 60 * 60
export const EPOCH_SECONDS = 30 * DAY_SECONDS
/**
 * How long after the next epoch has begun an epoch's private key is destroyed. What arrives is opened and wrapped anew at once, and each
 * attempt at a delivery is sealed to the newest epoch that its sender knows of, so what comes later still is not lost: it is refused, and
 * comes again under the newest one.
 */
export const EPOCH_GRACE_SECONDS = 7 * DAY_SECONDS
/** docs/formats/member.md */
const MAX_EPOCHS = 24
const MAX_KEYS = 16
const FIRST_RETRY_SECONDS = 2
const LONGEST_RETRY_SECONDS = 60 * 60
/** The register stood still for too long, or its clock is not this node's: the same again, signed anew. */
const ILL_TIMED: readonly ErrorCode[] = ['ENTRY_EXPIRED', 'ENTRY_FROM_FUTURE']
/** Nobody's answer. What is on its way stays on its way. */
const UNDECIDED: readonly ErrorCode[] = ['ORDERING_UNAVAILABLE', 'REGISTER_HALTED', 'STORAGE_FAILED', 'CUSTODY_FAILED']

/**
 * This member's keys on one register (RULES 2, 6, 9, 23): states new ones, drops those that they replace, revokes, begins an epoch each
 * month. Keys are durable in custody before an entry states them, and destroyed only once no register of the member states them; so a
 * crash anywhere leaves keys that count, and what is left undone is done at the next look.
 */
export class KeyRotation {
  readonly #part: Part
  readonly #submitOnce: SubmitOnce
  /** Resolves once a submission on its way is settled. */
  readonly #settled: (pending: Submission) => Promise<unknown>
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  /** A member entry restates everything, so one is made only after the one before has its place. */
  #turn: Promise<unknown> = Promise.resolve()
  #failed = { of: '', times: 0, notBefore: 0 }
  #loop: Promise<void> = Promise.resolve()

  constructor(parts: {
    part: Part
    submitOnce: SubmitOnce
    settled: (pending: Submission) => Promise<unknown>
    onError: (error: unknown) => void
  }) {
    this.#part = parts.part
    this.#submitOnce = parts.submitOnce
    this.#settled = parts.settled
    this.#onError = parts.onError
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** What is being entered is cut short by its own stopping. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#loop, this.#turn])
  }

  /** States a new key of each use beside the old ones, which the next entry leaves out. */
  rotate(uses: readonly RotatedUse[], idempotencyKey: string): Promise<Submission> {
    return this.#state(idempotencyKey, { rotate: [...uses] }, (row) => this.#withFresh(row, uses))
  }

  /**
   * Ends a key. A new one is stated first: without a request key the node could not bring its entries to others, and without a record key
   * its cases would stand still.
   */
  async revoke(revoked: { key: string; since: number | null }, idempotencyKey: string): Promise<Submission> {
    const { key } = revoked
    const sign = (macs: RequestMacs) => {
      const entry = { kind: 'revoke' as const, key: 'governance' as const, case: null, claims: revoked }
      return signEntry(this.#part, entry, macs)
    }
    const { keys } = await getMemberRow(this.#part, this.#part.member)
    const use = REVOCABLE_USES.find((candidate) => keys[candidate].some(({ kid }) => kid === key))
    const others = use && keys[use].filter(({ kid }) => kid !== key)
    if (use !== undefined && !this.#isNewer(use, key, findNewestStated(this.#held(use), others ?? []))) {
      const before = canonicalize(['before a revocation', idempotencyKey])
      // What the register would refuse changes nothing.
      await sign({ idempotency: '', request: '' })
      await this.#state(before, { fresh: use, before: key }, (row) => this.#withFresh(row, [use]))
    }
    return this.#submitOnce(idempotencyKey, { revoke: revoked }, async (macs) => {
      return { submission: await sign(macs), groups: [] }
    })
  }

  #state(
    idempotencyKey: string,
    request: JsonValue,
    wanted: (row: MemberRow) => Promise<Statement>,
  ): Promise<Submission> {
    const stated = this.#turn.then(() =>
      this.#submitOnce(idempotencyKey, request, async (macs) => {
        await this.#settlePending()
        const row = await getMemberRow(this.#part, this.#part.member)
        return prepareMember(this.#part, row, await wanted(row), macs)
      }),
    )
    this.#turn = stated.catch(() => undefined)
    return stated
  }

  async #settlePending(): Promise<void> {
    const { register, storage } = this.#part
    for (const pending of await storage.pendingSubmissions(register)) {
      if (pending.kind !== 'member') continue
      await this.#settled(pending).catch((error: unknown) => {
        // A refusal settles it too.
        if (!(error instanceof ConcordatError) || UNDECIDED.includes(error.code)) throw error
      })
    }
  }

  async #withFresh(row: MemberRow, uses: readonly RotatedUse[]): Promise<Statement> {
    const statement = statementOf(row)
    for (const use of uses) statement[use] = [...statement[use], await this.#freshKey(row, use)].slice(-MAX_KEYS)
    return statement
  }

  /** One that a crash, or another register, left newer than all that this register has seen; else a new one. */
  async #freshKey(row: MemberRow, use: RotatedUse): Promise<EcPublicJwk> {
    const newest = this.#held(use).at(-1)!
    const kid = thumbprint(newest)
    const revoked = [row, ...(await this.#rowsElsewhere())].flatMap((other) => other?.revoked ?? [])
    const isUsed = [...row.keys[use], ...revoked].some((key) => key.kid === kid)
    return isUsed ? this.#part.custody.addKey(use) : newest
  }

  #held(use: RotatedUse): EcPublicJwk[] {
    return this.#part.custody.publicKeys()[use]
  }

  #isNewer(use: RotatedUse, key: string, than: string | undefined): boolean {
    const kids = this.#held(use).map(thumbprint)
    return than !== undefined && kids.indexOf(than) > kids.indexOf(key)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#tend().catch((error: unknown) => this.#report(error))
      await this.#part.clock.wait(POLL_MS, this.#stop.signal)
    }
  }

  async #tend(): Promise<void> {
    await this.#turn
    const { custody, clock, member, ordering } = this.#part
    const row = findMember(await ordering.log.rows([`member/${member}`]), member)
    // What is not committed yet may still come otherwise.
    if (row === undefined || row.changed >= (ordering.certificate?.size ?? 0)) return
    const newestEpoch = custody.publicKeys().epochs.at(-1)!
    const epochsPassed = Math.floor((clock.now() - newestEpoch.from) / EPOCH_SECONDS)
    // Its place in time is the same for every register and every process of the member, so they make one.
    if (row.epochs.length > 0 && epochsPassed > 0)
      await custody.addEpoch(newestEpoch.from + epochsPassed * EPOCH_SECONDS)
    if (!(await this.#restate(row))) await this.#destroySuperseded()
  }

  /** Whether the row states something else than it should. */
  async #restate(row: MemberRow): Promise<boolean> {
    const wanted = await this.#wanted(row)
    if (canonicalize(wanted as unknown as JsonValue) === canonicalize(statementOf(row) as unknown as JsonValue))
      return false
    const now = this.#part.clock.now()
    const of = String(row.changed)
    const { times, notBefore } = this.#failed.of === of ? this.#failed : { times: 0, notBefore: 0 }
    if (now < notBefore) return true
    try {
      const request = { keys: row.changed, attempt: times }
      await this.#state(canonicalize(['keys', row.changed, times]), request, (newest) => this.#wanted(newest))
    } catch (error) {
      const undecided = error instanceof ConcordatError && UNDECIDED.includes(error.code)
      const wait = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** Math.min(times, 20))
      this.#failed = { of, times: undecided ? times : times + 1, notBefore: now + wait }
      throw error
    }
    return true
  }

  async #wanted(row: MemberRow): Promise<Statement> {
    const { epochs } = this.#part.custody.publicKeys()
    const last = row.epochs.at(-1)
    const added = last === undefined ? [] : epochs.filter(({ from }) => from > last.from)
    return {
      record: await this.#wantedKeys(row, 'record'),
      request: await this.#wantedKeys(row, 'request'),
      epochs: [...row.epochs, ...added].slice(-MAX_EPOCHS),
    }
  }

  /** Without those that a newer one replaces and nothing on its way is signed with; a fresh one where all have been revoked. */
  async #wantedKeys(row: MemberRow, use: RotatedUse): Promise<EcPublicJwk[]> {
    const stated = row.keys[use]
    if (stated.length === 0) {
      return row.revoked.some((key) => key.use === use) ? [await this.#freshKey(row, use)] : []
    }
    const newest = findNewestStated(this.#held(use), stated)
    const held = this.#held(use).map(thumbprint)
    const busy = use === 'record' ? await this.#kidsOnTheirWay() : []
    const stays = stated.filter(({ kid }) => {
      return !held.includes(kid) || !this.#isNewer(use, kid, newest) || busy.includes(kid)
    })
    return stays.map(({ jwk }) => jwk)
  }

  async #kidsOnTheirWay(): Promise<(string | undefined)[]> {
    const { register, storage } = this.#part
    return (await storage.pendingSubmissions(register)).map(({ jws }) => parseEntry(jws).kid)
  }

  /** Nothing is destroyed while a register is not known well enough to say what it states. */
  async #destroySuperseded(): Promise<void> {
    const { custody, clock, storage, register } = this.#part
    const { record, request, epochs } = custody.publicKeys()
    if (record.length + request.length + epochs.length === 3) return
    const rows = [await getMemberRow(this.#part, this.#part.member), ...(await this.#rowsElsewhere())]
    const registers = [register, ...(await this.#otherRegisters())]
    const pending = (await Promise.all(registers.map((other) => storage.pendingSubmissions(other)))).flat()
    const known = rows.filter((row) => row !== undefined)
    if (known.length < rows.length || pending.some(({ kind }) => kind === 'member')) return
    const past = epochs.filter((_, i) => {
      const next = epochs[i + 1]
      if (next === undefined || clock.now() < next.from + EPOCH_GRACE_SECONDS) return false
      return known.every((row) => row.epochs.length === 0 || row.epochs.some(({ from }) => from >= next.from))
    })
    const replaced = REVOCABLE_USES.flatMap((use) => {
      return this.#held(use).filter((jwk) => {
        const kid = thumbprint(jwk)
        if (known.some((row) => row.keys[use].some((key) => key.kid === kid))) return false
        return known.every((row) => this.#isNewer(use, kid, findNewestStated(this.#held(use), row.keys[use])))
      })
    })
    const kids = [...past.map(({ jwk }) => thumbprint(jwk)), ...replaced.map(thumbprint)]
    if (kids.length > 0) await custody.destroyKeys(kids)
  }

  async #otherRegisters(): Promise<string[]> {
    const all = await this.#part.storage.registers()
    return all.map(({ register }) => register).filter((register) => register !== this.#part.register)
  }

  /** The member's rows on its other registers; undefined where it has none yet. */
  async #rowsElsewhere(): Promise<(MemberRow | undefined)[]> {
    const { member, storage } = this.#part
    const registers = await this.#otherRegisters()
    return Promise.all(
      registers.map(async (other) => findMember(await storage.readRows(other, [`member/${member}`]), member)),
    )
  }

  #report(error: unknown): void {
    if (error instanceof ConcordatError && [...UNDECIDED, ...ILL_TIMED].includes(error.code)) return
    this.#onError(error)
  }
}
