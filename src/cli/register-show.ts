import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/** Who is in a register, who orders it, how far it is, and where a handover stands. */
export async function runRegisterShow({
  connection,
  output,
}: {
  connection: Connection
  output: Output
}): Promise<number> {
  const view = await withProgress(output, 'reading the register', () => connection.client.getRegister())
  if (output.json) {
    writeJson(output, view)
    return EXIT.ok
  }
  const { members, term, sequencer, quorum, operators, committed, size, halted, handover, forks } = view
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name ?? id
  output.write(`register ${view.register}\n  ${view.purpose}\n`)
  output.write(`term      ${term}, ordered by ${nameOf(sequencer)}\n`)
  output.write(`entries   ${size}, of which ${committed} are committed\n`)
  output.write(`operators ${operators.length}, of which ${quorum} make a quorum\n`)
  for (const { id, name, voting, operator, standing } of members) {
    const kind = voting ? 'voting' : 'observing'
    const host = operator === id ? '' : `, on the node of ${nameOf(operator)}`
    output.write(`member    ${name} (${id}): ${kind}${host}${standing === 'in' ? '' : `, ${standing}`}\n`)
  }
  if (handover !== null) {
    const signed = handover.signed.map(nameOf).join(', ')
    output.write(`handover  to ${nameOf(handover.sequencer)} as term ${handover.term}: signed by ${signed}\n`)
    output.write(`          it takes ${handover.needed} operators; ${nameOf(handover.sequencer)} sees who has signed\n`)
  }
  if (halted !== null) output.write(`STOPPED   at entry ${halted.index}: ${halted.code}. Only a handover ends this.\n`)
  if (forks > 0) output.write(`FORK      a sequencer signed two histories: register forks writes the proof\n`)
  return EXIT.ok
}
