import { ConcordatError } from '../error.ts'
import type { RecallReason } from './case-claims.ts'
import type { ParsedEntryOf } from './entry.ts'
import {
  type Against,
  findKey,
  type ProvenEntry,
  verifyMember,
  verifyProven,
  verifySignature,
} from './evidence-entry.ts'
import type { EvidenceFile } from './evidence-file.ts'

/** That the signer took groups of the record back by a later entry (RULES 19), as far as the file tells. */
export interface VerifiedRecall {
  index: number
  time: number
  reason: RecallReason
  /** Indexes, rising. */
  groups: number[]
}

/** Step: each is a later entry of the record's signer that names it, by a record key that an earlier member entry of its states. */
export async function verifyRecalls(
  recalls: NonNullable<EvidenceFile['recalls']>,
  record: ProvenEntry<ParsedEntryOf<'action+sd-jwt'>>,
  against: Against,
): Promise<VerifiedRecall[]> {
  const verified: VerifiedRecall[] = []
  for (const { entry, signer } of recalls) {
    const recall = await verifyProven(entry, against)
    const member = await verifyMember(await verifyProven(signer, against), against.checks)
    const { iss, keys } = member.entry.claims
    const key = await findKey(keys.record, recall.entry.kid, against.checks.sha256)
    const groups = groupsOf(recall, record)
    const isOwn = iss === record.entry.claims.iss && recall.entry.claims.iss === iss && member.index < recall.index
    if (
      groups === undefined ||
      !isOwn ||
      key === undefined ||
      recall.index <= (verified.at(-1)?.index ?? record.index)
    ) {
      throw new ConcordatError({
        code: 'EVIDENCE_RECALL_INVALID',
        expected: 'later entries of the signer that recall groups of the record, in order',
        got: 'another',
        index: recall.index,
      })
    }
    await verifySignature(recall, key, against.checks)
    verified.push({ index: recall.index, time: recall.time, ...groups })
  }
  return verified
}

function groupsOf(
  { entry }: ProvenEntry,
  record: ProvenEntry<ParsedEntryOf<'action+sd-jwt'>>,
): Pick<VerifiedRecall, 'groups' | 'reason'> | undefined {
  if (entry.kind !== 'recall' || entry.claims.case !== record.entry.claims.case) return undefined
  const { records, reason } = entry.claims
  return Object.hasOwn(records, record.id) ? { groups: records[record.id]!, reason } : undefined
}
