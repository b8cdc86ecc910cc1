import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { ActionReceipt } from '../../src/api/cases.ts'
import type { Client } from '../../src/client/client.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { openSqliteStorage } from '../../src/storage/sqlite.ts'
import { sampleData } from '../sample-blueprint.ts'
import { checkRegister } from '../whole-register.ts'
import { orAway, type TestNetwork, until } from './open-network.ts'

/** The permit story's network, wherever it runs. */
export interface PermitNetwork {
  folder: string
  register: string
  blueprint: string
  client(id: string): Client
  memberId(id: string): string
}

export function permitsOf({ network, folder }: TestNetwork): PermitNetwork {
  return {
    folder,
    register: network.register,
    blueprint: network.blueprint,
    client: (id) => network.clients.get(id)!,
    memberId: (id) => network.memberIds[id]!,
  }
}

export type PermitStep = 'apply' | 'assess' | 'inspect'
export const PERMIT_STEPS: readonly PermitStep[] = ['apply', 'assess', 'inspect']
export const PERMIT_MEMBERS = ['council', 'inspector', 'registry'] as const

/** Submits a step of a case as its member's client would; `caseId` is undefined for the first. */
export function submitStep(
  network: PermitNetwork,
  step: PermitStep,
  { caseId, key }: { caseId: string | undefined; key: string },
): Promise<ActionReceipt> {
  const idempotencyKey = `${key}-${step}`
  const council = network.client('council')
  if (step === 'apply') {
    const { blueprint } = network
    return council.startCase({ blueprint, role: 'applicant', data: sampleData().apply, idempotencyKey })
  }
  assert(caseId !== undefined)
  if (step === 'inspect') {
    return network.client('inspector').submitAction({ case: caseId, step, data: sampleData().inspect, idempotencyKey })
  }
  const data = { verdict: 'inspect', inspector: network.memberId('inspector') }
  return council.submitAction({ case: caseId, step, data, idempotencyKey })
}

/** Undefined where nobody could tell. */
export function trySubmit(...args: Parameters<typeof submitStep>): Promise<ActionReceipt | undefined> {
  return orAway(submitStep(...args))
}

/** Comes again until there is an answer. */
export async function submitUntilDone(...args: Parameters<typeof submitStep>): Promise<ActionReceipt> {
  let receipt: ActionReceipt | undefined
  await until(`${args[1]} has a receipt`, async () => {
    receipt = await trySubmit(...args)
    return receipt !== undefined
  })
  return receipt!
}

/**
 * Whether all that a case's records lead to has come about: everything shared is acknowledged, everyone has what is due to them,
 * and who acts next finds the step in their inbox.
 */
export async function isSettled(network: PermitNetwork, caseId: string, last: PermitStep): Promise<boolean> {
  const count = PERMIT_STEPS.indexOf(last) + 1
  for (const id of last === 'apply' ? ['council', 'registry'] : PERMIT_MEMBERS) {
    // A quorum has the case; one that was slow may not yet.
    const view = await network.client(id).getCase(caseId).catch(unlessUnknown)
    if (view === undefined || view.records.length < count || view.records.some(({ awaiting }) => awaiting)) return false
    if (view.sharedWith.some(({ state }) => state !== 'acknowledged')) return false
    assert.deepEqual(view.disputes, [])
  }
  const next = PERMIT_STEPS[count]
  if (next === undefined) return true
  const items = await network.client(next === 'inspect' ? 'inspector' : 'council').listInbox(1_000)
  return items.some((item) => item.case === caseId && item.step === next && item.ready)
}

function unlessUnknown(error: unknown): undefined {
  if (!(error instanceof ConcordatError) || error.code !== 'CASE_UNKNOWN') throw error
}

export async function untilSettled(network: PermitNetwork, caseId: string, last: PermitStep): Promise<void> {
  await until(`the case is settled after ${last}`, () => isSettled(network, caseId, last))
}

/** The same register with everyone, true to its leaves. The network must not run. Gives the leaves. */
export async function auditAll(network: PermitNetwork): Promise<string[]> {
  const found = []
  for (const id of PERMIT_MEMBERS) {
    const storage = await openSqliteStorage({ path: join(network.folder, id, 'node.db') })
    try {
      found.push(await checkRegister(storage, network.register))
      assert.deepEqual(await storage.pendingSubmissions(network.register), [], `${id} has nothing left to send`)
    } finally {
      await storage.close()
    }
  }
  const [first, ...others] = found
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(first!.certified, first!.leaves.length, 'everything is committed')
  return first!.leaves
}
