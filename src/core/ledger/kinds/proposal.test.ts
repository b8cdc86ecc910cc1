import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { blueprintHash, buildMember, json, randomDigest } from '../../../../test/register-builder.ts'
import {
  assertRefused,
  buildSample,
  forkSample,
  type Sample,
  sampleSkeleton,
} from '../../../../test/sample-register.ts'
import type { Skeleton } from '../skeleton.ts'
import {
  boundaries,
  findAdmission,
  findBlueprint,
  findMember,
  findProposal,
  findRegisterConfiguration,
} from '../state.ts'

let sample: Sample
const sixth = buildMember('Sixth', { voting: true })

before(async () => {
  sample = await buildSample()
})

/** Another version of the sample's blueprint. */
function secondVersion({ council, auditor }: Sample): Skeleton {
  return { ...sampleSkeleton(council, auditor), threshold: { fraction: [1, 1] } }
}

test('a sixth member: three of four approve, its own entry takes up the admission, and the operators change after a boundary', async () => {
  const { builder, council, auditor, bureau, carrier } = forkSample(sample)
  await assertRefused(builder, builder.member(sixth), 'MEMBER_NOT_ADMITTED')
  const proposal = await builder.add(builder.admit(council, sixth))
  await builder.add(builder.approval(auditor, proposal, sixth.id, []))
  await builder.add(builder.approval(council, proposal, sixth.id, []))
  assert.equal(findAdmission(builder.rows, sixth.id), undefined)
  await assertRefused(builder, builder.member(sixth), 'MEMBER_NOT_ADMITTED')
  await builder.add(builder.approval(bureau, proposal, sixth.id, []))
  assert.equal(findProposal(builder.rows, proposal)!.accepted, builder.leaves.length - 1)
  await assertRefused(builder, builder.approval(carrier, proposal, sixth.id, []), 'PROPOSAL_CLOSED')

  const renamed = { ...sixth, name: 'Other' }
  await assertRefused(builder, builder.member(renamed), 'MEMBER_DIFFERS_FROM_ADMISSION', { at: '/name' })
  const observing = { ...sixth, voting: false }
  await assertRefused(builder, builder.member(observing), 'MEMBER_DIFFERS_FROM_ADMISSION', { at: '/voting' })
  await builder.add(builder.member(sixth))
  const size = builder.leaves.length
  assert.equal(findMember(builder.rows, sixth.id)!.since, size - 1)
  assert.deepEqual(boundaries(builder.register), [6, size])
  // The checkpoint that ends in the change counts by the configuration before it.
  assert.equal(findRegisterConfiguration(builder.register, size)!.operators.length, 4)
  const after = findRegisterConfiguration(builder.register, size + 1)!
  assert.deepEqual([after.operators.length, after.quorum], [5, 4])
  assert.ok(after.operators.some(({ member }) => member === sixth.id))

  await assertRefused(builder, builder.admit(council, sixth), 'MEMBER_KNOWN')
  await builder.add(builder.admit(sixth, buildMember('Seventh', { voting: true })))
})

test('an observer changes no configuration', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const observer = buildMember('Another', { voting: false })
  const proposal = await builder.add(builder.admit(council, observer))
  for (const member of [council, auditor, bureau])
    await builder.add(builder.approval(member, proposal, observer.id, []))
  await builder.add(builder.member(observer))
  assert.equal(builder.register.members.length, 6)
  assert.equal(builder.register.configurations.length, 1)
})

test('two admissions of one member cannot both be taken up', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const [first, second] = [
    await builder.add(builder.admit(council, sixth)),
    await builder.add(builder.admit(auditor, sixth)),
  ]
  for (const member of [council, auditor, bureau]) await builder.add(builder.approval(member, first, sixth.id, []))
  await builder.add(builder.member(sixth))
  await assertRefused(builder, builder.approval(council, second, sixth.id, []), 'MEMBER_KNOWN')
})

test('approvals are counted of members in standing when the last one arrives', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const proposal = await builder.add(builder.admit(council, sixth))
  await builder.add(builder.approval(auditor, proposal, sixth.id, []))
  const { register } = builder
  const members = register.members.map((m) => (m.id === auditor.id ? { ...m, standing: 'suspended' as const } : m))
  builder.rows.set('register', json({ ...register, members }))
  // Of the three that are left two must approve, and the suspended one's approval no longer counts.
  await builder.add(builder.approval(council, proposal, sixth.id, []))
  assert.equal(findProposal(builder.rows, proposal)!.accepted, null)
  await builder.add(builder.approval(bureau, proposal, sixth.id, []))
  assert.notEqual(findProposal(builder.rows, proposal)!.accepted, null)
})

