import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { isDigest } from '../crypto/base64url.ts'
import { digest } from '../crypto/hash.ts'
import { ConcordatError } from '../error.ts'
import type { Deadline } from '../ledger/deadline.ts'

/** Words for people, in English or in several languages; English is what others fall back to. */
export type Text = string | { en: string; gd?: string; cy?: string }

/** A JSON Logic rule of the decimal profile (docs/formats/json-logic.md). */
export type Rule = JsonValue

/** docs/formats/blueprint.md. A Blueprint is the document itself, so its hash is the hash of what was agreed. */
export interface Blueprint {
  format: 'concordat-blueprint/1'
  name: string
  version: string
  title: Text
  /** Why more than one organisation has to share this register. */
  justification: Text
  dpia: { reference: string; date: string }
  roles: Role[]
  persons?: Person[]
  distinct?: [string, string][]
  retention: RetentionClass[]
  threshold: { fraction: [number, number] }
  review: Review | null
  start: string
  steps: Step[]
}

/** A member role is either fixed (to `member`, which a template leaves out) or open to every member admitted for it. */
export interface Role {
  id: string
  title: Text
  kind: 'person' | 'member'
  servedBy?: string[]
  member?: string
  fixed?: true
  open?: true
}

/** A subject who takes no part in the case: a child, a partner (RULES 24). */
interface Person {
  id: string
  title: Text
}

export interface RetentionClass {
  id: string
  years: number
  reason: Text
}

interface Review {
  ask: string[]
  decide: string
  until: Deadline
}

/** A field's name is its RFC 6901 pointer in the step's data (RULES 20). */
export interface Step {
  id: string
  title: Text
  role: string
  /** The role or person that the step's fields are about, unless `subjects` says otherwise for one of them. */
  subject: string
  subjects?: Record<string, string>
  /** The retention class of the signer's own copy. */
  retention: string
  schema: JsonObject
  form?: FormItem[]
  calculations?: Calculation[]
  bind?: Bind[]
  disclosures: Disclosure[]
  routes: Route[]
  withdrawal?: true
  dispute?: Dispute
  decision?: Decision
  special?: Record<string, { category: string; condition: Text }>
}

/** Order and words of a step's page. Fields that are not named follow in the schema's order. */
interface FormItem {
  field: string
  label: Text
  hint?: Text
  options?: Record<string, Text>
}

export interface Calculation {
  field: string
  rule: Rule
}

/** The role is bound to the member whose id the field holds. */
interface Bind {
  role: string
  field: string
}

export interface Disclosure {
  to: string
  /** An earlier step whose fields this step discloses; absent for the step's own. */
  step?: string
  fields: string[]
  purpose: Text
  basis: Text
  retention: string
  /** The condition for processing special-category data. */
  condition?: Text
}

/** The first route whose `when` is true is taken; one without `when` is always true. `to: []` ends this branch. */
export interface Route {
  to: string[]
  when?: Rule
  outcome?: { adverse: boolean }
}

interface Dispute {
  window: Deadline
  resolver?: string | null
  deadline: Deadline
  default?: 'uphold' | 'reject'
}

interface Decision {
  human: boolean
  /** The field that tells the person why. */
  explanation: string
}

const ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const POINTER = /^(\/[A-Za-z][A-Za-z0-9_-]*)+$/
const DATE = /^\d{4}-\d{2}-\d{2}$/

/** Parts of RULES 11 that a document may carry but no node enforces yet; `checkBlueprint` reports them. */
export const FEATURES_NOT_BUILT = ['confirm', 'deadline', 'extend', 'join', 'lapse'] as const

const BLUEPRINT_LIMITS = { bytes: 1_000_000, roles: 32, steps: 100, listItems: 200, text: 4_000 } as const

/**
 * Checks the shape of an untrusted document. That its parts fit together (references, schemas, rules, disclosure) is for
 * `checkBlueprint`; the functions of this folder refuse a reference that leads nowhere with BLUEPRINT_REFERENCE_UNKNOWN.
 */
