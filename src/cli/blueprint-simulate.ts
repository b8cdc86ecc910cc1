import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Blueprint, parseBlueprint } from '../core/blueprint/blueprint.ts'
import { checkBlueprint } from '../core/blueprint/check/check-blueprint.ts'
import { Coverage, describeGoal, type Goal } from '../core/blueprint/simulate/coverage.ts'
import { explore } from '../core/blueprint/simulate/explore.ts'
import { type PlayedScenario, playScenario, seenByAll } from '../core/blueprint/simulate/play-scenario.ts'
import { parseScenario, pathOf, type Scenario } from '../core/blueprint/simulate/scenario.ts'
import { simulateRegister } from '../core/blueprint/simulate/simulated-register.ts'
import { digest } from '../core/crypto/hash.ts'
import { ConcordatError } from '../core/error.ts'
import { EXIT } from './exit-code.ts'
import { readJsonFile } from './files.ts'
import { type Output, writeJson } from './output.ts'
import { seenMatrix } from './seen-matrix.ts'

/** Cases looked further from, so that exploring ends. */
const MAX_STATES = 2_000

export interface SimulateOptions {
  file: string
  /** Scenario files. */
  scenarios: readonly string[]
  /** A folder of them. */
  folder: string | undefined
  /** How many entries of a case are explored. */
  depth: number | undefined
  output: Output
}

/**
 * Runs a blueprint with all its participants, without keys and network: scenarios against what they expect, or every route that
 * sample data opens. `refused` if anything is not as expected, or if some case gets stuck.
 */
export async function runBlueprintSimulate(options: SimulateOptions): Promise<number> {
  const { output, depth } = options
  const template = parseBlueprint(readJsonFile(options.file))
  const [error] = checkBlueprint(template).errors
  if (error !== undefined) {
    const { code, at } = error
    throw new ConcordatError({ code: 'BLUEPRINT_INVALID', expected: 'a blueprint without errors', got: code, at })
  }
  const files = [...options.scenarios, ...scenariosIn(options.folder)]
  if (files.length === 0 && depth === undefined) {
    const expected = 'a scenario (--scenario, or a folder that has one with --scenarios), or --explore'
    throw new ConcordatError({ code: 'OPTION_MISSING', expected, got: 'none', option: '--scenario' })
  }
  const played = files.map((file) => play(template, readScenario(file)))
  if (depth !== undefined) output.progress('exploring')
  const explored = depth === undefined ? undefined : exploreTemplate(template, depth)
  const coverage = new Coverage(template)
  for (const { simulation } of played) coverage.addCase(simulation)
  const missing = coverage.missing.filter((goal) => explored?.reaches(goal) !== true)
  const failed = played.some(({ differences }) => differences.length > 0) || explored?.sound === false
  if (output.json) {
    writeJson(output, {
      scenarios: played.map(({ scenario, simulation, differences, refusal }) => ({
        name: scenario.name,
        path: scenario.steps.map(pathOf),
        differences,
        refusal,
        seen: seenByAll(simulation, scenario, []),
      })),
      explored: explored?.report ?? null,
      missing: missing.map((goal) => describeGoal(template, goal)),
    })
  } else {
    for (const one of played) output.write(scenarioText(one))
    if (explored !== undefined) output.write(explored.text)
    output.write(coverageText(template, coverage.goals.length, missing))
    for (const one of played) output.write(seenText(one))
  }
  return failed ? EXIT.refused : EXIT.ok
}

function scenariosIn(folder: string | undefined): string[] {
  if (folder === undefined) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => join(folder, name))
}

/** There may be many files: what is wrong with one names it. */
function readScenario(file: string): Scenario {
  try {
    return parseScenario(readJsonFile(file))
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code === 'FILE_UNREADABLE') throw error
    const { detail } = error
    const at = 'at' in detail ? detail.at : ''
    const got = 'offset' in detail ? `${detail.got}, at byte ${detail.offset}` : detail.got
    throw new ConcordatError({ code: 'SCENARIO_INVALID', expected: detail.expected, got, at, file }, { cause: error })
  }
}

