import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type BuiltMember, json, memberClaims, randomId, signAs } from '../../../../test/register-builder.ts'
import { assertRefused, buildSample, forkSample, type Sample, startCase } from '../../../../test/sample-register.ts'
import type { JsonObject } from '../../canonical-json.ts'
import { generateSigningKey, type SigningKey } from '../../crypto/signature.ts'
import { thumbprint } from '../../crypto/thumbprint.ts'
import { findMember } from '../state.ts'

let sample: Sample

before(async () => {
  sample = await buildSample()
})

/** Signed with a key of the signer's, by its governance key where none is named. */
function revocation(
  { builder }: Sample,
  signer: BuiltMember,
  claims: { key: SigningKey<'ES256'>; since?: number | null },
  by: SigningKey<'ES256'> = signer.governance,
): string {
  const header: JsonObject = { alg: 'ES256', kid: thumbprint(by.publicJwk), typ: 'revoke' }
  const key = thumbprint(claims.key.publicJwk)
  const signed = { iss: signer.id, iat: builder.time + 1, jti: randomId(), reg: builder.register.id }
  return signAs(header, { ...signed, key, since: claims.since ?? null }, by)
}

/** The member's entry with another record key. */
function restated({ builder }: Sample, member: BuiltMember, record: readonly SigningKey<'ES256'>[]): string {
  const claims = memberClaims(member)
  const keys = { ...(claims.keys as JsonObject), record: record.map(({ publicJwk }) => json(publicJwk)) }
  return builder.member(member, { keys })
}

test('a revoked record key signs nothing that counts any more, and what it signed stands', async () => {
  const fork = forkSample(sample)
  const { builder, carrier } = fork
  const { case: caseId } = await startCase(fork)
  await builder.add(revocation(fork, carrier, { key: carrier.record, since: 3 }))
  assert.deepEqual(findMember(builder.rows, carrier.id)?.revoked, [
    { kid: thumbprint(carrier.record.publicJwk), use: 'record', since: 3, index: builder.leaves.length - 1 },
  ])
  assert.deepEqual(findMember(builder.rows, carrier.id)?.keys.record, [])
  assert.equal(builder.caseRow(caseId).records[0]?.void, null)
  await assert.rejects(startCase(fork), { code: 'KEY_NOT_VALID' })
})

test('an entry that was verified before the revocation is refused after it', async () => {
  const fork = forkSample(sample)
  const { builder, skeleton, carrier } = fork
  const start = { skeleton, case: randomId(), step: 's1', as: 'applicant', prev: [], next: ['s2'] }
  const verified = await builder.verify(builder.action(carrier, { ...start, bind: { applicant: carrier } }))
  await builder.add(revocation(fork, carrier, { key: carrier.record }))
  assert.throws(() => builder.apply(verified), { code: 'KEY_NOT_VALID' })
})

test('a key ends itself, and only itself', async () => {
  const fork = forkSample(sample)
  const { builder, bureau, carrier } = fork
  const others = revocation(fork, carrier, { key: carrier.request }, carrier.record)
  await assertRefused(builder, others, 'KEY_NOT_VALID')
  await assertRefused(builder, revocation(fork, bureau, { key: carrier.record }), 'REVOKE_NOT_ALLOWED')
  await builder.add(revocation(fork, carrier, { key: carrier.record }, carrier.record))
  await builder.add(revocation(fork, carrier, { key: carrier.request }, carrier.request))
  const again = revocation(fork, carrier, { key: carrier.record }, carrier.record)
  await assertRefused(builder, again, 'KEY_NOT_VALID')
  await assertRefused(builder, revocation(fork, carrier, { key: carrier.record }), 'REVOKE_NOT_ALLOWED')
})

test('a new record key is stated and signs; the revoked one never comes back', async () => {
  const fork = forkSample(sample)
  const { builder, carrier } = fork
  await builder.add(revocation(fork, carrier, { key: carrier.record }))
  const fresh = generateSigningKey('ES256')
  const both = restated(fork, carrier, [fresh, carrier.record])
  await assertRefused(builder, both, 'KEY_REVOKED', { use: 'record' })
  await builder.add(restated(fork, carrier, [fresh]))
  await startCase({ ...fork, carrier: { ...carrier, record: fresh } })
  await assert.rejects(startCase(fork), { code: 'KEY_NOT_VALID' })
  await assertRefused(builder, restated(fork, carrier, [carrier.record]), 'KEY_REVOKED', { use: 'record' })
})

test('what a revocation cannot say', async () => {
  const fork = forkSample(sample)
  const { builder, carrier } = fork
  const own = { key: carrier.record }
  await assertRefused(builder, revocation(fork, carrier, { key: carrier.governance }), 'REVOKE_NOT_ALLOWED')
  const later = revocation(fork, carrier, { ...own, since: builder.leaves.length })
  await assertRefused(builder, later, 'CLAIM_INVALID', { at: '/since' })
  await assertRefused(builder, revocation(fork, carrier, { ...own, since: -1 }), 'CLAIM_INVALID', { at: '/since' })
  await assertRefused(builder, revocation(fork, carrier, { ...own, since: 0.5 }), 'CLAIM_INVALID', { at: '/since' })
})
