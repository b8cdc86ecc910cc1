import { toBase64url } from '../../crypto/base64url.ts'
import type { OkpPublicJwk } from '../../crypto/jwk.ts'
import { ConcordatError } from '../../error.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import type { Checks } from '../checks.ts'
import { parseNote } from '../note.ts'
import { termOf, verifyRegisterCertificate } from '../register-certificate.ts'
import type { RegisterRow, Term } from '../state.ts'
import { forkOrigin, verifyFork, verifySigned } from './fork.ts'
import type { OwnHandoverClaims } from './handover-claims.ts'
import { type Place, parseStatement, verifyStatement } from './statement.ts'

/** The signatures in a handover are checked; what they add up to is for kinds/handover.ts. */
export interface VerifiedHandover {
  /** One of each operator: the highest checkpoint that it cosigned, and its highest certificate. */
  statements: { member: string; report: Place | null; certificate: Place | null }[]
  /** What the certificates that are shown cover. */
  certified: Place[]
  /** Terms whose sequencer signed two histories. */
  lied: number[]
}

/** RULES 31, as far as signatures go. `register` is the row as the leaves before the handover left it. */
export async function verifyHandover(
  claims: OwnHandoverClaims,
  register: RegisterRow,
  checks: Checks,
): Promise<VerifiedHandover> {
  const statements: VerifiedHandover['statements'] = []
  for (const note of claims.statements) {
    const verified = await verifyOne(note, claims, register, checks)
    if (statements.some(({ member }) => member === verified.member)) {
      throw statementError('one statement of each operator', 'two of one')
    }
    statements.push(verified)
  }
  const certified: Place[] = []
  for (const note of claims.certificates) certified.push(await verifyShown(note, register, checks))
  const lied = new Set<number>()
  for (const fork of claims.forks) {
    const term = getTerm(register, termOf(register, forkOrigin(fork)))
    await verifyFork(fork, getKey(term), checks)
    lied.add(term.term)
  }
  return { statements, certified, lied: [...lied] }
}

async function verifyOne(
  note: string,
  { term, sequencer }: OwnHandoverClaims,
  register: RegisterRow,
  checks: Checks,
): Promise<VerifiedHandover['statements'][number]> {
  const { signer } = parseStatement(note)
  const key = keyOf(register, signer)
  if (key === undefined) throw statementError("an operator's signature", "another signer's")
  const statement = await verifyStatement(note, { member: signer, key }, checks)
  const next = keyOf(register, sequencer)
  const same = statement.register === register.id && statement.term === term && statement.sequencer === sequencer
  if (!same || next === undefined || statement.key.x !== next.x) {
    throw statementError('a statement for this register, term and sequencer, with its key', 'one for another')
  }
  const { checkpoint, certificate } = statement
  return {
    member: signer,
    report: checkpoint === null ? null : await verifyReport(checkpoint, register, checks),
    certificate,
  }
}

async function verifyReport(note: string, register: RegisterRow, checks: Checks): Promise<Place> {
  const term = getTerm(register, termOf(register, parseCheckpoint(parseNote(note).text).origin))
  const { size, root } = await verifySigned(note, getKey(term), checks)
  return { term: term.term, size, root: toBase64url(root) }
}

async function verifyShown(note: string, register: RegisterRow, checks: Checks): Promise<Place> {
  const { term, checkpoint } = await verifyRegisterCertificate(note, register, checks)
  return { term: term.term, size: checkpoint.size, root: toBase64url(checkpoint.root) }
}

/**
 * That the leaves before the handover are those of its start, of every certificate that it shows, and of every checkpoint of the
 * start's term that an operator reports: else its sequencer signed two histories, and the proof of that is missing.
 */
export async function verifyPlaces(
  { start }: OwnHandoverClaims,
  { statements, certified, lied }: VerifiedHandover,
  rootAt: (size: number) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const reports = statements.flatMap(({ report }) =>
    report !== null && report.term === start.term && !lied.includes(report.term) ? [report] : [],
  )
  for (const { size, root } of [start, ...certified, ...reports]) {
    if (size <= start.size && toBase64url(await rootAt(size)) === root) continue
    throw new ConcordatError({
      code: 'HANDOVER_CONTRADICTED',
      expected: 'leaves that every certificate and every report of the term is of',
      got: 'others',
      size,
    })
  }
}

function getTerm({ terms }: RegisterRow, number: number): Term {
  const term = terms.find((candidate) => candidate.term === number)
  if (term !== undefined) return term
  throw statementError('checkpoints of terms that the leaves before the handover open', 'one of another origin')
}

function getKey({ key }: Term): OkpPublicJwk {
  if (key !== null) return key
  throw statementError('a checkpoint of a founded register', 'one before the sequencer has a key')
}

function keyOf({ members }: RegisterRow, id: string): OkpPublicJwk | undefined {
  return members.find((member) => member.id === id)?.checkpoint?.ed25519
}

function statementError(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'STATEMENT_INVALID', expected, got })
}
