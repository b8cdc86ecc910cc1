import { ConcordatError } from '../error.ts'
import { findHash, fromBase64, toBase64 } from './base64.ts'
import { isDecimal } from './checkpoint.ts'

/** C2SP tlog-proof: an entry's index, its inclusion proof, and the checkpoint (a signed note, verbatim) that it is proven against. */
export interface TlogProof {
  /** Opaque and not authenticated by anything. */
  extra: Uint8Array | null
  index: number
  proof: Uint8Array[]
  checkpoint: string
}

const HEADER = 'c2sp.org/tlog-proof@v1'
const MAX_HASHES = 63

export function formatTlogProof({ extra, index, proof, checkpoint }: TlogProof): string {
  const extraLine = extra === null ? [] : [`extra ${toBase64(extra)}`]
  return `${[HEADER, ...extraLine, `index ${index}`, ...proof.map(toBase64)].join('\n')}\n\n${checkpoint}`
}

/** Framing only: neither the proof nor the checkpoint is checked. */
export function parseTlogProof(text: string): TlogProof {
  const end = text.indexOf('\n\n')
  const checkpoint = text.slice(end + 2)
  const [header, ...lines] = text.slice(0, Math.max(0, end)).split('\n')
  if (header !== HEADER || checkpoint === '') throw proofError(`${HEADER}, lines, an empty line and a checkpoint`)
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()?.slice('extra '.length) ?? '') : null
  const index = /^index (\d+)$/.exec(lines.shift() ?? '')?.[1] ?? ''
  if (!isDecimal(index)) throw proofError('an index line with a decimal below 2^53')
  const proof = lines.map(findHash).filter((hash) => hash !== undefined)
  if (proof.length !== lines.length || proof.length > MAX_HASHES) {
    throw proofError(`at most ${MAX_HASHES} lines, each the base64 of a 32-byte hash`)
  }
  return { extra, index: Number(index), proof, checkpoint }
}

function proofError(expected: string): ConcordatError {
  return new ConcordatError({ code: 'TLOG_PROOF_INVALID', expected, got: 'something else' })
}
