import { documentStepId } from '../core/blueprint/blueprint.ts'
import { groupsOf } from '../core/blueprint/groups.ts'
import type { JsonObject } from '../core/canonical-json.ts'
import { toBase64url } from '../core/crypto/base64url.ts'
import { ConcordatError } from '../core/error.ts'
import { buildEvidence } from '../core/ledger/build-evidence.ts'
import { parseEntry, parseLeaf } from '../core/ledger/entry.ts'
import { changeIndexes, findRegister } from '../core/ledger/state.ts'
import { consistencyProof } from '../core/ledger/tree.ts'
import { proveLeaf } from './case-view.ts'
import { getCaseRow, type Part } from './part.ts'
import { recallsOf } from './recalls.ts'

/** A file that proves a record and the chosen fields offline, to anyone (RULES 35). It stays readable after an erasure. */
export async function exportEvidence(
  part: Part,
  recordId: string,
  wanted: readonly string[] | 'all',
): Promise<JsonObject> {
  const { leaf, claims } = await getRecord(part, recordId)
  const row = await getCaseRow(part, claims.case)
  const record = row.records.find(({ id }) => id === recordId)
  const blueprint = await part.documents.get(claims.bp)
  const pointers = new Set(
    wanted === 'all'
      ? groupsOf(blueprint, documentStepId(blueprint, claims.step)).flatMap(({ fields }) => fields)
      : wanted,
  )
  const held = (await part.storage.caseGroups(part.register, claims.case)).filter(
    (group) => group.record === recordId && group.index > 0,
  )
  const disclosures = new Set<string>()
  const groups = new Map<number, { index: number; salt: string; digests: string[] }>()
  const found = new Set<string>()
  for (const [i, opened] of (await part.vault.open(held)).entries()) {
    if (opened === undefined) continue
    const shown = opened.disclosures.filter(({ name }) => pointers.has(name))
    for (const { name, text } of shown) {
      disclosures.add(text)
      found.add(name)
    }
    // A group shown whole proves too that nothing of it was left out.
    if (shown.length === opened.disclosures.length) {
      const { index } = held[i]!
      groups.set(index, { index, salt: opened.salt, digests: opened.disclosures.map(({ digest }) => digest).sort() })
    }
  }
  const missing = wanted === 'all' ? -1 : wanted.findIndex((pointer) => !found.has(pointer))
  if (missing >= 0 || record === undefined) {
    throw new ConcordatError({
      code: 'FIELD_NOT_HELD',
      expected: 'fields of the record that this member holds',
      got: 'another',
      at: `/fields/${Math.max(missing, 0)}`,
    })
  }
  const certificate = await getCertificate(part)
  const signerIndex = await findSignerIndex(part, claims.iss, leaf.index)
  const revocationIndex = await findRevocationIndex(part, leaf, certificate.size)
  const recalls = await findRecallIndexes(part, { case: claims.case, record: recordId, size: certificate.size })
  const historyIndexes = await historyIndexesOf(part, certificate.size)
  const indexes = [
    leaf.index,
    signerIndex,
    ...(revocationIndex === null ? [] : [revocationIndex]),
    ...recalls.flatMap((recall) => [recall.index, recall.signerIndex]),
    ...historyIndexes,
  ]
  const leaves = new Map<number, string>()
  for (const index of indexes) leaves.set(index, (await part.storage.readLeaves(part.register, index, 1))[0] ?? '')
  const certificates = (await part.storage.boundaryCertificates(part.register)).filter(
    ({ size }) => size <= certificate.size,
  )
  const readTile = await part.ordering.log.tilesOf(
    [...indexes, ...certificates.flatMap(({ size }) => [size - 1, size]), certificate.size - 1],
    certificate.size,
  )
  const evidence = buildEvidence(
    {
      register: part.register,
      index: leaf.index,
      disclosures: [...disclosures],
      groups: [...groups.values()].sort((a, b) => a.index - b.index),
      checkpoint: certificate.note,
      signerIndex,
      revocationIndex,
      recalls,
      historyIndexes,
      certificates: certificates.map(({ note }) => note),
    },
    { getLeaf: (index) => leaves.get(index) ?? '', readTile },
  )
  return evidence as unknown as JsonObject
}

