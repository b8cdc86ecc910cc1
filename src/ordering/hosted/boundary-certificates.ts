import { ConcordatError } from '../../core/error.ts'
import { sameBytes } from '../../core/ledger/merkle.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { verifyRegisterCertificate } from '../../core/ledger/register-certificate.ts'
import { boundaries, type RegisterRow } from '../../core/ledger/state.ts'
import type { TermParts } from './newer-term.ts'

/**
 * Asks members for the certificates over boundaries that this node passes without holding them, as one that was away does: evidence
 * shows every one (RULES 35). Each is checked. What none of them has now is asked for with the next certificate.
 */
export async function fetchBoundaryCertificates(
  { log, storage, peers }: Pick<TermParts, 'log' | 'storage' | 'peers'>,
  { register, certified, from }: { register: RegisterRow; certified: number; from: readonly string[] },
): Promise<void> {
  const passed = boundaries(register).filter((size) => size < certified)
  const held = (await storage.boundaryCertificates(register.id)).map(({ size }) => size)
  for (const size of passed.filter((boundary) => !held.includes(boundary))) {
    for (const member of from) {
      const note = await findVerified({ log, peers }, { register, size, member })
      if (note === undefined) continue
      await storage.saveCertificate(register.id, { size, note, boundary: true })
      break
    }
  }
}

async function findVerified(
  { log, peers }: Pick<TermParts, 'log' | 'peers'>,
  { register, size, member }: { register: RegisterRow; size: number; member: string },
): Promise<string | undefined> {
  try {
    const note = await peers.findBoundaryCertificate(member, size)
    if (note === undefined) return undefined
    const { checkpoint } = await verifyRegisterCertificate(note, register, nodeChecks)
    return checkpoint.size === size && sameBytes(checkpoint.root, await log.rootAt(size)) ? note : undefined
  } catch (error) {
    if (error instanceof ConcordatError) return undefined
    throw error
  }
}
