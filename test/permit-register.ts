/** A register with a blueprint that uses every feature of a skeleton, and short ways to act on its cases. */
import type { Skeleton, SkeletonStep } from '../src/core/ledger/skeleton.ts'
import type { CaseRow } from '../src/core/ledger/state.ts'
import {
  type BuiltMember,
  blueprintHash,
  buildMember,
  type Changes,
  RegisterBuilder,
  randomId,
} from './register-builder.ts'
import { buildStep } from './sample-register.ts'

type Who = 'council' | 'checker' | 'panel' | 'other'

const hours = (count: number) => ({ count, unit: 'hours' as const, calendar: null })

/**
 * s1 apply (council) opens s2 and s3 at once; s2 check (checker) and s3 visit (council; deadline, extended by the council) both lead to
 * s4, an `all` join; s4 decide (council; confirmed by the checker; disputed before the panel) ends or goes back to s2 and s3; s5 asks
 * for a review, s6 (panel) decides it; s7 withdraws. s8 is an `any` join of s2 and s3.
 */
function permitSkeleton(members: { council: BuiltMember; panel: BuiltMember }): Skeleton {
  const dispute = { window: hours(100), resolver: 'panel', deadline: hours(10), default: 'uphold' as const }
  const file = (role: string, step: string): [string, string, string] => [role, step, 'file']
  const step = (
    id: string,
    role: string,
    next: string[][],
    audience: [string, string, string][],
    changes: Partial<SkeletonStep> = {},
  ) => buildStep(id, role, next, [audience], changes)
  return {
    format: 'concordat-skeleton/1',
    roles: [
      { id: 'council', kind: 'member', member: members.council.id, open: false, servedBy: [] },
      { id: 'checker', kind: 'member', member: null, open: true, servedBy: [] },
      { id: 'panel', kind: 'member', member: members.panel.id, open: false, servedBy: [] },
    ],
    distinct: [['checker', 'council']],
    start: 's1',
    steps: [
      step('s1', 'council', [['s2', 's3']], [file('checker', 's1')], { binds: ['checker'], dispute }),
      step('s2', 'checker', [['s4'], ['s8']], [file('council', 's2')], { dispute }),
      step('s3', 'council', [['s4'], ['s8']], [file('checker', 's3')], {
        deadline: hours(24),
        lapse: { next: ['s4'], closes: [] },
        extend: { role: 'council', limit: hours(48) },
      }),
      step('s4', 'council', [[], ['s2', 's3']], [file('checker', 's4'), file('panel', 's4')], {
        join: { mode: 'all', steps: ['s2', 's3'], closes: [] },
        confirm: { roles: ['checker'], deadline: hours(20), default: 'reject' },
        dispute,
      }),
      step('s5', 'checker', [['s6']], [file('panel', 's5')]),
      step('s6', 'panel', [[], ['s4']], [file('checker', 's6'), file('council', 's6')]),
      step('s7', 'council', [[]], [file('checker', 's7')], {
        withdrawal: true,
        closes: [['s2', 's3', 's4', 's6', 's8']],
      }),
      step('s8', 'council', [[]], [file('checker', 's8')], {
        join: { mode: 'any', steps: ['s2', 's3'], closes: ['s2', 's3'] },
      }),
    ],
    review: { of: ['s4'], request: ['s5'], decide: 's6', until: hours(240) },
    threshold: { fraction: [2, 3] },
  }
}

/** A case of it, told entry by entry. Every call adds an entry as `time` + 1; `wait` lets hours pass before. */
export class Permit {
  readonly builder: RegisterBuilder
  readonly members: { [who in Who]: BuiltMember }
  readonly skeleton: Skeleton
  readonly bp: string
  readonly proposal: string
  readonly id: string

  private constructor(parts: Pick<Permit, 'builder' | 'members' | 'skeleton' | 'bp' | 'proposal' | 'id'>) {
    this.builder = parts.builder
    this.members = parts.members
    this.skeleton = parts.skeleton
    this.bp = parts.bp
    this.proposal = parts.proposal
    this.id = parts.id
  }

  static async open(change: (skeleton: Skeleton) => Skeleton = (skeleton) => skeleton): Promise<Permit> {
    const build = (name: string) => buildMember(name, { voting: true })
    const members = {
      council: build('Council'),
      checker: build('Checker'),
      panel: build('Panel'),
      other: build('Other'),
    }
    const builder = await RegisterBuilder.found(Object.values(members))
    const skeleton = change(permitSkeleton(members))
    const bp = blueprintHash(skeleton)
    const proposal = await builder.add(builder.blueprint(members.council, skeleton))
    for (const member of [members.council, members.panel]) {
      if (skeleton.roles.every((role) => role.member !== member.id)) continue
      await builder.add(builder.approval(member, proposal, bp, []))
    }
    for (const who of ['checker', 'other'] as const) {
      await builder.add(builder.approval(members[who], proposal, bp, ['checker']))
    }
    return new Permit({ builder, members, skeleton, bp, proposal, id: randomId() })
  }

  /** Another telling from the same place. */
  fork(): Permit {
    return new Permit({ ...this, builder: this.builder.fork() })
  }

  get row(): CaseRow {
    return this.builder.caseRow(this.id)
  }

  /** What is open, as `step by prev,prev`, with entries named by their place among `names`. */
  open(names: { [id: string]: string }): string[] {
    return this.row.openings.map(
      ({ step, prev }) =>
        `${step} by ${prev
          .map((id) => names[id] ?? '?')
          .sort()
          .join()}`,
    )
  }

  wait(hoursLater: number): this {
    this.builder.time += hoursLater * 3600
    return this
  }

  /** The entry as it would come next; not added. */
  action(who: Who, step: string, prev: readonly string[], next: readonly string[], changes: Changes = {}): string {
    const as = this.skeleton.steps.find(({ id }) => id === step)!.role
    const { skeleton, bp, id } = this
    return this.builder.action(this.members[who], { skeleton, bp, case: id, step, as, prev, next }, changes)
  }

  act(
    who: Who,
    step: string,
    prev: readonly string[],
    next: readonly string[],
    changes: Changes = {},
  ): Promise<string> {
    return this.builder.add(this.action(who, step, prev, next, changes))
  }

  start(): Promise<string> {
    return this.act('council', 's1', [], ['s2', 's3'], { bind: { checker: { member: this.members.checker.id } } })
  }

  dispute(who: Who, record: string): string {
    return this.builder.dispute(this.members[who], { bp: this.bp, case: this.id, record, as: who })
  }

  resolve(who: Who, dispute: string, outcome: string, correction: string | null = null): string {
    return this.#inCase('resolve', who, { dispute, as: who, outcome, correction })
  }

  confirm(who: Who, record: string, accept: boolean): string {
    return this.#inCase('confirm', who, { record, as: who, accept })
  }

  lapse(who: Who, what: Changes[string]): string {
    return this.#inCase('lapse', who, { as: who, what })
  }

  extend(who: Who, step: string, prev: string[], until: number): string {
    return this.#inCase('extend', who, { as: who, step, prev, until })
  }

  #inCase(kind: 'confirm' | 'resolve' | 'lapse' | 'extend', who: Who, claims: Changes): string {
    return this.builder.inCase(kind, this.members[who], { bp: this.bp, case: this.id, ...claims })
  }
}
