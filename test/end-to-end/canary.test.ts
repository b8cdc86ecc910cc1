/**
 * Unique values in every field that can hold one, and where they turn up: in what a case shows to the members that the blueprint
 * gives them to, and nowhere else. Not in a leaf, a log line, a URL or header, an error, what nodes send one another, or any
 * file of any member, the signer's own included.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { ProcessMemory } from '../../src/client/checkpoint-memory.ts'
import { Client } from '../../src/client/client.ts'
import { Http } from '../../src/client/http.ts'
import { getStep } from '../../src/core/blueprint/blueprint.ts'
import { type Scenario, timesOf } from '../../src/core/blueprint/simulate/scenario.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { digest } from '../../src/core/crypto/hash.ts'
import { ConcordatError } from '../../src/core/error.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'
import { playScenarios, waitFor } from '../../src/sandbox/play.ts'
import { readStory, type Story } from '../../src/sandbox/scenario.ts'
import { StoryClock } from '../../src/sandbox/story-clock.ts'
import { openTestNetwork } from '../faults/open-network.ts'
import { permitStory } from '../faults/permit-story.ts'
import { textCanary, withCanaries } from './canary-story.ts'
import { PROVOKED, provoking } from './provoking-client.ts'
import { TraceFinder } from './trace-finder.ts'
import { keepExchanged, watchHttp } from './watch-http.ts'

const SCOPES = ['register:read', 'register:write', 'cases:read', 'cases:write', 'cases:erase']

const DATE = 'a date that rules count from: searched for as it is'
const CHOICE = 'one of a few values'
const MEMBER = 'names a member, which the register must show'
const FEW = 'a number from a small range'
const BOOLEAN = 'true or false'

interface Told {
  name: string
  story: Story
  /** Fields without a canary of their own: a field that is new in the story must be decided here. */
  kept: Record<string, string>
}

const stories: Told[] = [
  {
    name: 'travel-card',
    story: readStory(join(import.meta.dirname, '../../examples/travel-card')),
    kept: {
      'apply:/dateOfBirth': DATE,
      'apply:/contact/language': CHOICE,
      'apply:/claim/route': CHOICE,
      'apply:/claim/enquiryAuthorised': CHOICE,
      'apply:/card/application': CHOICE,
      'apply:/card/companion': BOOLEAN,
      'apply:/helper/relationship': CHOICE,
      'check-residence:/residence/confirmed': BOOLEAN,
      'check-residence:/residence/from': DATE,
      'check-residence:/cards/replaced': FEW,
      'confirm-award:/found': BOOLEAN,
      'confirm-award:/qualifies': BOOLEAN,
      'confirm-award:/routeCode': CHOICE,
      'confirm-award:/companion': BOOLEAN,
      'confirm-award:/reviewDate': DATE,
      'decide:/outcome': CHOICE,
      'decide:/addressProofSeen': BOOLEAN,
      'more-evidence:/document/kind': CHOICE,
      'more-evidence:/document/issued': DATE,
      'order:/bureau': MEMBER,
      'produce:/result': CHOICE,
      'produce:/on': DATE,
      'produce:/photoDeleted': BOOLEAN,
      'withdraw:/reason': CHOICE,
    },
  },
  {
    // The travel card asks for no number that can be a canary; this one does.
    name: 'permit',
    story: permitWithSeen(),
    kept: {
      'apply:/born': DATE,
      'apply:/people': FEW,
      'assess:/verdict': CHOICE,
      'assess:/inspector': MEMBER,
      'inspect:/passed': CHOICE,
    },
  },
]

