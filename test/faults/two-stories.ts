import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { ActionReceipt } from '../../src/api/cases.ts'
import type { Client } from '../../src/client/client.ts'
import { parseBlueprint } from '../../src/core/blueprint/blueprint.ts'
import { type Scenario, timesOf, withMemberIds } from '../../src/core/blueprint/simulate/scenario.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { openMemberFolder } from '../../src/sandbox/member-node.ts'
import { agreeBlueprint, type Network, openNetwork } from '../../src/sandbox/network.ts'
import { readStory, type Story } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { orAway, until } from './open-network.ts'

/** Who of the travel card's five plays each organisation of the Blue Badge: its seven roles allow it. */
const PLAYED_BY: Record<string, string> = {
  council: 'council',
  agency: 'agency',
  assessor: 'bureau',
  'badge-register': 'transport',
  parking: 'transport',
  'review-panel': 'transport',
}

/** A scenario of actions alone, none of which waits for a date, on the register of the five. */
export interface Tale {
  name: string
  blueprint: string
  scenario: Scenario
  memberIds: Readonly<Record<string, string>>
  /** Steps that ask for a review: nothing says that they are due. */
  requests: readonly string[]
}

/** The five members' register with both stories' blueprints agreed, and stopped. */
export async function openTwoStories(folder: string): Promise<{ network: Network; clock: StoryClock; tales: Tale[] }> {
  const travelCard = readExample('travel-card')
  const blueBadge = onFive(readExample('blue-badge'))
  const granted = scenarioOf(travelCard, 'granted')
  const secondBadge = scenarioOf(blueBadge, 'second-badge')
  const clock = new StoryClock(Math.max(...timesOf(granted), ...timesOf(secondBadge)))
  const network = await openNetwork({
    folder,
    openFolder: openMemberFolder,
    story: travelCard,
    makeClock: () => clock,
    random: (sizeBytes) => randomBytes(sizeBytes),
    log: { info() {}, error() {} },
    onProgress() {},
  })
  const { register, members, memberIds } = network
  const agreed = await agreeBlueprint(blueBadge, members, register, () => {})
  await network.stop()
  const played = Object.fromEntries(Object.entries(PLAYED_BY).map(([id, by]) => [id, memberIds[by]!]))
  const tale = (story: Story, scenario: Scenario, blueprint: string, ids: Record<string, string>): Tale => ({
    name: scenario.name,
    blueprint,
    scenario,
    memberIds: ids,
    requests: parseBlueprint(story.blueprint).review?.request ?? [],
  })
  return {
    network,
    clock,
    tales: [
      tale(travelCard, granted, network.blueprint, { ...memberIds }),
      tale(blueBadge, secondBadge, agreed, { ...memberIds, ...played }),
    ],
  }
}

function readExample(name: string): Story {
  return readStory(join(import.meta.dirname, '..', '..', 'examples', name))
}

function onFive(story: Story): Story {
  const scenarios = story.scenarios.map((scenario) => ({
    ...scenario,
    members: Object.fromEntries(Object.entries(scenario.members).map(([role, id]) => [role, PLAYED_BY[id] ?? id])),
  }))
  return { ...story, scenarios }
}

function scenarioOf(story: Story, name: string): Scenario {
  return story.scenarios.find((scenario) => scenario.name === name)!
}

/** Plays a case to its end over whatever happens to the nodes: each step comes again, with its own key, until there is a receipt. */
export async function playTale(
  clients: ReadonlyMap<string, Client>,
  { scenario, blueprint, memberIds, requests }: Tale,
  { key, onReceipt }: { key: string; onReceipt: (receipt: ActionReceipt) => void },
): Promise<void> {
  let caseId: string | undefined
  for (const [place, act] of scenario.steps.entries()) {
    if (act.kind !== 'action') throw new TypeError('nothing but actions is played')
    const { step, by } = act
    const client = clients.get(scenario.members[by]!)!
    const data = withMemberIds(act.data, memberIds) as JsonObject
    const idempotencyKey = `${key}-${place}`
    const inCase = caseId
    if (inCase !== undefined && !requests.includes(step)) {
      await until(`${step} is due in ${key}`, async () => {
        const items = await orAway(client.listInbox(1_000))
        return (
          items?.some((item) => item.kind === 'act' && item.case === inCase && item.step === step && item.ready) ??
          false
        )
      })
    }
    let receipt: ActionReceipt | undefined
    await until(`${step} has a receipt in ${key}`, async () => {
      receipt = await orAway(
        inCase === undefined
          ? client.startCase({ blueprint, role: by, data, idempotencyKey })
          : client.submitAction({ case: inCase, step, data, idempotencyKey }),
      )
      return receipt !== undefined
    })
    onReceipt(receipt!)
    caseId = receipt!.case
  }
}
