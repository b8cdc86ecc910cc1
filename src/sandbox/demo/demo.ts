import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf } from '../../core/blueprint/simulate/scenario.ts'
import type { JsonObject } from '../../core/canonical-json.ts'
import { ConcordatError } from '../../core/error.ts'
import { type PlayedStory, playStory } from './play-story.ts'
import type { DemoStory } from './stories.ts'
import { Transcript } from './transcript.ts'

/** The demo's folder holds this file, so that nothing else is ever emptied. */
const MARKER = 'demo.txt'

export interface DemoOptions {
  /** Emptied first, and kept; each story has a folder in it. */
  folder: string
  stories: readonly DemoStory[]
  /** Where the stories' folders are. */
  examples: string
  /** One JSON object in the place of the transcript. */
  json: boolean
  write: (text: string) => void
  onProgress: (text: string) => void
}

/** Plays stories and the attacks on them, one after the other. Answers 0 if all came out as it must, else 1, and says what did not. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { folder, stories, examples, onProgress } = options
  const startMs = performance.now()
  emptyFolder(folder)
  const transcript = new Transcript(options.json ? () => {} : options.write)
  transcript.opening()
  const played: PlayedStory[] = []
  for (const story of stories) {
    transcript.story(story)
    played.push(await playStory({ story, examples, folder: join(folder, story.name), transcript, onProgress }))
  }
  const seconds = (performance.now() - startMs) / 1000
  const failures = played.flatMap((one) => one.failures.map((failure) => `${one.name}: ${failure}`))
  transcript.ending(seconds, failures)
  if (options.json) {
    const passed = failures.length === 0
    const result = { passed, failures, folder, stories: played.map(jsonOf), seconds }
    options.write(`${JSON.stringify(result, null, 2)}\n`)
  }
  return failures.length === 0 ? 0 : 1
}

/** Throws rather than delete what is not a demo's. */
function emptyFolder(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, MARKER))) {
    throw new ConcordatError({
      code: 'INPUT_INVALID',
      expected: 'an empty or new folder, or one of an earlier demo',
      got: 'a folder with something else in it',
      at: '/folder',
    })
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, MARKER), 'Made by `npm run demo`, which empties this folder each time.\n')
}

function jsonOf({ name, network, cases, evidence, attacks, audits, laps, failures }: PlayedStory): JsonObject {
  const members = [...network.members].map(([id, { name, member, address }]) => ({ id, name, member, address }))
  return JSON.parse(
    JSON.stringify({
      story: name,
      failures,
      register: network.register,
      blueprint: network.blueprint,
      members,
      cases: cases.map(({ scenario, case: id, steps, holdings }) => ({
        scenario: scenario.name,
        case: id,
        steps: steps.map(({ step, entry, index, time, opened, calculated }) => {
          return { step: pathOf(step), by: step.by, entry, index, time, opened, calculated }
        }),
        seen: Object.fromEntries([...holdings.seen].map(([place, fields]) => [place, [...fields.keys()].sort()])),
      })),
      evidence,
      attacks,
      audits: audits.map(({ member, audit: found }) => ({ member, ...found })),
      laps,
    }),
  ) as JsonObject
}
