import { ConcordatError } from '../core/error.ts'
import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/**
 * What an operator's people run to hand a register over to another sequencer (RULES 31). It takes a quorum of operators, the next
 * sequencer among them where it wants the term to begin.
 */
export async function runRegisterHandover(command: {
  connection: Connection
  /** Name or id of the member that is to order the register. */
  to: string
  /** The next one where absent. All must say the same. */
  term: number | undefined
  output: Output
}): Promise<number> {
  const { connection, to, output } = command
  const { members, term: present, handover: pending } = await connection.client.getRegister()
  const found = members.filter(({ id, name }) => id === to || name === to)
  const [member] = found
  if (member === undefined || found.length > 1) {
    throw new ConcordatError({
      code: 'OPTION_INVALID',
      expected: 'the name or id of one member',
      got: found.length === 0 ? 'another' : `the name of ${found.length}`,
      option: '--to',
    })
  }
  const term = command.term ?? (pending?.sequencer === member.id ? pending.term : present + 1)
  const handover = await withProgress(output, 'promising to cosign nothing of an earlier term', () =>
    connection.client.handOver({ term, sequencer: member.id }),
  )
  if (output.json) {
    writeJson(output, { term, sequencer: member.id, handover })
    return EXIT.ok
  }
  output.write(`handover  to ${member.name} as term ${term}\n`)
  if (handover === null) output.write('          the term has begun\n')
  else
    output.write(
      `          signed here; it takes ${handover.needed} operators. register show tells when it has begun\n`,
    )
  return EXIT.ok
}
