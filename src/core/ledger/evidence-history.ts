import type { OkpPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { type CosignatureKind, type VerifiedCertificate, verifyCertificate } from './certificate.ts'
import { originOf, parseCheckpoint } from './checkpoint.ts'
import type { Checks } from './checks.ts'
import type { HandoverClaims } from './claims.ts'
import { type Configuration, findConfiguration, type OperatingMember, operatorsOf, quorumOf } from './configuration.ts'
import {
  type Against,
  type ProvenMember,
  step,
  thumbprintOf,
  verifyFirstMember,
  verifyProven,
  verifySignature,
} from './evidence-entry.ts'
import { decodeHashes, type EvidenceFile, type ProvenLeaf } from './evidence-file.ts'
import { verifyConsistency } from './merkle.ts'
import { parseNote } from './note.ts'

/** A term, with the key that signs its checkpoints. It goes on from `start` leaves. */
export interface VerifiedTerm {
  term: number
  origin: string
  key: OkpPublicJwk
  start: number
}

/** Who has operated the register since its genesis. */
export interface VerifiedHistory {
  /** By rising number. */
  terms: VerifiedTerm[]
  /** Size of the first checkpoint that counts, and which all founding operators cosigned (RULES 7). */
  founding: number
  /** By rising `fromSize`. */
  configurations: Configuration[]
  /** Names by member id, of those that the history tells of. */
  names: Map<string, string>
}

/** Step: genesis is the entry that the register's id names, and the first founder signed it (RULES 4). */
async function verifyGenesis(proven: ProvenLeaf | undefined, against: Against) {
  if (proven?.index !== 0) throw genesisError('genesis at index 0', 'another entry or none')
  const { register, checks } = against
  const genesis = await verifyProven(proven, against)
  const { entry } = genesis
  if (entry.kind !== 'genesis') throw genesisError('a genesis', entry.kind)
  if (genesis.id !== register) throw genesisError('the entry whose id is the register id', 'another')
  const { jwk, claims } = entry
  if (jwk === undefined || (await thumbprintOf(jwk, checks.sha256)) !== claims.founders[0]) {
    throw genesisError("the first founder's key", 'another')
  }
  await verifySignature(genesis, jwk, checks)
  return { ...genesis, entry }
}

/**
 * Step: the founders' member entries follow genesis, each signed by its own founder; then come the entries that changed the
 * operators, and handovers. A checkpoint that ends in a change counts by the configuration before it (RULES 30).
 */
export async function verifyHistory(history: readonly ProvenLeaf[], against: Against): Promise<VerifiedHistory> {
  const genesis = await verifyGenesis(history[0], against)
  const { founders, sequencer } = genesis.entry.claims
  const founding = 1 + founders.length
  const members: OperatingMember[] = []
  const names = new Map<string, string>()
  const configurations: Configuration[] = []
  const terms: VerifiedTerm[] = []
  let index = 0
  for (const proven of history.slice(1)) {
    const founder = index + 1 < founding
    if (founder ? proven.index !== index + 1 : proven.index <= index) throw historyError(proven.index, 'in order')
    index = proven.index
    const entry = await verifyProven(proven, against)
    if (!founder && entry.entry.kind === 'handover') {
      openTerm(entry.entry.claims, { index, members, terms, configurations }, against.register)
      continue
    }
    const member = await verifyFirstMember(entry, against.checks)
    const { iss, name } = member.entry.claims
    if (names.has(iss) || (founder && !founders.includes(iss))) throw historyError(index, 'each of them once')
    names.set(iss, name)
    members.push(operatingMember(member))
    if (iss === sequencer) terms.push(verifyTerm(against.register, { term: 0, start: 0 }, members.at(-1)))
    if (index + 1 < founding) continue
    const operators = operatorsOf(members)
    const fromSize = index + 1 === founding ? founding : index + 2
    if (operators.length === configurations.at(-1)?.operators.length) continue
    configurations.push({ fromSize, operators, quorum: quorumOf(operators.length) })
  }
  if (index + 1 < founding) throw historyError(index + 1, 'every founder')
  if (terms[0]?.term !== 0) throw genesisError('a sequencer that is a founder', 'another')
  return { terms, founding, configurations, names }
}

/**
 * What a handover changes (RULES 31). Its statements are not looked at again: the operators of the new term have, before they cosigned
 * it, and a certificate of theirs over it is asked for with the other boundaries.
 */
function openTerm(
  { term, sequencer, start, certificates }: HandoverClaims,
  history: { index: number; members: OperatingMember[]; terms: VerifiedTerm[]; configurations: Configuration[] },
  register: string,
): void {
  const { index, members, terms, configurations } = history
  if (start.size !== index || term <= (terms.at(-1)?.term ?? 0)) throw historyError(index, 'handovers in order')
  terms.push(
    verifyTerm(
      register,
      { term, start: index },
      members.find(({ id }) => id === sequencer),
    ),
  )
  const last = configurations.at(-1)
  const covered = certificates.some((note) => parseCheckpoint(parseNote(note).text).size === index)
  if (last?.fromSize === index + 1 && !covered) configurations.push({ ...configurations.pop()!, fromSize: index + 2 })
}

function verifyTerm(
  register: string,
  { term, start }: { term: number; start: number },
  sequencer: OperatingMember | undefined,
): VerifiedTerm {
  const key = sequencer?.checkpoint?.ed25519
  if (key === undefined) throw genesisError('a sequencer with a checkpoint key', 'another')
  return { term, origin: originOf(register, term), key, start }
}

/** The term that a checkpoint is of. */
export function verifyTermOf(note: string, { terms }: Pick<VerifiedHistory, 'terms'>): VerifiedTerm {
  const { origin, size } = parseCheckpoint(parseNote(note).text)
  const term = terms.find((candidate) => candidate.origin === origin && size >= candidate.start)
  if (term !== undefined) return term
  throw new ConcordatError({
    code: 'EVIDENCE_TERM_UNKNOWN',
    expected: `a term that the history opens, up to ${terms.at(-1)?.origin}`,
    got: 'another origin',
  })
}

/**
 * Step: a certificate over each boundary, by the configuration before it, in a tree that the checkpoint extends (RULES 30). Without
 * that last proof, a certificate of the true register would vouch for a change of operators in a forged one.
 */
export async function verifyBoundaries(
  certificates: EvidenceFile['certificates'],
  history: VerifiedHistory,
  kinds: readonly CosignatureKind[],
  { checkpoint, checks }: Against,
): Promise<{ foundingRoot: Uint8Array }> {
  const { configurations, terms, founding } = history
  const changes = configurations.slice(1).map(({ fromSize }) => fromSize - 1)
  const handovers = terms.slice(1).map(({ start }) => start + 1)
  const sizes = [...new Set([founding, ...changes, ...handovers])].sort((a, b) => a - b)
  const roots: Uint8Array[] = []
  for (const [i, { note, proof }] of certificates.entries()) {
    const size = sizes[i] ?? 0
    const { root } = (await verifyQuorum({ note, size, history, kinds, checks })).checkpoint
    await step({ code: 'EVIDENCE_INCONSISTENT', expected: 'a tree that the checkpoint extends', size }, () =>
      verifyConsistency(
        { oldSize: size, oldRoot: root, size: checkpoint.size, root: checkpoint.root, proof: decodeHashes(proof) },
        checks.sha256,
      ),
    )
    roots.push(root)
  }
  const [foundingRoot] = roots
  const next = sizes[roots.length]
  if (foundingRoot === undefined || next !== undefined) {
    throw new ConcordatError({
      code: 'EVIDENCE_CERTIFICATE_MISSING',
      expected: 'a certificate over each boundary',
      got: `${roots.length} of ${sizes.length}`,
      size: next ?? 0,
    })
  }
  return { foundingRoot }
}

/** Step: every kind of cosignature that is asked for comes from a quorum of the size's own configuration; at the founding size from all. */
export async function verifyQuorum(certificate: {
  note: string
  size: number
  history: VerifiedHistory
  kinds: readonly CosignatureKind[]
  checks: Checks
}): Promise<VerifiedCertificate> {
  const { note, size, history, kinds, checks } = certificate
  const { founding, configurations } = history
  const configuration = findConfiguration(configurations, size)
  const verified: VerifiedCertificate[] = []
  if (configuration !== undefined) {
    const { operators } = configuration
    const quorum = size === founding ? operators.length : configuration.quorum
    const { origin, key: logKey } = verifyTermOf(note, history)
    await step({ code: 'EVIDENCE_CERTIFICATE_INVALID', expected: 'a certificate', size }, async () => {
      for (const kind of kinds) {
        const claim = { note, origin, logKey, configuration: { operators, quorum }, kind }
        verified.push(await verifyCertificate(claim, checks))
      }
    })
  }
  const last = verified.at(-1)
  if (last?.checkpoint.size === size) return last
  throw new ConcordatError({
    code: 'EVIDENCE_CERTIFICATE_INVALID',
    expected: `a certificate over exactly ${size} leaves, by operators of that size`,
    got: last === undefined ? 'a size before the founding' : `${last.checkpoint.size} leaves`,
    size,
  })
}

function operatingMember({ entry }: ProvenMember): OperatingMember {
  const { iss, voting, operator, keys } = entry.claims
  return { id: iss, voting, operator, standing: 'in', checkpoint: keys.checkpoint }
}

function genesisError(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'EVIDENCE_GENESIS_INVALID', expected, got })
}

function historyError(index: number, expected: string): ConcordatError {
  return new ConcordatError({
    code: 'EVIDENCE_HISTORY_INVALID',
    expected: `genesis, every founder's member entry, then changes of operators: ${expected}`,
    got: 'another list',
    index,
  })
}
