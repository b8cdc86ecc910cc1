import { advance } from '../src/core/blueprint/advance.ts'
import type { Blueprint } from '../src/core/blueprint/blueprint.ts'
import { getStep, opaqueNext } from '../src/core/blueprint/blueprint.ts'
import { fieldsSeen } from '../src/core/blueprint/groups.ts'
import { getAt, join, split } from '../src/core/blueprint/pointer.ts'
import { type Recheck, recheck } from '../src/core/blueprint/recheck.ts'
import type { View } from '../src/core/blueprint/view.ts'
import type { JsonObject } from '../src/core/canonical-json.ts'
import { type Scenario, timesOf, withMemberIds } from '../src/sandbox/scenario.ts'

interface PlayedRecord {
  step: string
  role: string
  /** With the calculated fields. */
  data: JsonObject
  next: string[]
  bind: Record<string, string>
  time: number
}

/** One case, oldest record first. `openings` are the steps that wait for their action. */
export interface Case {
  records: PlayedRecord[]
  openings: string[]
  bound: Record<string, string>
}

/**
 * Plays a scenario through the blueprint's rules alone, each role holding exactly what it was shown: no register, keys or network.
 * `memberIds`: the register's id of each member of the story.
 */
export function playScenario(
  blueprint: Blueprint,
  scenario: Scenario,
  memberIds: Readonly<Record<string, string>>,
): Case {
  const times = timesOf(scenario)
  let played: Case = startCase(blueprint, scenario, memberIds)
  for (const [i, { step, by, data }] of scenario.steps.entries()) {
    played = act(blueprint, played, { step, role: by, data: withMemberIds(data, memberIds) as JsonObject }, times[i]!)
  }
  return played
}

/** A case that waits for its first step. The role of the start step is bound at the start (RULES 13). */
export function startCase(blueprint: Blueprint, scenario: Scenario, memberIds: Readonly<Record<string, string>>): Case {
  const { role } = getStep(blueprint, blueprint.start)
  return { records: [], openings: [blueprint.start], bound: { [role]: memberIds[scenario.members[role]!]! } }
}

/** The case after an action, or the refusal of the rules. Throws also where the step does not wait for one. */
export function act(
  blueprint: Blueprint,
  played: Case,
  action: { step: string; role: string; data: JsonObject },
  time: number,
): Case {
  const withdrawal = getStep(blueprint, action.step).withdrawal === true
  if (!(withdrawal ? played.records.length > 0 && played.openings.length > 0 : played.openings.includes(action.step))) {
    throw new Error(`the step ${action.step} is not open`)
  }
  const advanced = advance(blueprint, viewOf(blueprint, played, action.role, played.records.length), action, time)
  const others = withdrawal ? [] : played.openings.filter((step) => step !== action.step)
  return {
    records: [
      ...played.records,
      {
        step: action.step,
        role: action.role,
        data: advanced.data,
        next: advanced.next,
        bind: advanced.bind,
        time,
      },
    ],
    openings: [...others, ...advanced.next],
    bound: { ...played.bound, ...advanced.bind },
  }
}

/** The fields `<step>:<pointer>` of other roles' records that a role was shown, filled in, sorted. */
export function fieldsShown(blueprint: Blueprint, played: Case, role: string): string[] {
  const shown = played.records.flatMap((record, index) => {
    if (record.role === role) return []
    return split(visibleTo(blueprint, played, role, index)).map(([pointer]) => `${record.step}:${pointer}`)
  })
  return [...new Set(shown)].sort()
}

/** The value at `/<step>/<pointer>` in the newest record of the step. */
export function valueAt(played: Case, path: string) {
  const [, step = '', ...names] = path.split('/')
  const record = played.records.findLast((candidate) => candidate.step === step)
  return record && getAt(record.data, `/${names.join('/')}`)
}

/** What a role's node finds on re-running the rules over the record at `index`, with all that it has been shown since. */
export function recheckAs(blueprint: Blueprint, played: Case, role: string, index: number): Recheck {
  const record = played.records[index]!
  const bind = Object.entries(record.bind).map(([bound, member]) => [bound, { member }])
  return recheck(blueprint, {
    step: record.step,
    record: { next: opaqueNext(blueprint, record.next), bind: Object.fromEntries(bind) },
    role,
    visible: visibleTo(blueprint, played, role, index),
    sees: seesOf(blueprint, played, role, index),
    view: viewOf(blueprint, played, role, index),
    asOf: record.time,
  })
}

/** What a role holds of the records before `before`. */
function viewOf(blueprint: Blueprint, played: Case, role: string, before: number): View {
  const newest = new Map(played.records.slice(0, before).map((record, index) => [record.step, index]))
  const each = <T>(value: (index: number) => T) =>
    Object.fromEntries([...newest].map(([step, index]) => [step, value(index)]))
  const bound = played.records.slice(before).flatMap((record) => Object.keys(record.bind))
  return {
    values: each((index) => visibleTo(blueprint, played, role, index)),
    sees: each((index) => seesOf(blueprint, played, role, index)),
    bound: Object.fromEntries(Object.entries(played.bound).filter(([name]) => !bound.includes(name))),
  }
}

function visibleTo(blueprint: Blueprint, played: Case, role: string, index: number): JsonObject {
  const sees = seesOf(blueprint, played, role, index)
  return join(split(played.records[index]!.data).filter(([pointer]) => sees.includes(pointer)))
}

function seesOf(blueprint: Blueprint, played: Case, role: string, index: number): string[] {
  const disclosedBy = played.records.slice(index + 1).map((record) => record.step)
  return fieldsSeen(blueprint, { step: played.records[index]!.step, role, disclosedBy })
}
