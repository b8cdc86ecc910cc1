import type { JsonObject } from '../core/canonical-json.ts'
import type { ForkFile } from '../core/ledger/handover/fork-file.ts'
import { readHistory } from './evidence.ts'
import type { Part } from './part.ts'

/** A handover that this member's people have signed and that has not happened yet. */
export async function viewHandover({ ordering }: Part) {
  const register = await ordering.log.findRegisterRow()
  const needed = register?.configurations.at(-1)?.quorum ?? 0
  return ordering.handover === null ? null : { ...ordering.handover, needed }
}

/** Files that prove to anyone, offline, that the sequencer of a term signed two histories. */
export async function listForks(part: Part): Promise<JsonObject[]> {
  if (part.ordering.forks.length === 0) return []
  const { checkpoint, history, certificates } = await readHistory(part)
  const files = part.ordering.forks.map(
    (fork): ForkFile => ({
      format: 'concordat-fork/1',
      register: part.register,
      fork,
      checkpoint,
      history,
      certificates,
    }),
  )
  return files as unknown as JsonObject[]
}
