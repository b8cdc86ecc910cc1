/** The newest checkpoint of a register that this client has verified. `root` in base64url. */
export interface KnownCheckpoint {
  size: number
  root: string
}

/** Where a client keeps what it has seen, by register id. What lasts longer catches more: a register may only grow. */
export interface CheckpointMemory {
  find(register: string): Promise<KnownCheckpoint | undefined>
  save(register: string, checkpoint: KnownCheckpoint): Promise<void>
}

/** Forgets when the process ends. */
export class ProcessMemory implements CheckpointMemory {
  readonly #known = new Map<string, KnownCheckpoint>()

  async find(register: string): Promise<KnownCheckpoint | undefined> {
    return this.#known.get(register)
  }

  async save(register: string, checkpoint: KnownCheckpoint): Promise<void> {
    this.#known.set(register, checkpoint)
  }
}
