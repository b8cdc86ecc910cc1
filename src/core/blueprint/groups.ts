import { canonicalize } from '../canonical-json.ts'
import type { Audience } from '../ledger/skeleton.ts'
import { type Blueprint, getRetentionClass, getRole, getStep, opaqueStepId, type Step } from './blueprint.ts'
import { compileSchema } from './schema.ts'

/** The name of the one disclosure in the signer's own group: who acted and how they signed in (RULES 21). */
export const ACTOR_FIELD = '/$actor'

/** RULES 21: the fields of a step with the same subject and the same audience. */
export interface Group {
  index: number
  /** A role or a person of the blueprint. */
  subject: string
  /** Sorted, with the register's step ids; without the signer's role. */
  audience: Audience[]
  /** Pointers, sorted. */
  fields: string[]
}

const known = new WeakMap<Blueprint, Map<string, Group[]>>()

/** A step's groups in the order that the record's `groups` has. Index 0 is the signer's own. */
export function groupsOf(blueprint: Blueprint, stepId: string): readonly Group[] {
  const steps = known.get(blueprint) ?? new Map<string, Group[]>()
  known.set(blueprint, steps)
  const groups = steps.get(stepId) ?? computeGroups(blueprint, getStep(blueprint, stepId))
  steps.set(stepId, groups)
  return groups
}

/**
 * The class under which a role keeps a group: the signer its own copy's, an entitled role the one it gets the group under.
 * `checkBlueprint` refuses a field that a role would get under two classes. Undefined for a role that never gets it.
 */
export function retentionOf(blueprint: Blueprint, stepId: string, group: Group, role: string): string | undefined {
  const step = getStep(blueprint, stepId)
  if (role === step.role) return step.retention
  return group.audience.find(([entitled]) => entitled === role)?.[2]
}

/**
 * The fields of a step that a role has once records of the steps `disclosedBy` have followed it: its own all, others as the
 * step itself and those later steps disclose.
 */
export function fieldsSeen(
  blueprint: Blueprint,
  { step, role, disclosedBy }: { step: string; role: string; disclosedBy: readonly string[] },
): string[] {
  const disclosing = [step, ...disclosedBy].map((stepId) => opaqueStepId(blueprint, stepId))
  const own = getStep(blueprint, step).role === role
  return groupsOf(blueprint, step)
    .filter(({ index, audience }) => {
      return index > 0 && (own || audience.some(([entitled, by]) => entitled === role && disclosing.includes(by)))
    })
    .flatMap((group) => group.fields)
    .sort()
}

function computeGroups(blueprint: Blueprint, step: Step): Group[] {
  const fields = compileSchema(step.schema).fields.map((field) => field.pointer)
  const audiences = new Map<string, Audience[]>(fields.map((field) => [field, []]))
  for (const disclosing of blueprint.steps) {
    for (const disclosure of disclosing.disclosures) {
      if ((disclosure.step ?? disclosing.id) !== step.id) continue
      const role = getRole(blueprint, disclosure.to).id
      const retention = getRetentionClass(blueprint, disclosure.retention).id
      for (const field of disclosure.fields) {
        if (role !== step.role) audiences.get(field)?.push([role, opaqueStepId(blueprint, disclosing.id), retention])
      }
    }
  }
  const bySubjectAndAudience = new Map<string, Omit<Group, 'index'>>()
  for (const field of [...fields].sort()) {
    const subject = step.subjects?.[field] ?? step.subject
    const audience = sorted(audiences.get(field) ?? [])
    const key = canonicalize([subject, audience])
    const group = bySubjectAndAudience.get(key)
    if (group) group.fields.push(field)
    else bySubjectAndAudience.set(key, { subject, audience, fields: [field] })
  }
  const others = [...bySubjectAndAudience].sort(([a], [b]) => (a < b ? -1 : 1))
  const own: Group = { index: 0, subject: step.role, audience: [], fields: [ACTOR_FIELD] }
  return [own, ...others.map(([, group], place) => ({ index: place + 1, ...group }))]
}

function sorted(audience: Audience[]): Audience[] {
  const texts = new Map(audience.map((entry) => [canonicalize(entry), entry]))
  return [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
}
