import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export interface CommandResult {
  code: number
  out: string
  err: string
}

/** Runs the program as a person would, in a process of its own. */
export async function concordat(args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const child = start(args, env)
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk) => {
    out += chunk
  })
  child.stderr!.on('data', (chunk) => {
    err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}

/** A sandbox in a folder, until `stop`. `out` is what it printed. */
export async function startSandbox(folder: string): Promise<{ out: string; stop(): Promise<number> }> {
  const child = start(['sandbox', '--data', folder], {})
  let out = ''
  let err = ''
  child.stderr!.on('data', (chunk) => {
    err += chunk
  })
  const ended = once(child, 'exit')
  for await (const chunk of child.stdout!) {
    out += chunk
    if (out.includes('Ctrl-C')) break
  }
  if (!out.includes('Ctrl-C')) throw new Error(`the sandbox did not start: ${err}`)
  return {
    out,
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0] as number
    },
  }
}

function start(args: readonly string[], env: Record<string, string>): ChildProcess {
  const program = join(root, 'src', 'main.ts')
  return spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
