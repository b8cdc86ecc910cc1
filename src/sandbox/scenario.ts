import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { type JsonObject, type JsonValue, parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'

// A story is a folder with blueprint.json, members.json and scenarios/*.json; examples/README.md documents the three.

const closed = { additionalProperties: false }
const name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })
const text = Type.String({ minLength: 1, maxLength: 2000 })
const fields = Type.Array(Type.String({ pattern: '^[a-z][a-z0-9-]*:(/[A-Za-z0-9_-]+)+$' }))
const data = Type.Unsafe<JsonObject>({ type: 'object' })

const membersSchema = Type.Array(
  Type.Object({ id: name, name: text, voting: Type.Boolean(), operator: Type.Optional(name) }, closed),
  { minItems: 1 },
)

const stepSchema = Type.Object(
  {
    step: name,
    by: name,
    actor: Type.Object(
      {
        kind: Type.Union([
          Type.Literal('person'),
          Type.Literal('helper'),
          Type.Literal('staff'),
          Type.Literal('client'),
        ]),
        name: text,
        signIn: text,
      },
      closed,
    ),
    minutesLater: Type.Optional(Type.Integer({ minimum: 0 })),
    data,
    expect: Type.Object({ next: Type.Array(name), calculated: data }, closed),
  },
  closed,
)

const scenarioSchema = Type.Object(
  {
    name,
    title: text,
    about: text,
    startsAt: Type.String({ pattern: '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$' }),
    members: Type.Record(Type.String(), name),
    steps: Type.Array(stepSchema, { minItems: 1 }),
    expected: Type.Object(
      {
        path: Type.Array(name, { minItems: 1 }),
        ended: Type.Boolean(),
        values: data,
        seen: Type.Record(Type.String(), fields),
      },
      closed,
    ),
  },
  closed,
)

/** An organisation of a story. `operator` (a member's id in the story) is absent where it runs its own node. */
export type StoryMember = Static<typeof membersSchema>[number]

/** `by` is the role that acts; `actor` is the person, helper, staff member or client who acts for it, as RULES 21 records. */
export type ScenarioStep = Static<typeof stepSchema>

/**
 * One run of a story's process. `members` says which member of the story plays each role; `expected.values` is keyed by
 * `/<step>/<pointer>` of the newest record of a step; `expected.seen` lists, per role and per member without a role, the fields
 * `<step>:<pointer>` of other roles' records that were shown to it.
 */
export type Scenario = Static<typeof scenarioSchema>

export interface Story {
  /** A template: roles are `fixed` to no member yet. Untrusted until parsed as a blueprint. */
  blueprint: JsonValue
  members: StoryMember[]
  scenarios: Scenario[]
}

export function parseMembers(value: JsonValue): StoryMember[] {
  const members = checked<StoryMember[]>(membersSchema, value)
  const ids = new Set(members.map((member) => member.id))
  if (ids.size !== members.length) throw invalid('', 'each member once', 'a repeated member id')
  for (const [i, member] of members.entries()) {
    if (member.operator !== undefined && !ids.has(member.operator)) {
      throw invalid(`/${i}/operator`, 'the id of a member of the story', 'another id')
    }
  }
  return members
}

/** Checks the file's form, and that its steps are the expected path and each acting role has a member. */
export function parseScenario(value: JsonValue): Scenario {
  const scenario = checked<Scenario>(scenarioSchema, value)
  if (Number.isNaN(Date.parse(scenario.startsAt))) throw invalid('/startsAt', 'an existing UTC time', 'another text')
  if (scenario.steps.map((step) => step.step).join() !== scenario.expected.path.join()) {
    throw invalid('/expected/path', 'the steps in the order in which they are acted', 'another path')
  }
  for (const [i, step] of scenario.steps.entries()) {
    if (!Object.hasOwn(scenario.members, step.by)) {
      throw invalid(`/steps/${i}/by`, 'a role that a member plays', 'a role without one')
    }
  }
  return scenario
}

/** Reads a story's folder. Scenarios come in the order of their file names. */
export function readStory(folder: string): Story {
  const read = (path: string) => parseJson(readFileSync(join(folder, path)))
  const files = readdirSync(join(folder, 'scenarios'))
    .filter((file) => file.endsWith('.json'))
    .sort()
  return {
    blueprint: read('blueprint.json'),
    members: parseMembers(read('members.json')),
    scenarios: files.map((file) => parseScenario(read(join('scenarios', file)))),
  }
}

/** The time of each step in Unix seconds: `startsAt` plus every `minutesLater` up to it. */
export function timesOf(scenario: Scenario): number[] {
  let time = Date.parse(scenario.startsAt) / 1000
  return scenario.steps.map((step) => {
    time += (step.minutesLater ?? 0) * 60
    return time
  })
}

/** Puts member ids in the place of `{"$member": "<id in the story>"}`, at any depth. */
export function withMemberIds(value: JsonValue, memberIds: Readonly<Record<string, string>>): JsonValue {
  if (Array.isArray(value)) return value.map((item) => withMemberIds(item, memberIds))
  if (value === null || typeof value !== 'object') return value
  if (Object.keys(value).join() === '$member') {
    const { $member } = value
    if (typeof $member !== 'string' || !Object.hasOwn(memberIds, $member)) {
      throw invalid('', 'a $member of the story', 'an unknown one')
    }
    return memberIds[$member]!
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withMemberIds(item, memberIds)]))
}

function checked<T>(schema: Type.TSchema, value: JsonValue): T {
  const [error] = Errors(schema, value)
  if (error !== undefined) {
    throw invalid(error.instancePath, 'what the schema of the file says', `a value that fails ${error.keyword}`)
  }
  return value as T
}

function invalid(at: string, expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'INPUT_INVALID', at, expected, got })
}
