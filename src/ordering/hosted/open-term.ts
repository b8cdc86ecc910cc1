import { toBase64url } from '../../core/crypto/base64url.ts'
import { ConcordatError } from '../../core/error.ts'
import { parseLeaf } from '../../core/ledger/entry.ts'
import type { OwnHandoverClaims } from '../../core/ledger/handover/handover-claims.ts'
import { comparePlaces, type Place, parseStatement } from '../../core/ledger/handover/statement.ts'
import { verifyHandover } from '../../core/ledger/handover/verify-handover.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { formatNote, parseNote } from '../../core/ledger/note.ts'
import { verifyRegisterCertificate } from '../../core/ledger/register-certificate.ts'
import { findRegister, findTerm, type RegisterRow } from '../../core/ledger/state.ts'
import { openEarlier } from '../earlier-leaves.ts'
import type { RegisterLog } from '../register-log.ts'
import { findFork } from './fork-proof.ts'
import { type Handover, placeOf } from './handover.ts'
import { LeafSource } from './leaf-source.ts'
import { openWhereTheyPart, type TermParts } from './newer-term.ts'

/** Signature and time. */
const MAX_ED25519_BYTES = 72

interface OpeningParts extends TermParts {
  member: string
  handover: Handover
  certified: () => number
  /** What other members publish as their newest certificates; not checked yet. */
  shown: readonly { holder: string; note: string | undefined }[]
  /** The handover entry, signed with the member's governance key. */
  signHandover: (claims: OwnHandoverClaims) => Promise<string>
}

/** A checkpoint from which the term may go on, and a member that has its leaves. */
interface Candidate {
  place: Place
  note: string
  holder: string
}

/**
 * Opens a term at the node that is to order it, once a quorum has signed statements (RULES 31): finds the start that they give, takes
 * its leaves from whoever has them, and makes the handover its next leaf, all durable at once. The caller holds the turn, and has
 * caught up with every certificate that anybody shows. False where too few statements have come, or none of the starts can be reached.
 */
export async function openTerm(parts: OpeningParts, term: number): Promise<boolean> {
  const { handover, log, storage } = parts
  const register = await log.findRegisterRow()
  const own = await storage.findCertificate(log.register)
  if (register === undefined || own === undefined || register.term >= term) return false
  const [shown] = distinct([
    { place: placeOf(register, own.note), note: own.note, holder: parts.member },
    ...(await shownCertificates(parts, register)),
  ])
  if (shown === undefined) return false
  const statements = handover
    .statements(term)
    .map(({ note, member }) => ({ note, member, ...parseStatement(note).statement }))
  const reported = statements.flatMap(({ checkpoint, member }) =>
    checkpoint === null ? [] : [{ place: placeOf(register, checkpoint), note: checkpoint, holder: member }],
  )
  // Statements that name a certificate which nobody shows are left out.
  const usable = statements.filter(({ certificate: named }) => named === null || comparePlaces(named, shown.place) <= 0)
  const candidates = distinct([shown, ...reported])
  await findForks(parts, register, reported)
  for (const candidate of candidates) {
    const notes = usable.map(({ note }) => note)
    if (await openFrom(parts, { term, candidate, notes, certificate: shown.note })) return true
  }
  return false
}

/**
 * Those that hold. This node may not be able to take their leaves into its own log, having been shown another history of the same term.
 */
async function shownCertificates({ shown }: OpeningParts, register: RegisterRow): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const { holder, note } of shown) {
    if (note === undefined) continue
    try {
      await verifyRegisterCertificate(note, register, nodeChecks)
      candidates.push({ place: placeOf(register, note), note, holder })
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error
    }
  }
  return candidates
}

