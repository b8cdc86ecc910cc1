import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import { ConcordatError } from '../../error.ts'
import type { DisputeOutcome } from '../../ledger/case-claims.ts'
import { Shape } from '../../ledger/shape.ts'

/** Who acts for the role, as RULES 21 records. */
interface Actor {
  kind: 'person' | 'helper' | 'staff' | 'client'
  name: string
  signIn: string
}

/** `step` is the step that the entry is about; `by` the role that enters it. */
interface Entered {
  step: string
  by: string
  /** After the step before. */
  minutesLater: number
}

type Opens = { next: string[] }

export interface ActionStep extends Entered {
  kind: 'action'
  actor: Actor
  data: JsonObject
  /** It takes the place of the step's newest record, which is in dispute. */
  corrects: boolean
  expect: { next: string[]; calculated: JsonObject }
}

export type ScenarioStep =
  | ActionStep
  | (Entered & { kind: 'confirm'; actor: Actor; accept: boolean; expect: Opens })
  | (Entered & {
      kind: 'dispute'
      actor: Actor
      reason: DisputeReason
      explanation: string
      expect: { waits: string[] }
    })
  | (Entered & { kind: 'resolve'; actor: Actor; outcome: DisputeOutcome; expect: Opens })
  | (Entered & { kind: 'lapse'; of: 'opening' | 'confirm' | 'dispute'; expect: Opens })
  | (Entered & { kind: 'extend'; actor: Actor; until: number })

type DisputeReason = 'contradicts' | 'undelivered' | 'other'

/**
 * One run of a process. `members` says which member of the story plays each role; `expected.values` is keyed by
 * `/<step>/<pointer>` of the newest record of a step; `expected.seen` lists, per role and per member without a role, the fields
 * `<step>:<pointer>` of other roles' records that were shown to it.
 */
export interface Scenario {
  name: string
  title: string
  about: string
  /** A UTC time. */
  startsAt: string
  members: { [role: string]: string }
  steps: ScenarioStep[]
  expected: { path: string[]; ended: boolean; values: JsonObject; seen: { [who: string]: string[] } }
}

const shape = new Shape('INPUT_INVALID')

const STEP_KINDS = ['step', 'confirm', 'dispute', 'resolve', 'lapse', 'extend'] as const
const NAME = /^[a-z][a-z0-9-]{0,63}$/
const SEEN_FIELD = /^[A-Za-z][A-Za-z0-9_-]*:(\/[A-Za-z0-9_-]+)+$/
const UTC_TIME = /^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/
const MAX_TEXT = 2_000
const MAX_STEPS = 1_000
const MAX_LISTED = 10_000
const MAX_MINUTES = 10_000_000

/** Checks the file's form (examples/README.md), and that its steps are the expected path and each acting role has a member. */
export function parseScenario(value: JsonValue): Scenario {
  const file = members(value, '', ['name', 'title', 'about', 'startsAt', 'members', 'steps', 'expected'])
  const scenario: Scenario = {
    name: name(file.name, '/name'),
    title: shape.text(file.title, '/title', MAX_TEXT),
    about: shape.text(file.about, '/about', MAX_TEXT),
    startsAt: utcTime(file.startsAt, '/startsAt'),
    members: byName(file.members, '/members', name),
    steps: shape.array(file.steps, '/steps', 1, MAX_STEPS).map((step, i) => parseStep(step, `/steps/${i}`)),
    expected: parseExpected(file.expected),
  }
  if (scenario.steps.map(pathOf).join() !== scenario.expected.path.join()) {
    shape.fail('/expected/path', 'the steps in the order in which they are entered', 'another path')
  }
  for (const [i, step] of scenario.steps.entries()) {
    if (Object.hasOwn(scenario.members, step.by)) continue
    shape.fail(`/steps/${i}/by`, 'a role that a member plays', 'a role without one')
  }
  return scenario
}

