/** No node is ever owed, or holds, a key of a field under a role that the blueprint does not give it to. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Blueprint, documentStepId, opaqueStepId } from '../../src/core/blueprint/blueprint.ts'
import { groupsOf } from '../../src/core/blueprint/groups.ts'
import { compileSchema } from '../../src/core/blueprint/schema.ts'
import { skeletonOf } from '../../src/core/blueprint/skeleton.ts'
import { type GrantDue, grantsDue } from '../../src/core/ledger/grants-due.ts'
import type { CaseRecord, CaseRow } from '../../src/core/ledger/state.ts'
import { findCase } from '../../src/core/ledger/state.ts'
import { parseVaultKeyId } from '../../src/node/vault.ts'
import type { Network } from '../../src/sandbox/network.ts'
import { SAMPLE_MEMBERS, sampleBlueprint } from '../sample-blueprint.ts'
import { openTestNetwork } from './open-network.ts'
import { PERMIT_MEMBERS, PERMIT_STEPS, permitsOf, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

const ROLES = ['applicant', 'council', 'inspector', 'registry']
const STEPS = ['apply', 'assess', 'inspect', 'withdraw']

interface Told {
  to: string
  /** Whose data, and by which step. */
  step: string
  by: string
  fields: number
}

test('grants go to exactly the roles that a disclosure names, once its step has come, and never for more fields', () => {
  const seed = randomInt(2 ** 31)
  const told = fc.record({
    to: fc.constantFrom(...ROLES),
    step: fc.constantFrom(...STEPS),
    by: fc.constantFrom(...STEPS),
    fields: fc.nat(2 ** 10 - 1),
  })
  const history = fc.array(fc.constantFrom(...STEPS), { maxLength: 6 })
  let granted = 0
  console.log(`seed ${seed}`)
  fc.assert(
    fc.property(fc.array(told, { maxLength: 8 }), history, fc.nat(6), (disclosures, steps, boundAt) => {
      const blueprint = blueprintWith(disclosures)
      const row = caseOf(blueprint, ['apply', ...steps], boundAt)
      const due = grantsDue(skeletonOf(blueprint), row)
      granted += due.length
      assert.deepEqual(fieldsGranted(blueprint, row, due), fieldsEntitled(blueprint, row))
      for (const { member, role } of due) assert.equal(member, row.roles[role]!.member)
    }),
    { numRuns: 1_000, seed },
  )
  assert(granted > 1_000, `${granted} grants`)
})

test('what the nodes of a network hold is what their roles are given', async (t) => {
  const opened = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const permits = permitsOf(opened)
  let caseId: string | undefined
  for (const step of PERMIT_STEPS) {
    caseId = (await submitUntilDone(permits, step, { caseId, key: 'a' })).case
    await untilSettled(permits, caseId, step)
    await assertHeldByAudience(opened.network, caseId)
  }
})

/** `role record field` of every key that the grants hand over. */
function fieldsGranted(blueprint: Blueprint, row: CaseRow, due: readonly GrantDue[]): string[] {
  const all = due.flatMap(({ record, role, groups }) => {
    const { step } = row.records.find(({ id }) => id === record)!
    const ofStep = groupsOf(blueprint, documentStepId(blueprint, step))
    return groups.flatMap((index) => ofStep[index]!.fields.map((field) => `${role} ${record} ${field}`))
  })
  return [...new Set(all)].sort()
}

/** The same, read from the document's disclosures one by one. */
function fieldsEntitled(blueprint: Blueprint, row: CaseRow): string[] {
  const stepOf = (record: CaseRecord) => documentStepId(blueprint, record.step)
  const all = row.records.flatMap((record) =>
    blueprint.steps.flatMap((disclosing) =>
      disclosing.disclosures.flatMap(({ to, step = disclosing.id, fields }) => {
        if (step !== stepOf(record) || to === record.as || row.roles[to] === undefined) return []
        const happened = row.records.some((later) =>
          disclosing.id === step ? later === record : later.index > record.index && stepOf(later) === disclosing.id,
        )
        return happened ? fields.map((field) => `${to} ${record.id} ${field}`) : []
      }),
    ),
  )
  return [...new Set(all)].sort()
}

function blueprintWith(disclosures: readonly Told[]): Blueprint {
  const blueprint = sampleBlueprint()
  for (const step of blueprint.steps) {
    step.disclosures = disclosures
      .filter(({ by }) => by === step.id)
      .flatMap(({ to, step: of, fields }) => {
        const all = compileSchema(blueprint.steps.find(({ id }) => id === of)!.schema).fields
        const some = all.map(({ pointer }) => pointer).filter((_, place) => fields & (1 << place))
        return some.length === 0 ? [] : [{ to, step: of, fields: some, purpose: 'p', basis: 'b', retention: 'file' }]
      })
  }
  return blueprint
}

/** A case with these steps in order; the inspector is bound by the record at `boundAt`, if there is one. */
function caseOf(blueprint: Blueprint, steps: readonly string[], boundAt: number): CaseRow {
  const records = steps.map((step, place): CaseRecord => {
    const as = blueprint.steps.find(({ id }) => id === step)!.role
    const opaque = opaqueStepId(blueprint, step)
    const at = { id: `r${place}`, bp: '', step: opaque, as, iss: as, index: 10 + place, time: place }
    return { ...at, prev: [], next: [], bind: {}, replaces: null, void: null, replacedBy: null }
  })
  const by = records[boundAt]?.id
  return {
    bp: '',
    versions: [],
    roles: {
      applicant: { member: SAMPLE_MEMBERS.council, pk: null, by: 'r0' },
      council: { member: SAMPLE_MEMBERS.council, pk: null, by: null },
      registry: { member: SAMPLE_MEMBERS.registry, pk: null, by: null },
      ...(by === undefined ? {} : { inspector: { member: SAMPLE_MEMBERS.inspector, pk: null, by } }),
    },
    openings: [],
    arrivals: [],
    confirmations: [],
    review: null,
    records,
    disputes: [],
    acts: [],
    ended: false,
    endedAt: null,
    changed: 0,
  }
}

async function assertHeldByAudience(network: Network, caseId: string): Promise<void> {
  let received = 0
  for (const id of PERMIT_MEMBERS) {
    const { storage, member } = network.members.get(id)!
    const row = findCase(await storage.readRows(network.register, [`case/${caseId}`]), caseId)!
    for (const { record: recordId, index, role, vaultKey } of await storage.caseGroups(network.register, caseId)) {
      const record = row.records.find((candidate) => candidate.id === recordId)!
      const group = groupsOf(network.document, documentStepId(network.document, record.step))[index]!
      const own = record.iss === member && record.as === role
      assert(own || row.roles[role]?.member === member, `${id} plays ${role}`)
      assert(own || group.audience.some(([entitled]) => entitled === role), `${role} is in the audience`)
      assert.deepEqual([parseVaultKeyId(vaultKey).role, parseVaultKeyId(vaultKey).subject], [role, group.subject])
      if (!own) received++
    }
  }
  assert(received > 0)
}
