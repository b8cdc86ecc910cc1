import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ProcessMemory } from '../../src/client/checkpoint-memory.ts'
import { Client } from '../../src/client/client.ts'
import { Http } from '../../src/client/http.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import type { Arm, Said } from './killed-network.ts'
import { until } from './open-network.ts'

type Ready = Extract<Said, { ready: true }>

/** The network of killed-network.ts as its users see it from outside, over its deaths. */
export class ChildNetwork {
  readonly folder: string
  readonly #originMs: number
  readonly #http = new Http({ timeoutMs: 30_000, allowInternal: true })
  /** By member, over all lives: what its node once showed as committed may never be missing again. */
  readonly #memories = new Map<string, ProcessMemory>()
  #child: ChildProcess | undefined
  #ready: Ready | undefined
  readonly #errors: string[] = []

  constructor(folder: string, originMs: number) {
    this.folder = folder
    this.#originMs = originMs
  }

  get register(): string {
    return this.#known().register
  }

  get blueprint(): string {
    return this.#known().blueprint
  }

  memberId(id: string): string {
    return this.#known().members.find((member) => member.id === id)!.member
  }

  client(id: string): Client {
    const memory = this.#memories.get(id) ?? new ProcessMemory()
    this.#memories.set(id, memory)
    const { address, token } = this.#known().members.find((member) => member.id === id)!
    return new Client({
      http: this.#http,
      address,
      token,
      register: this.register,
      checks: nodeChecks,
      memory,
    })
  }

  async start(): Promise<void> {
    let ready: Ready | undefined
    await until('the ports are free', async () => {
      const said = await this.#startOnce()
      ready = 'ready' in said ? said : undefined
      return ready !== undefined
    })
    this.#ready = ready
  }

  async #startOnce(): Promise<Said> {
    const child = fork(join(import.meta.dirname, 'killed-network.ts'), [this.folder, String(this.#originMs)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.folder, 'compile-cache') },
    })
    this.#child = child
    child.on('message', (said: Said) => {
      if ('errors' in said) this.#errors.push(...said.errors)
    })
    return this.#said((said): said is Said => 'ready' in said || 'portTaken' in said)
  }

  async arm(arm: Arm): Promise<void> {
    const armed = this.#said((said): said is { armed: true } => 'armed' in said)
    this.#child?.send(arm)
    await armed
  }

  /** What the nodes have logged as bugs, over all lives. */
  get bugs(): string[] {
    return this.#errors.filter((error) => /"frames"|"code":"bug"/.test(error))
  }

  get alive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves once it is dead. */
  async died(): Promise<void> {
    if (this.#child !== undefined && this.alive) await once(this.#child, 'exit')
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.died()
  }

  async stop(): Promise<void> {
    await this.kill()
    this.#http.close()
  }

  #known(): Ready {
    if (this.#ready === undefined) throw new Error('not started yet')
    return this.#ready
  }

  #said<S extends Said>(is: (said: Said) => said is S): Promise<S> {
    const child = this.#child!
    return new Promise((resolve, reject) => {
      const onMessage = (said: Said) => {
        if (!is(said)) return
        child.off('message', onMessage)
        child.off('exit', onExit)
        resolve(said)
      }
      const onExit = (code: number | null, signal: string | null) =>
        reject(new Error(`the network ended: ${code ?? signal}`))
      child.on('message', onMessage)
      child.once('exit', onExit)
    })
  }
}
