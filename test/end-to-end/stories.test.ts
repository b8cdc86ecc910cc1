/** The stories over real HTTP: path, values and who saw what at every node; then every node's register is audited. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Scenario, timesOf } from '../../src/core/blueprint/simulate/scenario.ts'
import { findDifferences, type Holdings, readHoldings } from '../../src/sandbox/holdings.ts'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { openNetwork } from '../../src/sandbox/network.ts'
import { findUnexpected, type PlayedStep, playScenarios } from '../../src/sandbox/play.ts'
import { readStory, type Story } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { checkedServers } from '../openapi-check.ts'
import { checkNetwork } from '../whole-register.ts'

const root = join(import.meta.dirname, '..', '..')

test('the travel card over a network of five', async (t) => {
  const { story, held } = await playWhole(t, 'travel-card')
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
})

test('the blue badge over a network of seven', async (t) => {
  await playWhole(t, 'blue-badge')
})

/** Plays all scenarios of a story on one network and holds everything against them. */
async function playWhole(t: TestContext, name: string): Promise<{ story: Story; held: Map<string, Holdings> }> {
  const folder = mkdtempSync(join(tmpdir(), `concordat-${name}-`))
  const story = readStory(join(root, 'examples', name))
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
      assert.deepEqual(findUnexpected(steps), [])
      const holdings = await readHoldings(network, { scenario, caseId: steps[0]!.case, clock })
      assert.deepEqual(findDifferences(scenario, holdings), [])
      held.set(scenario.name, holdings)
    })
  }
  await t.test('every node holds the same register, and an audit of each passes', async () => {
    const audit = await checkNetwork(network.members, network.register)
    const kinds = { 'action+sd-jwt': 0, confirm: 0, dispute: 0, resolve: 0, lapse: 0, extend: 0 }
    for (const { kind } of story.scenarios.flatMap(({ steps }) => steps)) {
      kinds[kind === 'action' ? 'action+sd-jwt' : kind] += 1
    }
    const { genesis, member, proposal, approval, ...others } = audit.entries
    assert.deepEqual([genesis, proposal], [1, 1])
    // Each member states a new encryption epoch every month of the story.
    assert.ok((member ?? 0) >= story.members.length)
    assert.ok((approval ?? 0) > 1)
    assert.deepEqual(others, Object.fromEntries(Object.entries(kinds).filter(([, count]) => count > 0)))
    assert.equal(audit.committed, audit.size)
  })
  assert.deepEqual(errors, [], 'what the nodes report')
  return { story, held }
}
