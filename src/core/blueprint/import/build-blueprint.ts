import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import {
  type Blueprint,
  type Disclosure,
  type FormItem,
  parseBlueprint,
  type Role,
  type Route,
  type Step,
} from '../blueprint.ts'
import { addRejection, declareCalculations, draftSteps, type RejectionFields } from './draft-process.ts'
import { type DraftStep, fieldsAt } from './draft-step.ts'
import type { Loss, Losses } from './losses.ts'
import { uniqueId } from './names.ts'
import { below } from './read-source.ts'
import type { SourceProcess } from './source-process.ts'
import { forksOf, meetingsOf, StepOrder, sistersOf } from './step-order.ts'
import { translateCalculations } from './translate-calculation.ts'
import { disclose, translateDisclosures } from './translate-disclosure.ts'
import { translateForm } from './translate-form.ts'
import { RuleTranslator } from './translate-rule.ts'

export interface Imported {
  blueprint: Blueprint
  losses: Loss[]
  /** By the source's action ids. */
  steps: Record<string, string>
  /** By the source's participant ids. */
  roles: Record<string, string>
}

const RETENTION = 'to-be-decided'
const MAX_TITLE = 4_000
const REDO = 'TO BE WRITTEN'

/** The source's process in Concordat's words. What the source does not say is a text that asks for it, and listed. */
export function buildBlueprint(source: SourceProcess, losses: Losses): Imported {
  const roleIds = new Set<string>()
  const roles = new Map(source.participants.map(({ id }) => [id, uniqueId(id, 'role', roleIds)]))
  const drafts = draftSteps(source, roles, losses)
  const targets = drafts.map(({ source }) => [
    ...source.routes.map(({ to }) => to),
    ...(source.rejection?.target === undefined ? [] : [[source.rejection.target]]),
  ])
  const order = new StepOrder(targets, source.start)
  const translator = new RuleTranslator(drafts, order, losses)
  for (const draft of drafts) {
    declareCalculations(draft, translator, losses)
    for (const { when, at } of draft.source.routes) if (when !== undefined) translator.addUndeclared(draft, when, at)
  }
  const rejections = drafts.map((draft) => addRejection(draft, losses))
  translateDisclosures(drafts, (participant) => roles.get(participant)!, order, losses)
  for (const [i, fields] of rejections.entries())
    if (fields) discloseRejection(drafts, drafts[i]!, fields, source.start)
  const forks = forksOf(
    drafts.map(({ source }) => source.routes.map(({ to }) => to)),
    order,
  )
  const meetings = meetingsOf(forks, order)
  const subject = drafts[source.start]!.role
  const steps = drafts.map((draft, i): Step => {
    const calculations = translateCalculations(draft, translator, losses)
    const routes = routesOf(drafts, draft, translator, losses)
    const rejection = rejections[i]
    if (rejection) routes.unshift(rejectionRoute(drafts, draft, rejection, sistersOf(i, forks)))
    const form = withRejection(translateForm(draft, losses), draft, rejection)
    const join = joinOf(drafts, draft, meetings, losses)
    return {
      id: draft.id,
      title: shortened(draft.source.title, below(draft.source.at, 'title'), losses),
      role: draft.role,
      subject,
      retention: RETENTION,
      schema: draft.schema,
      ...(form ? { form } : {}),
      ...(calculations.length > 0 ? { calculations } : {}),
      disclosures: disclosuresOf(source, draft, roles),
      routes,
      ...(join ? { join } : {}),
    }
  })
  reportAssumptions(source, steps, losses)
  const document: Blueprint = {
    format: 'concordat-blueprint/1',
    name: uniqueId(source.id, 'imported', new Set()),
    version: `${source.version}.0.0`,
    title: shortened(source.title, '/title', losses),
    justification: `${REDO}: why more than one organisation has to share this register`,
    dpia: { reference: `${REDO}: the data protection impact assessment`, date: '1970-01-01' },
    roles: source.participants.map((participant): Role => {
      const title = participant.organisation ? `${participant.name}, ${participant.organisation}` : participant.name
      return {
        id: roles.get(participant.id)!,
        title: shortened(title, below(participant.at, 'name'), losses),
        kind: 'member',
        fixed: true,
      }
    }),
    retention: [{ id: RETENTION, years: 1, reason: `${REDO}: how long each kind of field is kept, and why` }],
    threshold: { fraction: [1, 1] },
    review: null,
    start: drafts[source.start]!.id,
    steps,
  }
  return {
    blueprint: parseBlueprint(document as unknown as JsonValue),
    losses: losses.list(),
    steps: Object.fromEntries(drafts.map(({ source, id }) => [String(source.id), id])),
    roles: Object.fromEntries(roles),
  }
}

