/** Registers that nobody applied: what evidence must find out for itself, whoever cosigned it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  genesisEntry,
  makeMember,
  memberClaims,
  memberEntry,
  recordClaims,
  recordEntry,
  signEntry,
  signedBy,
  TestLog,
  type TestMember,
} from '../../../test/tlog-register.ts'
import { toBase64url } from '../crypto/base64url.ts'
import { digest } from '../crypto/hash.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import type { ErrorCode } from '../error.ts'
import { randomSalt } from '../record/disclosure.ts'
import { commitment } from '../record/group.ts'
import { buildEvidence } from './build-evidence.ts'
import { verifyEvidence } from './evidence.ts'
import type { EvidenceFile } from './evidence-file.ts'
import { nodeChecks } from './node-checks.ts'

const founders = Array.from({ length: 3 }, makeMember)
const [first, signer] = founders as [TestMember, TestMember]
const thief = makeMember()
const { jws: genesis, register } = genesisEntry(founders)
const firstEntries = founders.map((founder) => memberEntry(register, founder, {}))
const { claims, groups } = recordClaims(register, signer)

interface Entries {
  genesis: string
  founders: string[]
  /** Entries between the founders' and the record. */
  others: string[]
  record: string
  signerIndex: number
  /** Entries after the record; the last one is given as the revocation. */
  after: string[]
  /** Given as recalls, each by the member entry at `signerIndex`. */
  recalls: string[]
  disclosures: string[]
  groups: EvidenceFile['groups']
}

/** An evidence file over these entries, with every certificate that it needs, by all founders. */
async function evidenceOf(changes: Partial<Entries>): Promise<EvidenceFile> {
  const sound = {
    genesis,
    founders: firstEntries,
    others: [],
    record: recordEntry(claims, signer.record),
    signerIndex: 2,
    after: [],
    recalls: [],
  }
  const entries: Entries = { ...sound, disclosures: [], groups: [], ...changes }
  const log = new TestLog()
  for (const jws of [entries.genesis, ...entries.founders]) log.append(jws)
  const historyIndexes = log.leaves.map((_, i) => i)
  const founding = await log.certify(`${register}/0`, first, founders, ['Ed25519'])
  for (const jws of entries.others) log.append(jws)
  const index = log.append(entries.record)
  for (const jws of entries.after) log.append(jws)
  const revocationIndex = entries.after.length === 0 ? null : log.leaves.length - 1
  const recalls = entries.recalls.map((jws) => ({ index: log.append(jws), signerIndex: entries.signerIndex }))
  const checkpoint = await log.certify(`${register}/0`, first, founders, ['Ed25519'])
  const { signerIndex, disclosures } = entries
  return buildEvidence(
    {
      register,
      index,
      disclosures,
      groups: entries.groups,
      checkpoint,
      signerIndex,
      revocationIndex,
      recalls,
      historyIndexes,
      certificates: [founding],
    },
    { getLeaf: (i) => log.leaves[i]!, readTile: log.readTile },
  )
}

async function refused(changes: Partial<Entries>, code: ErrorCode): Promise<void> {
  const file = await evidenceOf(changes)
  await assert.rejects(verifyEvidence(file, { register, checks: nodeChecks, pq: false }), { code })
}

/** The same signing input, and so the same id, under a signature that is not one. */
function unsigned(jws: string): string {
  return `${jws.slice(0, jws.lastIndexOf('.') + 1)}${toBase64url(new Uint8Array(64))}`
}

test('nothing forged, it is taken', async () => {
  const file = await evidenceOf({})
  const verified = await verifyEvidence(file, { register, checks: nodeChecks, pq: false })
  assert.equal(verified.record.index, 4)
})

test('genesis has the id that the reader trusts', async () => {
  await refused({ genesis: genesisEntry(founders).jws }, 'EVIDENCE_GENESIS_INVALID')
  await refused({ genesis: firstEntries[0]! }, 'EVIDENCE_GENESIS_INVALID')
})

