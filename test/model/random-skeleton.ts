import type { Calendar, Deadline } from '../../src/core/ledger/deadline.ts'
import type { Audience, Skeleton, SkeletonRole, SkeletonStep } from '../../src/core/ledger/skeleton.ts'
import type { RandomSource } from './random-source.ts'

/** A year and a half with two changes of clocks, a short working week and some holidays. */
const CALENDAR: Calendar = {
  from: '2026-01-01',
  to: '2032-12-31',
  weekdays: [1, 2, 3, 5],
  nonWorking: ['2026-08-31', '2026-09-02', '2026-12-25'],
  offsets: [
    [0, 60],
    [1_774_746_000, 120],
    [1_792_890_000, 60],
  ],
}

/** How much of what a skeleton has. Skeletons with much of one thing meet more of what goes wrong with it. */
interface Flavour {
  closes: number
  confirm: number
  deadline: number
  dispute: number
}

function randomFlavour(random: RandomSource): Flavour {
  return {
    closes: random.pick([0, 0.1, 0.3]),
    confirm: random.pick([0.1, 0.25, 0.6]),
    deadline: random.pick([0.3, 0.9]),
    dispute: random.pick([0.3, 0.9, 1]),
  }
}

/** Small skeletons that use everything of RULES 11 to 18; the members fill the fixed roles. */
export function randomSkeleton(random: RandomSource, members: readonly string[]): Skeleton {
  const flavour = randomFlavour(random)
  const roles = randomRoles(random, members)
  const count = random.between(3, 6)
  const ids = Array.from({ length: count }, (_, i) => `s${i + 1}`)
  const steps = ids.map((id, i) => plainStep(id, random.pick(roles).id, randomNext(random, ids, i)))
  for (const [i, step] of steps.entries()) addJoin(random, steps, i, step)
  // A fork, so that joins have something to join.
  if (count > 3) addNext(steps[random.between(0, 1)]!, random.sample(ids.slice(2), 2))
  const withdrawal = random.chance(0.4) ? [addWithdrawal(steps)] : []
  const review = random.chance(0.5) ? addReview(random, steps, ids) : null
  const requests = review?.request ?? []
  const unfixed = roles.filter(({ member }) => member === null).map(({ id }) => id)
  for (const [i, step] of steps.entries()) {
    step.binds = sorted(random.some(unfixed, i === 0 ? 0.7 : 0.3))
    addFeatures(random, flavour, step, roles, ids, [...withdrawal, ...requests].includes(step.id))
  }
  const threshold = { fraction: [1, 2] as [number, number] }
  const distinct = randomDistinct(random, roles)
  return { format: 'concordat-skeleton/1', roles, distinct, start: 's1', steps, review, threshold }
}

