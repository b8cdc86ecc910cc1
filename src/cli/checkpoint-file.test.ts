import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { digest } from '../core/crypto/hash.ts'
import { CheckpointFile } from './checkpoint-file.ts'

describe('checkpoints in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-checkpoints-'))
  after(() => rmSync(folder, { recursive: true }))

  it('outlast the process, by register, for their owner only', async () => {
    const path = join(folder, 'new', 'checkpoints.json')
    const [a, b] = [
      { size: 7, root: digest('a') },
      { size: 9, root: digest('b') },
    ]
    assert.equal(await new CheckpointFile(path).find('one'), undefined)
    await new CheckpointFile(path).save('one', a)
    await new CheckpointFile(path).save('two', b)
    assert.deepEqual(await new CheckpointFile(path).find('one'), a)
    assert.deepEqual(await new CheckpointFile(path).find('two'), b)
    assert.equal(statSync(path).mode & 0o077, 0)
    assert.deepEqual(readdirSync(join(folder, 'new')), ['checkpoints.json'])
  })

  for (const [i, text] of ['', '{', 'null', '[1]', '{"one":null}', '{"one":{"size":-0.5,"root":"x"}}'].entries()) {
    it(`are never forgotten in silence: ${text || 'an empty file'}`, async () => {
      const path = join(folder, `${i}.json`)
      writeFileSync(path, text)
      await assert.rejects(new CheckpointFile(path).find('one'), { code: 'FILE_UNREADABLE' })
    })
  }
})
