import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certify, cosignatureOf, makeMember, operatorKeys } from '../../../test/tlog-register.ts'
import { sha256 } from '../crypto/hash.ts'
import { type CertificateClaim, type CosignatureKind, verifyCertificate } from './certificate.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { quorumOf } from './configuration.ts'
import { nodeChecks } from './node-checks.ts'
import { formatNote, parseNote } from './note.ts'
import { tlogPolicyOf } from './tlog-policy.ts'

const members = Array.from({ length: 4 }, makeMember)
const [a, b, c, d] = members as [Member, Member, Member, Member]
type Member = ReturnType<typeof makeMember>
const stranger = makeMember()

const origin = 'register/0'
const checkpoint = { origin, size: 9, root: sha256('root') }
const configuration = { operators: members.map(operatorKeys), quorum: quorumOf(members.length) }
const both: CosignatureKind[] = ['Ed25519', 'ML-DSA-44']

function claimOf(note: string, changes: Partial<CertificateClaim> = {}): CertificateClaim {
  return { note, origin, logKey: a.ed25519.publicJwk, configuration, kind: 'Ed25519', ...changes }
}

for (const kind of both) {
  test(`a quorum of ${kind} cosignatures makes a certificate`, async () => {
    const verified = await verifyCertificate(
      claimOf(await certify(checkpoint, a, [a, b, d], both), { kind }),
      nodeChecks,
    )
    assert.equal(verified.checkpoint.size, 9)
    assert.deepEqual(
      verified.cosigners.map((cosigner) => cosigner.member),
      [a.id, b.id, d.id],
    )
  })

  test(`one ${kind} cosignature less does not, whoever else signs`, async () => {
    const note = await certify(checkpoint, a, [a, b, stranger], both)
    await refused(claimOf(note, { kind }), 'CERTIFICATE_QUORUM_MISSING')
  })
}

test('an operator that cosigns twice counts once', async () => {
  await refused(claimOf(await certify(checkpoint, a, [a, a, b, b], both)), 'CERTIFICATE_QUORUM_MISSING')
})

test("an operator that states another's key as its own does not count beside it", async () => {
  const copy = { ...d, ed25519: c.ed25519 }
  const copied = { operators: [a, b, c, copy].map(operatorKeys), quorum: 3 }
  const note = await certify(checkpoint, a, [b, c, copy], ['Ed25519'])
  await refused(claimOf(note, { configuration: copied }), 'CERTIFICATE_QUORUM_MISSING')
})

test('the two kinds do not add up to a quorum', async () => {
  const text = formatCheckpoint(checkpoint)
  const signatures = [
    ...parseNote(await certify(checkpoint, a, [a, b], ['Ed25519'])).signatures,
    await cosignatureOf(text, c, 'ML-DSA-44', 1),
    await cosignatureOf(text, d, 'ML-DSA-44', 1),
  ]
  await refused(claimOf(formatNote({ text, signatures })), 'CERTIFICATE_QUORUM_MISSING')
})

test('a cosignature without a time does not count', async () => {
  const text = formatCheckpoint(checkpoint)
  const signed = parseNote(await certify(checkpoint, a, [a, b], both)).signatures
  const untimed = await Promise.all(both.map((kind) => cosignatureOf(text, c, kind, 0)))
  const note = formatNote({ text, signatures: [...signed, ...untimed] })
  for (const kind of both) await refused(claimOf(note, { kind }), 'CERTIFICATE_QUORUM_MISSING')
})

test('the log itself must have signed, under the origin of that term', async () => {
  await refused(claimOf(await certify(checkpoint, stranger, members, both)), 'CERTIFICATE_NOT_SIGNED_BY_LOG')
  const otherTerm = await certify({ ...checkpoint, origin: 'register/1' }, a, members, both)
  await refused(claimOf(otherTerm), 'CERTIFICATE_ORIGIN_MISMATCH')
})

test('cosignatures of one checkpoint do not fit another', async () => {
  const { signatures } = parseNote(await certify(checkpoint, a, members, both))
  for (const changed of [{ size: 10 }, { root: sha256('other') }]) {
    const own = parseNote(await certify({ ...checkpoint, ...changed }, a, [], both))
    const note = formatNote({ text: own.text, signatures: [...own.signatures, ...signatures.slice(1)] })
    for (const kind of both) await refused(claimOf(note, { kind }), 'NOTE_SIGNATURE_INVALID')
  }
})

test('the policy for other programs names the log, the operators and their quorum', async () => {
  const policy = await tlogPolicyOf({ origin, logKey: a.ed25519.publicJwk, configuration }, nodeChecks.sha256)
  const lines = policy.split('\n')
  assert.match(lines[0]!, /^log register\/0\+[0-9a-f]{8}\+AQ?[A-Za-z0-9+/=]+$/)
  assert.equal(lines.filter((line) => line.startsWith('witness operator-')).length, 4)
  assert.deepEqual(lines.slice(5), [
    'group operators 3 operator-1 operator-2 operator-3 operator-4',
    'quorum operators',
    '',
  ])
})

async function refused(claim: CertificateClaim, code: string): Promise<void> {
  await assert.rejects(verifyCertificate(claim, nodeChecks), { code })
}
