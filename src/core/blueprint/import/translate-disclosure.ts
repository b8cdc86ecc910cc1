import { fieldsOf } from '../pointer.ts'
import { type DraftStep, fieldsAt, findInStep } from './draft-step.ts'
import type { Losses } from './losses.ts'
import type { StepOrder } from './step-order.ts'

/**
 * Fills `disclosed` of every step. A pointer that the action's own data lacks is one into the data so far: the field is then
 * disclosed from the newest earlier step that has it.
 */
export function translateDisclosures(
  steps: readonly DraftStep[],
  roleOf: (participant: string) => string,
  order: StepOrder,
  losses: Losses,
): void {
  for (const step of steps) {
    for (const { to, pointers } of step.source.disclosures) {
      const role = roleOf(to)
      const texts = new Set<string>()
      for (const { at, text } of pointers) {
        if (texts.has(text)) continue
        texts.add(text)
        const names = namesIn(text)
        const found = fieldsMeant(steps, step, names, order)
        if (found) disclose(step, role, found.from, found.fields)
        else {
          const why = 'neither the action nor one that can come before it has such a field'
          losses.add('DISCLOSURE_DROPPED', at, `${text.slice(0, 80)} to ${role}`, why)
        }
      }
    }
    if (step.source.disclosures.length === 0 && fieldsOf(step.schema).length > 0) {
      const why = 'the source says nothing; here nobody else is shown the fields until a disclosure says so'
      losses.add('DISCLOSURE_MISSING', step.source.at, `${step.id} discloses nothing`, why)
    }
  }
  for (const step of steps) reportUnseen(steps, step, order, losses)
}

/** A role's own fields are never disclosed to it. */
export function disclose(step: DraftStep, to: string, from: DraftStep, fields: readonly string[]): void {
  if (from.role === to || fields.length === 0) return
  const known = step.disclosed.find((entry) => entry.to === to && entry.step === from)
  if (known) known.fields = [...new Set([...known.fields, ...fields])]
  else step.disclosed.push({ to, step: from, fields: [...fields] })
}

function fieldsMeant(
  steps: readonly DraftStep[],
  step: DraftStep,
  names: readonly string[],
  order: StepOrder,
): { from: DraftStep; fields: string[] } | undefined {
  if (names.length === 0) return { from: step, fields: fieldsOf(step.schema).map(({ pointer }) => pointer) }
  const earlier = steps.filter((other) => other !== step && order.canPrecede(other.index, step.index))
  for (const from of [step, ...earlier.toReversed()]) {
    const found = findInStep(from, names)
    if (found) return { from, fields: fieldsAt(from, found.pointer) }
  }
  return undefined
}

/** `/a/b`, `#/a/b`, `a/b` and `a.b` alike; `/*` is everything, which is no name at all. */
function namesIn(text: string): string[] {
  const parts = text
    .replace(/^#/, '')
    .replace(/^\$\./, '')
    .split(text.includes('/') ? '/' : '.')
  const names = parts.filter((part) => part !== '' && part !== '*')
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function reportUnseen(steps: readonly DraftStep[], step: DraftStep, order: StepOrder, losses: Losses): void {
  for (const { step: from, fields } of step.disclosed) {
    if (from.role === step.role) continue
    const unseen = fields.filter((field) => {
      return !steps.some((other) => {
        const before = other === from || order.canPrecede(other.index, step.index)
        return (
          before &&
          other.disclosed.some((entry) => entry.to === step.role && entry.step === from && entry.fields.includes(field))
        )
      })
    })
    if (unseen.length === 0) continue
    const what = `${step.id} passes on ${unseen.join(', ')} of ${from.id}`
    const why = `${step.role} is not shown it itself; ${from.role} hands it over when ${step.id} has happened`
    losses.add('DISCLOSES_UNSEEN', step.source.at, what, why)
  }
}
