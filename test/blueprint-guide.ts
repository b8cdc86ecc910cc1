import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBlueprint } from '../src/cli/new-blueprint.ts'
import { type Blueprint, parseBlueprint } from '../src/core/blueprint/blueprint.ts'
import { fixRoles } from '../src/core/blueprint/fix-roles.ts'
import { type JsonObject, type JsonValue, parseJson } from '../src/core/canonical-json.ts'

/** A part of docs/blueprints.md with its examples. */
interface GuideSection {
  title: string
  text: string
  /** The template with the section's parts merged in, its fixed roles given to members. */
  blueprint: Blueprint
  /** Pieces of scenarios: lists of steps, without what a reader need not see. */
  runs: JsonObject[][]
  /** Scenario files. */
  scenarios: JsonObject[]
  /** Step mappings from the template to this document. */
  mappings: Record<string, string>[]
}

const path = join(import.meta.dirname, '../docs/blueprints.md')

export function readGuide(): GuideSection[] {
  const [first = '', ...rest] = readFileSync(path, 'utf8').split(/^## /m)
  return [`Template\n${first}`, ...rest].map((text) => readSection(text))
}

export function guideCommands(): string[][] {
  const blocks = [...readFileSync(path, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  return blocks.flatMap(([, body]) => body!.trim().split('\n')).map((line) => line.split(' '))
}

/** Whom the story's members are on the register: each role's member is called as the role. */
export function guideMembers({ roles }: Blueprint): Record<string, string> {
  return Object.fromEntries(roles.map(({ id }) => [id, memberOf(id)]))
}

function readSection(text: string): GuideSection {
  const examples = [...text.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, body]) => parseJson(Buffer.from(body!)))
  const lists = examples.filter((example) => Array.isArray(example))
  const objects = examples.filter((example) => !Array.isArray(example)) as JsonObject[]
  const parts = objects.filter((object) => !('startsAt' in object) && !('mapping' in object))
  const document = parts.reduce<JsonValue>(
    (into, part) => merge(into, part),
    newBlueprint('parking') as unknown as JsonValue,
  )
  const template = parseBlueprint(document)
  const fixed = template.roles.filter((role) => role.fixed === true).map(({ id }) => [id, memberOf(id)])
  return {
    title: text.slice(0, text.indexOf('\n')),
    text,
    blueprint: fixRoles(template, Object.fromEntries(fixed)),
    runs: lists as JsonObject[][],
    scenarios: objects.filter((object) => 'startsAt' in object),
    mappings: objects.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping as Record<string, string>])),
  }
}

/** Objects key by key, what has an id by its id, disclosures one after the other; anything else takes the place. */
function merge(into: JsonValue | undefined, part: JsonValue, key = ''): JsonValue {
  if (Array.isArray(into) && Array.isArray(part)) {
    if (key === 'disclosures') return [...into, ...part]
    return part.every((item) => idOf(item) !== undefined) ? mergeById(into, part) : part
  }
  if (!isObject(into) || !isObject(part)) return part
  const merged = { ...into }
  for (const [name, value] of Object.entries(part)) merged[name] = merge(into[name], value, name)
  return merged
}

function mergeById(into: JsonValue[], part: JsonValue[]): JsonValue[] {
  const known = into.map(idOf)
  const changed = into.map((item) => {
    const change = part.find((candidate) => idOf(candidate) === idOf(item))
    return change === undefined ? item : merge(item, change)
  })
  return [...changed, ...part.filter((item) => !known.includes(idOf(item)))]
}

function idOf(value: JsonValue): JsonValue | undefined {
  return isObject(value) ? value.id : undefined
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberOf(role: string): string {
  return `${role}${'A'.repeat(43 - role.length)}`
}
