import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  certify,
  entryIdOf,
  genesisEntry,
  makeMember,
  memberEntry,
  recordClaims,
  recordEntry,
  TestLog,
  type TestMember,
} from '../../../test/tlog-register.ts'
import { digest } from '../crypto/hash.ts'
import { ConcordatError, type ErrorCode } from '../error.ts'
import { makeDisclosure } from '../record/disclosure.ts'
import { buildEvidence } from './build-evidence.ts'
import type { CosignatureKind } from './certificate.ts'
import { verifyEvidence } from './evidence.ts'
import { type EvidenceFile, tlogProofOf } from './evidence-file.ts'
import { nodeChecks } from './node-checks.ts'
import { parseTlogProof } from './tlog-proof.ts'

const both: CosignatureKind[] = ['Ed25519', 'ML-DSA-44']

/** Four founders, a fifth operator admitted later, and one record of the second founder. */
async function makeRegister() {
  const founders = Array.from({ length: 4 }, makeMember)
  const [first, signer] = founders as [TestMember, TestMember]
  const log = new TestLog()
  const genesis = genesisEntry(founders)
  const { register } = genesis
  const origin = `${register}/0`
  log.append(genesis.jws)
  for (const founder of founders) log.append(memberEntry(register, founder, {}))
  const founding = await log.certify(origin, first, founders, both)

  const observer = makeMember()
  log.append(memberEntry(register, observer, { voting: false }))
  const admitted = makeMember()
  const admittedIndex = log.append(memberEntry(register, admitted, {}))
  const admission = await log.certify(origin, first, founders.slice(0, 3), both)

  const { jws, groups } = recordOf(register, signer)
  const recordIndex = log.append(jws)
  for (let i = 0; i < 5; i++) log.append(recordOf(register, signer).jws)
  log.append(memberEntry(register, signer, {}))
  log.append(recordOf(register, { ...signer, record: { ...observer.record, publicJwk: signer.record.publicJwk } }).jws)
  const cosigners = [admitted, ...founders.slice(1)]
  const checkpoint = await log.certify(origin, first, cosigners, both)
  const contents = {
    register,
    index: recordIndex,
    disclosures: [groups[1]!.disclosures[0]!, ...groups[2]!.disclosures],
    groups: [{ index: 2, salt: groups[2]!.salt, digests: groups[2]!.disclosures.map((text) => digest(text)) }],
    checkpoint,
    signerIndex: 2,
    revocationIndex: null as number | null,
    recalls: [],
    historyIndexes: [0, 1, 2, 3, 4, admittedIndex],
    certificates: [founding, admission],
  }
  const file = buildEvidence(contents, { getLeaf: (index) => log.leaves[index]!, readTile: log.readTile })
  return { register, origin, log, founders, first, signer, admitted, observer, cosigners, contents, file, groups, jws }
}

function recordOf(register: string, signer: TestMember) {
  const { claims, groups } = recordClaims(register, signer)
  return { jws: recordEntry(claims, signer.record), groups }
}

const made = await makeRegister()
const { register, log, founders, first, signer, admitted, cosigners, contents, file, groups } = made

function verify(evidence: unknown, pq = true) {
  return verifyEvidence(evidence, { register, checks: nodeChecks, pq })
}

function rebuilt(changes: Partial<typeof contents>): EvidenceFile {
  return buildEvidence({ ...contents, ...changes }, { getLeaf: (index) => log.leaves[index]!, readTile: log.readTile })
}

async function refused(evidence: unknown, code: ErrorCode, pq = true): Promise<ConcordatError> {
  try {
    await verify(evidence, pq)
  } catch (error) {
    assert.ok(error instanceof ConcordatError, String(error))
    assert.equal(error.code, code, error.message)
    return error
  }
  throw new assert.AssertionError({ message: `taken, not refused with ${code}` })
}

for (const pq of [false, true]) {
  test(`evidence is verified from the register id alone${pq ? ', with ML-DSA-44' : ''}`, async () => {
    const verified = await verify(JSON.parse(JSON.stringify(file)), pq)
    assert.equal(verified.record.id, entryIdOf(made.jws))
    assert.equal(verified.record.index, 7)
    assert.equal(verified.record.claims.as, 'council')
    assert.equal(verified.signer.id, signer.id)
    assert.equal(verified.checkpoint.size, 15)
    assert.deepEqual(
      verified.cosigners.map(({ id, name }) => [id, name]),
      cosigners.map(({ id }) => [id, `Member ${id.slice(0, 4)}`]),
    )
    assert.equal(verified.log.configuration.operators.length, 5)
    assert.equal(verified.log.configuration.quorum, 4)
    assert.deepEqual(verified.wholeGroups, [2])
    const fields = verified.fields.map(({ name, group }) => [name, group])
    assert.equal(fields.length, 3)
    assert.ok(['/name', '/age'].includes(fields[0]![0] as string) && fields[0]![1] === null)
    assert.deepEqual(new Set(fields.slice(1).map(([name]) => name)), new Set(['/entitled', '/until']))
    assert.ok(fields.slice(1).every(([, group]) => group === 2))
  })
}

