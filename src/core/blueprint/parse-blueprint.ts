import { canonicalize, type JsonValue } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import type { Blueprint } from './blueprint.ts'
import { parseDate } from './dates.ts'
import {
  BLUEPRINT_LIMITS,
  each,
  fail,
  id,
  ids,
  integer,
  kindOf,
  oneOf,
  refuseDeep,
  shape,
  string,
  text,
  unique,
} from './document-shape.ts'
import { parseDocumentDeadline, parseStep } from './parse-step.ts'

const KEYS = [
  'format',
  'name',
  'version',
  'title',
  'justification',
  'dpia',
  'roles',
  'retention',
  'threshold',
  'review',
]

/**
 * Checks the shape of an untrusted document. That its parts fit together (references, schemas, rules, disclosure) is for
 * `checkBlueprint`; the functions of this folder refuse a reference that leads nowhere with BLUEPRINT_REFERENCE_UNKNOWN.
 */
export function parseBlueprint(value: JsonValue): Blueprint {
  refuseDeep(value)
  const size = canonicalize(value).length
  if (size > BLUEPRINT_LIMITS.bytes) fail('', `a document of at most ${BLUEPRINT_LIMITS.bytes} characters`, `${size}`)
  const document = shape(value, '', [...KEYS, 'start', 'steps'], ['persons', 'distinct', 'calendars'])
  if (document.format !== 'concordat-blueprint/1') fail('/format', 'concordat-blueprint/1', 'another format')
  id(document.name, '/name')
  if (!/^\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(string(document.version, '/version', 20))) {
    fail('/version', 'three numbers such as 1.0.0', 'another form')
  }
  text(document.title, '/title')
  text(document.justification, '/justification')
  const dpia = shape(document.dpia, '/dpia', ['reference', 'date'], [])
  string(dpia.reference, '/dpia/reference', BLUEPRINT_LIMITS.text)
  if (!parseDate(string(dpia.date, '/dpia/date', 10))) fail('/dpia/date', 'a date such as 2026-01-31', 'another form')
  unique(each(document.roles, '/roles', BLUEPRINT_LIMITS.roles, role), '/roles')
  if (document.persons !== undefined)
    unique(each(document.persons, '/persons', BLUEPRINT_LIMITS.roles, person), '/persons')
  if (document.distinct !== undefined) each(document.distinct, '/distinct', BLUEPRINT_LIMITS.listItems, pair)
  unique(each(document.retention, '/retention', BLUEPRINT_LIMITS.listItems, retentionClass), '/retention')
  if (document.calendars !== undefined) {
    unique(each(document.calendars, '/calendars', BLUEPRINT_LIMITS.calendars, calendar), '/calendars')
  }
  fraction(shape(document.threshold, '/threshold', ['fraction'], []).fraction, '/threshold/fraction')
  if (document.review !== null) review(document.review, '/review')
  id(document.start, '/start')
  unique(each(document.steps, '/steps', BLUEPRINT_LIMITS.steps, parseStep), '/steps')
  return value as unknown as Blueprint
}

function fraction(value: JsonValue | undefined, at: string): void {
  const parts = each(value, at, 2, (part, place) => integer(part, place, 1, 1_000))
  if (parts.length !== 2 || parts[0]! > parts[1]!) fail(at, 'numerator and denominator, at most 1', 'another fraction')
}

function role(value: JsonValue, at: string): string {
  const entry = shape(value, at, ['id', 'title', 'kind'], ['servedBy', 'member', 'fixed', 'open'])
  text(entry.title, `${at}/title`)
  oneOf(entry.kind, `${at}/kind`, ['person', 'member'])
  if (entry.kind === 'person') {
    shape(value, at, ['id', 'title', 'kind', 'servedBy'], [])
    ids(entry.servedBy, `${at}/servedBy`)
  } else {
    shape(value, at, ['id', 'title', 'kind'], ['member', 'fixed', 'open'])
    if (entry.member !== undefined && !isDigest(entry.member)) {
      fail(`${at}/member`, 'a member id', kindOf(entry.member))
    }
    if (entry.fixed !== undefined) oneOf(entry.fixed, `${at}/fixed`, [true])
    if (entry.open !== undefined) oneOf(entry.open, `${at}/open`, [true])
  }
  return id(entry.id, `${at}/id`)
}

function pair(value: JsonValue, at: string): void {
  if (ids(value, at).length !== 2) fail(at, 'two roles', 'another number')
}

function person(value: JsonValue, at: string): string {
  const entry = shape(value, at, ['id', 'title'], [])
  text(entry.title, `${at}/title`)
  return id(entry.id, `${at}/id`)
}

function retentionClass(value: JsonValue, at: string): string {
  const entry = shape(value, at, ['id', 'years', 'reason'], [])
  integer(entry.years, `${at}/years`, 0, 150)
  text(entry.reason, `${at}/reason`)
  return id(entry.id, `${at}/id`)
}

function calendar(value: JsonValue, at: string): string {
  return id(shape(value, at, ['id', 'from', 'to', 'weekdays', 'nonWorking', 'offsets'], []).id, `${at}/id`)
}

function review(value: JsonValue | undefined, at: string): void {
  const entry = shape(value, at, ['of', 'request', 'decide', 'until'], [])
  ids(entry.of, `${at}/of`, 1)
  ids(entry.request, `${at}/request`, 1)
  id(entry.decide, `${at}/decide`)
  parseDocumentDeadline(entry.until, `${at}/until`)
}
