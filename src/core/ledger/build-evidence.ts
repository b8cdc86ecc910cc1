import { toBase64url } from '../crypto/base64url.ts'
import { parseCheckpoint } from './checkpoint.ts'
import type { EvidenceFile, ProvenLeaf } from './evidence-file.ts'
import { parseNote } from './note.ts'
import { consistencyProof, inclusionProof, type ReadTile } from './tree.ts'

/** What goes into an evidence file: places in the register, and what of the record is to be shown. */
export interface EvidenceContents {
  register: string
  index: number
  disclosures: string[]
  groups: EvidenceFile['groups']
  /** A certificate over at least all the leaves named here. */
  checkpoint: string
  /** Of the member entry that holds the key which signed the record. */
  signerIndex: number
  /** Of the entry that revoked that key later; null if none did. */
  revocationIndex: number | null
  /** Of the entries that recalled groups of it, in order, and of the member entries that hold the keys which signed those. */
  recalls: { index: number; signerIndex: number }[]
  /** Of genesis, the founders' member entries and those that changed the operators, in order. */
  historyIndexes: number[]
  /** Certificates over each boundary, in order. */
  certificates: string[]
}

/** Puts the proofs to an evidence file. Nothing is checked: verifyEvidence is what says whether it holds. */
export function buildEvidence(
  contents: EvidenceContents,
  log: { getLeaf: (index: number) => string; readTile: ReadTile },
): EvidenceFile {
  const { size } = sizeOf(contents.checkpoint)
  const prove = (index: number): ProvenLeaf => ({
    index,
    leaf: log.getLeaf(index),
    proof: inclusionProof(index, size, log.readTile).map(toBase64url),
  })
  const proveRecall = ({ index, signerIndex }: { index: number; signerIndex: number }) => {
    return { entry: prove(index), signer: prove(signerIndex) }
  }
  return {
    format: 'concordat-evidence/1',
    register: contents.register,
    entry: prove(contents.index),
    disclosures: contents.disclosures,
    groups: contents.groups,
    checkpoint: contents.checkpoint,
    signer: prove(contents.signerIndex),
    revocation: contents.revocationIndex === null ? null : prove(contents.revocationIndex),
    ...(contents.recalls.length === 0 ? {} : { recalls: contents.recalls.map(proveRecall) }),
    history: contents.historyIndexes.map(prove),
    certificates: contents.certificates.map((note) => ({
      note,
      proof: consistencyProof(sizeOf(note).size, size, log.readTile).map(toBase64url),
    })),
  }
}

function sizeOf(note: string): { size: number } {
  return parseCheckpoint(parseNote(note).text)
}
