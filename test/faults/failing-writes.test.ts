/** Each external write of a submission and its deliveries fails once, unsaved or saved: nobody restarts anything, and it is done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcordatError } from '../../src/core/error.ts'
import type { ExternalWrite, Fault } from './faulty-folder.ts'
import { withFaults } from './faulty-folder.ts'
import { openTestNetwork } from './open-network.ts'
import { auditAll, PERMIT_STEPS, type PermitNetwork, submitUntilDone, untilSettled } from './permit-case.ts'
import { permitStory } from './permit-story.ts'

for (const moment of ['unsaved', 'saved'] as const) {
  test(`each external write failing ${moment}`, async (t) => {
    let left = Number.POSITIVE_INFINITY
    const failed: ExternalWrite[] = []
    const fault: Fault = async (name, write) => {
      const mine = --left === 0
      if (mine) failed.push(name)
      if (mine && moment === 'unsaved') throw failureOf(name)
      const result = await write()
      if (mine) throw failureOf(name)
      return result
    }
    const { network, folder, errors } = await openTestNetwork(t, permitStory(), {
      around: (opened) => withFaults(opened, fault),
    })
    const permits: PermitNetwork = {
      folder,
      register: network.register,
      blueprint: network.blueprint,
      client: (id) => network.clients.get(id)!,
      memberId: (id) => network.memberIds[id]!,
    }

    for (let at = 1; failed.length === at - 1; at++) {
      const key = `fail-${at}`
      let caseId: string | undefined
      for (const step of PERMIT_STEPS) {
        if (step === 'assess') left = at
        const receipt = await submitUntilDone(permits, step, { caseId, key })
        await untilSettled(permits, receipt.case, step)
        const again = await submitUntilDone(permits, step, { caseId, key })
        assert.deepEqual([again.record, again.index], [receipt.record, receipt.index])
        caseId = receipt.case
      }
      left = Number.POSITIVE_INFINITY
      const { records } = await permits.client('council').getCase(caseId!)
      assert.deepEqual(
        records.map(({ step }) => step),
        PERMIT_STEPS,
        `each step once, after ${failed.at(-1)} failed`,
      )
    }
    assert(failed.length > 30, `more than 30 writes, not ${failed.length}`)
    const kinds: ExternalWrite[] = [
      'appendBatch',
      'saveCertificate',
      'saveSubmissions',
      'settleSubmissions',
      'saveEffects',
    ]
    for (const name of [...kinds, 'updateDeliveries', 'saveReceipts', 'wrap', 'POST'] as const) {
      assert(failed.includes(name), `${name} is among them`)
    }
    assert.deepEqual(
      errors.filter(({ code }) => code === 'bug'),
      [],
    )
    await network.stop()
    await auditAll(permits)
    t.diagnostic(`${failed.length} writes failed`)
  })
}

function failureOf(name: ExternalWrite): ConcordatError {
  if (name === 'POST') return new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
  const custody = name === 'wrap' || name === 'destroyVaultKeys' || name === 'addEpoch'
  const code = custody ? 'CUSTODY_FAILED' : 'STORAGE_FAILED'
  return new ConcordatError({ code, expected: 'a working disk', got: 'none', sqlite: 10 })
}
