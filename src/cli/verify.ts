import { verifyEvidence } from '../core/ledger/evidence.ts'
import { isForkFile, type VerifiedFork, verifyForkFile } from '../core/ledger/handover/fork-file.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { EXIT } from './exit-code.ts'
import { readJsonFile } from './files.ts'
import { parseRegister } from './options.ts'
import { formatTime, type Output, writeJson } from './output.ts'

/** Verifies an evidence file, or the proof of a fork, offline, with trust in nothing but the register's id. */
export async function runVerify(command: {
  file: string
  register: string
  /** Demands a quorum of ML-DSA-44 cosignatures too (RULES 35). */
  postQuantum: boolean
  output: Output
}): Promise<number> {
  const { postQuantum, output } = command
  const register = parseRegister(command.register)
  const file = readJsonFile(command.file)
  if (isForkFile(file)) return showFork(await verifyForkFile(file, { register, checks: nodeChecks }), output)
  const verified = await verifyEvidence(file, { register, checks: nodeChecks, pq: postQuantum })
  const { record, fields, wholeGroups, signer, revocation, recalls, checkpoint, cosigners, foundingRoot } = verified
  if (output.json) {
    const { id, index, time } = record
    const size = checkpoint.size
    writeJson(output, {
      verified: true,
      register,
      record: { id, index, time },
      signer,
      revocation,
      recalls,
      fields,
      wholeGroups,
      size,
      cosigners,
      foundingRoot,
    })
    return EXIT.ok
  }
  output.write(`verified: record ${record.id}, entry ${record.index} of register ${register}\n`)
  output.write(`  signed by ${signer.name} (${signer.id}), entered ${formatTime(record.time)}\n`)
  if (revocation !== null) {
    const doubt = revocation.inDoubt ? 'IN DOUBT: others may have had it when this was signed' : 'not in doubt'
    output.write(`  the key was revoked by entry ${revocation.index}, ${formatTime(revocation.time)}: ${doubt}\n`)
  }
  for (const { index, time, reason, groups } of recalls) {
    const which = `group${groups.length === 1 ? '' : 's'} ${groups.join(', ')}`
    output.write(`  RECALLED: ${which}, by entry ${index}, ${formatTime(time)}: ${reason}\n`)
  }
  for (const { name, value } of fields) output.write(`  ${name}: ${JSON.stringify(value)}\n`)
  output.write(`  ${cosigners.length} operators cosigned the register up to entry ${checkpoint.size - 1}\n`)
  output.write(
    `  founding root ${foundingRoot}${postQuantum ? ': compare it with what was noted when the register was founded' : ''}\n`,
  )
  return EXIT.ok
}

function showFork({ origin, smaller, larger }: VerifiedFork, output: Output): number {
  if (output.json) {
    writeJson(output, { verified: true, fork: { origin, smaller: smaller.size, larger: larger.size } })
    return EXIT.ok
  }
  output.write(`verified: the sequencer of ${origin} signed two histories\n`)
  output.write(`  a checkpoint of ${smaller.size} entries is no beginning of the one of ${larger.size}\n`)
  return EXIT.ok
}
