import { type Blueprint, getStep } from '../core/blueprint/blueprint.ts'

/**
 * A line for each field that somebody was shown, a column for each role: `x` where it was shown to the role, `own` where the role
 * enters it itself. `seen` has the fields `<step>:<pointer>` by role.
 */
export function seenMatrix(blueprint: Blueprint, seen: Readonly<Record<string, readonly string[]>>): string[] {
  const roles = blueprint.roles.map(({ id }) => id)
  const shown = new Set(roles.flatMap((role) => seen[role] ?? []))
  const stepOf = (field: string) => field.slice(0, field.indexOf(':'))
  const fields = blueprint.steps.flatMap(({ id }) => [...shown].filter((field) => stepOf(field) === id).sort())
  const margin = Math.max(0, ...fields.map(({ length }) => length))
  const line = (field: string, cells: readonly string[]) => {
    const columns = cells.map((cell, place) => cell.padEnd(Math.max(roles[place]!.length, 'own'.length)))
    return `${field.padEnd(margin)}  ${columns.join('  ')}`.trimEnd()
  }
  const cellOf = (field: string, role: string) => {
    if (getStep(blueprint, stepOf(field)).role === role) return 'own'
    return seen[role]?.includes(field) ? 'x' : '-'
  }
  return [
    line('', roles),
    ...fields.map((field) =>
      line(
        field,
        roles.map((role) => cellOf(field, role)),
      ),
    ),
  ]
}
