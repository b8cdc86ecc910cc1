/** The register that most tests of the rules start from: four voting founders, an observer, and one live blueprint. */
import assert from 'node:assert/strict'
import { ConcordatError, type ErrorDetail } from '../src/core/error.ts'
import type { Skeleton, SkeletonStep } from '../src/core/ledger/skeleton.ts'
import { type BuiltMember, blueprintHash, buildMember, RegisterBuilder, randomId } from './register-builder.ts'

export interface Sample {
  builder: RegisterBuilder
  /** Fixed to the council's role, and the sequencer. */
  council: BuiltMember
  /** Fixed to the auditor's role, which resolves disputes. */
  auditor: BuiltMember
  /** Acceded as checker and carrier. */
  bureau: BuiltMember
  /** Acceded as carrier, checker and portal. */
  carrier: BuiltMember
  observer: BuiltMember
  skeleton: Skeleton
  bp: string
  /** Entry id of the blueprint's proposal. */
  proposal: string
}

export async function buildSample(): Promise<Sample> {
  const council = buildMember('Council', { voting: true })
  const auditor = buildMember('Auditor', { voting: true })
  const bureau = buildMember('Bureau', { voting: true })
  const carrier = buildMember('Carrier', { voting: true })
  const observer = buildMember('Observer', { voting: false })
  const builder = await RegisterBuilder.found([council, auditor, bureau, carrier, observer])
  const skeleton = sampleSkeleton(council, auditor)
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  await builder.add(builder.approval(council, proposal, bp, []))
  await builder.add(builder.approval(bureau, proposal, bp, ['carrier', 'checker']))
  await builder.add(builder.approval(auditor, proposal, bp, []))
  await builder.add(builder.approval(carrier, proposal, bp, ['carrier', 'checker', 'portal']))
  return { builder, council, auditor, bureau, carrier, observer, skeleton, bp, proposal }
}

/** Shared by the tests of a file, each of which forks it. */
export function forkSample(sample: Sample): Sample {
  return { ...sample, builder: sample.builder.fork() }
}

/** Starts a case through the portal's member, which binds nobody else; answers case and record. */
export async function startCase({ builder, skeleton, carrier }: Sample): Promise<{ case: string; first: string }> {
  const caseId = randomId()
  const action = { skeleton, case: caseId, step: 's1', as: 'applicant', prev: [], next: ['s2'] }
  return {
    case: caseId,
    first: await builder.add(builder.action(carrier, { ...action, bind: { applicant: carrier } })),
  }
}

/** The refusal's detail. Fails if the entry is accepted, if something else is thrown, or if any row or leaf changed. */
async function refusalOf(builder: RegisterBuilder, jws: string): Promise<ErrorDetail> {
  const rows = JSON.stringify([...builder.rows])
  const leaves = builder.leaves.length
  const refusal = await builder.add(jws).then(
    () => assert.fail('the entry was accepted'),
    (error: unknown) => error,
  )
  assert.ok(refusal instanceof ConcordatError, String(refusal))
  assert.equal(JSON.stringify([...builder.rows]), rows)
  assert.equal(builder.leaves.length, leaves)
  return refusal.detail
}

/** Fails unless the entry is refused with this code and, where given, these facts. */
export async function assertRefused(
  builder: RegisterBuilder,
  jws: string,
  code: ErrorDetail['code'],
  facts: { [fact: string]: unknown } = {},
): Promise<void> {
  const detail = await refusalOf(builder, jws)
  assert.equal(detail.code, code)
  assert.partialDeepStrictEqual(detail, facts)
}

/** A step that opens `next`, binds nothing and cannot be disputed, with one group for each audience. */
export function buildStep(
  id: string,
  role: string,
  next: SkeletonStep['next'],
  audiences: SkeletonStep['groups'][number]['audience'][],
  changes: Partial<SkeletonStep> = {},
): SkeletonStep {
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
    groups: [{ audience: [], digests: 1 }, ...audiences.map((audience) => ({ audience, digests: 2 }))],
    digests: 8,
    ...changes,
  }
}

/**
 * A travel card: s1 a person applies through a member that serves it and may bind the checker; s2 the council asks the checker
 * and the carrier at once, s3 the checker answers, s4 the carrier answers, s5 the council decides (or goes back to s2, a loop),
 * s6 withdraws.
 */
export function sampleSkeleton(council: BuiltMember, auditor: BuiltMember): Skeleton {
  const hours = (count: number) => ({ count, unit: 'hours' as const, calendar: null })
  const dispute = { window: hours(48), resolver: 'auditor', deadline: hours(96), default: 'uphold' as const }
  return {
    format: 'concordat-skeleton/1',
    roles: [
      { id: 'applicant', kind: 'person', member: null, open: false, servedBy: ['council', 'portal'] },
      { id: 'council', kind: 'member', member: council.id, open: false, servedBy: [] },
      { id: 'portal', kind: 'member', member: null, open: true, servedBy: [] },
      { id: 'checker', kind: 'member', member: null, open: true, servedBy: [] },
      { id: 'carrier', kind: 'member', member: null, open: true, servedBy: [] },
      { id: 'auditor', kind: 'member', member: auditor.id, open: false, servedBy: [] },
    ],
    distinct: [
      ['carrier', 'checker'],
      ['checker', 'council'],
    ],
    start: 's1',
    steps: [
      buildStep(
        's1',
        'applicant',
        [['s2']],
        [
          [['council', 's1', 'file']],
          [
            ['checker', 's2', 'check'],
            ['council', 's1', 'file'],
          ],
        ],
        {
          binds: ['carrier', 'checker'],
          dispute,
        },
      ),
      buildStep('s2', 'council', [['s3'], ['s3', 's4']], [[['checker', 's2', 'check']]], {
        binds: ['carrier', 'checker'],
        dispute,
      }),
      buildStep('s3', 'checker', [[], ['s5']], [[['council', 's3', 'file']]], { dispute }),
      buildStep('s4', 'carrier', [[]], [[['council', 's4', 'file']]]),
      buildStep(
        's5',
        'council',
        [[], ['s2']],
        [
          [
            ['applicant', 's5', 'file'],
            ['carrier', 's5', 'file'],
          ],
        ],
        { dispute },
      ),
      buildStep('s6', 'applicant', [[]], [[['council', 's6', 'file']]], {
        withdrawal: true,
        closes: [['s2', 's3', 's4', 's5']],
      }),
    ],
    review: null,
    threshold: { fraction: [2, 3] },
  }
}
