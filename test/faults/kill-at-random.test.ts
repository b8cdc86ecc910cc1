/** The power goes at random while many cases are under way, again and again. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ActionReceipt } from '../../src/api/cases.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { parseEntry, parseLeaf } from '../../src/core/ledger/entry.ts'
import { ChildNetwork } from './child-network.ts'
import { until } from './open-network.ts'
import {
  auditAll,
  isSettled,
  PERMIT_MEMBERS,
  PERMIT_STEPS,
  type PermitStep,
  trySubmit,
  untilSettled,
} from './permit-case.ts'

const DEATHS = 20
const SUBMITS = 200
const CASES_AT_ONCE = 10
/** A life ends within this many external writes. */
const LONGEST_LIFE = 200

test(`killed ${DEATHS} times at random during ${SUBMITS} submits: nothing acknowledged is lost, no case is stuck`, async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 32))
  t.diagnostic(`seed ${seed} (set SEED to repeat the kills' places)`)
  const random = mulberry32(seed)
  const network = new ChildNetwork(mkdtempSync(join(tmpdir(), 'concordat-kills-')), Date.now())
  t.after(async () => {
    await network.stop()
    rmSync(network.folder, { recursive: true })
  })

  let deaths = 0
  let submits = 0
  let up = network.start()
  await up
  const enough = () => deaths >= DEATHS && submits >= SUBMITS

  const kill = async (): Promise<void> => {
    while (deaths < DEATHS) {
      await network.arm({ at: 1 + Math.floor(random() * LONGEST_LIFE), moment: random() < 0.5 ? 'before' : 'after' })
      await network.died()
      deaths++
      up = network.start()
      await up
    }
  }

  const receipts = new Map<string, Map<PermitStep, ActionReceipt>>()
  const playCases = async (worker: number): Promise<void> => {
    for (let round = 0; !enough(); round++) {
      const key = `worker-${worker}-${round}`
      let caseId: string | undefined
      for (const step of PERMIT_STEPS) {
        const receipt = await submitOverDeaths(network, () => up, step, { caseId, key })
        submits++
        caseId = receipt.case
        receipts.set(caseId, (receipts.get(caseId) ?? new Map()).set(step, receipt))
        await until(`the case goes on after ${step}`, async () => {
          await up
          return isSettled(network, caseId!, step).catch(unlessAway)
        })
      }
    }
  }
  await Promise.all([kill(), ...Array.from({ length: CASES_AT_ONCE }, (_, worker) => playCases(worker))])

  for (const [caseId, acknowledged] of receipts) {
    await untilSettled(network, caseId, 'inspect')
    const { records } = await network.client('council').getCase(caseId)
    assert.deepEqual(
      records.map(({ step, record, index }) => [step, record, index]),
      PERMIT_STEPS.map((step) => [step, acknowledged.get(step)!.record, acknowledged.get(step)!.index]),
    )
  }
  for (const id of PERMIT_MEMBERS) assert.equal((await network.client(id).getRegister()).halted, null)
  await network.kill()
  assert.deepEqual(network.bugs, [])
  const leaves = await auditAll(network)
  assert.equal(leaves.filter((leaf) => isAction(leaf)).length, receipts.size * PERMIT_STEPS.length, 'each record once')
  t.diagnostic(`${submits} submits in ${receipts.size} cases, killed ${deaths} times`)
})

async function submitOverDeaths(
  network: ChildNetwork,
  up: () => Promise<void>,
  ...[step, about]: [PermitStep, { caseId: string | undefined; key: string }]
): Promise<ActionReceipt> {
  let receipt: ActionReceipt | undefined
  await until(`there is a receipt of ${step}`, async () => {
    await up()
    receipt = await trySubmit(network, step, about)
    return receipt !== undefined
  })
  return receipt!
}

/** A node that is down says nothing about the case. */
function unlessAway(error: unknown): false {
  if (error instanceof ConcordatError && ['REMOTE_UNREACHABLE', 'REMOTE_FAILED'].includes(error.code)) return false
  throw error
}

function isAction(leaf: string): boolean {
  return parseEntry(parseLeaf(leaf).jws).kind === 'action+sd-jwt'
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