test('it is about the register that the reader trusts', async () => {
  const other = await makeRegister()
  await refused(other.file, 'EVIDENCE_REGISTER_MISMATCH')
  await refused({ ...other.file, register }, 'EVIDENCE_GENESIS_INVALID')
})

test('a checkpoint of a later term is not understood, and refused', async () => {
  const later = await log.certify(`${register}/1`, first, founders, both)
  await refused({ ...file, checkpoint: later }, 'EVIDENCE_TERM_UNKNOWN')
})

test('the checkpoint needs the quorum of its size, in both kinds where that is asked', async () => {
  const fewer = await log.certify(made.origin, first, cosigners.slice(0, 3), both)
  await refused({ ...file, checkpoint: fewer }, 'EVIDENCE_CERTIFICATE_INVALID')
  const classical = { ...file, checkpoint: await log.certify(made.origin, first, cosigners, ['Ed25519']) }
  await refused(classical, 'EVIDENCE_CERTIFICATE_INVALID')
  await verify(classical, false)
})

test('the founding checkpoint needs every founding operator', async () => {
  const size = founders.length + 1
  const note = parse(file.certificates[0]!.note)
  const founding = await certify({ ...note, size }, first, founders.slice(0, 3), both)
  const certificates = [{ ...file.certificates[0]!, note: founding }, file.certificates[1]!]
  await refused({ ...file, certificates }, 'EVIDENCE_CERTIFICATE_INVALID')
})

test('every boundary needs its certificate, over exactly its size', async () => {
  await refused({ ...file, certificates: file.certificates.slice(0, 1) }, 'EVIDENCE_CERTIFICATE_MISSING')
  await refused({ ...file, certificates: [] }, 'EVIDENCE_CERTIFICATE_MISSING')
  await refused({ ...file, certificates: file.certificates.toReversed() }, 'EVIDENCE_CERTIFICATE_INVALID')
  await refused(
    rebuilt({ certificates: [...contents.certificates, contents.checkpoint] }),
    'EVIDENCE_CERTIFICATE_INVALID',
  )
  await refused(
    rebuilt({ certificates: [contents.certificates[0]!, contents.checkpoint] }),
    'EVIDENCE_CERTIFICATE_INVALID',
  )
})

test('a forged change of operators does not borrow a certificate of the true register', async () => {
  const attackers = Array.from({ length: 4 }, makeMember)
  const forged = new TestLog()
  for (const leaf of log.leaves.slice(0, 5)) forged.append(leaf.slice(leaf.indexOf('.') + 1))
  const { jws } = recordOf(register, founders[1]!)
  const historyIndexes = [0, 1, 2, 3, 4]
  const certificates = [contents.certificates[0]!]
  // Their entries stand where the true register has others, with its certificate over that size.
  historyIndexes.push(forged.append(memberEntry(register, attackers[0]!, { voting: false })))
  historyIndexes.push(forged.append(memberEntry(register, attackers[1]!, {})))
  certificates.push(contents.certificates[1]!)
  const index = forged.append(jws)
  const checkpoint = await forged.certify(made.origin, first, [attackers[1]!, ...founders.slice(0, 3)], both)
  const forgery = buildEvidence(
    { ...contents, index, disclosures: [], groups: [], checkpoint, historyIndexes, certificates },
    { getLeaf: (i) => forged.leaves[i]!, readTile: forged.readTile },
  )
  await refused(forgery, 'EVIDENCE_INCONSISTENT')
})

test("history is genesis, every founder's own entry, then changes in order", async () => {
  await refused(rebuilt({ historyIndexes: [1, 2, 3, 4, 6] }), 'EVIDENCE_GENESIS_INVALID')
  await refused(rebuilt({ historyIndexes: [] }), 'EVIDENCE_GENESIS_INVALID')
  await refused(rebuilt({ historyIndexes: [0, 1, 2, 3] }), 'EVIDENCE_HISTORY_INVALID')
  await refused(rebuilt({ historyIndexes: [0, 1, 3, 2, 4, 6] }), 'EVIDENCE_HISTORY_INVALID')
  await refused(rebuilt({ historyIndexes: [0, 1, 2, 3, 4, 6, 6] }), 'EVIDENCE_HISTORY_INVALID')
  await refused(rebuilt({ historyIndexes: [0, 1, 2, 3, 4, 6, 7] }), 'EVIDENCE_MEMBER_INVALID')
  await refused(rebuilt({ historyIndexes: [0, 1, 2, 3, 4, 6, 13] }), 'EVIDENCE_HISTORY_INVALID')
  // An entry that changed no operators may stand there and changes nothing.
  await verify(rebuilt({ historyIndexes: [0, 1, 2, 3, 4, 5, 6] }))
})