/** Highest first. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byPlace = new Map(candidates.map((candidate) => [JSON.stringify(candidate.place), candidate]))
  return [...byPlace.values()].sort((a, b) => comparePlaces(b.place, a.place))
}

/** Reports of one term that contradict each other prove that its sequencer lied. */
async function findForks(
  { handover, peers }: OpeningParts,
  register: RegisterRow,
  reported: readonly Candidate[],
): Promise<void> {
  for (const [i, one] of reported.entries()) {
    for (const other of reported.slice(i + 1)) {
      const term = findTerm(register, one.place.term)
      if (term === undefined || other.place.term !== term.term) continue
      const larger = one.place.size > other.place.size ? one : other
      const fork = await findFork(term, [one.note, other.note], (tile) => peers.readTile(larger.holder, tile))
      if (fork !== undefined) await handover.addFork(fork, register)
    }
  }
}

async function openFrom(
  parts: OpeningParts,
  { term, candidate, notes, certificate }: { term: number; candidate: Candidate; notes: string[]; certificate: string },
): Promise<boolean> {
  try {
    const { log, leaves, register } = await leavesUpTo(parts, candidate)
    const claims: OwnHandoverClaims = {
      term,
      sequencer: parts.member,
      start: candidate.place,
      statements: [],
      certificates: [withoutMlDsa(certificate)],
      forks: [...parts.handover.forks],
    }
    for (const note of notes)
      if (await isVerifiable({ ...claims, statements: [note] }, register)) claims.statements.push(note)
    if (claims.statements.length === 0) return false
    const jws = await parts.signHandover(claims)
    const time = Math.max(parts.clock.now(), register.time)
    const { outcomes, batch } = await log.check([...leaves, { jws, time }], 'all')
    if (batch === null || outcomes.some((outcome) => 'refusal' in outcome)) return false
    await log.commit(batch)
    if (log !== parts.log) await parts.log.reload()
    return true
  } catch (error) {
    if (error instanceof ConcordatError) return false
    throw error
  }
}

/** The candidate's leaves that are to be added to `log`, checked against its root, with the register's row and the last leaf's time after them. */
async function leavesUpTo(
  parts: OpeningParts,
  { place, holder }: Candidate,
): Promise<{ log: RegisterLog; leaves: { jws: string; time: number }[]; register: RegisterRow & { time: number } }> {
  const { log: own, storage, clock, peers } = parts
  const size = own.head?.size ?? 0
  const isOwn = place.size <= size && toBase64url(await own.rootAt(place.size)) === place.root
  const log =
    isOwn && place.size === size
      ? own
      : isOwn
        ? await openDroppable(parts, place.size)
        : await openWhereTheyPart(parts, place, { from: holder, certified: parts.certified() })
  const from = log.head?.size ?? 0
  const texts = isOwn
    ? await storage.readLeaves(own.register, from, place.size - from)
    : await new LeafSource({ log, clock, peers, from: holder }).fetch({ from, to: place.size }, place.size)
  if (toBase64url(log.rootWith(texts)) !== place.root)
    throw unreachable('the leaves of a reported checkpoint', 'others')
  const leaves = texts.map(parseLeaf)
  const { batch } = await log.check(leaves, 'all')
  const row = findRegister(batch?.rows ?? new Map()) ?? (await log.findRegisterRow())
  if (row === undefined) throw unreachable('a founded register', 'none')
  return { log, leaves, register: { ...row, time: batch?.head.time ?? log.head?.time ?? 0 } }
}

async function openDroppable({ storage, log }: OpeningParts, size: number): Promise<RegisterLog> {
  const earlier = (await storage.droppableSizes(log.register)).find((candidate) => candidate <= size)
  if (earlier === undefined) throw unreachable('a size that can be gone back to', 'a certified one')
  return openEarlier(storage, log.register, earlier)
}

async function isVerifiable(claims: OwnHandoverClaims, register: RegisterRow): Promise<boolean> {
  try {
    await verifyHandover(claims, register, nodeChecks)
    return true
  } catch (error) {
    if (error instanceof ConcordatError) return false
    throw error
  }
}

/** Certificates count by their Ed25519 cosignatures; those of ML-DSA-44 would take most of the leaf. */
function withoutMlDsa(certificate: string): string {
  const { text, signatures } = parseNote(certificate)
  return formatNote({ text, signatures: signatures.filter(({ signature }) => signature.length <= MAX_ED25519_BYTES) })
}

function unreachable(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'LEAVES_NOT_OF_CHECKPOINT', expected, got })
}
