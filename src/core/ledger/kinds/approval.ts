import { ConcordatError } from '../../error.ts'
import type { ApprovalClaims } from '../claims.ts'
import { findRole } from '../skeleton.ts'
import {
  type BlueprintRow,
  findBlueprint,
  findMember,
  findProposal,
  isVotingInStanding,
  type ProposalRow,
  type RegisterRow,
  type StateRow,
} from '../state.ts'
import { approvalsNeeded, type Threshold } from '../threshold.ts'
import { fixedMembers } from './blueprint-version.ts'
import { type EntryContext, verifyVoting } from './context.ts'

type Changes = { [key: string]: StateRow }
type AdmitRow = ProposalRow & { what: { type: 'admit' } }
type BlueprintProposalRow = ProposalRow & { what: { type: 'blueprint' } }

/** RULES 8 and 12: a vote for a proposal, the taking of open roles, or both. */
export function applyApproval(context: EntryContext<ApprovalClaims>): Changes {
  const { rows, register, claims } = context
  verifyVoting(register, claims.iss)
  const proposal = findProposal(rows, claims.proposal)
  if (proposal === undefined) {
    throw new ConcordatError({ code: 'PROPOSAL_UNKNOWN', expected: "a proposal's entry id", got: 'another id' })
  }
  const target = proposal.what.type === 'admit' ? proposal.what.member : proposal.what.blueprint
  if (claims.target !== target) {
    throw new ConcordatError({
      code: 'PROPOSAL_TARGET_DIFFERS',
      expected: 'the blueprint or member that is proposed',
      got: 'another one',
    })
  }
  return proposal.what.type === 'admit'
    ? approveAdmission(context, proposal as AdmitRow)
    : approveBlueprint(context, proposal as BlueprintProposalRow)
}

function approveAdmission(context: EntryContext<ApprovalClaims>, proposal: AdmitRow): Changes {
  const { rows, register, claims, leaf } = context
  const { member, name, voting } = proposal.what
  if (claims.roles[0] !== undefined) throw roleNotOpen(claims.roles[0])
  if (proposal.accepted !== null) throw proposalClosed()
  verifyNotExpired(context, proposal)
  if (findMember(rows, member) !== undefined) {
    throw new ConcordatError({ code: 'MEMBER_KNOWN', expected: 'the id of no member', got: "a member's" })
  }
  if (proposal.approvals.includes(claims.iss)) throw approvalRepeated()
  const approvals = [...proposal.approvals, claims.iss]
  const voters = register.members.map(({ id }) => id).filter((id) => id !== member)
  const key = `proposal/${claims.proposal}`
  if (!isReached(register, register.thresholds.admit, voters, approvals)) return { [key]: { ...proposal, approvals } }
  return {
    [key]: { ...proposal, approvals, accepted: leaf.index },
    [`admission/${member}`]: { proposal: claims.proposal, name, voting, since: leaf.index },
  }
}

function approveBlueprint(context: EntryContext<ApprovalClaims>, proposal: BlueprintProposalRow): Changes {
  const { rows, register, claims, leaf } = context
  const row = findBlueprint(rows, claims.target)
  // A version that was proposed again after its first proposal expired counts approvals of the new one alone.
  if (row === undefined || row.proposal !== claims.proposal) throw proposalClosed()
  const acceded = accede(row, claims)
  if (row.live) {
    if (claims.roles.length === 0) throw proposalClosed()
    return { [`blueprint/${claims.target}`]: { ...row, acceded } }
  }
  verifyNotExpired(context, proposal)
  verifyCounted(row, proposal, claims)
  const approvals = row.approvals.includes(claims.iss) ? row.approvals : [...row.approvals, claims.iss]
  const { replaces } = proposal.what
  const live =
    fixedMembers(row.skeleton).every((member) => approvals.includes(member)) &&
    (replaces === null || isReached(register, { fraction: replaces.fraction }, replaces.electors, approvals))
  return {
    [`blueprint/${claims.target}`]: { ...row, acceded, approvals, live, since: live ? leaf.index : row.since },
    [`proposal/${claims.proposal}`]: { ...proposal, approvals, accepted: live ? leaf.index : null },
  }
}

/** RULES 12: a member that takes an open role accedes to the exact version. */
function accede(row: BlueprintRow, { iss, roles }: ApprovalClaims): BlueprintRow['acceded'] {
  const acceded = { ...row.acceded }
  for (const role of roles) {
    if (findRole(row.skeleton, role)?.open !== true) throw roleNotOpen(role)
    const members = Object.hasOwn(acceded, role) ? acceded[role]! : []
    if (members.includes(iss)) throw approvalRepeated()
    acceded[role] = [...members, iss]
  }
  return acceded
}

/** Whoever takes no role must have a say: by being fixed to one, or by what the replaced version demands. */
function verifyCounted(row: BlueprintRow, { what }: BlueprintProposalRow, { iss, roles }: ApprovalClaims): void {
  if (roles.length > 0) return
  if (!fixedMembers(row.skeleton).includes(iss) && what.replaces?.electors.includes(iss) !== true) {
    throw new ConcordatError({
      code: 'APPROVAL_NOT_COUNTED',
      expected: 'roles to take, or a member that the version fixes or whose approval it needs',
      got: 'neither',
    })
  }
  if (row.approvals.includes(iss)) throw approvalRepeated()
}

/** Counted when the last one arrives, of members in standing alone (RULES 8). */
function isReached(
  register: RegisterRow,
  threshold: Threshold,
  voters: readonly string[],
  approvals: readonly string[],
): boolean {
  const counted = voters.filter((member) => isVotingInStanding(register, member))
  const given = counted.filter((member) => approvals.includes(member)).length
  return given >= approvalsNeeded(threshold, counted.length)
}

function verifyNotExpired({ leaf }: EntryContext<ApprovalClaims>, { expires }: ProposalRow): void {
  if (leaf.time <= expires) return
  throw new ConcordatError({
    code: 'PROPOSAL_EXPIRED',
    expected: `an approval until ${expires}`,
    got: String(leaf.time),
    expires,
    time: leaf.time,
  })
}

function roleNotOpen(role: string): ConcordatError {
  return new ConcordatError({ code: 'ROLE_NOT_OPEN', expected: 'roles open to accession', got: 'another role', role })
}

function proposalClosed(): ConcordatError {
  return new ConcordatError({
    code: 'PROPOSAL_CLOSED',
    expected: 'a proposal that is not decided',
    got: 'a decided one',
  })
}

function approvalRepeated(): ConcordatError {
  return new ConcordatError({ code: 'APPROVAL_REPEATED', expected: 'one approval of each member', got: 'a second one' })
}
