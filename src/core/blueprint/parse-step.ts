import type { JsonValue } from '../canonical-json.ts'
import {
  BLUEPRINT_LIMITS,
  each,
  id,
  ids,
  integer,
  oneOf,
  pointer,
  record,
  shape,
  string,
  text,
  unique,
} from './document-shape.ts'
import { parseForm } from './parse-form.ts'

const REQUIRED = ['id', 'title', 'role', 'subject', 'retention', 'schema', 'disclosures', 'routes']
const OF_FIELDS = ['subjects', 'form', 'calculations', 'bind', 'decision', 'special']
const OF_PROCESS = ['withdrawal', 'join', 'deadline', 'lapse', 'extend', 'confirm', 'dispute']

/** Checks the shape of one step; its id. */
export function parseStep(value: JsonValue, at: string): string {
  const entry = shape(value, at, REQUIRED, [...OF_FIELDS, ...OF_PROCESS])
  text(entry.title, `${at}/title`)
  for (const key of ['role', 'subject', 'retention']) id(entry[key], `${at}/${key}`)
  record(entry.schema, `${at}/schema`, () => undefined)
  each(entry.disclosures, `${at}/disclosures`, BLUEPRINT_LIMITS.listItems, disclosure)
  each(entry.routes, `${at}/routes`, BLUEPRINT_LIMITS.listItems, route)
  for (const [key, parse] of OPTIONAL) if (entry[key] !== undefined) parse(entry[key], `${at}/${key}`)
  return id(entry.id, `${at}/id`)
}

const OPTIONAL: [key: string, parse: (value: JsonValue, at: string) => void][] = [
  ['subjects', subjects],
  ['form', parseForm],
  ['calculations', (value, at) => each(value, at, BLUEPRINT_LIMITS.listItems, calculation)],
  ['bind', (value, at) => each(value, at, BLUEPRINT_LIMITS.roles, bind)],
  ['decision', decision],
  ['special', special],
  ['withdrawal', (value, at) => oneOf(value, at, [true])],
  ['join', join],
  ['deadline', parseDocumentDeadline],
  ['lapse', lapse],
  ['extend', extend],
  ['confirm', confirm],
  ['dispute', dispute],
]

/** The calendar's own consistency (dates in order, offsets within bounds) is checked with the skeleton that carries it. */
export function parseDocumentDeadline(value: JsonValue | undefined, at: string): void {
  const entry = shape(value, at, ['count', 'unit', 'calendar'], [])
  integer(entry.count, `${at}/count`, 1, 100_000)
  oneOf(entry.unit, `${at}/unit`, ['hours', 'days', 'workingDays'])
  if (entry.calendar === null && entry.unit === 'hours') return
  if (typeof entry.calendar === 'string') id(entry.calendar, `${at}/calendar`)
  else shape(entry.calendar, `${at}/calendar`, ['from', 'to', 'weekdays', 'nonWorking', 'offsets'], [])
}

function subjects(value: JsonValue, at: string): void {
  for (const field of record(value, at, id)) pointer(field, at)
}

function calculation(value: JsonValue, at: string): void {
  pointer(shape(value, at, ['field', 'rule'], []).field, `${at}/field`)
}

function bind(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['role', 'field'], [])
  id(entry.role, `${at}/role`)
  pointer(entry.field, `${at}/field`)
}

function decision(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['human', 'explanation'], [])
  oneOf(entry.human, `${at}/human`, [true, false])
  pointer(entry.explanation, `${at}/explanation`)
}

function special(value: JsonValue, at: string): void {
  const fields = record(value, at, (item, place) => {
    const entry = shape(item, place, ['category', 'condition'], [])
    string(entry.category, `${place}/category`, BLUEPRINT_LIMITS.text)
    text(entry.condition, `${place}/condition`)
  })
  for (const field of fields) pointer(field, at)
}

function disclosure(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['to', 'fields', 'purpose', 'basis', 'retention'], ['step', 'condition'])
  id(entry.to, `${at}/to`)
  if (entry.step !== undefined) id(entry.step, `${at}/step`)
  unique(each(entry.fields, `${at}/fields`, BLUEPRINT_LIMITS.listItems, pointer), `${at}/fields`)
  text(entry.purpose, `${at}/purpose`)
  text(entry.basis, `${at}/basis`)
  id(entry.retention, `${at}/retention`)
  if (entry.condition !== undefined) text(entry.condition, `${at}/condition`)
}

function route(value: JsonValue, at: string): void {
  way(value, at, ['when'])
}

function lapse(value: JsonValue, at: string): void {
  way(value, at, [])
}

/** What opens and closes next, by an action or by nobody. */
function way(value: JsonValue, at: string, more: readonly string[]): void {
  const entry = shape(value, at, ['to'], ['closes', 'outcome', ...more])
  ids(entry.to, `${at}/to`)
  if (entry.closes !== undefined) ids(entry.closes, `${at}/closes`)
  if (entry.outcome === undefined) return
  oneOf(shape(entry.outcome, `${at}/outcome`, ['adverse'], []).adverse, `${at}/outcome/adverse`, [true, false])
}

function join(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['mode', 'steps'], ['closes'])
  oneOf(entry.mode, `${at}/mode`, ['all', 'any'])
  ids(entry.steps, `${at}/steps`, 2)
  if (entry.closes !== undefined) ids(entry.closes, `${at}/closes`)
}

function extend(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['role', 'limit'], [])
  id(entry.role, `${at}/role`)
  parseDocumentDeadline(entry.limit, `${at}/limit`)
}

function confirm(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['roles', 'deadline'], ['default'])
  ids(entry.roles, `${at}/roles`, 1)
  parseDocumentDeadline(entry.deadline, `${at}/deadline`)
  if (entry.default !== undefined) oneOf(entry.default, `${at}/default`, ['accept', 'reject'])
}

function dispute(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['window', 'deadline'], ['resolver', 'default'])
  parseDocumentDeadline(entry.window, `${at}/window`)
  parseDocumentDeadline(entry.deadline, `${at}/deadline`)
  if (entry.resolver !== undefined && entry.resolver !== null) id(entry.resolver, `${at}/resolver`)
  if (entry.default !== undefined) oneOf(entry.default, `${at}/default`, ['uphold', 'reject'])
}