/** What a reader needs to check every later answer, knowing only the register's id. */
export async function readHistory(part: Part) {
  const certificate = await getCertificate(part)
  const history = await Promise.all(
    (await historyIndexesOf(part, certificate.size)).map((index) => proveLeaf(part, index, certificate.size)),
  )
  const boundary = (await part.storage.boundaryCertificates(part.register)).filter(
    ({ size }) => size <= certificate.size,
  )
  const tiles = await part.ordering.log.tilesOf(
    [...boundary.flatMap(({ size }) => [size - 1, size]), certificate.size - 1],
    certificate.size,
  )
  return {
    checkpoint: certificate.note,
    history,
    certificates: boundary.map(({ note, size }) => ({
      note,
      proof: consistencyProof(size, certificate.size, tiles).map(toBase64url),
    })),
  }
}

export async function getCertificate(part: Part) {
  const certificate = part.ordering.certificate
  if (certificate !== undefined) return certificate
  throw new ConcordatError({
    code: 'REGISTER_NOT_FOUNDED',
    expected: 'a register that all founders have cosigned',
    got: 'one that waits for them',
  })
}

async function getRecord(part: Part, recordId: string) {
  const leaf = await part.storage.findLeaf(part.register, recordId)
  const committed = (await getCertificate(part)).size
  const entry = leaf === undefined || leaf.index >= committed ? undefined : parseEntry(parseLeaf(leaf.leaf).jws)
  if (leaf !== undefined && entry?.kind === 'action+sd-jwt') return { leaf, claims: entry.claims }
  throw new ConcordatError({ code: 'RECORD_UNKNOWN', expected: 'a record of a case of this member', got: 'another' })
}

/** Genesis, the founders' member entries, each later entry that changed the operators, and handovers. */
async function historyIndexesOf(part: Part, committed: number): Promise<number[]> {
  const register = findRegister(await part.ordering.log.rows(['register']))
  if (register === undefined) return []
  const founding = Array.from({ length: register.founding }, (_, index) => index)
  return [...founding, ...changeIndexes(register).filter((index) => index < committed)]
}

/** The signer's newest member entry before the record: the one whose keys were in force there. */
async function findSignerIndex(part: Part, member: string, before: number): Promise<number> {
  const entries = await part.storage.readGovernance(part.register)
  const index = entries.findLast(({ index, leaf }) => {
    if (index >= before) return false
    const entry = parseEntry(parseLeaf(leaf).jws)
    return entry.kind === 'member' && entry.claims.iss === member
  })?.index
  if (index === undefined) throw new TypeError('the signer of a record has a member entry before it')
  return index
}

/** Of the committed entry that revoked the key which signed the leaf (RULES 9). */
async function findRevocationIndex(part: Part, { leaf }: { leaf: string }, committed: number): Promise<number | null> {
  const { kid, claims } = parseEntry(parseLeaf(leaf).jws)
  const entries = await part.storage.readGovernance(part.register)
  const revocation = entries.find(({ index, leaf: other }) => {
    const entry = parseEntry(parseLeaf(other).jws)
    return entry.kind === 'revoke' && entry.claims.iss === claims.iss && entry.claims.key === kid && index < committed
  })
  return revocation?.index ?? null
}

/** Of the committed entries that took groups of the record back (RULES 19). */
async function findRecallIndexes(
  part: Part,
  about: { case: string; record: string; size: number },
): Promise<{ index: number; signerIndex: number }[]> {
  const { recalls } = await recallsOf(part, about.case)
  const own = recalls.filter(({ records, index }) => Object.hasOwn(records, about.record) && index < about.size)
  return Promise.all(
    own.map(async ({ iss, index }) => ({ index, signerIndex: await findSignerIndex(part, iss, index) })),
  )
}
