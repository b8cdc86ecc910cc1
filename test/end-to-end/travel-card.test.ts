/** The whole story over real HTTP: path, values and who saw what at every node; then every node's register is audited. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { split } from '../../src/core/blueprint/pointer.ts'
import { findDifferences, type Holdings, readHoldings } from '../../src/sandbox/holdings.ts'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { openNetwork } from '../../src/sandbox/network.ts'
import { type PlayedStep, playScenarios } from '../../src/sandbox/play.ts'
import { readStory, type Scenario, timesOf } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { checkedServers } from '../openapi-check.ts'
import { checkNetwork } from '../whole-register.ts'

const root = join(import.meta.dirname, '..', '..')

test('the travel card over a network of five', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-travel-card-'))
  const story = readStory(join(root, 'examples', 'travel-card'))
  const clock = new StoryClock(Math.min(...story.scenarios.flatMap(timesOf)) - 600)
  const errors: object[] = []
  const { makeServer, assertDocumented } = checkedServers()
  const network = await openNetwork({
    folder,
    openFolder: openMemberFolder,
    story,
    makeClock: () => clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    log: { info() {}, error: (facts) => errors.push(facts) },
    makeServer,
    onProgress() {},
  })
  t.after(async () => {
    await network.stop()
    rmSync(folder, { recursive: true })
    assertDocumented()
  })

  const played = new Map<Scenario, PlayedStep[]>(story.scenarios.map((scenario) => [scenario, []]))
  for await (const step of playScenarios(network, story.scenarios, { clock, run: 'test' })) {
    played.get(step.scenario)!.push(step)
  }

  const held = new Map<string, Holdings>()
  for (const [scenario, steps] of played) {
    await t.test(scenario.name, async () => {
      for (const { step, receipt } of steps) {
        assert.deepEqual(receipt.next.toSorted(), step.expect.next.toSorted(), `what ${step.step} opens`)
        const calculated = Object.fromEntries(split(receipt.calculated))
        assert.deepEqual(calculated, step.expect.calculated, `what ${step.step} calculates`)
      }
      const holdings = await readHoldings(network, { scenario, caseId: steps[0]!.receipt.case, clock })
      assert.deepEqual(findDifferences(scenario, holdings), [])
      held.set(scenario.name, holdings)
    })
  }

  await t.test('anything that is not as the scenario says would have been found', () => {
    const [scenario] = story.scenarios
    const { expected } = scenario!
    const differences = (changed: Partial<Scenario['expected']>) =>
      findDifferences({ ...scenario!, expected: { ...expected, ...changed } }, held.get(scenario!.name)!)
    assert.equal(differences({ ended: false }).length, 4)
    assert.equal(differences({ path: expected.path.slice(1) }).length, 4)
    const { agency = [], bureau = [] } = expected.seen
    assert.deepEqual(differences({ seen: { ...expected.seen, agency: agency.slice(1) } }), [
      `granted: agency sees ${agency[0]}`,
    ])
    assert.deepEqual(differences({ seen: { ...expected.seen, bureau: [...bureau, 'apply:/name/given'] } }), [
      'granted: bureau does not see apply:/name/given',
    ])
    assert.deepEqual(differences({ values: { '/decide/outcome': 'refused' } }), [
      'granted: decide:/outcome is not the expected value',
    ])
    assert.deepEqual(differences({ values: { '/withdraw/reason': 'moved-away' } }), [
      'granted: nobody holds withdraw:/reason',
    ])
  })

  await t.test('every node holds the same register, and an audit of each passes', async () => {
    const audit = await checkNetwork(network.members, network.register)
    const actions = story.scenarios.reduce((sum, { steps }) => sum + steps.length, 0)
    assert.deepEqual(audit.entries, { genesis: 1, member: 5, proposal: 1, approval: 4, 'action+sd-jwt': actions })
    assert.equal(audit.committed, audit.size)
  })

  assert.deepEqual(errors, [], 'what the nodes report')
})
