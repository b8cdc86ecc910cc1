import assert from 'node:assert'
import type { DisputeOutcome } from './case-claims.ts'
import { type CaseEvent, causesOf, eventsOf, unmarked } from './case-event.ts'
import { CaseOpenings } from './case-openings.ts'
import { nextIn, originOf, skeletonOf, stepIn } from './case-version.ts'
import type { StepMapping } from './claims.ts'
import { findStep, type Skeleton, type SkeletonStep } from './skeleton.ts'
import type {
  CaseAct,
  CaseDispute,
  CaseRecord,
  CaseRow,
  CaseVersion,
  ConfirmAct,
  LapseAct,
  ResolveAct,
  RoleBinding,
} from './state.ts'

/** The version under which a case runs, or moves to with its next action. */
export interface Version {
  bp: string
  skeleton: Skeleton
}

/**
 * What the entries of a case add up to (RULES 13 to 18): which steps are open, who holds which role, what waits for whom. It
 * refuses nothing but a deadline past the end of its calendar: whether an entry may come is decided before. The simulator and
 * every node use this one.
 */
export class CaseProgress {
  readonly #first: Version
  #version: Version
  #versions: CaseVersion[]
  #roles: { [role: string]: RoleBinding }
  #openings: CaseOpenings
  #review: CaseRow['review']
  #records: readonly CaseRecord[]
  #disputes: readonly CaseDispute[]
  #acts: readonly CaseAct[]
  #endedAt: number | null
  #changed: number

  private constructor(first: Version, version: Version, row: CaseRow) {
    this.#first = first
    this.#version = version
    this.#versions = row.versions
    this.#roles = row.roles
    this.#openings = this.#openingsOf(row)
    this.#review = row.review
    this.#records = row.records
    this.#disputes = row.disputes
    this.#acts = row.acts
    this.#endedAt = row.endedAt
    this.#changed = row.changed
  }

  static of(row: CaseRow, skeleton: Skeleton): CaseProgress {
    const version = { bp: row.bp, skeleton }
    return new CaseProgress(row.versions[0] ?? version, version, row)
  }

  /** A case before its first record, with the fixed roles bound and the start step open. */
  static start(version: Version): CaseProgress {
    const { start } = version.skeleton
    const opening = { step: start, prev: [], since: 0, due: null, stood: 0, waits: null, extended: false }
    const row = { ...emptyCase(version.bp), roles: fixedRoles(version.skeleton), openings: [opening] }
    return new CaseProgress(version, version, row)
  }

  /** The case as its entries below `size` left it. */
  static asOf(row: CaseRow, skeleton: Skeleton, size: number): CaseProgress {
    const last = { bp: row.bp, skeleton }
    const progress = CaseProgress.start(row.versions[0] ?? last)
    for (const event of eventsOf(row)) {
      if (event.index >= size) break
      if (event.kind === 'action' && event.bp !== progress.#version.bp) progress.#moveOn(row.versions, last)
      progress.apply(unmarked(event))
    }
    return progress
  }

  row(): CaseRow {
    return {
      bp: this.#version.bp,
      versions: this.#versions,
      roles: this.#roles,
      ...this.#openings.rows(),
      review: this.#review,
      records: [...this.#records],
      disputes: [...this.#disputes],
      acts: [...this.#acts],
      ended: this.#endedAt !== null,
      endedAt: this.#endedAt,
      changed: this.#changed,
    }
  }

  /** RULES 12. Every step with a record, an opening or a waiting branch is in `mapping`. */
  move(to: Version, mapping: StepMapping): void {
    const { bp, skeleton } = this.#version
    this.#versions = [...this.#versions, { bp, skeleton, mapping }]
    this.#version = to
    this.#roles = { ...this.#roles, ...fixedRoles(to.skeleton) }
    this.#openings.move(mapping)
  }

  apply(event: CaseEvent): void {
    this.#consider(event)
    this.#keep(event)
    this.#settleEnd(event.time)
    this.#changed = event.index
  }

  #consider(event: CaseEvent): void {
    if (event.kind === 'action') this.#act(event)
    else if (event.kind === 'confirm') this.#confirm(event)
    else if (event.kind === 'dispute') this.#hold(event)
    else if (event.kind === 'resolve') this.#resolve(event)
    else if (event.kind === 'lapse') this.#lapse(event)
    else this.#openings.extend(event)
  }

  #keep(event: CaseEvent): void {
    if (event.kind === 'action') {
      const { kind: _, ...record } = event
      this.#records = [...this.#records, record]
    } else if (event.kind === 'dispute') {
      const { kind: _, ...dispute } = event
      this.#disputes = [...this.#disputes, dispute]
    } else {
      this.#acts = [...this.#acts, event]
    }
  }

  #settleEnd(time: number): void {
    const goesOn = !this.#openings.isEmpty || this.#disputes.some(({ end }) => end === null)
    if (goesOn) this.#endedAt = null
    else if (this.#endedAt === null) {
      this.#endedAt = time
      this.#review = null
    }
  }

  #act(record: CaseRecord): void {
    const { review } = this.#version.skeleton
    // It counts once its dispute is settled by it.
    if (record.replaces !== null && this.#isCorrection(record, record.replaces)) return
    this.#useOpening(record)
    if (review?.request.includes(record.step)) this.#review = { record: record.prev[0]!, request: record.id }
    if (record.replaces !== null) {
      this.#replace(record.replaces, record.id)
      this.#review = null
    }
    this.#count(record, record.time)
  }

  /** The record takes effect: its bindings hold, and what it opens opens, once it is confirmed. */
  #count(record: CaseRecord, time: number): void {
    const { next, closes } = this.#stepThen(record)
    for (const [role, { member }] of Object.entries(record.bind)) {
      this.#roles = { ...this.#roles, [role]: { member, pk: null, by: record.id } }
    }
    const set = next.findIndex((candidate) => candidate.join() === record.next.join())
    this.#openings.close((closes[set] ?? []).flatMap((step) => this.#findNow(record.bp, step) ?? []))
    this.#lead(record, time)
  }

