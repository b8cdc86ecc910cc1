import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { parseScenario, type Scenario } from '../core/blueprint/simulate/scenario.ts'
import { type JsonValue, parseJson } from '../core/canonical-json.ts'
import { ConcordatError } from '../core/error.ts'

// A story is a folder with blueprint.json, members.json and scenarios/*.json; examples/README.md documents the three.

const closed = { additionalProperties: false }
const name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })
const text = Type.String({ minLength: 1, maxLength: 2000 })

const membersSchema = Type.Array(
  Type.Object({ id: name, name: text, voting: Type.Boolean(), operator: Type.Optional(name) }, closed),
  { minItems: 1 },
)

/** An organisation of a story. `operator` (a member's id in the story) is absent where it runs its own node. */
export type StoryMember = Static<typeof membersSchema>[number]

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