function play(template: Blueprint, scenario: Scenario): PlayedScenario {
  const blueprint = filled(template, scenario.members)
  const fixed = blueprint.roles.flatMap(({ id, member }) => {
    const name = scenario.members[id]
    return member === undefined || name === undefined ? [] : [[name, member] as const]
  })
  // Members that play no role may be bound to one, and are named by what they then see.
  const others = Object.keys(scenario.expected.seen).filter((who) => !blueprint.roles.some(({ id }) => id === who))
  const named = [...others, ...Object.values(scenario.members)].map((name) => [name, madeUp(name)] as const)
  const memberIds = Object.fromEntries([...named, ...fixed])
  return playScenario(simulateRegister(blueprint, Object.values(memberIds)), scenario, memberIds)
}

/** A template's fixed roles go to made-up members, those of the scenario where it names them. */
function filled(template: Blueprint, players: Readonly<Record<string, string>>): Blueprint {
  const roles = template.roles.map((role) => {
    const open = role.kind !== 'member' || role.fixed !== true || role.member !== undefined
    return open ? role : { ...role, member: madeUp(players[role.id] ?? `for role ${role.id}`) }
  })
  return { ...template, roles }
}

function madeUp(name: string): string {
  return digest(`made-up member ${name}`)
}

function exploreTemplate(template: Blueprint, depth: number) {
  // Noon, UTC, of the day from which on the blueprint's calendars must reach.
  const startsAt = Date.parse(`${template.dpia.date}T12:00:00Z`) / 1000
  const { coverage, contradictions, stuck, states, bounded } = explore(filled(template, {}), startsAt, {
    depth,
    states: MAX_STATES,
  })
  const reached = coverage.flatMap(({ goal, path }) => (path === null ? [] : [{ goal, path }]))
  const names = new Set(reached.map(({ goal }) => describeGoal(template, goal)))
  const lines = [
    `explored ${states} cases, up to ${depth} entries each${bounded ? '; there would be more' : ''}`,
    ...stuck.map(({ path, open }) => `  stuck at ${open.join(', ')} after ${path.join(' ')}`),
    ...contradictions.map(({ path, finding }) => `  ${finding.role} disputes ${finding.step} after ${path.join(' ')}`),
  ]
  return {
    reaches: (goal: Goal) => names.has(describeGoal(template, goal)),
    sound: stuck.length === 0 && contradictions.length === 0,
    text: `${lines.join('\n')}\n`,
    report: {
      states,
      bounded,
      stuck,
      contradictions: contradictions.map(({ path, finding }) => ({ path, role: finding.role, step: finding.step })),
      reached: reached.map(({ goal, path }) => ({ goal: describeGoal(template, goal), path })),
    },
  }
}

function scenarioText({ scenario, differences, refusal }: PlayedScenario): string {
  const lines = [
    `${scenario.name}: ${differences.length === 0 ? 'as expected' : 'NOT as expected'}`,
    `  ${scenario.steps.map(pathOf).join(' ')}`,
    ...differences.map(({ at, expected, got }) => {
      return `  ${at}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`
    }),
    ...(refusal === null ? [] : [`  the refusal: ${JSON.stringify(refusal.detail)}`]),
  ]
  return `${lines.join('\n')}\n`
}

function coverageText(blueprint: Blueprint, all: number, missing: readonly Goal[]): string {
  const lines = [
    `came to ${all - missing.length} of ${all} steps, routes and ends`,
    ...missing.map((goal) => `  never: ${describeGoal(blueprint, goal)}`),
  ]
  return `${lines.join('\n')}\n`
}

/** What each participant would have been shown of the others' records. */
function seenText({ scenario, simulation }: PlayedScenario): string {
  const seen = seenByAll(simulation, scenario, []) as Record<string, string[]>
  const lines = seenMatrix(simulation.blueprint, seen).map((line) => `  ${line}`)
  return `who would see what in ${scenario.name}\n${lines.join('\n')}\n`
}
