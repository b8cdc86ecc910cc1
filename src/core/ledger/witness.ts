import { ConcordatError } from '../error.ts'
import { findHash, toBase64 } from './base64.ts'
import { type Checkpoint, isDecimal, parseCheckpoint } from './checkpoint.ts'
import type { Checks } from './checks.ts'
import { sameBytes, verifyConsistency } from './merkle.ts'
import { type NoteKey, parseNote, type SignedNote } from './note.ts'
import { verifyNote } from './verify-note.ts'

/** C2SP tlog-witness, add-checkpoint: the checkpoint (a signed note) and the proof that it extends the one of `oldSize`. */
export interface AddCheckpoint {
  oldSize: number
  proof: Uint8Array[]
  note: string
}

/** What a witness knows of a log: its keys, and the checkpoint that it cosigned last (size 0 and the empty root if none). */
export interface WitnessedLog {
  keys: readonly NoteKey[]
  size: number
  root: Uint8Array
}

/** 200 leaves the rest to the caller: to apply, to make durable, to cosign. The body of 409 is `<size>\n` as text/x.tlog.size. */
export type AddCheckpointAnswer =
  | { status: 200; note: SignedNote; checkpoint: Checkpoint }
  | { status: 400 | 403 | 404 | 422; error: ConcordatError }
  | { status: 409; size: number }

const MAX_PROOF_LINES = 63

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`
}

export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n')
  const [old = '', ...lines] = body.slice(0, Math.max(0, end)).split('\n')
  const size = /^old (\d+)$/.exec(old)?.[1] ?? ''
  const proof = lines.map(findHash).filter((hash) => hash !== undefined)
  if (!isDecimal(size) || proof.length !== lines.length || proof.length > MAX_PROOF_LINES) {
    throw refusal(
      `"old <size>", at most ${MAX_PROOF_LINES} base64 hashes, an empty line and a checkpoint`,
      'something else',
    )
  }
  return { oldSize: Number(size), proof, note: body.slice(end + 2) }
}

/** Decides about a request as C2SP tlog-witness says. The caller repeats the comparison of sizes where it commits (RULES 34). */
export async function answerAddCheckpoint(
  body: string,
  findLog: (origin: string) => Promise<WitnessedLog | undefined>,
  checks: Checks,
): Promise<AddCheckpointAnswer> {
  const request = await attempt(async () => parseRequest(body))
  if (request instanceof ConcordatError) return { status: 400, error: request }
  const { oldSize, proof, note, checkpoint } = request

  const log = await findLog(checkpoint.origin)
  if (log === undefined) return { status: 404, error: refusal('the origin of a known log', 'another') }

  const signed = await attempt(() => verifyNote(note, log.keys, checks))
  if (signed instanceof ConcordatError) return { status: 403, error: signed }

  if (oldSize > checkpoint.size) return { status: 400, error: refusal('an old size up to the new one', 'a larger one') }
  if (oldSize !== log.size) return { status: 409, size: log.size }
  if (checkpoint.size === log.size && !sameBytes(checkpoint.root, log.root)) return { status: 409, size: log.size }

  const extended = await attempt(() => verifyExtends(log, checkpoint, proof, checks))
  if (extended instanceof ConcordatError) return { status: 422, error: extended }
  return { status: 200, note, checkpoint }
}

function parseRequest(body: string) {
  const { oldSize, proof, note: text } = parseAddCheckpoint(body)
  const note = parseNote(text)
  return { oldSize, proof, note, checkpoint: parseCheckpoint(note.text) }
}

async function verifyExtends(
  log: WitnessedLog,
  checkpoint: Checkpoint,
  proof: readonly Uint8Array[],
  checks: Checks,
): Promise<void> {
  if (log.size > 0) {
    const { size, root } = checkpoint
    return verifyConsistency({ oldSize: log.size, oldRoot: log.root, size, root, proof }, checks.sha256)
  }
  if (proof.length > 0) throw refusal('no proof from size 0', `${proof.length} hashes`)
}

/** The result, or the expected failure as a value, so that each has its own status. */
async function attempt<T>(run: () => Promise<T>): Promise<T | ConcordatError> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof ConcordatError) return error
    throw error
  }
}

function refusal(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'ADD_CHECKPOINT_INVALID', expected, got })
}
