import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatTable, printable, withProgress } from './output.ts'

describe('what is printed', () => {
  it('steers no terminal and reorders no line, whoever wrote it', () => {
    const written = 'a\u001b[2K\rb\u009b1mc\u202ed\u2028e\tf\ng é 👩‍🚀'
    assert.equal(printable(written), 'a\\u001b[2K\\u000db\\u009b1mc\\u202ed\\u2028e\\u0009f\ng é 👩‍🚀')
  })

  it('means the same as JSON', () => {
    const value = { text: 'a\u001b\u009b\u202e\u0085\u2029b\n' }
    assert.deepEqual(JSON.parse(printable(JSON.stringify(value, null, 2))), value)
  })

  it('stands in columns', () => {
    assert.equal(
      formatTable([
        ['A', 'B'],
        ['long', ''],
        ['x', 'y'],
      ]),
      'A     B\nlong\nx     y\n',
    )
  })

  it('says what takes more than a second, and nothing of what does not', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const said: string[] = []
    const output = { json: false, write: () => {}, progress: (text: string) => said.push(text) }
    const ended = Promise.withResolvers<string>()
    const slow = withProgress(output, 'slow', () => ended.promise)
    assert.equal(await withProgress(output, 'quick', async () => 'done'), 'done')
    t.mock.timers.tick(999)
    assert.deepEqual(said, [])
    t.mock.timers.tick(1)
    ended.resolve('done at last')
    assert.equal(await slow, 'done at last')
    assert.deepEqual(said, ['slow'])
  })
})