/** A later version and where its predecessor's steps went: one step more, other deadlines, sometimes another fixed member. */
export function nextVersion(
  random: RandomSource,
  skeleton: Skeleton,
  members: readonly string[],
): { skeleton: Skeleton; mapping: { [step: string]: string } } {
  const at = random.between(0, skeleton.steps.length)
  const mapped = (step: string) => `s${Number(step.slice(1)) + (Number(step.slice(1)) > at ? 1 : 0)}`
  const mapAll = (steps: readonly string[]) => sorted(steps.map(mapped))
  const roles = skeleton.roles.map((role) => {
    return role.member !== null && random.chance(0.2) ? { ...role, member: random.pick(members) } : role
  })
  const moved = skeleton.steps.map((step) => ({
    ...step,
    id: mapped(step.id),
    next: step.next.map(mapAll),
    closes: step.closes.map(mapAll),
    join: step.join && { ...step.join, steps: mapAll(step.join.steps), closes: mapAll(step.join.closes) },
    lapse: step.lapse && { next: mapAll(step.lapse.next), closes: mapAll(step.lapse.closes) },
    groups: step.groups.map(({ audience, digests }) => ({
      audience: sortAudience(audience.map(([r, s, c]) => [r, mapped(s), c])),
      digests,
    })),
  }))
  const added = plainStep(`s${at + 1}`, random.pick(roles).id, [[]])
  const steps = [...moved.slice(0, at), added, ...moved.slice(at)]
  const { review } = skeleton
  const plain = [...(review?.request ?? []), ...skeleton.steps.filter((step) => step.withdrawal).map(({ id }) => id)]
  const special = plain.map(mapped)
  const ids = steps.map(({ id }) => id).filter((id) => !special.includes(id) && id !== added.id)
  const flavour = randomFlavour(random)
  for (const step of steps) {
    if (random.chance(0.4)) addFeatures(random, flavour, step, roles, ids, special.includes(step.id))
  }
  const mapping = Object.fromEntries(skeleton.steps.map(({ id }) => [id, mapped(id)]))
  // Two steps of one role may become one.
  const one = random.pick(skeleton.steps)
  const others = skeleton.steps.filter(({ id, role }) => role === one.role && ![one.id, ...plain].includes(id))
  if (random.chance(0.15) && !plain.includes(one.id) && others.length > 0)
    mapping[one.id] = mapped(random.pick(others).id)
  const mappedReview = review && {
    ...review,
    of: mapAll(review.of),
    request: mapAll(review.request),
    decide: mapped(review.decide),
  }
  const distinct = skeleton.distinct.filter((set) => areDifferent(roles, set))
  return {
    skeleton: { ...skeleton, roles, distinct, start: mapped(skeleton.start), steps, review: mappedReview },
    mapping,
  }
}

function randomRoles(random: RandomSource, members: readonly string[]): SkeletonRole[] {
  const member = (id: string, fixed: boolean): SkeletonRole => {
    return { id, kind: 'member', member: fixed ? random.pick(members) : null, open: !fixed, servedBy: [] }
  }
  const roles = [
    member('alpha', true),
    member('beta', random.chance(0.6)),
    member('gamma', random.chance(0.3)),
    member('delta', false),
  ]
  const servedBy = random.sample(['alpha', 'beta', 'delta', 'gamma'], random.between(1, 3))
  return [{ id: 'person', kind: 'person', member: null, open: false, servedBy }, ...roles]
}

function randomDistinct(random: RandomSource, roles: readonly SkeletonRole[]): string[][] {
  const set = sorted(random.sample(roles, 2).map(({ id }) => id))
  return random.chance(0.3) && areDifferent(roles, set) ? [set] : []
}

function areDifferent(roles: readonly SkeletonRole[], set: readonly string[]): boolean {
  const members = roles.filter(({ id, member }) => set.includes(id) && member !== null).map(({ member }) => member)
  return new Set(members).size === members.length
}

function plainStep(id: string, role: string, next: string[][]): SkeletonStep {
  return {
    id,
    role,
    next,
    binds: [],
    join: null,
    closes: next.map(() => []),
    withdrawal: false,
    deadline: null,
    lapse: null,
    extend: null,
    confirm: null,
    dispute: null,
    groups: [{ audience: [], digests: 1 }],
    digests: 8,
  }
}

/** Mostly forward, sometimes back, and an end more often the later the step is. */
function randomNext(random: RandomSource, ids: readonly string[], i: number): string[][] {
  const later = ids.slice(i + 1)
  const sets = [random.sample(later, random.between(1, 2))]
  if (random.chance(0.4)) sets.push(random.sample(ids, random.between(1, 2)))
  if (random.chance(i / ids.length)) sets.push([])
  return uniqueSets(sets)
}

function addNext(step: SkeletonStep, set: string[]): void {
  step.next = uniqueSets([...step.next, set])
  step.closes = step.next.map(() => [])
}

