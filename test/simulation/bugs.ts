import type { SourceChange } from './source-changes.ts'

/** A mistake that somebody could make in a part that keeps the register safe, and the first seed that finds it. */
export interface Bug {
  name: string
  changes: readonly SourceChange[]
  seed: number
}

const hosted = (file: string) => `src/ordering/hosted/${file}`
const ledger = (file: string) => `src/core/ledger/${file}`

/** Each is found within 1,000 seeds: `run-seeds.ts 1 1000 NAME`. */
export const bugs: readonly Bug[] = [
  {
    name: 'a quorum one too small',
    changes: [
      {
        file: ledger('configuration.ts'),
        find: 'return (sum - (sum % 2)) / 2 + 1',
        replace: 'return (sum - (sum % 2)) / 2',
      },
    ],
    seed: 8,
  },
  {
    name: 'a promise that is not durable',
    changes: [{ file: hosted('handover.ts'), find: '    await this.#onPromise(promised)\n', replace: '' }],
    seed: 2,
  },
  {
    name: 'a promise that is not kept',
    changes: [{ file: hosted('cosigner.ts'), find: 'term < this.#parts.promised()', replace: 'term < 0' }],
    seed: 9,
  },
  {
    name: 'cosigning before the leaves are durable',
    changes: [
      {
        file: hosted('cosigner.ts'),
        find: 'await this.#log.keep(log, { ...batch, cosigned: due.length === 0 ? signed : null }, register)',
        replace: 'void this.#log.keep(log, { ...batch, cosigned: signed }, register).catch(() => undefined)',
      },
    ],
    seed: 1,
  },
  {
    name: 'a cosigned checkpoint that is not kept',
    changes: [
      { file: hosted('cosigner.ts'), find: 'cosigned: due.length === 0 ? signed : null', replace: 'cosigned: null' },
    ],
    seed: 11,
  },
  {
    name: 'rows that are not taken back',
    changes: [
      {
        file: 'src/ordering/earlier-leaves.ts',
        find: '    if (this.#replaced) return rows\n    for (const key of keys) {',
        replace: '    for (const key of []) {',
      },
    ],
    seed: 11,
  },
  {
    name: 'an entry acknowledged before it is certified',
    changes: [
      {
        file: hosted('sequencer.ts'),
        find: "if ('index' in outcome) this.#uncertified.push({ index: outcome.index, settle })",
        replace: "if ('index' in outcome) settle(outcome)",
      },
    ],
    seed: 7,
  },
  {
    name: "the sequencer's word taken for a certificate",
    changes: [
      {
        file: hosted('submitting.ts'),
        find: 'if (await holds(outcome.index)) return outcome',
        replace: 'if (holds !== undefined) return outcome',
      },
      {
        file: hosted('sequencer.ts'),
        find: "if ('index' in outcome) this.#uncertified.push({ index: outcome.index, settle })",
        replace: "if ('index' in outcome) settle(outcome)",
      },
    ],
    seed: 5,
  },
  {
    name: 'a sequencer that goes on after its people have handed over',
    changes: [
      {
        file: hosted('hosted.ts'),
        find: '    const following = await this.#follow()\n    await following.inTurn(() => this.#handover.promise(wanted))\n',
        replace: '    await this.#handover.promise(wanted)\n',
      },
    ],
    seed: 3,
  },
]