export function parseBlueprint(value: JsonValue): Blueprint {
  const size = canonicalize(value).length
  if (size > BLUEPRINT_LIMITS.bytes) fail('', `a document of at most ${BLUEPRINT_LIMITS.bytes} characters`, `${size}`)
  const document = shape(
    value,
    '',
    [
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
      'start',
      'steps',
    ],
    ['persons', 'distinct'],
  )
  if (document.format !== 'concordat-blueprint/1') fail('/format', 'concordat-blueprint/1', 'another format')
  id(document.name, '/name')
  if (!/^\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(string(document.version, '/version', 20))) {
    fail('/version', 'three numbers such as 1.0.0', 'another form')
  }
  text(document.title, '/title')
  text(document.justification, '/justification')
  const dpia = shape(document.dpia, '/dpia', ['reference', 'date'], [])
  string(dpia.reference, '/dpia/reference', BLUEPRINT_LIMITS.text)
  if (!DATE.test(string(dpia.date, '/dpia/date', 10))) fail('/dpia/date', 'a date such as 2026-01-31', 'another form')
  unique(each(document.roles, '/roles', BLUEPRINT_LIMITS.roles, role), '/roles')
  unique(each(document.persons ?? [], '/persons', BLUEPRINT_LIMITS.roles, person), '/persons')
  each(document.distinct ?? [], '/distinct', BLUEPRINT_LIMITS.listItems, (pair, at) => {
    if (ids(pair, at).length !== 2) fail(at, 'two roles', 'another number')
  })
  unique(each(document.retention, '/retention', BLUEPRINT_LIMITS.listItems, retentionClass), '/retention')
  fraction(shape(document.threshold, '/threshold', ['fraction'], []).fraction, '/threshold/fraction')
  if (document.review !== null) review(document.review, '/review')
  id(document.start, '/start')
  unique(each(document.steps, '/steps', BLUEPRINT_LIMITS.steps, step), '/steps')
  return value as unknown as Blueprint
}

/** The name of a blueprint's version: SHA-256 of its canonical JSON. Formatting of the file does not change it. */
export function blueprintHash(document: JsonValue | Blueprint): string {
  return digest(canonicalize(document as unknown as JsonValue))
}

export function getStep(blueprint: Blueprint, stepId: string): Step {
  return blueprint.steps.find((step) => step.id === stepId) ?? unknown('/steps', 'step', stepId)
}

export function getRole(blueprint: Blueprint, roleId: string): Role {
  return blueprint.roles.find((role) => role.id === roleId) ?? unknown('/roles', 'role', roleId)
}

export function getRetentionClass(blueprint: Blueprint, classId: string): RetentionClass {
  return blueprint.retention.find((entry) => entry.id === classId) ?? unknown('/retention', 'retention class', classId)
}

/** The register's name of a step: `s1`, `s2` … in document order, so that the register tells nothing about the process (RULES 11). */
export function opaqueStepId(blueprint: Blueprint, stepId: string): string {
  const index = blueprint.steps.findIndex((step) => step.id === stepId)
  if (index < 0) unknown('/steps', 'step', stepId)
  return `s${index + 1}`
}

export function documentStepId(blueprint: Blueprint, opaqueId: string): string {
  const index = blueprint.steps.findIndex((_, place) => `s${place + 1}` === opaqueId)
  return blueprint.steps[index]?.id ?? unknown('/steps', 'step', opaqueId)
}

/** A record's `next` for a set of document step ids: opaque and sorted (RULES 13). */
export function opaqueNext(blueprint: Blueprint, stepIds: readonly string[]): string[] {
  return [...new Set(stepIds)].map((stepId) => opaqueStepId(blueprint, stepId)).sort()
}

/** Words in a language, or in English where the blueprint has none. */
export function textIn(words: Text, language: 'en' | 'gd' | 'cy'): string {
  return typeof words === 'string' ? words : (words[language] ?? words.en)
}

function unknown(at: string, what: string, name: string): never {
  throw new ConcordatError({
    code: 'BLUEPRINT_REFERENCE_UNKNOWN',
    expected: `a ${what} of the blueprint`,
    got: 'a name that it does not have',
    at,
    name: name.slice(0, 64),
  })
}