function addJoin(random: RandomSource, steps: readonly SkeletonStep[], i: number, step: SkeletonStep): void {
  if (i < 2 || !random.chance(0.4)) return
  const sources = random.sample(steps.slice(0, i), 2)
  for (const source of sources) addNext(source, [step.id])
  const closes = sorted(random.some(steps, 0.15).map(({ id }) => id))
  step.join = { mode: random.pick(['all', 'all', 'any']), steps: sorted(sources.map(({ id }) => id)), closes }
}

function addWithdrawal(steps: SkeletonStep[]): string {
  const step = plainStep(`s${steps.length + 1}`, steps[0]!.role, [[]])
  step.closes = [sorted(steps.map(({ id }) => id))]
  step.withdrawal = true
  steps.push(step)
  return step.id
}

function addReview(random: RandomSource, steps: SkeletonStep[], ids: readonly string[]): Skeleton['review'] {
  const decide = random.pick(ids)
  const request = plainStep(`s${steps.length + 1}`, steps[0]!.role, [[decide]])
  steps.push(request)
  const of = sorted(
    random.sample(
      ids.filter((id) => id !== decide),
      2,
    ),
  )
  return { of, request: [request.id], decide, until: randomDeadline(random) }
}

/** Everything about a step but where it leads. A `plain` one withdraws or asks for a review. */
function addFeatures(
  random: RandomSource,
  flavour: Flavour,
  step: SkeletonStep,
  roles: readonly SkeletonRole[],
  ids: readonly string[],
  plain: boolean,
): void {
  const others = roles.map(({ id }) => id).filter((id) => id !== step.role)
  addGroups(random, step, others, ids)
  if (plain) return
  step.closes = step.next.map(() => sorted(random.some(ids, flavour.closes)))
  step.deadline = random.chance(flavour.deadline) ? randomDeadline(random) : null
  const has = (chance: number) => step.deadline !== null && random.chance(chance)
  step.lapse = has(0.7)
    ? { next: sorted(random.sample(ids, random.between(0, 2))), closes: sorted(random.some(ids, 0.1)) }
    : null
  step.extend = has(0.6)
    ? { role: random.pick(roles).id, limit: { ...randomDeadline(random), count: random.between(4, 90) } }
    : null
  const confirmers = sorted(random.sample(others, random.between(1, 2)))
  const confirm = {
    roles: confirmers,
    deadline: randomDeadline(random),
    default: random.pick(['accept', 'reject'] as const),
  }
  step.confirm = random.chance(flavour.confirm) ? confirm : null
  const resolver = random.chance(0.85) ? random.pick(others) : null
  const ends = { deadline: randomDeadline(random), default: random.pick(['uphold', 'reject'] as const) }
  step.dispute = random.chance(flavour.dispute) ? { window: randomDeadline(random), resolver, ...ends } : null
}

function addGroups(random: RandomSource, step: SkeletonStep, others: readonly string[], ids: readonly string[]): void {
  const audiences = Array.from({ length: random.between(1, 2) }, () => {
    const items = random
      .some(others, 0.5)
      .map((role): Audience => [role, random.chance(0.75) ? step.id : random.pick(ids), 'file'])
    return sortAudience(items)
  })
  step.groups = [
    { audience: [], digests: 1 },
    ...audiences.map((audience) => ({ audience, digests: random.between(1, 4) })),
  ]
  const digests = step.groups.reduce((sum, group) => sum + group.digests, 0)
  step.digests = Math.ceil(digests / 8) * 8
}

function randomDeadline(random: RandomSource): Deadline {
  const unit = random.pick(['hours', 'hours', 'days', 'workingDays'] as const)
  if (unit === 'hours') return { count: random.between(1, 72), unit, calendar: null }
  return { count: random.between(1, 3), unit, calendar: CALENDAR }
}

function uniqueSets(sets: readonly string[][]): string[][] {
  return [...new Map(sets.map((set) => [sorted(set).join(), sorted(set)])).values()]
}

function sortAudience(audience: Audience[]): Audience[] {
  return audience.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function sorted(items: readonly string[]): string[] {
  return [...items].sort()
}
