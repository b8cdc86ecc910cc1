/** A sender that signs what its own node would refuse: who sees enough disputes it, who does not is told what it could not check. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { RecordView } from '../../src/api/cases.ts'
import { Http } from '../../src/client/http.ts'
import { Peer } from '../../src/client/peer.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { findMember } from '../../src/core/ledger/state.ts'
import { sealGrant } from '../../src/core/record/grant.ts'
import { Vault } from '../../src/node/vault.ts'
import { waitUntilReady } from '../../src/sandbox/play.ts'
import type { Story } from '../../src/sandbox/scenario.ts'
import type { StoredGroup } from '../../src/storage/storage.ts'
import { sampleData } from '../sample-blueprint.ts'
import { type ExternalWrite, holdingBack, withFaults } from './faulty-folder.ts'
import { type Lie, lastRecord, type SignedLie, signLie, submitLie } from './liar.ts'
import { openTestNetwork, type TestNetwork, until } from './open-network.ts'
import { permitStory } from './permit-story.ts'

interface Lying {
  title: string
  /** The finding that the lie leads to. */
  check: 'schema' | 'calculation' | 'route' | 'binding' | 'group'
  field?: string
  change: (lie: Lie, memberIds: Readonly<Record<string, string>>) => Lie
  /** How the groups are changed before the liar's node keeps and sends them. */
  spoil?: (groups: StoredGroup[]) => StoredGroup[]
}

const lies: Lying[] = [
  {
    title: 'data that the schema forbids',
    check: 'schema',
    field: '/fee',
    change: (lie) => ({ ...lie, data: { ...lie.data, fee: -1 } }),
  },
  {
    title: 'another result than the calculation gives',
    check: 'calculation',
    field: '/fee',
    change: (lie) => ({ ...lie, data: { ...lie.data, fee: 12.5 } }),
  },
  {
    title: 'another way than the route goes',
    check: 'route',
    change: (lie) => ({ ...lie, next: ['apply'] }),
  },
  {
    title: 'another member bound than the field names',
    check: 'binding',
    field: '/inspector',
    change: (lie, { registry }) => ({ ...lie, data: { ...lie.data, inspector: registry! } }),
  },
  {
    title: 'a group that does not open',
    check: 'group',
    change: (lie) => lie,
    spoil: (groups) => groups.map((group) => ({ ...group, sealed: group.sealed.with(20, group.sealed[20]! ^ 1) })),
  },
]

test('lying senders', async (t) => {
  const gate = { closed: false }
  /** Writes of the registry's node that fail the next time. */
  const failing = new Set<ExternalWrite>()
  const opened = await openTestNetwork(t, storyWithInspectorAsResolver(), {
    around: (folder, member) => {
      if (member === 'council') return holdingBack(folder, gate)
      if (member !== 'registry') return folder
      return withFaults(folder, async (name, write) => {
        if (!failing.delete(name)) return write()
        throw new ConcordatError({ code: 'STORAGE_FAILED', expected: 'a working disk', got: 'none', sqlite: 10 })
      })
    },
  })
  const { network, clock } = opened
  const council = network.members.get('council')!
  const registry = network.clients.get('registry')!
  const inspector = network.clients.get('inspector')!

  await t.test(
    'an honest assessment is not disputed; what a recipient cannot check is listed with what it lacks',
    async () => {
      const { caseId } = await applied(opened, 'honest')
      const data = { verdict: 'inspect', inspector: network.memberIds.inspector! }
      await waitUntilReady(network.clients.get('council')!, { caseId, step: 'assess' }, clock)
      const { record } = await network.clients
        .get('council')!
        .submitAction({ case: caseId, step: 'assess', data, idempotencyKey: 'assess' })
      await waitUntilReady(inspector, { caseId, step: 'inspect' }, clock)
      const seen = await checkedRecord(opened, 'registry', { caseId, record, verdict: 'agrees' })
      assert.deepEqual(seen.notCheckable, [])

      const view = await inspector.getCase(caseId)
      const application = view.records.find(({ step }) => step === 'apply')!
      assert.equal(application.verdict?.verdict, 'not checkable')
      const missing = Object.groupBy(application.notCheckable, ({ check }) => check)
      assert.deepEqual(
        missing.calculation?.map((item) => item.missing.toSorted()),
        [
          ['apply.age', 'apply.born'],
          ['apply.income', 'apply.share'],
        ],
      )
      assert(missing.schema?.[0]?.missing.includes('apply.health'))
      assert.deepEqual(view.disputes, [])
    },
  )

  for (const { title, check, field, change, spoil } of lies) {
    await t.test(`${title}: the registry's node disputes it by itself, once`, async () => {
      const { caseId, lie } = await applied(opened, title)
      const signed = await signLie(network, council, change(lie, network.memberIds))
      const groups = spoil === undefined ? signed.groups : spoil(signed.groups)
      const record = await submitLie(council, council, { ...signed, groups })
      await disputed(opened, caseId, record, { check, field })
    })
  }

  for (const name of ['saveSubmissions', 'settleSubmissions', 'saveReceipts'] as const) {
    await t.test(`a lie found while ${name} fails is disputed all the same, once`, async () => {
      const { caseId, lie } = await applied(opened, `failing ${name}`)
      const signed = await signLie(network, council, { ...lie, data: { ...lie.data, fee: -1 } })
      failing.add(name)
      const record = await submitLie(council, council, signed)
      await disputed(opened, caseId, record, { check: 'schema', field: '/fee' })
      assert.equal(failing.size, 0, 'it did fail')
    })
  }

  await t.test('a group left out of the delivery: disputed, and the step that the record opened waits', async () => {
    const { caseId, lie } = await applied(opened, 'missing')
    const signed = await signLie(network, council, lie)
    gate.closed = true
    const record = await submitLie(council, council, signed)
    await until('the registry has the record', async () => (await registry.getCase(caseId)).records.length === 2)
    await deliverWithoutGroups(opened, signed)
    gate.closed = false
    await disputed(opened, caseId, record, { check: 'group', field: undefined })

    await until('the inspector has what it is owed, and knows of the dispute', async () => {
      const { disputes, records } = await inspector.getCase(caseId)
      return disputes.length > 0 && records.every(({ awaiting }) => !awaiting)
    })
    const { open } = await inspector.getCase(caseId)
    assert.deepEqual(
      open.map(({ step, role, waits }) => ({ step, role, waits })),
      [{ step: 'inspect', role: 'inspector', waits: true }],
    )
    const act = { case: caseId, step: 'inspect', data: sampleData().inspect, idempotencyKey: 'waits' }
    await assert.rejects(inspector.submitAction(act), { code: 'OPENING_WAITS' })
  })
})

