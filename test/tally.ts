import type { TestEvent } from 'node:test/reporters'

/** A reporter for test/run.ts: one line for each file in which a test ran or was skipped with its reason, the file's path. */
export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === 'test:summary' && event.data.file !== undefined && event.data.counts.tests > 0) {
      yield `${event.data.file}\n`
    }
  }
}
