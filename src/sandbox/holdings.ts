import type { CaseView } from '../api/cases.ts'
import { ACTOR_FIELD } from '../core/blueprint/groups.ts'
import type { Scenario } from '../core/blueprint/simulate/scenario.ts'
import { canonicalize, type JsonValue } from '../core/canonical-json.ts'
import { Vault } from '../node/vault.ts'
import type { Network } from './network.ts'
import { entriesOf, waitFor, withoutPart } from './play.ts'
import type { StoryClock } from './story-clock.ts'

/** Values by `<step>:<pointer>`, of the newest record of each step. */
type Fields = ReadonlyMap<string, JsonValue>

/** What the members' nodes hold of a case, opened with their own keys. */
export interface Holdings {
  /** What each member's own API shows of the case; absent for a member that has no part in it. */
  views: ReadonlyMap<string, CaseView>
  /** Fields that others recorded, by role, and by member for those without a role. */
  seen: ReadonlyMap<string, Fields>
  /** Fields that the role itself recorded. */
  own: ReadonlyMap<string, Fields>
  /** How many fields of each record were shown, by the record's id and then as in `seen`. */
  shown: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** Waits until every member has what it is owed of the case, and looks into every node. */
export async function readHoldings(
  network: Network,
  { scenario, caseId, clock }: { scenario: Scenario; caseId: string; clock: StoryClock },
): Promise<Holdings> {
  const views = new Map<string, CaseView>()
  await waitFor(clock, async () => {
    const starter = network.clients.get(scenario.members[scenario.steps[0]!.by]!)!
    const bound = Object.values((await starter.getCase(caseId)).roles)
    for (const [id, client] of network.clients) {
      const view = await client.getCase(caseId).catch(withoutPart)
      if (view !== undefined) views.set(id, view)
      else if (bound.includes(network.memberIds[id]!)) return false
    }
    const sent = [...views.values()].flatMap(({ sharedWith }) => sharedWith)
    return (
      [...views.values()].every((view) => entriesOf(view) === scenario.steps.length) &&
      [...views.values()].every(({ records }) => records.every(({ awaiting }) => !awaiting)) &&
      sent.every(({ state }) => state !== 'due')
    )
  })
  const { records } = [...views.values()][0]!
  const seen = new Map<string, Map<string, JsonValue>>()
  const own = new Map<string, Map<string, JsonValue>>()
  const shown = new Map(records.map(({ record }) => [record, new Map<string, number>()]))
  for (const { id } of network.document.roles) {
    seen.set(id, new Map())
    own.set(id, new Map())
  }
  for (const [id, { storage, custody }] of network.members) {
    if (!Object.values(scenario.members).includes(id)) seen.set(id, new Map())
    const groups = await storage.caseGroups(network.register, caseId)
    for (const [role, held] of Map.groupBy(groups, (group) => group.role)) {
      const opened = await new Vault(custody).fields(held)
      for (const { record, step, as } of records) {
        const kept = as === role ? own : seen
        const place = scenario.members[role] === id ? role : id
        const fields = [...(opened.get(record) ?? [])].filter(([pointer]) => pointer !== ACTOR_FIELD)
        for (const [pointer, value] of fields) fieldsOf(kept, place).set(`${step}:${pointer}`, value)
        if (as !== role && fields.length > 0) shown.get(record)!.set(place, fields.length)
      }
    }
  }
  return { views, seen, own, shown }
}

/** Each way in which a played case is not what its scenario expects, in words. Empty if all is as expected. */
export function findDifferences(scenario: Scenario, { views, seen, own }: Holdings): string[] {
  const differences: string[] = []
  const say = (text: string) => differences.push(`${scenario.name}: ${text}`)
  for (const [id, view] of views) {
    const path = view.records.map(({ step }) => step)
    const acted = scenario.expected.path.filter((step) => !step.includes(':'))
    if (path.join() !== acted.join()) say(`${id} has the path ${path.join(', ')}`)
    if (view.ended !== scenario.expected.ended) say(`${id} has the case ${view.ended ? 'ended' : 'open'}`)
    const disputed = scenario.steps.filter(({ kind }) => kind === 'dispute').length
    if (view.disputes.length !== disputed) say(`${id} has ${view.disputes.length} disputes`)
    for (const { step, verdict } of view.records) {
      if (verdict?.verdict === 'contradicts') say(`${id} finds that ${step} contradicts`)
    }
  }
  for (const [path, value] of Object.entries(scenario.expected.values)) {
    const [, step = '', ...names] = path.split('/')
    const field = `${step}:/${names.join('/')}`
    const held = [...seen.values(), ...own.values()].flatMap((fields) => fields.get(field) ?? [])
    if (held.length === 0) say(`nobody holds ${field}`)
    if (held.some((found) => canonicalize(found) !== canonicalize(value))) say(`${field} is not the expected value`)
  }
  for (const place of new Set([...seen.keys(), ...Object.keys(scenario.expected.seen)])) {
    const expected = scenario.expected.seen[place] ?? []
    const shown = [...(seen.get(place)?.keys() ?? [])]
    for (const field of shown.filter((name) => !expected.includes(name))) say(`${place} sees ${field}`)
    for (const field of expected.filter((name) => !shown.includes(name))) say(`${place} does not see ${field}`)
  }
  for (const [id, view] of views) {
    const shown = new Set(view.records.flatMap(({ step, fields }) => fields.map(({ name }) => `${step}:${name}`)))
    const roles = Object.keys(scenario.members).filter((role) => scenario.members[role] === id)
    const places = roles.length === 0 ? [id] : roles
    const held = new Set(places.flatMap((place) => [...fieldsNamed(seen, place), ...fieldsNamed(own, place)]))
    if (shown.symmetricDifference(held).size > 0) say(`the API of ${id} shows other fields than the node holds`)
  }
  return differences
}

function fieldsNamed(kept: ReadonlyMap<string, Fields>, place: string): string[] {
  return [...(kept.get(place)?.keys() ?? [])]
}

function fieldsOf(kept: Map<string, Map<string, JsonValue>>, place: string): Map<string, JsonValue> {
  const fields = kept.get(place) ?? new Map<string, JsonValue>()
  kept.set(place, fields)
  return fields
}
