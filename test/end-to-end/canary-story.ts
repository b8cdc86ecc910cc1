import { getStep, parseBlueprint } from '../../src/core/blueprint/blueprint.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { sha256 } from '../../src/core/crypto/hash.ts'
import type { Story } from '../../src/sandbox/scenario.ts'

export interface CanaryStory {
  story: Story
  /** Every value that no field but those of `fields` has, as its decimal text where it is a number. */
  canaries: Map<string, { scenario: string; step: string; field: string }[]>
  /** `<step>:<field>` of what stays as the story has it, and why. */
  kept: Map<string, string>
}

type Maker = (serial: number) => string

/** Patterns of the stories' schemas, and texts that match them as no real one does. */
const MAKERS: Record<string, Maker> = {
  '^[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}$': (n) =>
    `${letters(n, 2)}7${letters(n + 1000, 1)} ${n % 10}${letters(n + 2000, 2)}`,
  '^[0-9]{1,12}$': (n) => digits(n, 12),
  '^0[0-9 ]{9,14}$': (n) => `0${digits(n, 11)}`,
  '^[A-Z]{2}[0-9]{6}[A-D]$': (n) => `${letters(n, 2)}${digits(n, 6)}B`,
  '^[A-Za-z0-9_-]{43}$': (n) => Buffer.from(sha256(`canary ${n}`)).toString('base64url'),
  '^SMC-[0-9]{4}-[0-9]{6}$': (n) => `SMC-${digits(n, 4)}-${digits(n + 1000, 6)}`,
  '^6335[0-9]{12}$': (n) => `6335${digits(n, 12)}`,
  '^20[0-9]{2}-(0[1-9]|1[0-2])$': (n) => `20${50 + (n % 50)}-0${1 + (n % 9)}`,
}

/**
 * The story with a canary in the place of every free value. Equal values of a scenario stay equal, since rules compare them.
 * Throws where a schema has a pattern for which no canary is known: a new field needs a decision.
 */
export function withCanaries(story: Story): CanaryStory {
  const blueprint = parseBlueprint(story.blueprint)
  const canaries: CanaryStory['canaries'] = new Map()
  const kept: CanaryStory['kept'] = new Map()
  let serial = 0
  const scenarios = story.scenarios.map((scenario) => {
    const renamed = new Map<string, JsonValue>()
    const steps = scenario.steps.map((step) => {
      if (step.kind !== 'action') return step
      const root = getStep(blueprint, step.step).schema as JsonObject
      const change = (value: JsonValue, schema: JsonObject, field: string): JsonValue => {
        const keep = (why: string) => {
          kept.set(`${step.step}:${field}`, why)
          return value
        }
        if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
          if ('$member' in value) return keep('names a member, which the register must show')
          const properties = schema.properties as Record<string, JsonObject>
          return Object.fromEntries(
            Object.entries(value).map(([name, inner]) => [
              name,
              change(inner, resolve(properties[name]!, root), `${field}/${name}`),
            ]),
          )
        }
        if (schema.enum !== undefined || schema.const !== undefined) return keep('one of a few values')
        if (typeof value === 'boolean') return keep('true or false')
        if (typeof value === 'number' && schema.maximum !== undefined) return keep('a number from a small range')
        const put = (canary: JsonValue) => {
          const text = String(canary)
          const place = { scenario: scenario.name, step: step.step, field }
          canaries.set(text, [...(canaries.get(text) ?? []), place])
          renamed.set(JSON.stringify(value), canary)
          return canary
        }
        if (schema.format === 'date') {
          kept.set(`${step.step}:${field}`, 'a date that rules count from: searched for as it is')
          return put(value)
        }
        const before = renamed.get(JSON.stringify(value))
        if (before !== undefined) return put(before)
        serial++
        return put(typeof value === 'number' ? Number(`${digits(serial, 9)}.5`) : textCanary(serial, schema))
      }
      return { ...step, data: change(step.data, root, '') as JsonObject }
    })
    return { ...scenario, steps }
  })
  return { story: { ...story, scenarios }, canaries, kept }
}

/** A text that is nowhere else, with what encodings change: quotes, a space, letters beyond ASCII. */
export function textCanary(serial: number, schema: JsonObject): string {
  const { pattern, format, maxLength } = schema
  if (pattern !== undefined) {
    const make = MAKERS[String(pattern)]
    if (make === undefined) throw new TypeError(`no canary is known for ${pattern}`)
    return make(serial)
  }
  if (format === 'email') return `${letters(serial, 12).toLowerCase()}@example.org`
  if (format === 'decimal') return `${digits(serial, 9)}.37`
  if (format !== undefined) throw new TypeError(`no canary is known for ${format}`)
  const canary = `Q${letters(serial, 9).toLowerCase()} "Ò\\${letters(serial + 1000, 6)}/&`
  return canary.slice(0, Number(maxLength ?? canary.length))
}

function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  if (typeof schema.$ref !== 'string') return schema
  return (root.$defs as Record<string, JsonObject>)[schema.$ref.slice('#/$defs/'.length)]!
}

function digits(serial: number, count: number): string {
  return [...sha256(`digits ${serial}`)]
    .map((byte) => 1 + (byte % 9))
    .join('')
    .slice(0, count)
}

function letters(serial: number, count: number): string {
  return [...sha256(`letters ${serial}`)]
    .map((byte) => String.fromCharCode(65 + (byte % 26)))
    .join('')
    .slice(0, count)
}
