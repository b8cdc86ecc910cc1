/** The power goes between each two external writes of a submission and its deliveries, on all nodes at once. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ActionReceipt } from '../../src/api/cases.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { ChildNetwork } from './child-network.ts'
import { until } from './open-network.ts'
import {
  auditAll,
  isSettled,
  PERMIT_STEPS,
  type PermitStep,
  submitUntilDone,
  trySubmit,
  untilSettled,
} from './permit-case.ts'

describe('killed at each external write', { concurrency: 2 }, () => {
  for (const step of ['assess', 'inspect'] as const) {
    const signer = step === 'assess' ? 'the member that orders' : 'a member that follows'
    test(`of a submission by ${signer}: done exactly once after the restart, with one answer`, async (t) => {
      const network = new ChildNetwork(mkdtempSync(join(tmpdir(), 'concordat-kill-')), Date.now())
      t.after(async () => {
        await network.stop()
        rmSync(network.folder, { recursive: true })
      })
      await network.start()
      let deaths = 0
      for (let at = 1; ; at++) {
        const died = await killAt(network, step, at)
        if (!died) break
        deaths++
      }
      assert(deaths > 20, `there are more than 20 writes, not ${deaths}`)
      await network.kill()
      assert.deepEqual(network.bugs, [])
      await auditAll(network)
      t.diagnostic(`killed at ${deaths} writes`)
    })
  }
})

/** Whether the network died; it is up again and the case is done in either case. */
async function killAt(network: ChildNetwork, step: PermitStep, at: number): Promise<boolean> {
  const key = `kill-${at}`
  let caseId: string | undefined
  for (const before of PERMIT_STEPS.slice(0, PERMIT_STEPS.indexOf(step))) {
    caseId = (await submitUntilDone(network, before, { caseId, key })).case
    await untilSettled(network, caseId, before)
  }
  await network.arm({ at, moment: at % 2 === 0 ? 'before' : 'after' })
  const acknowledged = await submitUntilDead(network, step, { caseId, key })
  if (acknowledged !== undefined) await until('it is settled or dead', () => isSettledOrDead(network, caseId!, step))
  if (network.alive) return false
  await network.died()

  await network.start()
  const receipt = await submitUntilDone(network, step, { caseId, key })
  if (acknowledged !== undefined) assert.deepEqual(answerOf(receipt), answerOf(acknowledged))
  await untilSettled(network, receipt.case, step)
  assert.deepEqual(answerOf(await submitUntilDone(network, step, { caseId, key })), answerOf(receipt))
  const view = await network.client('council').getCase(receipt.case)
  assert.equal(view.records.filter((record) => record.step === step).length, 1, `once, killed at ${at}`)
  return true
}

/** Undefined where the network died before it answered. */
async function submitUntilDead(
  network: ChildNetwork,
  step: PermitStep,
  about: { caseId: string | undefined; key: string },
): Promise<ActionReceipt | undefined> {
  let receipt: ActionReceipt | undefined
  await until('it is answered or dead', async () => {
    receipt = await trySubmit(network, step, about)
    return receipt !== undefined || !network.alive
  })
  return receipt
}

/** What stays the same of an answer; proofs are against the newest checkpoint. */
function answerOf({ case: caseId, record, index, time, next, ended, calculated }: ActionReceipt) {
  return { case: caseId, record, index, time, next, ended, calculated }
}

async function isSettledOrDead(network: ChildNetwork, caseId: string, step: PermitStep): Promise<boolean> {
  if (!network.alive) return true
  try {
    return await isSettled(network, caseId, step)
  } catch (error) {
    if (error instanceof ConcordatError) return !network.alive
    throw error
  }
}
