import type { JsonValue } from '../../src/core/canonical-json.ts'
import { ConcordatError } from '../../src/core/error.ts'
import type { StepMapping } from '../../src/core/ledger/claims.ts'
import type { Skeleton } from '../../src/core/ledger/skeleton.ts'
import { findBlueprint } from '../../src/core/ledger/state.ts'
import { type BuiltMember, blueprintHash, json, type RegisterBuilder, randomId } from '../register-builder.ts'
import { assertRefused } from '../sample-register.ts'
import { NaiveRegister, type Wish } from './naive-register.ts'
import { WishMaker } from './random-entries.ts'
import { mutated } from './random-mutation.ts'
import { nextVersion, randomSkeleton } from './random-skeleton.ts'
import type { RandomSource } from './random-source.ts'

/** A register with random versions of a blueprint and random cases, and the model beside it. */
export class RandomRegister {
  readonly builder: RegisterBuilder
  readonly model: NaiveRegister
  readonly #random: RandomSource
  readonly #members: readonly BuiltMember[]
  readonly #maker: WishMaker
  /** What was accepted, to be entered a second time. */
  readonly #accepted: Wish[] = []

  constructor(random: RandomSource, builder: RegisterBuilder, members: readonly BuiltMember[]) {
    this.#random = random
    this.builder = builder
    this.#members = members
    this.model = new NaiveRegister(members.filter(({ voting }) => voting).map(({ id }) => id))
    this.#maker = new WishMaker(random, this.model, this.#ids)
  }

