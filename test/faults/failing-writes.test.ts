/** Each external write of a submission and its deliveries fails once, unsaved or saved: nobody restarts anything, and it is done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError } from '../../src/core/error.ts'
import type { ExternalWrite, Fault } from './faulty-folder.ts'
import { withFaults } from './faulty-folder.ts'
import { openTestNetwork } from './open-network.ts'
import { auditAll, PERMIT_STEPS, permitsOf, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

for (const moment of ['unsaved', 'saved'] as const) {
  test(`each external write failing ${moment}`, async (t) => {
    // The one write that fails next: the `left`-th of its kind from now on.
    let planned: { name: ExternalWrite; left: number } | undefined
    const fault: Fault = async (name, write) => {
      const mine = planned?.name === name && --planned.left === 0
      if (mine && moment === 'unsaved') throw failureOf(name)
      const result = await write()
      if (mine) throw failureOf(name)
      return result
    }
    const opened = await openTestNetwork(t, permitStory(), {
      around: (folder) => withFaults(folder, fault),
    })
    const { network, errors } = opened
    const permits = permitsOf(opened)

    let failures = 0
    for (const name of WRITES) {
      for (let at = 1; ; at++) {
        const plan = { name, left: at }
        const key = `fail-${name}-${at}`
        let caseId: string | undefined
        for (const step of PERMIT_STEPS) {
          if (step === 'assess') planned = plan
          const receipt = await submitUntilDone(permits, step, { caseId, key })
          await untilSettled(permits, receipt.case, step)
          const again = await submitUntilDone(permits, step, { caseId, key })
          assert.deepEqual([again.record, again.index], [receipt.record, receipt.index])
          caseId = receipt.case
        }
        planned = undefined
        const { records } = await permits.client('council').getCase(caseId!)
        const steps = records.map(({ step }) => step)
        assert.deepEqual(steps, PERMIT_STEPS, `each step once, ${name} having failed`)
        if (plan.left > 0) {
          assert(at > 1, `${name} is among the writes of a submission`)
          break
        }
        failures++
      }
    }
    assert.deepEqual(
      errors.filter(({ code }) => code === 'bug'),
      [],
    )
    await network.stop()
    await auditAll(permits)
    t.diagnostic(`${failures} writes failed`)
  })
}

/** Those that two submissions and their deliveries make. */
const WRITES: readonly ExternalWrite[] = [
  'wrap',
  'saveSubmissions',
  'appendBatch',
  'saveCertificate',
  'settleSubmissions',
  'saveEffects',
  'saveReceipts',
  'saveVerdicts',
  'updateDeliveries',
  'POST',
]

function failureOf(name: ExternalWrite): ConcordatError {
  if (name === 'POST') return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
  const custody = name === 'wrap' || name === 'destroyVaultKeys' || name === 'addEpoch'
  const code = custody ? 'CUSTODY_FAILED' : 'STORAGE_FAILED'
  return new ConcordatError({ code, expected: 'a working disk', got: 'none', sqlite: 10 })
}