/** The registry disputes, and so may not decide: else its disputes would end at once by their default. */
function storyWithInspectorAsResolver(): Story {
  const story = permitStory()
  const { steps } = story.blueprint as { steps: { id: string; dispute?: { resolver: string } }[] }
  steps.find(({ id }) => id === 'assess')!.dispute!.resolver = 'inspector'
  return story
}

/** A case with an honest application, and the honest assessment that the lies start from. */
async function applied({ network, clock }: TestNetwork, key: string): Promise<{ caseId: string; lie: Lie }> {
  const council = network.clients.get('council')!
  const data = sampleData().apply
  const started = {
    blueprint: network.blueprint,
    role: 'applicant',
    data,
    idempotencyKey: `apply-${key.replaceAll(' ', '-')}`,
  }
  const { case: caseId } = await council.startCase(started)
  const prev = [lastRecord(await council.getCase(caseId))]
  const inspector = network.memberIds.inspector!
  const lie: Lie = {
    case: caseId,
    step: 'assess',
    prev,
    next: ['inspect'],
    bind: { inspector },
    data: { verdict: 'inspect', inspector, fee: 0 },
    iat: clock.now(),
  }
  return { caseId, lie }
}

async function disputed(
  opened: TestNetwork,
  caseId: string,
  record: string,
  finding: { check: string; field: string | undefined },
): Promise<void> {
  const { network } = opened
  const registry = network.clients.get('registry')!
  const seen = await checkedRecord(opened, 'registry', { caseId, record, verdict: 'contradicts' })
  const against = seen.verdict!.findings.filter(({ verdict }) => verdict === 'contradicts')
  assert(
    against.some(({ check, field }) => check === finding.check && (finding.field ?? field) === field),
    JSON.stringify(against),
  )
  assert(
    // A forbidden value may also be another than the calculated one, where its inputs have come by then.
    against.every(({ check, field }) => check === finding.check || (field !== undefined && field === finding.field)),
    JSON.stringify(against),
  )
  await until('the dispute is committed with everyone', async () => {
    const views = await Promise.all(['inspector', 'registry'].map((id) => network.clients.get(id)!.getCase(caseId)))
    return views.every(({ disputes }) => disputes.length > 0)
  })
  const { disputes } = await registry.getCase(caseId)
  assert.deepEqual(
    disputes.map((dispute) => [dispute.record, dispute.as]),
    [[record, 'registry']],
  )
}

/** The verdict may come in parts: a grant of one sender may be what the check of another's record waits for. */
async function checkedRecord(
  { network }: TestNetwork,
  id: string,
  { caseId, record, verdict }: { caseId: string; record: string; verdict: string },
): Promise<RecordView> {
  let found: RecordView | undefined
  await until(`the record ${verdict} for ${id}`, async () => {
    const view = await network.clients.get(id)!.getCase(caseId)
    found = view.records.find((candidate) => candidate.record === record)
    return found?.verdict?.verdict === verdict
  })
  return found!
}

/** A grant of every group to the registry, with one sealed group of them left at home. */
async function deliverWithoutGroups({ network, clock }: TestNetwork, { submission, groups }: SignedLie): Promise<void> {
  const council = network.members.get('council')!
  const registry = network.members.get('registry')!
  const { register, id } = submission
  const due = (await registry.storage.caseReceipts(register, submission.case!)).find(({ record }) => record === id)!
  const granted = groups.filter(({ index }) => due.groups.includes(index))
  const keys = await new Vault(council.custody).groupKeys(granted)
  const row = findMember(await council.storage.readRows(register, [`member/${registry.member}`]), registry.member)!
  const grant = await sealGrant({
    publicKey: row.epochs.at(-1)!.jwk,
    recordId: id,
    authorisedBy: due.authorisedBy,
    role: due.role,
    keys: new Map(granted.map(({ index }, i) => [index, keys[i]!])),
  })
  const http = new Http({ timeoutMs: 20_000, allowInternal: true })
  const peer = new Peer({
    address: registry.nodeAddress,
    member: council.member,
    signers: async () => [
      (data) => council.custody.sign(thumbprint(council.custody.publicKeys().request.at(-1)!), data),
    ],
    clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    http,
  })
  const sent = granted.slice(1).map(({ index, sealed }) => ({ index, sealed: toBase64url(sealed) }))
  const checkpoint = (await council.storage.findCertificate(register))!.note
  const item = { record: id, role: due.role, authorisedBy: due.authorisedBy, grant, groups: sent }
  const results = await peer.deliver(register, { checkpoint, items: [item] })
  http.close()
  assert.deepEqual(results, [{ state: 'acknowledged' }])
}