test('the sample is live since its last fixed member approved; accession before counts, and after goes on', async () => {
  const { builder, bp, proposal, bureau, carrier, auditor } = forkSample(sample)
  const row = findBlueprint(builder.rows, bp)!
  assert.equal(row.live, true)
  assert.equal(row.since, 9)
  assert.equal(findProposal(builder.rows, proposal)!.accepted, 9)
  assert.deepEqual(row.acceded, {
    carrier: [bureau.id, carrier.id],
    checker: [bureau.id, carrier.id],
    portal: [carrier.id],
  })
  await builder.add(builder.approval(auditor, proposal, bp, ['portal']))
  assert.deepEqual(findBlueprint(builder.rows, bp)!.acceded.portal, [carrier.id, auditor.id])
})

test('a version is not live before every fixed member has approved, and accession alone does not make it so', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const skeleton = secondVersion(sample)
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(bureau, skeleton))
  await builder.add(builder.approval(bureau, proposal, bp, ['checker']))
  await builder.add(builder.approval(council, proposal, bp, []))
  assert.equal(findBlueprint(builder.rows, bp)!.live, false)
  await builder.add(builder.approval(auditor, proposal, bp, []))
  assert.equal(findBlueprint(builder.rows, bp)!.live, true)
})

test('a version of open roles alone is live with the first accession', async () => {
  const { builder, bureau, council } = forkSample(sample)
  const { steps, ...others } = sampleSkeleton(council, council)
  const open = { id: 'council', kind: 'member' as const, member: null, open: true, servedBy: [] }
  const step = {
    ...steps[0]!,
    role: 'council',
    next: [[]],
    binds: [],
    dispute: null,
    groups: steps[0]!.groups.slice(0, 1),
  }
  const skeleton: Skeleton = { ...others, roles: [open], distinct: [], steps: [step] }
  const bp = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton))
  assert.equal(findBlueprint(builder.rows, bp)!.live, false)
  await assertRefused(builder, builder.approval(council, proposal, bp, []), 'APPROVAL_NOT_COUNTED')
  await builder.add(builder.approval(bureau, proposal, bp, ['council']))
  assert.equal(findBlueprint(builder.rows, bp)!.live, true)
})

test("a later version needs the replaced one's own threshold beside its fixed members", async () => {
  const { builder, bp, council, auditor, bureau, carrier } = forkSample(sample)
  const skeleton = secondVersion(sample)
  const next = blueprintHash(skeleton)
  const proposal = await builder.add(builder.blueprint(council, skeleton, { replaces: bp }))
  const { what } = findProposal(builder.rows, proposal)!
  assert.equal(what.type, 'blueprint')
  assert.deepEqual(
    what.type === 'blueprint' && what.replaces!.electors,
    [council, auditor, bureau, carrier].map(({ id }) => id).sort(),
  )
  await builder.add(builder.approval(council, proposal, next, []))
  await builder.add(builder.approval(auditor, proposal, next, []))
  // Two of four electors are fewer than two thirds.
  assert.equal(findBlueprint(builder.rows, next)!.live, false)
  await builder.add(builder.approval(bureau, proposal, next, []))
  assert.equal(findBlueprint(builder.rows, next)!.live, true)
  assert.equal(findBlueprint(builder.rows, bp)!.live, true)
})

test('a proposal that expired is proposed again, and only the new one counts', async () => {
  const { builder, council, auditor, bureau } = forkSample(sample)
  const skeleton = secondVersion(sample)
  const bp = blueprintHash(skeleton)
  const first = await builder.add(builder.blueprint(council, skeleton, { expires: builder.time + 3 }))
  await builder.add(builder.approval(council, first, bp, []))
  await assertRefused(builder, builder.blueprint(council, skeleton), 'BLUEPRINT_ALREADY_PROPOSED')
  builder.time += 3
  await assertRefused(builder, builder.approval(auditor, first, bp, []), 'PROPOSAL_EXPIRED')
  await assertRefused(builder, builder.approval(bureau, first, bp, ['checker']), 'PROPOSAL_EXPIRED')
  const second = await builder.add(builder.blueprint(council, skeleton))
  await assertRefused(builder, builder.approval(auditor, first, bp, []), 'PROPOSAL_CLOSED')
  await builder.add(builder.approval(auditor, second, bp, []))
  assert.equal(findBlueprint(builder.rows, bp)!.live, false)
})