test('without the change that made it operator, an operator does not count', async () => {
  const changes = { historyIndexes: [0, 1, 2, 3, 4], certificates: [contents.certificates[0]!] }
  const note = await log.certify(made.origin, first, [admitted, founders[1]!, founders[2]!], both)
  await refused(rebuilt({ ...changes, checkpoint: note }), 'EVIDENCE_CERTIFICATE_INVALID')
})

test('the record is one, signed by a record key that its signer had stated before', async () => {
  await refused(rebuilt({ index: 2 }), 'EVIDENCE_NOT_A_RECORD')
  await refused(rebuilt({ signerIndex: 1 }), 'EVIDENCE_SIGNER_MISMATCH')
  await refused(rebuilt({ signerIndex: 8 }), 'EVIDENCE_MEMBER_INVALID')
  await refused(rebuilt({ signerIndex: 13 }), 'EVIDENCE_SIGNER_MISMATCH')
  await refused(rebuilt({ index: 14, disclosures: [], groups: [] }), 'EVIDENCE_SIGNATURE_INVALID')
})

test('every disclosure is one of the record, and once', async () => {
  const foreign = makeDisclosure('/entitled', false).text
  await refused({ ...file, disclosures: [foreign] }, 'EVIDENCE_DISCLOSURE_INVALID')
  const [one] = file.disclosures as [string]
  await refused({ ...file, disclosures: [one, one], groups: [] }, 'EVIDENCE_DISCLOSURE_INVALID')
  await verify({ ...file, disclosures: [], groups: [] })
})

test('a group called whole is whole, and stands in its own place', async () => {
  const [group] = file.groups as [EvidenceFile['groups'][number]]
  const cut = { ...file, disclosures: file.disclosures.slice(0, 2) }
  await refused(cut, 'EVIDENCE_GROUP_INVALID')
  await refused({ ...cut, groups: [{ ...group, digests: group.digests.slice(0, 1) }] }, 'EVIDENCE_GROUP_INVALID')
  await refused({ ...file, groups: [{ ...group, index: 1 }] }, 'EVIDENCE_GROUP_INVALID')
  await refused({ ...file, groups: [group, group] }, 'EVIDENCE_GROUP_INVALID')
  const empty = { index: 3, salt: groups[3]!.salt, digests: [] }
  assert.deepEqual((await verify({ ...file, groups: [empty, group] })).wholeGroups, [3, 2])
  await refused({ ...file, groups: [empty, empty] }, 'EVIDENCE_GROUP_INVALID')
  await refused({ ...file, groups: [{ ...group, salt: groups[1]!.salt }] }, 'EVIDENCE_GROUP_INVALID')
})

test('the form of the file is checked before anything else', async () => {
  for (const bad of [null, 'text', [], {}, { ...file, more: 1 }, { ...file, format: 'concordat-evidence/2' }]) {
    await refused(bad, 'EVIDENCE_FORMAT_INVALID')
  }
  await refused({ ...file, entry: { ...file.entry, index: -1 } }, 'EVIDENCE_FORMAT_INVALID')
  await refused({ ...file, entry: { ...file.entry, proof: ['AAAA'] } }, 'EVIDENCE_FORMAT_INVALID')
})

test('any character changed in a leaf, a proof, a disclosure or a salt is refused', async () => {
  const text = JSON.stringify({ ...file, checkpoint: '', certificates: [] })
  const places = [...text.matchAll(/"(?:leaf|salt)":"([^"]+)"|"([\w-]{43,})"/g)].flatMap((match) => {
    const value = match[1] ?? match[2]!
    const start = match.index + match[0].length - 1 - value.length
    return [{ start, length: value.length }]
  })
  assert.ok(places.length > 20)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...places),
      fc.nat(),
      fc.constantFrom(...'Az09-_.'),
      async (place, nth, character) => {
        const at = place.start + (nth % place.length)
        fc.pre(text[at] !== character)
        const changed = JSON.parse(text.slice(0, at) + character + text.slice(at + 1))
        await assert.rejects(
          verify({ ...changed, checkpoint: file.checkpoint, certificates: file.certificates }),
          ConcordatError,
        )
      },
    ),
    { numRuns: 1000 },
  )
})

test('the C2SP tlog-proof of a file proves the same leaf', () => {
  const proof = parseTlogProof(tlogProofOf(file))
  assert.equal(proof.index, 7)
  assert.equal(proof.checkpoint, file.checkpoint)
  assert.equal(proof.proof.length, file.entry.proof.length)
})

function parse(note: string) {
  const [origin = '', size, root = ''] = note.split('\n')
  return { origin, size: Number(size), root: Uint8Array.fromBase64(root) }
}