for (const { name, story, kept } of stories) {
  test(`canaries in the ${name} story`, async (t) => {
    const planted = withCanaries(story)
    const canaries = [...planted.canaries.keys()]
    const explanation = textCanary(9_001, {})
    const intruder = textCanary(9_002, {})
    const callers = new Map(story.members.map(({ id }, i) => [id, textCanary(9_100 + i, {})]))
    const finder = new TraceFinder([...canaries, explanation, intruder, ...callers.values()])

    const logged: string[] = []
    const exchanged: (string | Buffer)[] = []
    const { heads, requests } = watchHttp(t)
    const clock = new StoryClock(Math.min(...story.scenarios.flatMap(timesOf)) - 600)
    const { network, folder, errors } = await openTestNetwork(t, planted.story, {
      around: (opened) => opened,
      clock,
      onLog: (fields, message) => logged.push(message, JSON.stringify(fields), inspect(fields, { depth: null })),
      onServer: (server) => keepExchanged(server, exchanged),
    })
    const http = new Http({ timeoutMs: 60_000, allowInternal: true })
    t.after(() => http.close())
    const problems: string[] = []
    const clients = new Map<string, Client>()
    for (const [id, member] of network.members) {
      const client = await clientNamed(callers.get(id)!, { network, member, http })
      clients.set(id, provoking(client, { network, member, intruder, problems }))
    }
    const played = { ...network, clients }

    const cases = new Map<Scenario, string>()
    for await (const { scenario, case: caseId } of playScenarios(played, planted.story.scenarios, {
      clock,
      run: 'a',
    })) {
      cases.set(scenario, caseId)
    }
    await raiseDispute(played, planted.story, { clock, explanation })
    for (const [scenario, caseId] of cases) await waitUntilDelivered(clients, scenario, { caseId, clock })

    await t.test('every free value is a canary, and the others are known', () => {
      assert.deepEqual(Object.fromEntries(planted.kept), kept)
      const free = canaries.filter((canary) => !/^\d{4}-\d\d-\d\d$/.test(canary))
      assert(free.length > 5)
      for (const canary of free) {
        const places = planted.canaries.get(canary)!
        assert.equal(new Set(places.map(({ scenario }) => scenario)).size, 1, 'a canary of one scenario')
      }
    })

    await t.test('the search finds each canary in each spelling', () => {
      const noise = 'x'.repeat(50)
      for (const value of [...canaries, ...callers.values()]) {
        const found = (text: string | Buffer) => finder.find(text).some((trace) => trace.value === value)
        const json = JSON.stringify([noise, value])
        assert(found(json), 'JSON')
        assert(found(Buffer.from(value, 'utf16le')), 'UTF-16')
        assert(found(encodeURIComponent(value)), 'percent-encoded')
        assert(found(Buffer.from(value).toString('hex')), 'hex')
        for (const shift of ['', '.', '..']) {
          const inner = Buffer.from(shift + json).toString('base64url')
          assert(found(inner), 'base64url')
          assert(found(Buffer.from(shift + json).toString('base64')), 'base64')
          assert(found(Buffer.from(`${shift}{"_":"${inner}"}`).toString('base64url')), 'base64url in base64url')
        }
      }
      assert.deepEqual(finder.find(JSON.stringify(network.document)), [], 'no canary is a word of the blueprint')
    })

    for (const [scenario, caseId] of cases) {
      await t.test(`${scenario.name}: who saw what`, async () => {
        const views = new Map<string, Map<string, string[]>>()
        for (const [id, client] of clients) views.set(id, await fieldsShown(client, caseId))
        // What a value is the value of, as the member that signed it sees it.
        const owners = new Map<string, Set<string>>()
        for (const step of new Set(scenario.steps.map((one) => one.step))) {
          const { role } = getStep(network.document, step)
          for (const [field, values] of views.get(scenario.members[role]!)!) {
            if (!field.startsWith(`${step}:`)) continue
            for (const value of values) owners.set(value, (owners.get(value) ?? new Set()).add(field))
          }
        }
        const mine = canaries.filter((canary) =>
          planted.canaries.get(canary)!.some((place) => place.scenario === scenario.name),
        )
        for (const canary of mine) assert(owners.has(canary), 'each canary is in the case of its signer')
        for (const [id, view] of views) {
          const shown = new Set([...view.values()].flat())
          const entitled = fieldsOf(network, scenario, id)
          const expected = canaries.filter((canary) =>
            [...(owners.get(canary) ?? [])].some((field) => entitled.has(field)),
          )
          assert.deepEqual(canaries.filter((canary) => shown.has(canary)).toSorted(), expected.toSorted(), id)
        }
      })
    }

    await t.test('in no leaf', async () => {
      for (const [id, { storage }] of network.members) {
        const { size } = (await storage.findHead(network.register))!
        const leaves = await storage.readLeaves(network.register, 0, size)
        assert.equal(leaves.length, size)
        for (const leaf of leaves) {
          assertNone(finder, leaf, `a leaf of ${id}`)
          // What a JWS says is base64url: looked at as it is, and decoded.
          for (const part of leaf.split('.')) assertNone(finder, Buffer.from(part, 'base64url'), `a leaf of ${id}`)
        }
      }
    })

    await t.test('in no log line', () => {
      assert(logged.length > 50)
      for (const line of logged) assertNone(finder, line, 'a log line')
      assert.deepEqual(errors, [], 'nothing went wrong in the background')
    })

    await t.test('in no URL or header, of a request or an answer', () => {
      assert(requests.count > 100)
      for (const head of heads) assertNone(finder, head, 'a URL or header')
    })

    await t.test('in no error', () => {
      const codes = new Set(problems.flatMap((problem) => /"code":"(\w+)"/.exec(problem)?.[1] ?? []))
      for (const code of PROVOKED) assert(codes.has(code), `${code} was provoked`)
      for (const problem of problems) assertNone(finder, problem, 'an error')
    })

    await t.test('in nothing that nodes send one another', () => {
      assert(exchanged.length > 50)
      for (const message of exchanged) assertNone(finder, message, 'a message between nodes')
    })

    const assertFilesClean = () => {
      for (const { name, isFile, path } of filesUnder(folder)) {
        if (!isFile) continue
        // A token's name is kept with it, by the node whose token it is.
        const own = [...callers].flatMap(([id, caller]) => (name.startsWith(`${id}/node.db`) ? [caller] : []))
        assertNone(finder, readFileSync(path), name, own)
      }
    }
    await t.test('in no file of any member while the nodes run', () => {
      const names = filesUnder(folder).map(({ name }) => name)
      for (const id of network.members.keys()) {
        for (const file of ['node.db', 'node.db-wal', 'node.db-shm', 'custody/keys.db']) {
          assert(names.includes(`${id}/${file}`), `${id}/${file} is searched`)
        }
      }
      assertFilesClean()
    })
    await t.test('in no file of any member after they stop', async () => {
      await network.stop()
      assertFilesClean()
    })
  })
}

