import type { Connection } from './connection.ts'
import { EXIT } from './exit-code.ts'
import { type Output, withProgress, writeJson } from './output.ts'

/** A command that enters one thing in the register. It takes which server, `--key` and `--json` like every other one. */
export interface EntryCommand {
  group: 'dispute' | 'record' | 'deadline' | 'blueprint' | 'member'
  /** Its name and arguments, as its help shows them. */
  usage: string
  description: string
  options: readonly { flags: string; description: string; required: boolean }[]
  run(call: EntryCall): Promise<number>
}

export interface EntryCall {
  connection: Connection
  /** As many as `usage` has. */
  args: readonly string[]
  /** By name without dashes; one that is required is there. */
  flags: Readonly<Record<string, string>>
  key: string
  output: Output
}

export const ROLE_OPTION = { flags: '--role <role>', description: 'the role that acts', required: true } as const

/** Waits until the entry is committed, then shows it: `answer` holds its id under `kind`. `text` says what it means. */
export async function showEntered<K extends string, Answer extends Record<K, string> & { index: number }>(
  { key, output }: Pick<EntryCall, 'key' | 'output'>,
  entered: { kind: K; submit: () => Promise<Answer>; text: string | ((answer: Answer) => string) },
): Promise<number> {
  const { kind, submit, text } = entered
  const answer = await withProgress(output, 'waiting for the other members to check it', submit)
  if (output.json) {
    writeJson(output, { ...answer, idempotencyKey: key })
  } else {
    output.write(`${kind.padEnd(7)} ${answer[kind]}, entry ${answer.index} of the register\n`)
    output.write(`        ${typeof text === 'string' ? text : text(answer)}\n`)
    output.write(`${'key'.padEnd(7)} ${key}\n`)
  }
  return EXIT.ok
}