/** A step as `expected.path` names it: an action by its step alone. */
export function pathOf({ kind, step }: { kind: ScenarioStep['kind']; step: string }): string {
  return kind === 'action' ? step : `${kind}:${step}`
}

/** The time of each step in Unix seconds: `startsAt` plus every `minutesLater` up to it. */
export function timesOf(scenario: Scenario): number[] {
  let time = Date.parse(scenario.startsAt) / 1000
  return scenario.steps.map((step) => {
    time += step.minutesLater * 60
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
      return shape.fail('', 'a $member of the story', 'an unknown one')
    }
    return memberIds[$member]!
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withMemberIds(item, memberIds)]))
}

function parseStep(value: JsonValue, at: string): ScenarioStep {
  const object = shape.anyObject(value, at)
  const kinds = STEP_KINDS.filter((kind) => Object.hasOwn(object, kind))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) {
    return shape.fail(at, `exactly one of ${STEP_KINDS.join(', ')}`, kind === undefined ? 'none' : 'several')
  }
  const entered = {
    step: shape.name(object[kind], `${at}/${kind}`),
    by: shape.name(object.by, `${at}/by`),
    minutesLater:
      object.minutesLater === undefined ? 0 : shape.integer(object.minutesLater, `${at}/minutesLater`, 0, MAX_MINUTES),
  }
  const keys = [kind, 'by', ...OWN_KEYS[kind]]
  members(value, at, keys, ['minutesLater', ...(OPTIONAL_KEYS[kind] ?? [])])
  return PARSE_STEP[kind](object, at, entered)
}

const OWN_KEYS: { [K in (typeof STEP_KINDS)[number]]: string[] } = {
  step: ['actor', 'data', 'expect'],
  confirm: ['actor', 'accept', 'expect'],
  dispute: ['actor', 'reason', 'explanation', 'expect'],
  resolve: ['actor', 'outcome', 'expect'],
  lapse: ['expect'],
  extend: ['actor', 'until', 'expect'],
}

const OPTIONAL_KEYS: { [K in (typeof STEP_KINDS)[number]]?: string[] } = { step: ['corrects'], lapse: ['of'] }

const PARSE_STEP: {
  [K in (typeof STEP_KINDS)[number]]: (object: JsonObject, at: string, entered: Entered) => ScenarioStep
} = {
  step: (object, at, entered) => {
    const expect = members(object.expect, `${at}/expect`, ['next', 'calculated'])
    return {
      kind: 'action',
      ...entered,
      actor: parseActor(object.actor, `${at}/actor`),
      data: shape.anyObject(object.data, `${at}/data`),
      corrects: object.corrects !== undefined && shape.boolean(object.corrects, `${at}/corrects`),
      expect: {
        next: names(expect.next, `${at}/expect/next`),
        calculated: shape.anyObject(expect.calculated, `${at}/expect/calculated`),
      },
    }
  },
  confirm: (object, at, entered) => ({
    kind: 'confirm',
    ...entered,
    actor: parseActor(object.actor, `${at}/actor`),
    accept: shape.boolean(object.accept, `${at}/accept`),
    expect: parseOpens(object.expect, `${at}/expect`),
  }),
  dispute: (object, at, entered) => ({
    kind: 'dispute',
    ...entered,
    actor: parseActor(object.actor, `${at}/actor`),
    reason: shape.oneOf(object.reason, `${at}/reason`, ['contradicts', 'undelivered', 'other']),
    explanation: shape.text(object.explanation, `${at}/explanation`, MAX_TEXT),
    expect: { waits: names(members(object.expect, `${at}/expect`, ['waits']).waits, `${at}/expect/waits`) },
  }),
  resolve: (object, at, entered) => ({
    kind: 'resolve',
    ...entered,
    actor: parseActor(object.actor, `${at}/actor`),
    outcome: shape.oneOf(object.outcome, `${at}/outcome`, ['withdrawn', 'settled', 'upheld', 'rejected']),
    expect: parseOpens(object.expect, `${at}/expect`),
  }),
  lapse: (object, at, entered) => ({
    kind: 'lapse',
    ...entered,
    of: object.of === undefined ? 'opening' : shape.oneOf(object.of, `${at}/of`, ['confirm', 'dispute']),
    expect: parseOpens(object.expect, `${at}/expect`),
  }),
  extend: (object, at, entered) => {
    members(object.expect, `${at}/expect`, [])
    return {
      kind: 'extend',
      ...entered,
      actor: parseActor(object.actor, `${at}/actor`),
      until: Date.parse(utcTime(object.until, `${at}/until`)) / 1000,
    }
  },
}