  #lead(record: CaseRecord, time: number): void {
    const { confirm } = this.#stepThen(record)
    if (confirm === null) this.#branch(record, time)
    else this.#openings.askToConfirm(record.id, confirm, time)
  }

  #branch(record: CaseRecord, time: number): void {
    this.#openings.branch(this.#nextNow(record), { from: this.#stepNow(record).id, by: record.id, time })
  }

  #confirm({ id, record: recordId, as, accept, index, time }: ConfirmAct): void {
    if (!accept) {
      this.#makeVoid(recordId, { id, index, time })
      return
    }
    if (this.#openings.confirm(recordId, as)) this.#accept(recordId, time)
  }

  #accept(recordId: string, time: number): void {
    this.#openings.endConfirmation(recordId)
    this.#branch(this.#record(recordId), time)
  }

  /** RULES 17: the steps that the record opened wait, and their deadlines with them. */
  #hold(dispute: CaseDispute): void {
    const disputed = [this.#origin(dispute.record)]
    this.#openings.hold((ids) => this.#isHeld(ids, disputed), dispute.time)
  }

  /** Whether one of these is disputed, itself or as what it stands in for. */
  #isHeld(ids: readonly string[], disputed: readonly string[]): boolean {
    return ids.some((id) => disputed.includes(this.#origin(id)))
  }

  #disputed(): string[] {
    return this.#disputes.flatMap(({ record, end }) => (end === null ? [this.#origin(record)] : []))
  }

  #resolve({ id, dispute, outcome, correction, index, time }: ResolveAct): void {
    this.#end(dispute, { outcome, id, index, time })
    const recordId = this.#dispute(dispute).record
    if (outcome === 'upheld') {
      this.#makeVoid(recordId, { id, index, time })
      return
    }
    const taken = outcome === 'settled' && correction !== null ? this.#record(correction) : null
    this.#dropCorrections(recordId, taken?.id ?? null, index)
    if (taken !== null) this.#correct(this.#record(recordId), taken, { id, index, time })
  }

  /** A correction that opens the same steps takes the record's place; one that opens others acts now as if it had come then. */
  #correct(record: CaseRecord, correction: CaseRecord, by: { id: string; index: number; time: number }): void {
    if (this.#nextNow(correction).join() === this.#nextNow(record).join()) {
      this.#replace(record.id, correction.id)
      if (this.#openings.endConfirmation(record.id)) this.#lead(correction, by.time)
      return
    }
    this.#rebuild(this.#following(this.#origin(record.id), by.index, correction.id), by)
    this.#useOpening(record)
    this.#replace(record.id, correction.id)
    this.#count(correction, by.time)
  }

  #lapse({ id, what, index, time }: LapseAct): void {
    if (what.type === 'opening') {
      const step = this.#step(what.step)
      this.#openings.use(what)
      this.#openings.close(step.lapse?.closes ?? [])
      this.#openings.branch(what.next, { from: step.id, by: id, time })
    } else if (what.type === 'confirm') {
      const record = this.#record(what.record)
      if (this.#stepThen(record).confirm?.default === 'accept') this.#accept(record.id, time)
      else this.#makeVoid(record.id, { id, index, time })
    } else {
      const record = this.#record(this.#dispute(what.dispute).record)
      const upheld = this.#stepThen(record).dispute?.default === 'uphold'
      this.#end(what.dispute, { outcome: upheld ? 'upheld' : 'rejected', id, index, time })
      if (upheld) this.#makeVoid(record.id, { id, index, time })
      else this.#dropCorrections(record.id, null, index)
    }
  }

  /** The record, or the one that it stands in for, and what follows are void; its step opens anew, unless the case has been withdrawn. */
  #makeVoid(recordId: string, by: { id: string; index: number; time: number }): void {
    const record = this.#record(this.#origin(recordId))
    this.#rebuild(this.#following(record.id, by.index, null), by)
    this.#useOpening(record)
    if (this.#records.some((other) => other.void === null && this.#isWithdrawal(other))) return
    this.#openings.open(this.#stepNow(record).id, [by.id], by.time)
  }

  /** A record and all that follows from it before `index`; a withdrawal stands whatever becomes of what it left. */
  #following(recordId: string, index: number, except: string | null): Set<string> {
    const found = new Set([recordId])
    for (const event of this.#events()) {
      if (event.index >= index || event.id === except) continue
      if (event.kind === 'action' && this.#isWithdrawal(event)) continue
      if (causesOf(event).some((cause) => found.has(cause))) found.add(event.id)
    }
    return found
  }

  /** The case as it would stand had these entries not come. */
  #rebuild(found: ReadonlySet<string>, by: { id: string; index: number; time: number }): void {
    const isNew = (event: { id: string; void: number | null }) => event.void === null && found.has(event.id)
    if (![...this.#records, ...this.#disputes, ...this.#acts].some(isNew)) return
    const again = CaseProgress.start(this.#first)
    again.#bindStarter(this.#records[0]!)
    for (const event of this.#events()) {
      if (event.index >= by.index) continue
      const counts = event.void === null && !found.has(event.id)
      if (event.kind === 'action' && event.bp !== again.#version.bp) again.#moveOn(this.#versions, this.#version)
      if (counts) again.#consider(event)
      again.#keep({ ...unmarked(event), void: counts ? null : (event.void ?? by.index) })
    }
    this.#roles = again.#roles
    this.#review = this.#isPending(again.#review, found) ? again.#review : null
    this.#records = again.#records
    this.#acts = again.#acts
    this.#disputes = again.#disputes.map((dispute) => {
      if (dispute.end !== null || dispute.void === null) return dispute
      // How a dispute ended stays a fact when its record is void.
      const end = this.#dispute(dispute.id).end ?? { outcome: 'void', by: by.id, index: by.index }
      return { ...dispute, end }
    })
    const before = this.#openings
    this.#openings = this.#openingsOf(again.row())
    this.#openings.startAnew(before, by.time)
    this.#openings.resume(by.time)
  }

  /** A review that the end of the case left undecided stays so; one whose decision becomes void is to be decided again. */
  #isPending(review: CaseRow['review'], found: ReadonlySet<string>): boolean {
    if (review === null || review.request === this.#review?.request) return true
    return this.#records.some((record) => {
      return found.has(record.id) && record.replaces === review.record && !this.#isCorrection(record, review.record)
    })
  }

  #moveOn(versions: readonly CaseVersion[], last: Version): void {
    const place = versions.findIndex(({ bp }) => bp === this.#version.bp)
    const from = versions[place]
    assert(from !== undefined, 'a case moves from a version that it ran under')
    this.move(versions[place + 1] ?? last, from.mapping)
  }

  /** Whoever starts a case keeps its role, also if the first record is void and has to be made anew. */
  #bindStarter(first: CaseRecord): void {
    const binding = first.bind[first.as]
    if (binding === undefined) return
    this.#roles = { ...this.#roles, [first.as]: { member: binding.member, pk: null, by: first.id } }
  }

  #end(disputeId: string, by: { outcome: DisputeOutcome; id: string; index: number; time: number }): void {
    const end = { outcome: by.outcome, by: by.id, index: by.index }
    this.#disputes = this.#disputes.map((dispute) => {
      return dispute.id === disputeId && dispute.end === null ? { ...dispute, end } : dispute
    })
    this.#openings.resume(by.time)
  }

  /** Corrections that were offered for a dispute that ended without them. */
  #dropCorrections(recordId: string, taken: string | null, index: number): void {
    const open = this.#disputes.some(({ record, end }) => record === recordId && end === null)
    if (open && taken === null) return
    this.#records = this.#records.map((record) => {
      const offered = record.replaces === recordId && record.id !== taken && record.void === null
      return offered && this.#record(recordId).replacedBy !== record.id ? { ...record, void: index } : record
    })
  }

  /** Openings are used once, by a record that is void too (RULES 13). */
  #useOpening(record: CaseRecord): void {
    this.#openings.use({ step: this.#stepNow(record).id, prev: record.prev })
  }

  #openingsOf(rows: Pick<CaseRow, 'openings' | 'arrivals' | 'confirmations'>): CaseOpenings {
    return new CaseOpenings(
      {
        getStep: (id) => this.#step(id),
        stepOf: (recordId) => this.#stepNow(this.#record(recordId)).id,
        confirmOf: (recordId) => {
          const { confirm } = this.#stepThen(this.#record(recordId))
          assert(confirm !== null, 'a record of a step that is confirmed')
          return confirm
        },
        isHeld: (ids) => this.#isHeld(ids, this.#disputed()),
      },
      rows,
    )
  }

  #origin(id: string): string {
    return originOf({ bp: this.#version.bp, versions: this.#versions, records: this.#records }, id)
  }

  #replace(recordId: string, by: string): void {
    this.#records = this.#records.map((record) => (record.id === recordId ? { ...record, replacedBy: by } : record))
  }

  #events(): CaseEvent[] {
    return eventsOf({ records: this.#records, disputes: this.#disputes, acts: this.#acts })
  }

  #record(id: string): CaseRecord {
    const record = this.#records.find((candidate) => candidate.id === id)
    assert(record !== undefined, 'an entry names a record of its case')
    return record
  }

  #dispute(id: string): CaseDispute {
    const dispute = this.#disputes.find((candidate) => candidate.id === id)
    assert(dispute !== undefined, 'an entry names a dispute of its case')
    return dispute
  }

  #step(id: string | undefined): SkeletonStep {
    const step = id === undefined ? undefined : findStep(this.#version.skeleton, id)
    assert(step !== undefined, 'a skeleton has every step that it names')
    return step
  }

  #stepNow({ bp, step }: CaseRecord): SkeletonStep {
    return this.#step(this.#findNow(bp, step))
  }

  #findNow(bp: string, step: string): string | undefined {
    return stepIn(this.#versions, { bp, step }, this.#version.bp)
  }

  /** As the record's own version has it: what was agreed when it was signed holds for it (RULES 12). */
  #stepThen({ bp, step }: CaseRecord): SkeletonStep {
    const found = findStep(skeletonOf({ versions: this.#versions }, this.#version.skeleton, bp), step)
    assert(found !== undefined, 'a record names a step of its version')
    return found
  }

  #nextNow(record: CaseRecord): string[] {
    return nextIn(this.#versions, record, this.#version.bp)
  }

  /** Of the same step as what it replaces; a review is decided at a step of its own. */
  #isCorrection(record: CaseRecord, replaced: string): boolean {
    return this.#stepNow(this.#record(replaced)).id === this.#stepNow(record).id
  }

  #isWithdrawal({ bp, step }: CaseRecord): boolean {
    const skeleton = skeletonOf({ versions: this.#versions }, this.#version.skeleton, bp)
    return findStep(skeleton, step)?.withdrawal === true
  }
}

function fixedRoles(skeleton: Skeleton): { [role: string]: RoleBinding } {
  return Object.fromEntries(
    skeleton.roles.flatMap(({ id, member }) => (member === null ? [] : [[id, { member, pk: null, by: null }]])),
  )
}

function emptyCase(bp: string): CaseRow {
  return {
    bp,
    versions: [],
    roles: {},
    openings: [],
    arrivals: [],
    confirmations: [],
    review: null,
    records: [],
    disputes: [],
    acts: [],
    ended: false,
    endedAt: null,
    changed: 0,
  }
}
