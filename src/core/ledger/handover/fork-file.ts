import type { JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import { type Checkpoint, parseCheckpoint } from '../checkpoint.ts'
import type { Checks } from '../checks.ts'
import { type EvidenceFile, parseCertified } from '../evidence-file.ts'
import { verifyBoundaries, verifyHistory, verifyQuorum } from '../evidence-history.ts'
import { parseNote } from '../note.ts'
import { Shape } from '../shape.ts'
import { type Fork, forkOrigin, parseFork, verifyFork } from './fork.ts'

/** docs/formats/fork.md. As in evidence, all is checked against the register id: the history says whose key signed both checkpoints. */
export type ForkFile = { format: 'concordat-fork/1'; register: string; fork: Fork } & Pick<
  EvidenceFile,
  'checkpoint' | 'history' | 'certificates'
>

export interface VerifiedFork {
  /** `<register id>/<term>` */
  origin: string
  smaller: Checkpoint
  larger: Checkpoint
}

const shape = new Shape('EVIDENCE_FORMAT_INVALID')

export function isForkFile(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && value.format === 'concordat-fork/1'
}

/** Verifies offline that the sequencer of a term signed two histories. */
export async function verifyForkFile(
  value: JsonValue,
  { register, checks }: { register: string; checks: Checks },
): Promise<VerifiedFork> {
  const file = parseForkFile(value)
  if (file.register !== register) {
    throw new ConcordatError({ code: 'EVIDENCE_REGISTER_MISMATCH', expected: register, got: file.register })
  }
  const checkpoint = parseCheckpoint(parseNote(file.checkpoint).text)
  const against = { register, checkpoint, checks }
  const history = await verifyHistory(file.history, against)
  await verifyBoundaries(file.certificates, history, ['Ed25519'], against)
  await verifyQuorum({ note: file.checkpoint, size: checkpoint.size, history, kinds: ['Ed25519'], checks })
  const term = history.terms.find(({ origin }) => origin === forkOrigin(file.fork))
  if (term === undefined) {
    throw new ConcordatError({ code: 'FORK_INVALID', expected: 'a term that the history opens', got: 'another origin' })
  }
  return verifyFork(file.fork, term.key, checks)
}

function parseForkFile(value: JsonValue): ForkFile {
  const file = shape.object(value, '', ['format', 'register', 'fork', 'checkpoint', 'history', 'certificates'])
  return {
    format: shape.oneOf(file.format, '/format', ['concordat-fork/1']),
    register: shape.digest(file.register, '/register'),
    fork: parseFork(shape, file.fork, '/fork'),
    ...parseCertified(file),
  }
}