  get #ids(): string[] {
    return this.#members.map(({ id }) => id)
  }

  get #voting(): BuiltMember[] {
    return this.#members.filter(({ voting }) => voting)
  }

  async proposeFirst(): Promise<void> {
    const skeleton = randomSkeleton(this.#random, this.model.voting)
    const bp = blueprintHash(skeleton)
    const proposal = await this.builder.add(this.builder.blueprint(this.#voting[0]!, skeleton))
    this.model.versions.set(bp, { skeleton, follows: null, live: false, acceded: {}, suspended: {} })
    await this.#approve(bp, proposal, 1)
  }

  /** A version that follows the newest one, with a mapping for its cases that is whole, has a gap, or is missing. */
  async proposeNext(): Promise<void> {
    const [replaces, { skeleton: old }] = [...this.model.versions].findLast(([, { live }]) => live)!
    const { skeleton, mapping } = nextVersion(this.#random, old, this.model.voting)
    const bp = blueprintHash(skeleton)
    if (this.#random.chance(0.3)) delete mapping[this.#random.pick(Object.keys(mapping))]
    const given = this.#random.chance(0.85) ? mapping : null
    const propose = (changes: object) => this.builder.blueprint(this.#voting[0]!, skeleton, { replaces, ...changes })
    await assertRefused(
      this.builder,
      propose({ mapping: this.#wrongMapping(mapping, old, skeleton) }),
      'MAPPING_INVALID',
    )
    const proposal = await this.builder.add(propose(given === null ? {} : { mapping: given }))
    const follows = { bp: replaces, mapping: given }
    this.model.versions.set(bp, { skeleton, follows, live: false, acceded: {}, suspended: {} })
    await this.#approve(bp, proposal, 0.9)
  }

  /** A step that is not there, or one that goes to a step of another role. */
  #wrongMapping(mapping: StepMapping, from: Skeleton, to: Skeleton): StepMapping {
    const step = this.#random.pick(from.steps)
    const others = to.steps.filter(({ role }) => role !== step.role)
    if (others.length === 0 || this.#random.chance(0.3)) return { ...mapping, s99: 's1' }
    return { ...mapping, [step.id]: this.#random.pick(others).id }
  }

  /** Somebody takes an open role later than the others. */
  async accede(): Promise<void> {
    const [bp, version] = this.#random.pick([...this.model.versions])
    const member = this.#random.pick(this.#voting)
    const free = version.skeleton.roles.filter(
      ({ id, open }) => open && !(version.acceded[id] ?? []).includes(member.id),
    )
    if (free.length === 0 || !version.live) return
    const { id } = this.#random.pick(free)
    const { proposal } = findBlueprint(this.builder.rows, bp)!
    await this.builder.add(this.builder.approval(member, proposal, bp, [id]))
    version.acceded[id] = [...(version.acceded[id] ?? []), member.id]
  }

  /** Each voting member approves with this probability, and takes some of the open roles. */
  async #approve(bp: string, proposal: string, probability: number): Promise<void> {
    const version = this.model.versions.get(bp)!
    const open = version.skeleton.roles.filter((role) => role.open).map(({ id }) => id)
    for (const member of this.#voting) {
      if (!this.#random.chance(probability)) continue
      const roles = this.#random.some(open, 0.6).sort()
      try {
        await this.builder.add(this.builder.approval(member, proposal, bp, roles))
        for (const role of roles) version.acceded[role] = [...(version.acceded[role] ?? []), member.id]
      } catch (error) {
        // Who has no say and takes no role, or comes after the decision. RULES 8 are tested elsewhere.
        if (!(error instanceof ConcordatError)) throw error
      }
    }
    version.live = findBlueprint(this.builder.rows, bp)!.live
  }

  /** A little later, a lot later, or just at or past some deadline. */
  passTime(): void {
    const random = this.#random
    const { picture } = this.model.now(random.pick(this.model.caseIds.concat('none'))) ?? {}
    const dues = [...(picture?.openings ?? []), ...(picture?.confirmations ?? [])].flatMap(({ due }) => due ?? [])
    const ahead = dues.filter((due) => due > this.builder.time && due < this.builder.time + 10 * 86_400)
    if (ahead.length > 0 && random.chance(0.15)) this.builder.time = random.pick(ahead) - 1 + random.between(0, 1)
    else if (random.chance(0.08)) this.builder.time += random.between(86_400, 4 * 86_400)
    else if (random.chance(0.2)) this.builder.time += random.between(3_600, 5 * 3_600)
    else this.builder.time += random.between(0, 300)
  }

  /** What somebody enters next, right or wrong. */
  nextWish(): Wish {
    const random = this.#random
    const time = this.builder.time + 1
    if (random.chance(0.04)) return this.#suspend()
    if (this.#accepted.length > 0 && random.chance(0.04)) return structuredClone(random.pick(this.#accepted))
    const ids = this.model.caseIds
    const running = ids.filter((id) => this.model.now(id)!.ended === false)
    const isNew = random.chance(running.length === 0 ? 0.7 : 0.04)
    const caseId =
      isNew || ids.length === 0 ? randomId() : random.pick(random.chance(0.8) && running.length > 0 ? running : ids)
    const bps = [...this.model.versions.keys()]
    const live = bps.filter((id) => this.model.versions.get(id)!.live)
    const bp = random.pick(random.chance(0.95) && live.length > 0 ? live : bps)
    const wish = this.#maker.valid(caseId, bp, time)
    if (wish !== undefined && random.chance(0.7)) return wish
    const other = wish === undefined || random.chance(0.5) ? this.#maker.likely(caseId, bp) : wish
    const any = other ?? this.#suspend()
    return random.chance(0.9) ? mutated(random, this.model, this.#ids, any) : any
  }

  #suspend(): Wish {
    const [bp, { skeleton }] = this.#random.pick([...this.model.versions])
    const { acceded, suspended } = this.model.versions.get(bp)!
    const ownOf = (iss: string) => {
      return skeleton.roles.filter(({ id, member }) => member === iss || (acceded[id] ?? []).includes(iss))
    }
    const iss = this.#random.pick(this.model.voting.filter((id) => ownOf(id).length > 0))
    const own = ownOf(iss)
    const roles = this.#random.sample(own, this.#random.between(1, 2)).map(({ id }) => id)
    const isSuspended = roles.some((role) => (suspended[role] ?? []).includes(iss))
    const stops = this.#random.chance(0.9) ? !isSuspended : isSuspended
    return { kind: 'suspend', iss, claims: { bp, roles: roles.sort(), suspended: stops } }
  }

  /** The ledger's answer: the entry's id, or the code with which it was refused. */
  async enter(wish: Wish): Promise<{ id: string } | { code: string }> {
    const jws = this.#sign(wish)
    try {
      return { id: await this.builder.add(jws) }
    } catch (error) {
      if (error instanceof ConcordatError) return { code: error.code }
      throw error
    }
  }

  accept(wish: Wish, id: string): void {
    this.#accepted.push(wish)
    this.model.accept(wish, id, this.builder.ids.length - 1, this.builder.time)
  }

  #sign(wish: Wish): string {
    const signer = this.#members.find(({ id }) => id === wish.iss)!
    const claims = json(wish.claims) as { [claim: string]: JsonValue }
    if (wish.kind === 'suspend') return this.builder.suspend(signer, claims)
    if (wish.kind === 'dispute') return this.builder.dispute(signer, wish.claims, claims)
    if (wish.kind !== 'action+sd-jwt') return this.builder.inCase(wish.kind, signer, claims)
    const { skeleton } = [...this.model.versions.values()][0]!
    const any = { skeleton, case: wish.claims.case, step: 's1', as: wish.claims.as, prev: [], next: [] }
    return this.builder.action(signer, any, claims)
  }
}
