import assert from 'node:assert'
import { ConcordatError } from '../../error.ts'
import type { HandoverClaims } from '../claims.ts'
import { type Configuration, findConfiguration } from '../configuration.ts'
import { comparePlaces, type Place } from '../handover/statement.ts'
import type { VerifiedHandover } from '../handover/verify-handover.ts'
import { boundaries, findTerm, type RegisterRow, type StateRow } from '../state.ts'
import type { EntryContext } from './context.ts'

/**
 * RULES 31: opens a term under another sequencer, directly after its start. That the leaves before are those of the start is for
 * the caller, who has them: verifyPlaces.
 */
export function applyHandover(
  { register, claims, leaf }: EntryContext<HandoverClaims>,
  verified: VerifiedHandover,
): { [key: string]: StateRow } {
  const { start, sequencer, term, iss } = claims
  if (term <= register.term) {
    throw new ConcordatError({
      code: 'HANDOVER_TERM_OLD',
      expected: `a term above ${register.term}`,
      got: `${term}`,
      term,
    })
  }
  const key = register.configurations.at(-1)?.operators.find(({ member }) => member === sequencer)?.ed25519
  if (register.ordering !== 'hosted' || key === undefined || iss !== sequencer) {
    throw new ConcordatError({
      code: 'SEQUENCER_NOT_OPERATING',
      expected: 'an operator of a hosted register, as signer',
      got: 'another',
    })
  }
  if (leaf.index !== start.size) throw startDiffers(leaf.index, 'the leaf directly after the start', start.size)
  const highest = highestOf(register, verified)
  if (highest === undefined || comparePlaces(highest, start) !== 0 || highest.root !== start.root) {
    throw startDiffers(start.size, 'the highest checkpoint that is reported or certified', highest?.size ?? 0)
  }
  verifyReach(register, start, verified)
  const covered = verified.certified.some(({ size }) => size === start.size)
  verifyQuorum(register, start, covered, verified)
  return {
    register: {
      ...register,
      term,
      sequencer,
      terms: [...register.terms, { term, sequencer, key, start: start.size, root: start.root }],
      configurations: covered ? register.configurations : shifted(register.configurations, start.size),
    },
  }
}

/** By term, then size. Where a term's sequencer signed two histories, a report of that term counts as no more than its start. */
function highestOf(register: RegisterRow, { statements, certified, lied }: VerifiedHandover): Place | undefined {
  const reports = statements.flatMap(({ report }) => {
    if (report === null) return []
    if (!lied.includes(report.term)) return [report]
    const { term, start, root } = findTerm(register, report.term)!
    return [{ term, size: start, root }]
  })
  return [...reports, ...certified].sort(comparePlaces).at(-1)
}

/**
 * Nobody cosigns past a boundary without holding a certificate over it, or its term's start (RULES 30): whoever reports a checkpoint
 * beyond one shows that. And of what is certified, nothing may be dropped.
 */
function verifyReach(register: RegisterRow, start: Place, { statements, certified }: VerifiedHandover): void {
  const sizes = certified.map(({ size }) => size)
  const reach = Math.max(findTerm(register, start.term)?.start ?? 0, ...sizes)
  const last = Math.max(
    ...boundaries(register).filter((boundary) => boundary < start.size || boundary === register.founding),
  )
  if (reach < last || start.size < Math.max(...sizes)) {
    throw startDiffers(start.size, `a certificate over the boundary at ${last}, and none beyond the start`, reach)
  }
  for (const { certificate } of statements) {
    if (certificate === null || certified.some((shown) => comparePlaces(shown, certificate) >= 0)) continue
    throw startDiffers(start.size, 'the certificates that the statements name, or a higher one', certificate.size)
  }
}

/** A change of operators that is the start's last leaf, and that no certificate covers, does not count yet. */
function verifyQuorum(register: RegisterRow, start: Place, covered: boolean, { statements }: VerifiedHandover): void {
  const configuration = findConfiguration(register.configurations, covered ? start.size + 1 : start.size)
  assert(configuration !== undefined, 'a start that reaches the founding has a configuration')
  const { operators, quorum } = configuration
  const counted = statements.filter(({ member }) => operators.some((operator) => operator.member === member)).length
  if (counted >= quorum) return
  throw new ConcordatError({
    code: 'HANDOVER_QUORUM_MISSING',
    expected: `statements of ${quorum} operators`,
    got: `${counted}`,
    statements: counted,
    quorum,
  })
}

/** The handover leaf itself still counts by the configuration before such a change. */
function shifted(configurations: readonly Configuration[], startSize: number): Configuration[] {
  return configurations.map((configuration) =>
    configuration.fromSize === startSize + 1 ? { ...configuration, fromSize: startSize + 2 } : configuration,
  )
}

function startDiffers(size: number, expected: string, got: number): ConcordatError {
  return new ConcordatError({ code: 'HANDOVER_START_DIFFERS', expected, got: `${got}`, size })
}