function fail(at: string, expected: string, got: string): never {
  throw new ConcordatError({ code: 'BLUEPRINT_INVALID', expected, got, at })
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
}

function shape(
  value: JsonValue | undefined,
  at: string,
  required: readonly string[],
  optional: readonly string[],
): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(at, 'an object', kindOf(value))
  for (const key of required) if (!Object.hasOwn(value, key)) fail(`${at}/${key}`, `the key ${key}`, 'nothing')
  for (const key of Object.keys(value)) {
    if (!required.includes(key) && !optional.includes(key)) {
      fail(at, `only the keys ${[...required, ...optional].join(', ')}`, `the key ${JSON.stringify(key.slice(0, 40))}`)
    }
  }
  return value
}

function each<T>(
  value: JsonValue | undefined,
  at: string,
  max: number,
  parse: (item: JsonValue, at: string) => T,
): T[] {
  if (!Array.isArray(value)) fail(at, 'a list', kindOf(value))
  if (value.length > max) fail(at, `at most ${max} items`, `${value.length}`)
  return value.map((item, index) => parse(item, `${at}/${index}`))
}

function unique(names: readonly string[], at: string): void {
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (repeated >= 0) fail(`${at}/${repeated}`, 'an id used once', 'an id used before')
}

function string(value: JsonValue | undefined, at: string, max: number): string {
  if (typeof value !== 'string') fail(at, 'a text', kindOf(value))
  if (value.length > max) fail(at, `at most ${max} characters`, `${value.length}`)
  return value
}

function id(value: JsonValue | undefined, at: string): string {
  if (!ID.test(string(value, at, 64))) fail(at, 'a letter, then letters, digits, - and _ (at most 64)', 'another form')
  return value as string
}

function ids(value: JsonValue | undefined, at: string): string[] {
  const list = each(value, at, BLUEPRINT_LIMITS.listItems, id)
  unique(list, at)
  return list
}

function pointer(value: JsonValue | undefined, at: string): string {
  if (!POINTER.test(string(value, at, 256))) fail(at, 'a field as a pointer such as /address/postcode', 'another form')
  return value as string
}

function text(value: JsonValue | undefined, at: string): void {
  if (typeof value === 'string') {
    string(value, at, BLUEPRINT_LIMITS.text)
    return
  }
  const words = shape(value, at, ['en'], ['gd', 'cy'])
  for (const language of Object.keys(words)) string(words[language], `${at}/${language}`, BLUEPRINT_LIMITS.text)
}

function record(value: JsonValue | undefined, at: string, check: (item: JsonValue, at: string) => void): string[] {
  const entries = shape(value, at, [], Object.keys((value ?? {}) as object))
  const keys = Object.keys(entries)
  if (keys.length > BLUEPRINT_LIMITS.listItems) fail(at, `at most ${BLUEPRINT_LIMITS.listItems} keys`, `${keys.length}`)
  for (const key of keys) check(entries[key]!, `${at}/${key.slice(0, 256).replaceAll('~', '~0').replaceAll('/', '~1')}`)
  return keys
}

function integer(value: JsonValue | undefined, at: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    fail(at, `a whole number from ${min} to ${max}`, typeof value === 'number' ? 'another number' : kindOf(value))
  }
  return value
}

