import { canonicalize, type JsonObject, type JsonValue } from '../canonical-json.ts'
import { digest } from '../crypto/hash.ts'
import { ConcordatError } from '../error.ts'
import type { Calendar, Deadline } from '../ledger/deadline.ts'

export { parseBlueprint } from './parse-blueprint.ts'

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
  /** Calendars that deadlines name instead of repeating them. */
  calendars?: NamedCalendar[]
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

type NamedCalendar = Calendar & { id: string }

/** RULES 15; the calendar is null (hours), the document's own of that id, or written out. */
export type DocumentDeadline = Omit<Deadline, 'calendar'> & { calendar: Calendar | string | null }

/** RULES 18. Once a case has ended, at a step of `request` its role may ask for a record of a step in `of` to be decided anew. */
interface Review {
  of: string[]
  request: string[]
  decide: string
  until: DocumentDeadline
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
  join?: Join
  /** From the leaf time of the opening. */
  deadline?: DocumentDeadline
  lapse?: Lapse
  extend?: { role: string; limit: DocumentDeadline }
  confirm?: Confirm
  dispute?: Dispute
  decision?: Decision
  special?: Record<string, { category: string; condition: Text }>
}

/** Order and words of a step's page. Fields that are not named follow in the schema's order. */
export type FormItem = FormField | FormGroup

/** Asked only if `when`, over the step's own fields, is true. `items` are those of each object of a list. */
export interface FormField {
  field: string
  label: Text
  hint?: Text
  options?: Record<string, Text>
  when?: Rule
  items?: FormItem[]
  control?: Control
}

interface FormGroup {
  group: Text
  items: FormItem[]
  when?: Rule
}

/** A hint for pages; a schema says what is accepted. */
export type Control =
  | 'text-line'
  | 'text-area'
  | 'number'
  | 'date'
  | 'choice'
  | 'checkbox'
  | 'selection'
  | 'file'
  | 'label'
  | 'layout'

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
  /** Steps whose openings, waiting branches and unconfirmed records it closes, before it opens its own. */
  closes?: string[]
  outcome?: { adverse: boolean }
}

/** The step opens when all, or the first, of `steps` have routed to it; any other step's route opens it directly. */
interface Join {
  mode: 'all' | 'any'
  steps: string[]
  closes?: string[]
}

/** The only route once the deadline has passed. */
type Lapse = Omit<Route, 'when'>

/** Roles that countersign before the routes of the step open. */
interface Confirm {
  roles: string[]
  deadline: DocumentDeadline
  default?: 'accept' | 'reject'
}

interface Dispute {
  window: DocumentDeadline
  resolver?: string | null
  deadline: DocumentDeadline
  default?: 'uphold' | 'reject'
}

interface Decision {
  human: boolean
  /** The field that tells the person why. */
  explanation: string
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

/** The deadline as the register carries it: its calendar written out. */
export function resolveDeadline(blueprint: Blueprint, { count, unit, calendar }: DocumentDeadline): Deadline {
  if (typeof calendar !== 'string') return { count, unit, calendar }
  const named = blueprint.calendars?.find((entry) => entry.id === calendar)
  if (!named) return unknown('/calendars', 'calendar', calendar)
  const { id: _, ...rest } = named
  return { count, unit, calendar: rest }
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
