import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Http } from '../../src/client/http.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { prepareAction, requestMacs } from '../../src/node/act.ts'
import { Membership, type RegisterSettings } from '../../src/node/membership.ts'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { type Network, openNetwork } from '../../src/sandbox/network.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import type { Submission } from '../../src/storage/storage.ts'
import { checkedServers } from '../openapi-check.ts'
import { sampleData } from '../sample-blueprint.ts'
import { logTo, storyStart, until } from './open-network.ts'
import { permitStory } from './permit-story.ts'

const HOUR_SECONDS = 60 * 60
const CALLER = { kind: 'client', name: 'sandbox' } as const

test('an action that expired unsent is signed anew, for the same case and the same idempotency key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-renewal-'))
  const story = permitStory()
  const clock = new StoryClock(storyStart(story))
  const { makeServer, assertDocumented } = checkedServers()
  const open = () =>
    openNetwork({
      folder,
      openFolder: openMemberFolder,
      story,
      makeClock: () => clock,
      random: (sizeBytes) => randomBytes(sizeBytes),
      log: logTo([]),
      makeServer,
      onProgress: () => {},
    })
  let network = await open()
  try {
    const action = {
      blueprint: network.blueprint,
      role: 'applicant',
      data: sampleData().apply,
      idempotencyKey: 'one-application',
    }
    // As a crash leaves it: signed and stored, and nobody knows of it.
    const stored = await prepareAsCrashed(network, clock, action)
    await network.stop()
    clock.advanceTo(clock.now() + HOUR_SECONDS + 60)

    network = await open()
    const { member } = network.members.get('council')!
    await until('the renewed action is in its case', async () => {
      const view = await network.clients
        .get('council')!
        .getCase(stored.case!)
        .catch(() => undefined)
      return view?.records.length === 1 && view.records[0]!.from === member
    })
    const receipt = await network.clients.get('council')!.startCase(action)
    assert.equal(receipt.case, stored.case)
    assert.notEqual(receipt.record, stored.id)
    const view = await network.clients.get('council')!.getCase(receipt.case)
    assert.deepEqual(
      view.records.map(({ record }) => record),
      [receipt.record],
    )
    const given = Object.keys(action.data as JsonObject)
    assert(given.every((name) => view.records[0]!.fields.some((field) => field.name.startsWith(`/${name}`))))
  } finally {
    await network.stop()
    rmSync(folder, { recursive: true })
  }
  assertDocumented()
})

async function prepareAsCrashed(
  network: Network,
  clock: StoryClock,
  action: { blueprint: string; data: JsonObject; idempotencyKey: string },
): Promise<Submission> {
  const { storage, custody, member } = network.members.get('council')!
  const http = new Http({ timeoutMs: 1_000, allowInternal: true })
  const [known] = await storage.registers()
  const membership = await Membership.open({
    register: network.register,
    settings: known!.settings as unknown as RegisterSettings,
    member,
    storage,
    custody,
    clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    http,
    onError: () => {},
  })
  const { blueprint, data, idempotencyKey } = action
  const request = { case: null, blueprint, step: null, data }
  const macs = await requestMacs(membership.part, idempotencyKey, { action: request })
  const { submission, groups } = await prepareAction(
    membership.part,
    { ...request, idempotencyKey, caller: CALLER },
    macs,
  )
  await storage.saveSubmissions([{ submission, groups }])
  return submission
}
