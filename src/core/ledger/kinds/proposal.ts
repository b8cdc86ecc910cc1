import { ConcordatError } from '../../error.ts'
import type { AdmitProposal, BlueprintProposal, ProposalClaims } from '../claims.ts'
import { findRole, findStep, type Skeleton } from '../skeleton.ts'
import {
  type CaseVersion,
  findBlueprint,
  findMember,
  isVotingInStanding,
  type ProposalRow,
  type ReplacedVersion,
  type Rows,
  type StateRow,
} from '../state.ts'
import { electorsOf, verifyLive } from './blueprint-version.ts'
import { type EntryContext, verifyVoting } from './context.ts'

/** RULES 8 and 11. Proposing is not approving. */
export function applyProposal(context: EntryContext<ProposalClaims>): { [key: string]: StateRow } {
  const { register, claims, id, leaf } = context
  verifyVoting(register, claims.iss)
  if (claims.rules !== register.rules) {
    throw new ConcordatError({
      code: 'RULES_VERSION_DIFFERS',
      expected: `the version in force, ${register.rules}`,
      got: String(claims.rules),
      inForce: register.rules,
    })
  }
  if (claims.expires <= leaf.time) {
    throw new ConcordatError({
      code: 'PROPOSAL_EXPIRED',
      expected: 'an expiry after the leaf time',
      got: String(claims.expires),
      expires: claims.expires,
      time: leaf.time,
    })
  }
  const key = `proposal/${id}`
  if (claims.what.type === 'admit') return { [key]: proposalRow(context, admission(context, claims.what)) }
  const { blueprint, skeleton } = claims.what
  const replaces = verifyBlueprint(context, claims.what)
  return {
    [key]: proposalRow(context, { type: 'blueprint', blueprint, replaces }),
    [`blueprint/${blueprint}`]: {
      proposal: id,
      expires: claims.expires,
      skeleton,
      live: false,
      since: leaf.index,
      approvals: [],
      acceded: {},
      moves: movedVersion(context, claims.what),
      suspended: {},
    },
  }
}

function proposalRow({ claims, leaf }: EntryContext<ProposalClaims>, what: ProposalRow['what']): ProposalRow {
  const { iss, expires } = claims
  return { iss, index: leaf.index, time: leaf.time, expires, what, approvals: [], accepted: null }
}

function admission({ rows }: EntryContext<ProposalClaims>, what: AdmitProposal): ProposalRow['what'] {
  if (findMember(rows, what.member) !== undefined) {
    throw new ConcordatError({ code: 'MEMBER_KNOWN', expected: 'the id of no member', got: "a member's" })
  }
  return { type: 'admit', member: what.member, name: what.name, voting: what.voting }
}

function verifyBlueprint(
  { rows, register, leaf }: EntryContext<ProposalClaims>,
  { blueprint, skeleton, replaces }: BlueprintProposal,
): ReplacedVersion | null {
  const proposed = findBlueprint(rows, blueprint)
  if (proposed !== undefined && (proposed.live || proposed.expires >= leaf.time)) {
    throw new ConcordatError({
      code: 'BLUEPRINT_ALREADY_PROPOSED',
      expected: 'a version that is neither live nor up for approval',
      got: 'one that is',
    })
  }
  for (const role of skeleton.roles) {
    if (role.member === null || isVotingInStanding(register, role.member)) continue
    throw new ConcordatError({
      code: 'BLUEPRINT_MEMBER_UNKNOWN',
      expected: 'roles fixed to voting members in standing',
      got: 'another one',
      role: role.id,
    })
  }
  return replaces === null ? null : replacedVersion(rows, replaces)
}

/** Its electors as they stand now: nobody can accede during the vote to sway it. */
function replacedVersion(rows: Rows, blueprint: string): ReplacedVersion {
  const row = verifyLive(rows, blueprint)
  return { blueprint, electors: electorsOf(row), fraction: row.skeleton.threshold.fraction }
}

/** Kept with the new version, so that an action under it finds all that it needs to move its case (RULES 12). */
function movedVersion(
  { rows }: EntryContext<ProposalClaims>,
  { skeleton, replaces, mapping }: BlueprintProposal,
): CaseVersion | null {
  if (replaces === null || mapping === null) return null
  const replaced = verifyLive(rows, replaces).skeleton
  for (const [from, to] of Object.entries(mapping)) {
    const step = findStep(replaced, from)
    if (step !== undefined && step.role === findStep(skeleton, to)?.role && isSameRole(replaced, skeleton, step.role)) {
      continue
    }
    throw new ConcordatError({
      code: 'MAPPING_INVALID',
      expected: 'steps of the replaced version, each mapped to one of the same role',
      got: 'another step',
      step: from,
    })
  }
  return { bp: replaces, skeleton: replaced, mapping }
}

function isSameRole(before: Skeleton, after: Skeleton, role: string): boolean {
  return findRole(before, role)?.kind === findRole(after, role)?.kind
}