function routesOf(drafts: readonly DraftStep[], draft: DraftStep, translator: RuleTranslator, losses: Losses): Route[] {
  return draft.source.routes.flatMap(({ at, to, when }): Route[] => {
    const opens = to.map((index) => drafts[index]!.id)
    if (when === undefined) return [{ to: opens }]
    const result = translator.translate(when, { step: draft, at, unset: new Set() })
    if ('rule' in result) return [{ to: opens, when: result.rule }]
    losses.add('ROUTE_DROPPED', at, `a route of ${draft.id}`, result.refused)
    return []
  })
}

/** Whoever takes the case on is told, as everybody is in the source: there the reason stands in clear on the register. */
function discloseRejection(
  drafts: readonly DraftStep[],
  draft: DraftStep,
  fields: RejectionFields,
  start: number,
): void {
  const next = drafts[draft.source.rejection?.target ?? start]!
  disclose(draft, next.role, draft, [fields.rejected, fields.reason])
}

function rejectionRoute(
  drafts: readonly DraftStep[],
  draft: DraftStep,
  fields: RejectionFields,
  closed: number[],
): Route {
  const { target } = draft.source.rejection!
  return {
    to: target === undefined ? [] : [drafts[target]!.id],
    when: isRejected(draft, fields),
    ...(closed.length > 0 ? { closes: closed.map((index) => drafts[index]!.id) } : {}),
  }
}

function isRejected(draft: DraftStep, { rejected }: RejectionFields): JsonObject {
  return { var: [`${draft.id}.${rejected.slice(1)}`, false] }
}

function withRejection(
  form: FormItem[] | undefined,
  draft: DraftStep,
  fields: RejectionFields | undefined,
): FormItem[] | undefined {
  if (form === undefined || fields === undefined) return form
  return [
    ...form,
    { field: fields.rejected, label: 'Rejected', control: 'checkbox' },
    { field: fields.reason, label: 'Reason for the rejection', control: 'text-area', when: isRejected(draft, fields) },
  ]
}

function joinOf(
  drafts: readonly DraftStep[],
  draft: DraftStep,
  meetings: Map<number, number[]>,
  losses: Losses,
): Step['join'] {
  const arriving = meetings.get(draft.index)
  if (arriving === undefined) return undefined
  const steps = arriving.map((index) => drafts[index]!.id)
  const why = 'parallel branches meet there; the source opens it again for each of them, here it waits for all'
  losses.add('JOIN_ADDED', draft.source.at, `${draft.id} waits for ${steps.join(', ')}`, why)
  return { mode: 'all', steps }
}

function disclosuresOf(source: SourceProcess, draft: DraftStep, roles: ReadonlyMap<string, string>): Disclosure[] {
  return draft.disclosed.map(({ to, step, fields }): Disclosure => {
    const name = source.participants.find(({ id }) => roles.get(id) === to)!.name.slice(0, 200)
    const order = fieldsAt(step, '').filter((field) => fields.includes(field))
    return {
      to,
      ...(step === draft ? {} : { step: step.id }),
      fields: order,
      purpose: `${REDO}: what ${name} needs these fields for`,
      basis: `${REDO}: the lawful basis`,
      retention: RETENTION,
    }
  })
}

function reportAssumptions(source: SourceProcess, steps: readonly Step[], losses: Losses): void {
  const missing = 'the source does not say it'
  for (const what of ['/justification', '/dpia: reference and date', '/retention: years and reason']) {
    losses.add('TO_BE_WRITTEN', '', what, missing)
  }
  for (const step of steps) {
    for (const _ of step.disclosures) losses.add('TO_BE_WRITTEN', '', 'purpose and basis of disclosures', missing)
  }
  losses.add('TO_BE_WRITTEN', '', '/threshold: all members, /review: none', missing)
  losses.add(
    'SUBJECT_ASSUMED',
    '',
    `every field is about ${steps[source.start]!.role}`,
    'the source does not say whom fields are about; the role that starts is taken',
  )
  for (const { at, name } of source.participants) {
    losses.add(
      'MEMBERS_ASSUMED',
      at,
      `${name.slice(0, 80)} is a role fixed to one member`,
      'the source binds participants to wallets; open roles and bindings, and titles that name nobody, are for you to choose',
    )
  }
  for (const { at, name, person } of source.participants) {
    if (!person) continue
    const why =
      'the source suggests a person. Make it kind person, served by a member, and declare reviews where an outcome is adverse'
    losses.add('PERSON_SUSPECTED', at, name.slice(0, 80), why)
  }
}

function shortened(words: string, at: string, losses: Losses): string {
  if (words.length <= MAX_TITLE) return words
  losses.add('TEXT_SHORTENED', at, `${MAX_TITLE} of ${words.length} characters`, 'a text has at most so many')
  return words.slice(0, MAX_TITLE)
}
