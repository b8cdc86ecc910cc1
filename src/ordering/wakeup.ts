/** Lets loops sleep until something they wait for may have changed. A wake-up is never lost between two waits. */
export class Wakeup {
  #wake: () => void = () => {}
  #next: Promise<void> = Promise.resolve()

  constructor() {
    this.#arm()
  }

  /** Take this before looking at what may have changed; await it after finding nothing. */
  get next(): Promise<void> {
    return this.#next
  }

  wake(): void {
    const wake = this.#wake
    this.#arm()
    wake()
  }

  #arm(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#next = promise
    this.#wake = resolve
  }
}