function parseActor(value: JsonValue | undefined, at: string): Actor {
  const actor = members(value, at, ['kind', 'name', 'signIn'])
  return {
    kind: shape.oneOf(actor.kind, `${at}/kind`, ['person', 'helper', 'staff', 'client']),
    name: shape.text(actor.name, `${at}/name`, MAX_TEXT),
    signIn: shape.text(actor.signIn, `${at}/signIn`, MAX_TEXT),
  }
}

function parseOpens(value: JsonValue | undefined, at: string): Opens {
  return { next: names(members(value, at, ['next']).next, `${at}/next`) }
}

function parseExpected(value: JsonValue | undefined): Scenario['expected'] {
  const expected = members(value, '/expected', ['path', 'ended', 'values', 'seen'])
  const pathStep = (item: JsonValue | undefined, at: string) => {
    return shape.matching(item, at, /^([a-z]+:)?[A-Za-z][A-Za-z0-9_-]{0,63}$/, 80, 'a step of the path')
  }
  return {
    path: list(expected.path, '/expected/path', pathStep),
    ended: shape.boolean(expected.ended, '/expected/ended'),
    values: shape.anyObject(expected.values, '/expected/values'),
    seen: byName(expected.seen, '/expected/seen', (fields, at) =>
      list(fields, at, (field, place) => shape.matching(field, place, SEEN_FIELD, 400, 'a field as <step>:<pointer>')),
    ),
  }
}

function name(value: JsonValue | undefined, at: string): string {
  return shape.matching(value, at, NAME, 64, 'a name of small letters, digits and -')
}

function names(value: JsonValue | undefined, at: string): string[] {
  return list(value, at, (item, place) => shape.name(item, place))
}

function list<T>(value: JsonValue | undefined, at: string, parse: (item: JsonValue, at: string) => T): T[] {
  return shape.array(value, at, 0, MAX_LISTED).map((item, i) => parse(item, `${at}/${i}`))
}

function byName<T>(
  value: JsonValue | undefined,
  at: string,
  parse: (item: JsonValue, at: string) => T,
): { [name: string]: T } {
  return Object.fromEntries(
    Object.entries(shape.anyObject(value, at)).map(([key, item]) => {
      shape.name(key, at)
      return [key, parse(item, `${at}/${key}`)]
    }),
  )
}

function utcTime(value: JsonValue | undefined, at: string): string {
  const text = shape.matching(value, at, UTC_TIME, 20, 'a UTC time such as 2026-11-02T09:05:00Z')
  return Number.isNaN(Date.parse(text)) ? shape.fail(at, 'an existing UTC time', 'another text') : text
}

/** An object with these members; the first one that is missing or unknown is named in the refusal. */
function members(
  value: JsonValue | undefined,
  at: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = shape.anyObject(value, at)
  const unknown = Object.keys(object).find((key) => !required.includes(key) && !optional.includes(key))
  const wrong = unknown ?? required.find((key) => !Object.hasOwn(object, key))
  if (wrong === undefined) return object
  throw new ConcordatError({
    code: 'INPUT_INVALID',
    at: `${at}/${wrong.slice(0, 64)}`,
    expected: unknown === undefined ? 'a value' : `only ${[...required, ...optional].join(', ')}`,
    got: unknown === undefined ? 'nothing' : 'another key',
  })
}
