import { ConcordatError } from '../error.ts'
import { verifyCertificate } from './certificate.ts'
import { type Checkpoint, originOf, parseCheckpoint } from './checkpoint.ts'
import type { Checks } from './checks.ts'
import { parseNote } from './note.ts'
import { findRegisterConfiguration, findTerm, type RegisterRow, type Term } from './state.ts'

/** The number of the term that an origin of this register names; -1 for any other origin. */
export function termOf(register: Pick<RegisterRow, 'id'>, origin: string): number {
  const term = Number(origin.slice(register.id.length + 1))
  return Number.isSafeInteger(term) && originOf(register.id, term) === origin ? term : -1
}

/**
 * RULES 30: a certificate of any term of the register, by the operators that count at its size. `register` is the row after at least
 * as many leaves. That the leaves are those of the checkpoint is not checked.
 */
export async function verifyRegisterCertificate(
  note: string,
  register: RegisterRow,
  checks: Checks,
): Promise<{ term: Term; checkpoint: Checkpoint }> {
  const { origin, size } = parseCheckpoint(parseNote(note).text)
  const term = findTerm(register, termOf(register, origin))
  if (term === undefined || term.key === null) {
    throw new ConcordatError({
      code: 'CERTIFICATE_ORIGIN_MISMATCH',
      expected: 'a term that the register has opened',
      got: 'another origin',
    })
  }
  const configuration = findRegisterConfiguration(register, size)
  if (configuration === undefined) {
    throw new ConcordatError({
      code: 'CERTIFICATE_QUORUM_MISSING',
      expected: 'a size from the founding on',
      got: 'a smaller one',
      cosigners: 0,
      quorum: 0,
    })
  }
  const claim = { note, origin, logKey: term.key, configuration, kind: 'Ed25519' as const }
  return { term, checkpoint: (await verifyCertificate(claim, checks)).checkpoint }
}