test('genesis is signed by its first founder', async () => {
  await refused({ genesis: unsigned(genesis) }, 'EVIDENCE_SIGNATURE_INVALID')
  const [header, payload] = genesis.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const stolen = signEntry(
    { ...JSON.parse(header!), jwk: { ...thief.governance.publicJwk } },
    JSON.parse(payload!),
    thief.governance,
  )
  const file = await evidenceOf({ genesis: stolen })
  const id = digest(stolen.slice(0, stolen.lastIndexOf('.')))
  // Whoever takes over such an id from the thief must not take the founder named in it for its author.
  const renamed = { ...file, register: id, checkpoint: file.checkpoint.replaceAll(register, id) }
  await assert.rejects(verifyEvidence(renamed, { register: id, checks: nodeChecks, pq: false }), {
    code: 'EVIDENCE_GENESIS_INVALID',
  })
})

test('every founder, and nobody else, has its entry after genesis once, signed by itself', async () => {
  const [one, two, three] = firstEntries as [string, string, string]
  await refused({ founders: [one, two, memberEntry(register, thief, {})] }, 'EVIDENCE_HISTORY_INVALID')
  await refused({ founders: [one, two, two] }, 'EVIDENCE_HISTORY_INVALID')
  await refused({ founders: [one, two, unsigned(three)] }, 'EVIDENCE_SIGNATURE_INVALID')
})

test("no key but the one that a founder's id names signs its first entry", async () => {
  const victim = founders[2]!
  const header = { alg: 'ES256', kid: thief.id, typ: 'member' }
  const keys = { governance: [{ ...victim.governance.publicJwk }, { ...thief.governance.publicJwk }] }
  const beside = signEntry(header, memberClaims(register, victim, { keys }), thief.governance)
  await refused({ founders: [...firstEntries.slice(0, 2), beside] }, 'EVIDENCE_MEMBER_INVALID')
})

test("the signer's member entry is its own", async () => {
  const header = { alg: 'ES256', kid: thief.id, typ: 'member' }
  const stolenKeys = { governance: [{ ...thief.governance.publicJwk }], record: [{ ...thief.record.publicJwk }] }
  const stolen = signEntry(header, memberClaims(register, signer, { keys: stolenKeys }), thief.governance)
  const record = recordEntry(claims, thief.record)
  await refused({ others: [stolen], record, signerIndex: 4 }, 'EVIDENCE_MEMBER_INVALID')
  const unnamed = signEntry(header, memberClaims(register, signer, {}), thief.governance)
  await refused({ others: [unnamed], signerIndex: 4 }, 'EVIDENCE_MEMBER_INVALID')
  await refused({ others: [unsigned(firstEntries[1]!)], signerIndex: 4 }, 'EVIDENCE_SIGNATURE_INVALID')
})

test("a member that states another's record key is not the signer", async () => {
  const keys = { record: [{ ...signer.record.publicJwk }] }
  const header = { alg: 'ES256', kid: thief.id, typ: 'member' }
  const copy = signEntry(header, memberClaims(register, thief, { keys }), thief.governance)
  await refused({ others: [copy], signerIndex: 4 }, 'EVIDENCE_SIGNER_MISMATCH')
})

interface Revoked {
  since: number | null
  iss: string
  key: string
  by: TestMember['record']
}

function revocation(changes: Partial<Revoked>): string {
  const key = thumbprint(signer.record.publicJwk)
  const { since, iss, by, ...claims } = { since: null, iss: signer.id, key, by: signer.governance, ...changes }
  const header = { alg: 'ES256', kid: thumbprint(by.publicJwk), typ: 'revoke' }
  return signEntry(header, { ...signedBy(iss), reg: register, ...claims, since }, by)
}

for (const [title, since, inDoubt] of [
  ['with no date', null, false],
  ['since the record', 4, true],
  ['since some entry before it', 1, true],
  ['since an entry after it', 5, false],
] as const) {
  test(`a revocation of the key, ${title}: the record counts, and is ${inDoubt ? '' : 'not '}in doubt`, async () => {
    for (const by of [signer.governance, signer.record]) {
      const file = await evidenceOf({ after: [firstEntries[0]!, revocation({ since, by })] })
      const verified = await verifyEvidence(file, { register, checks: nodeChecks, pq: false })
      assert.deepEqual([verified.revocation?.index, verified.revocation?.inDoubt], [6, inDoubt])
    }
  })
}