function permitWithSeen(): Story {
  const story = permitStory()
  const applied = [
    '/born',
    '/health',
    '/income',
    '/name/family',
    '/name/given',
    '/partner/name',
    '/people',
    '/age',
    '/share',
  ]
  const inspected = ['/hours', '/large', '/passed', '/reason']
  const assessed = ['/fee', '/inspector', '/note', '/verdict']
  const at = (step: string, fields: string[]) => fields.map((field) => `${step}:${field}`)
  const seen = {
    applicant: [...at('assess', assessed), ...at('inspect', ['/large', '/passed', '/reason'])],
    council: [...at('apply', applied), ...at('inspect', inspected)],
    inspector: at('apply', ['/name/given', '/name/family', '/people']),
    registry: [...at('apply', ['/share']), ...at('assess', ['/fee', '/inspector', '/verdict'])],
  }
  return {
    ...story,
    scenarios: story.scenarios.map((scenario) => ({ ...scenario, expected: { ...scenario.expected, seen } })),
  }
}

/** `<step>:<field>` that a member may see: of its own roles' steps all, of others what the story says. */
function fieldsOf(network: Network, scenario: Scenario, member: string): { has(field: string): boolean } {
  const roles = Object.entries(scenario.members).flatMap(([role, player]) => (player === member ? [role] : []))
  const seen = new Set(roles.flatMap((role) => scenario.expected.seen[role] ?? []))
  return {
    has: (field) => seen.has(field) || roles.includes(getStep(network.document, field.split(':')[0]!).role),
  }
}

/** By `<step>:<field>`, all values that it had. Nothing of a case in which the member has no role. */
async function fieldsShown(client: Client, caseId: string): Promise<Map<string, string[]>> {
  const shown = new Map<string, string[]>()
  const view = await client.getCase(caseId).catch((error: unknown) => {
    if (error instanceof ConcordatError && error.code === 'CASE_UNKNOWN') return { records: [] }
    throw error
  })
  for (const { step, fields } of view.records) {
    for (const { name, value } of fields) {
      const field = `${step}:${name}`
      shown.set(field, [...(shown.get(field) ?? []), String(value)])
    }
  }
  return shown
}

async function clientNamed(
  name: string,
  { network, member, http }: { network: Network; member: MemberNode; http: Http },
): Promise<Client> {
  const token = toBase64url(crypto.getRandomValues(new Uint8Array(32)))
  await member.storage.saveToken({ hash: digest(token), member: member.member, name, scopes: SCOPES })
  const { address } = member
  return new Client({
    http,
    address,
    token,
    register: network.register,
    checks: nodeChecks,
    memory: new ProcessMemory(),
  })
}

/** The first case again, until there is a record of another member that may be disputed. */
async function raiseDispute(
  network: Network,
  story: Story,
  { clock, explanation }: { clock: StoryClock; explanation: string },
): Promise<void> {
  const [first] = story.scenarios
  const scenario = { ...first!, name: 'disputed', steps: first!.steps.slice(0, first!.name === 'permit' ? 2 : 3) }
  let caseId = ''
  for await (const step of playScenarios(network, [scenario], { clock, run: 'b' })) caseId = step.case
  const [member, role] =
    first!.name === 'permit' ? (['registry', 'registry'] as const) : (['council', 'council'] as const)
  const client = network.clients.get(member)!
  await waitFor(clock, async () => (await client.getCase(caseId)).records.every(({ awaiting }) => !awaiting))
  const { record } = (await client.getCase(caseId)).records.at(-1)!
  await client.raiseDispute({ case: caseId, record, role, reason: 'other', explanation, idempotencyKey: 'dispute' })
  await waitFor(clock, async () => (await client.getCase(caseId)).sharedWith.every(({ state }) => state !== 'due'))
}

async function waitUntilDelivered(
  clients: ReadonlyMap<string, Client>,
  scenario: Scenario,
  { caseId, clock }: { caseId: string; clock: StoryClock },
): Promise<void> {
  for (const id of new Set(Object.values(scenario.members))) {
    const client = clients.get(id)!
    if (!(await client.listCases(1_000)).some((one) => one.case === caseId)) continue
    await waitFor(clock, async () => {
      const view = await client.getCase(caseId)
      return view.records.every(({ awaiting }) => !awaiting) && view.sharedWith.every(({ state }) => state !== 'due')
    })
  }
}

function assertNone(finder: TraceFinder, text: string | Uint8Array, place: string, except: string[] = []): void {
  const trace = finder.find(text).find(({ value }) => !except.includes(value))
  assert.equal(trace, undefined, `${trace?.value} in ${place}, as ${trace?.spelling}`)
}

function filesUnder(folder: string): { name: string; path: string; isFile: boolean }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    return { name: path.slice(folder.length + 1).replaceAll('\\', '/'), path, isFile: entry.isFile() }
  })
}
