/** Destroying a subject's keys: nothing of theirs opens any more, wherever its bytes may still lie, and everything still verifies. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CaseView } from '../../src/api/cases.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { verifyEvidence } from '../../src/core/ledger/evidence.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { parseVaultKeyId, Vault } from '../../src/node/vault.ts'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import type { StoredGroup } from '../../src/storage/storage.ts'
import { holdingBack } from './faulty-folder.ts'
import { openTestNetwork, until } from './open-network.ts'
import {
  auditAll,
  PERMIT_MEMBERS,
  PERMIT_STEPS,
  type PermitNetwork,
  permitsOf,
  submitUntilDone,
  untilSettled,
} from './permit-case.ts'
import { permitStory } from './permit-story.ts'
import { copyDatabase, tracesFound, vaultKeyBytes } from './traces.ts'

const ERASED = { subject: 'applicant', retention: 'all' } as const

test('after an erasure nothing of the subject opens in database, journal or backup; audit and evidence pass', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const { network, folder, clock } = opened
  const permits = permitsOf(opened)
  const erasedCase = await playPermit(permits, 'erased')
  const keptCase = await playPermit(permits, 'kept')
  const council = network.members.get('council')!
  const client = network.clients.get('council')!

  const before = await client.getCase(erasedCase)
  const evidence: JsonObject[] = []
  for (const id of PERMIT_MEMBERS) {
    for (const { record } of (await network.clients.get(id)!.getCase(erasedCase)).records) {
      const { file } = await network.clients.get(id)!.exportEvidence({ record, fields: 'all' })
      evidence.push(file)
    }
  }
  const groups = await council.storage.caseGroups(network.register, erasedCase)
  const theirs = groups.filter((group) => subjectOf(group) === 'applicant')
  const others = groups.filter((group) => subjectOf(group) !== 'applicant')
  assert(theirs.length > 4 && others.length > 0)
  const traces = [
    ...theirs.flatMap(({ wrappedKey, sealed }) => [wrappedKey.slice(0, 24), sealed.slice(0, 24), sealed.slice(-24)]),
    ...vaultKeyBytes(join(folder, 'council'), new Set(theirs.map(({ vaultKey }) => vaultKey))),
  ]
  const backup = join(folder, 'backup')
  copyDatabase(join(folder, 'council'), backup)
  assert.equal(tracesFound(folder, traces).size, traces.length, 'the traces are what lies in the files')

  const { erased } = await client.eraseCase({ case: erasedCase, ...ERASED })
  assert.equal(erased, theirs.length)

  await t.test('nothing of it lies in database, key store or their journals', () => {
    assert.deepEqual([...tracesFound(join(folder, 'council'), traces)], [])
  })

  await t.test("the case shows none of the subject's fields, and all others", async () => {
    assertErased(await client.getCase(erasedCase), before)
    assert.deepEqual(
      (await client.getCase(keptCase)).records.map(({ fields }) => fields.length),
      before.records.map(({ fields }) => fields.length),
    )
  })

  await t.test('who else got fields of the subject still has them, and gives evidence of them', async () => {
    const view = await network.clients.get('registry')!.getCase(erasedCase)
    assert(view.records.some(({ fields }) => fields.length > 0))
    for (const { record } of view.records)
      await network.clients.get('registry')!.exportEvidence({ record, fields: 'all' })
  })

  await network.stop()
  await t.test('evidence exported before still verifies', async () => {
    for (const file of evidence)
      await verifyEvidence(file, { register: network.register, checks: nodeChecks, pq: false })
  })
  await t.test('the audit of every node passes', async () => {
    await auditAll(permits)
  })

  copyDatabase(backup, join(folder, 'council'))
  await t.test('a restored backup holds the groups, and opens none of them', async () => {
    const { storage, custody } = await openMemberFolder(join(folder, 'council'), clock)
    const restored = await storage.caseGroups(network.register, erasedCase)
    assert.equal(restored.length, groups.length)
    const opened = await new Vault(custody).open(restored)
    for (const [i, group] of restored.entries()) {
      assert.equal(opened[i] === undefined, subjectOf(group) === 'applicant', `${group.record} ${group.index}`)
    }
    const kept = await new Vault(custody).open(await storage.caseGroups(network.register, keptCase))
    assert(kept.every((group) => group !== undefined))
    await storage.close()
    await custody.close()
  })
  await t.test('the audit passes over the restored backup too', async () => {
    await auditAll(permits)
  })
})

test('what comes for an erased subject is answered as erased, and nothing else waits for it', async (t) => {
  const gate = { closed: false }
  const opened = await openTestNetwork(t, permitStory(), {
    around: (folder, member) => (member === 'council' ? holdingBack(folder, gate) : folder),
  })
  const { network } = opened
  const permits = permitsOf(opened)
  const keys = ['at-recipient', 'at-sender', 'kept']
  const cases: string[] = []
  for (const key of keys) {
    const { case: caseId } = await submitUntilDone(permits, 'apply', { caseId: undefined, key })
    await untilSettled(permits, caseId, 'apply')
    cases.push(caseId)
  }
  const [atRecipient, atSender, kept] = cases as [string, string, string]
  gate.closed = true
  for (const [i, caseId] of cases.entries()) await submitUntilDone(permits, 'assess', { caseId, key: keys[i]! })
  await until('the others know of it', async () => {
    const views = await Promise.all(cases.map((caseId) => network.clients.get('registry')!.getCase(caseId)))
    return views.every(({ records }) => records.length === 2)
  })
  await network.clients.get('registry')!.eraseCase({ case: atRecipient, ...ERASED })
  await network.clients.get('council')!.eraseCase({ case: atSender, ...ERASED })
  gate.closed = false

  const shared = async (caseId: string) => {
    const { sharedWith } = await network.clients.get('council')!.getCase(caseId)
    return sharedWith.map(({ role, state }) => `${role} ${state}`)
  }
  await until('nothing is due any more', async () => {
    const states = (await Promise.all(cases.map(shared))).flat()
    return states.every((state) => !state.endsWith(' due'))
  })
  const ofRecipient = await shared(atRecipient)
  assert(ofRecipient.filter((state) => state.startsWith('registry')).every((state) => state === 'registry erased'))
  assert(
    ofRecipient.filter((state) => state.startsWith('inspector')).every((state) => state === 'inspector acknowledged'),
  )
  assert((await shared(kept)).every((state) => state.endsWith(' acknowledged')))
  const told = await network.clients.get('inspector')!.getCase(atSender)
  assert(
    told.records.every(({ awaiting }) => !awaiting),
    'told that it is erased, the inspector waits no longer',
  )
  assert(told.records.some(({ erased }) => erased))
})

async function playPermit(permits: PermitNetwork, key: string): Promise<string> {
  let caseId: string | undefined
  for (const step of PERMIT_STEPS) {
    caseId = (await submitUntilDone(permits, step, { caseId, key })).case
    await untilSettled(permits, caseId, step)
  }
  return caseId!
}

function assertErased(view: CaseView, before: CaseView): void {
  for (const [i, record] of view.records.entries()) {
    const kept = before.records[i]!.fields.filter(({ subject }) => subject !== 'applicant')
    assert.deepEqual(record.fields, kept)
  }
  assert(before.records.some(({ fields }) => fields.some(({ subject }) => subject !== 'applicant')))
}

function subjectOf({ vaultKey }: StoredGroup): string {
  return parseVaultKeyId(vaultKey).subject
}