test('an admission that expired is approved no more', async () => {
  const { builder, council, auditor } = forkSample(sample)
  const proposal = await builder.add(builder.admit(council, sixth, { expires: builder.time + 2 }))
  builder.time += 2
  await assertRefused(builder, builder.approval(auditor, proposal, sixth.id, []), 'PROPOSAL_EXPIRED')
})

test('proposals refused', async () => {
  const { builder, council, auditor, observer, skeleton, bp } = sample
  const second = secondVersion(sample)
  const time = builder.time + 1
  await assertRefused(builder, builder.admit(observer, sixth), 'SIGNER_OBSERVES')
  await assertRefused(builder, builder.admit(council, sixth, { rules: 2 }), 'RULES_VERSION_DIFFERS', { inForce: 1 })
  await assertRefused(builder, builder.admit(council, sixth, { expires: time }), 'PROPOSAL_EXPIRED')
  await assertRefused(builder, builder.admit(council, auditor), 'MEMBER_KNOWN')
  await assertRefused(builder, builder.blueprint(council, skeleton), 'BLUEPRINT_ALREADY_PROPOSED')
  await assertRefused(builder, builder.blueprint(council, second, { replaces: randomDigest() }), 'BLUEPRINT_UNKNOWN')
  const unknown = sampleSkeleton(council, sixth)
  await assertRefused(builder, builder.blueprint(council, unknown), 'BLUEPRINT_MEMBER_UNKNOWN', { role: 'auditor' })
  const observing = sampleSkeleton(council, observer)
  await assertRefused(builder, builder.blueprint(council, observing), 'BLUEPRINT_MEMBER_UNKNOWN', { role: 'auditor' })
  const fork = forkSample(sample)
  await fork.builder.add(fork.builder.blueprint(council, second))
  const third = { ...second, threshold: { fraction: [1, 3] as [number, number] } }
  const waiting = fork.builder.blueprint(council, third, { replaces: blueprintHash(second) })
  await assertRefused(fork.builder, waiting, 'BLUEPRINT_NOT_LIVE', { missing: [council.id, auditor.id].sort() })
  assert.ok(findBlueprint(builder.rows, bp)!.live)
})

for (const type of ['remove', 'suspend', 'rules', 'retire', 'governance-key']) {
  test(`a proposal to ${type} is not built`, () => {
    const { builder, council } = sample
    return assertRefused(builder, builder.admit(council, sixth, { what: { type } }), 'PROPOSAL_NOT_BUILT', { type })
  })
}

test('approvals refused', async () => {
  const { builder, council, bureau, carrier, observer, auditor, bp, proposal } = forkSample(sample)
  await assertRefused(builder, builder.approval(observer, proposal, bp, ['portal']), 'SIGNER_OBSERVES')
  await assertRefused(builder, builder.approval(council, randomDigest(), bp, []), 'PROPOSAL_UNKNOWN')
  await assertRefused(builder, builder.approval(council, proposal, randomDigest(), []), 'PROPOSAL_TARGET_DIFFERS')
  await assertRefused(builder, builder.approval(council, proposal, bp, []), 'PROPOSAL_CLOSED')
  await assertRefused(builder, builder.approval(bureau, proposal, bp, ['auditor']), 'ROLE_NOT_OPEN', {
    role: 'auditor',
  })
  await assertRefused(builder, builder.approval(bureau, proposal, bp, ['applicant']), 'ROLE_NOT_OPEN')
  await assertRefused(builder, builder.approval(bureau, proposal, bp, ['nobody']), 'ROLE_NOT_OPEN')
  await assertRefused(builder, builder.approval(bureau, proposal, bp, ['checker']), 'APPROVAL_REPEATED')
  await assertRefused(builder, builder.approval(bureau, proposal, bp, ['portal', 'checker']), 'CLAIM_INVALID')

  const admission = await builder.add(builder.admit(council, sixth))
  await assertRefused(builder, builder.approval(council, admission, bp, []), 'PROPOSAL_TARGET_DIFFERS')
  await assertRefused(builder, builder.approval(council, admission, sixth.id, ['checker']), 'ROLE_NOT_OPEN')
  await builder.add(builder.approval(council, admission, sixth.id, []))
  await assertRefused(builder, builder.approval(council, admission, sixth.id, []), 'APPROVAL_REPEATED')

  const second = secondVersion(sample)
  const waiting = await builder.add(builder.blueprint(council, second))
  const target = blueprintHash(second)
  await assertRefused(builder, builder.approval(carrier, waiting, target, []), 'APPROVAL_NOT_COUNTED')
  await builder.add(builder.approval(auditor, waiting, target, []))
  await assertRefused(builder, builder.approval(auditor, waiting, target, []), 'APPROVAL_REPEATED')
})
