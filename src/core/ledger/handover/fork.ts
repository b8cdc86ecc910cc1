import type { JsonValue } from '../../canonical-json.ts'
import { fromBase64urlOfSize } from '../../crypto/base64url.ts'
import type { OkpPublicJwk } from '../../crypto/jwk.ts'
import { ConcordatError } from '../../error.ts'
import { type Checkpoint, parseCheckpoint } from '../checkpoint.ts'
import type { Checks } from '../checks.ts'
import { HASH_BYTES, sameBytes, verifyConsistency } from '../merkle.ts'
import { noteKey, parseNote } from '../note.ts'
import type { Shape } from '../shape.ts'
import { verifyNote } from '../verify-note.ts'

/**
 * That a log signed two histories (docs/formats/fork.md): two of its checkpoints, of which the smaller is no beginning of the larger.
 * `root` is the root that the larger one's tree had at the smaller one's size, and `path` the consistency proof of that, in base64url.
 */
export type Fork = { smaller: string; larger: string; root: string; path: string[] }

export const MAX_CHECKPOINT_LENGTH = 1_000
const MAX_PATH = 63

export function parseFork(shape: Shape, value: JsonValue | undefined, at: string): Fork {
  const fork = shape.object(value, at, ['smaller', 'larger', 'root', 'path'])
  return {
    smaller: shape.text(fork.smaller, `${at}/smaller`, MAX_CHECKPOINT_LENGTH),
    larger: shape.text(fork.larger, `${at}/larger`, MAX_CHECKPOINT_LENGTH),
    root: shape.digest(fork.root, `${at}/root`),
    path: shape.array(fork.path, `${at}/path`, 0, MAX_PATH).map((hash, i) => shape.digest(hash, `${at}/path/${i}`)),
  }
}

/** The origin that its checkpoints name, unchecked: it says which key to check with. */
export function forkOrigin({ smaller }: Fork): string {
  return parseCheckpoint(parseNote(smaller).text).origin
}

/** Both checkpoints, once it is certain that `key` signed them under one origin and that they contradict each other. */
export async function verifyFork(
  { smaller, larger, root, path }: Fork,
  key: OkpPublicJwk,
  checks: Checks,
): Promise<{ origin: string; smaller: Checkpoint; larger: Checkpoint }> {
  const [a, b] = [await verifySigned(smaller, key, checks), await verifySigned(larger, key, checks)]
  const before = fromBase64urlOfSize(root, HASH_BYTES)
  const proof = path.map((hash) => fromBase64urlOfSize(hash, HASH_BYTES))
  await verifyConsistency({ oldSize: a.size, oldRoot: before, size: b.size, root: b.root, proof }, checks.sha256)
  if (a.origin === b.origin && !sameBytes(before, a.root)) return { origin: a.origin, smaller: a, larger: b }
  throw new ConcordatError({
    code: 'FORK_INVALID',
    expected: 'two checkpoints of one origin that contradict each other',
    got: a.origin === b.origin ? 'two that agree' : 'two origins',
  })
}

/** A checkpoint that the origin's own key signed. */
export async function verifySigned(note: string, key: OkpPublicJwk, checks: Checks): Promise<Checkpoint> {
  const signed = parseNote(note)
  const checkpoint = parseCheckpoint(signed.text)
  await verifyNote(signed, [await noteKey(checkpoint.origin, { type: 1, jwk: key }, checks.sha256)], checks)
  return checkpoint
}