test('no revocation but a later one of this key, by its member', async () => {
  const code = 'EVIDENCE_REVOCATION_INVALID'
  await refused({ after: [firstEntries[1]!] }, code)
  await refused({ after: [revocation({ by: thief.governance })] }, code)
  await refused({ after: [revocation({ iss: thief.id })] }, code)
  await refused({ after: [revocation({ key: thumbprint(thief.record.publicJwk) })] }, code)
  await refused({ after: [unsigned(revocation({}))] }, 'EVIDENCE_SIGNATURE_INVALID')
  const file = await evidenceOf({ others: [revocation({})] })
  const earlier = { ...file, revocation: file.history.at(-1)! }
  await assert.rejects(verifyEvidence(earlier, { register, checks: nodeChecks, pq: false }), { code })
})

const record = recordEntry(claims, signer.record)
const recordId = digest(record.slice(0, record.lastIndexOf('.')))

function recall(changes: { iss?: string; case?: string; record?: string; by?: TestMember['record'] }): string {
  const { iss = signer.id, record: id = recordId, by = signer.record, ...others } = changes
  const header = { alg: 'ES256', kid: thumbprint(by.publicJwk), typ: 'recall' }
  const own = { bp: claims.bp, case: claims.case, as: claims.as, records: { [id]: [1, 2] }, reason: 'wrong-recipient' }
  return signEntry(header, { ...signedBy(iss), reg: register, ...own, ...others }, by)
}

test('recalls of the record are shown, and it counts all the same', async () => {
  const file = await evidenceOf({ record, recalls: [recall({}), recall({})] })
  const { recalls } = await verifyEvidence(file, { register, checks: nodeChecks, pq: false })
  assert.deepEqual(
    recalls.map(({ index, groups, reason }) => [index, groups, reason]),
    [5, 6].map((index) => [index, [1, 2], 'wrong-recipient']),
  )
  const turned = { ...file, recalls: file.recalls!.toReversed() }
  const code = 'EVIDENCE_RECALL_INVALID'
  await assert.rejects(verifyEvidence(turned, { register, checks: nodeChecks, pq: false }), { code })
  const none = { ...file, recalls: [] }
  await assert.rejects(verifyEvidence(none, { register, checks: nodeChecks, pq: false }), {
    code: 'EVIDENCE_FORMAT_INVALID',
  })
})

test('no recall but one of this record, by its signer', async () => {
  const code = 'EVIDENCE_RECALL_INVALID'
  await refused({ record, recalls: [firstEntries[1]!] }, code)
  await refused({ record, recalls: [recall({ by: thief.record })] }, code)
  await refused({ record, recalls: [recall({ iss: thief.id })] }, code)
  await refused({ record, recalls: [recall({ case: 'A'.repeat(22) })] }, code)
  await refused({ record, recalls: [recall({ record: digest('another record') })] }, code)
  await refused({ record, recalls: [unsigned(recall({}))] }, 'EVIDENCE_SIGNATURE_INVALID')
})

test('an entry of another register does not count here', async () => {
  const other = recordEntry({ ...claims, reg: digest('another register') }, signer.record)
  await refused({ record: other }, 'EVIDENCE_ENTRY_INVALID')
  await refused({ record: 'e30.e30.e30' }, 'EVIDENCE_ENTRY_INVALID')
})

test('a disclosure is whole in one group only, also where a signer committed to it in two', async () => {
  const { salt, disclosures } = groups[2]!
  const digests = disclosures.map((text) => digest(text))
  const otherSalt = randomSalt()
  const twice = { ...claims, groups: claims.groups.with(3, commitment(3, otherSalt, digests)) }
  const record = recordEntry(twice, signer.record)
  const shown = [
    { index: 2, salt, digests },
    { index: 3, salt: otherSalt, digests },
  ]
  await refused({ record, disclosures: [...disclosures], groups: shown }, 'EVIDENCE_GROUP_INVALID')
})
