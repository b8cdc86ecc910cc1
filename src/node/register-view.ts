import { ConcordatError } from '../core/error.ts'
import { type BlueprintRow, findRegisterConfiguration, type RegisterRow } from '../core/ledger/state.ts'
import { viewHandover } from './handover.ts'
import { getMemberRow, type Part } from './part.ts'

/** A register as this member's node knows it: who is in it, how far it has come, and what is agreed. */
export async function viewRegister(part: Part) {
  const row = await getRegisterRow(part)
  const committed = part.ordering.certificate?.size ?? 0
  const configuration = findRegisterConfiguration(row, Math.max(committed, row.founding))
  const members = row.members.map(async ({ id, voting, operator, standing }) => {
    const { name, address } = await getMemberRow(part, id)
    return { id, name, voting, operator, standing, address }
  })
  const { halt } = part.ordering
  return {
    register: part.register,
    purpose: row.purpose,
    ordering: row.ordering,
    term: row.term,
    sequencer: row.sequencer,
    size: part.ordering.log.head?.size ?? 0,
    committed,
    time: part.ordering.log.head?.time ?? 0,
    members: await Promise.all(members),
    operators: configuration?.operators.map(({ member }) => member) ?? [],
    quorum: configuration?.quorum ?? 0,
    blueprints: await listBlueprints(part),
    halted: halt === null ? null : { index: halt.index, code: halt.code },
    handover: await viewHandover(part),
    forks: part.ordering.forks.length,
  }
}

async function listBlueprints(part: Part) {
  const rows = await part.storage.rowsUnder(part.register, 'blueprint/')
  return Promise.all(
    [...rows].map(async ([key, value]) => {
      const row = value as unknown as BlueprintRow
      const hash = key.slice('blueprint/'.length)
      const name = (await part.documents.find(hash).catch(() => undefined))?.name ?? null
      const { live, proposal, approvals } = row
      return { hash, name, live, proposal, approvals, missing: missingApprovals(row) }
    }),
  )
}

/** Members whose approval a blueprint still waits for: those that its fixed roles name (RULES 12). */
export function missingApprovals(row: BlueprintRow): string[] {
  if (row.live) return []
  const named = row.skeleton.roles.flatMap(({ member }) => (member === null ? [] : [member]))
  return [...new Set(named)].filter((member) => !row.approvals.includes(member)).sort()
}

async function getRegisterRow(part: Part): Promise<RegisterRow> {
  const row = await part.ordering.log.findRegisterRow()
  if (row !== undefined) return row
  throw new ConcordatError({
    code: 'REGISTER_NOT_FOUNDED',
    expected: 'a register that all founders have cosigned',
    got: 'one that waits for them',
  })
}