function oneOf(value: JsonValue | undefined, at: string, allowed: readonly (string | boolean)[]): void {
  if (!allowed.includes(value as string)) fail(at, `one of ${allowed.join(', ')}`, kindOf(value))
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

function review(value: JsonValue | undefined, at: string): void {
  const entry = shape(value, at, ['ask', 'decide', 'until'], [])
  ids(entry.ask, `${at}/ask`)
  id(entry.decide, `${at}/decide`)
  deadline(entry.until, `${at}/until`)
}

/** The calendar's own consistency (dates in order, offsets within bounds) is checked with the skeleton that carries it. */
function deadline(value: JsonValue | undefined, at: string): void {
  const entry = shape(value, at, ['count', 'unit', 'calendar'], [])
  integer(entry.count, `${at}/count`, 1, 100_000)
  oneOf(entry.unit, `${at}/unit`, ['hours', 'days', 'workingDays'])
  if (entry.calendar === null && entry.unit === 'hours') return
  shape(entry.calendar, `${at}/calendar`, ['from', 'to', 'weekdays', 'nonWorking', 'offsets'], [])
}

function step(value: JsonValue, at: string): string {
  const entry = shape(
    value,
    at,
    ['id', 'title', 'role', 'subject', 'retention', 'schema', 'disclosures', 'routes'],
    ['subjects', 'form', 'calculations', 'bind', 'withdrawal', 'dispute', 'decision', 'special', ...FEATURES_NOT_BUILT],
  )
  text(entry.title, `${at}/title`)
  for (const key of ['role', 'subject', 'retention']) id(entry[key], `${at}/${key}`)
  if (entry.subjects !== undefined) {
    for (const field of record(entry.subjects, `${at}/subjects`, id)) pointer(field, `${at}/subjects`)
  }
  record(entry.schema, `${at}/schema`, () => undefined)
  each(entry.form ?? [], `${at}/form`, BLUEPRINT_LIMITS.listItems, formItem)
  each(entry.calculations ?? [], `${at}/calculations`, BLUEPRINT_LIMITS.listItems, (item, place) => {
    const calculation = shape(item, place, ['field', 'rule'], [])
    pointer(calculation.field, `${place}/field`)
  })
  each(entry.bind ?? [], `${at}/bind`, BLUEPRINT_LIMITS.roles, (item, place) => {
    const bind = shape(item, place, ['role', 'field'], [])
    id(bind.role, `${place}/role`)
    pointer(bind.field, `${place}/field`)
  })
  each(entry.disclosures, `${at}/disclosures`, BLUEPRINT_LIMITS.listItems, disclosure)
  each(entry.routes, `${at}/routes`, BLUEPRINT_LIMITS.listItems, route)
  if (entry.withdrawal !== undefined) oneOf(entry.withdrawal, `${at}/withdrawal`, [true])
  if (entry.dispute !== undefined) dispute(entry.dispute, `${at}/dispute`)
  if (entry.decision !== undefined) {
    const decision = shape(entry.decision, `${at}/decision`, ['human', 'explanation'], [])
    oneOf(decision.human, `${at}/decision/human`, [true, false])
    pointer(decision.explanation, `${at}/decision/explanation`)
  }
  if (entry.special !== undefined) {
    const fields = record(entry.special, `${at}/special`, (item, place) => {
      const special = shape(item, place, ['category', 'condition'], [])
      string(special.category, `${place}/category`, BLUEPRINT_LIMITS.text)
      text(special.condition, `${place}/condition`)
    })
    for (const field of fields) pointer(field, `${at}/special`)
  }
  return id(entry.id, `${at}/id`)
}

function formItem(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['field', 'label'], ['hint', 'options'])
  pointer(entry.field, `${at}/field`)
  text(entry.label, `${at}/label`)
  if (entry.hint !== undefined) text(entry.hint, `${at}/hint`)
  if (entry.options !== undefined) record(entry.options, `${at}/options`, text)
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
  const entry = shape(value, at, ['to'], ['when', 'outcome'])
  ids(entry.to, `${at}/to`)
  if (entry.outcome === undefined) return
  oneOf(shape(entry.outcome, `${at}/outcome`, ['adverse'], []).adverse, `${at}/outcome/adverse`, [true, false])
}

function dispute(value: JsonValue, at: string): void {
  const entry = shape(value, at, ['window', 'deadline'], ['resolver', 'default'])
  deadline(entry.window, `${at}/window`)
  deadline(entry.deadline, `${at}/deadline`)
  if (entry.resolver !== undefined && entry.resolver !== null) id(entry.resolver, `${at}/resolver`)
  if (entry.default !== undefined) oneOf(entry.default, `${at}/default`, ['uphold', 'reject'])
}
