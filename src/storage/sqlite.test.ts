import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { storageContract } from '../../test/contract/storage.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { openSqliteSnapshot, openSqliteStorage } from './sqlite.ts'

storageContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  return {
    open: () => openSqliteStorage({ path: join(folder, 'node.db') }),
    remove: () => rm(folder, { recursive: true }),
  }
})

describe('a SQLite file', () => {
  let folder: string
  let path: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  })
  after(() => rm(folder, { recursive: true }))
  let number = 0
  function newPath(): string {
    number += 1
    path = join(folder, `${number}.db`)
    return path
  }

  test('is its owner’s alone, journal included', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    await storage.saveRegister('a', {})
    for (const suffix of ['', '-wal', '-shm']) assert.equal((await stat(path + suffix)).mode & 0o777, 0o600)
    await storage.close()
  })

  test('can be read as it was at one moment while others write to it', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    await storage.saveRegister('a', {})
    const snapshot = await openSqliteSnapshot({ path })
    await storage.saveRegister('b', {})
    assert.deepEqual(await snapshot.registers(), [{ register: 'a', settings: {} }])
    assert.equal((await storage.registers()).length, 2)
    await refused('STORAGE_FAILED', snapshot.saveRegister('c', {}))
    await snapshot.close()
    await storage.close()
  })

  test('is not made by opening it for reading, nor is another version read', async () => {
    await refused('STORAGE_FAILED', openSqliteSnapshot({ path: newPath() }))
    await assert.rejects(stat(path), { code: 'ENOENT' })
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE theirs (a)')
    db.close()
    await refused('STORAGE_VERSION_UNKNOWN', openSqliteSnapshot({ path }))
  })

  test('of another version is refused untouched', async () => {
    await (await openSqliteStorage({ path: newPath() })).close()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 999')
    db.close()
    await refused('STORAGE_VERSION_UNKNOWN', openSqliteStorage({ path }))
    const again = new DatabaseSync(path)
    assert.equal(again.prepare('PRAGMA user_version').get()?.user_version, 999)
    again.close()
  })

  test('that is another program’s is refused untouched', async () => {
    const db = new DatabaseSync(newPath())
    db.exec('CREATE TABLE theirs (a)')
    db.close()
    const bytes = await readFile(path)
    await refused('STORAGE_VERSION_UNKNOWN', openSqliteStorage({ path }))
    assert.deepEqual(await readFile(path), bytes)
  })

  test('that is no database fails with the code of SQLite', async () => {
    await writeFile(newPath(), 'x'.repeat(10_000))
    await refused('STORAGE_FAILED', openSqliteStorage({ path }))
    await refused('STORAGE_FAILED', openSqliteStorage({ path: join(folder, 'no', 'such', 'folder.db') }))
  })

  test('with stored text that is not JSON fails without quoting it', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    await storage.saveRegister('a', {})
    const db = new DatabaseSync(path)
    db.exec(`UPDATE registers SET settings = 'secret text'`)
    db.close()
    await assert.rejects(
      storage.registers(),
      (error) =>
        error instanceof ConcordatError && error.code === 'STORAGE_FAILED' && !error.message.includes('secret'),
    )
    await storage.close()
  })

  test('that has no room left refuses the write, and writes again when there is', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    await storage.saveDocument('h0', 'kept')
    // Ends the whole transaction, as a full disk does.
    const db = new DatabaseSync(path)
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ROLLBACK, 'full'); END`)
    const outcomes = await Promise.allSettled([storage.saveRegister('a', {}), storage.saveDocument('h1', 'lost')])
    for (const outcome of outcomes) assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'STORAGE_FAILED')
    assert.deepEqual(await storage.registers(), [])
    db.exec('DROP TRIGGER full')
    db.close()
    await storage.saveDocument('h1', 'kept too')
    assert.equal(await storage.findDocument('h1'), 'kept too')
    await storage.close()
  })

  test('holds head and leaves that agree, whenever the process is killed', async () => {
    newPath()
    for (let round = 0; round < 3; round++) {
      const writer = spawn(process.execPath, ['--input-type=module', '-e', appendForEver(path)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let acknowledged = 0
      for await (const chunk of writer.stdout.setEncoding('utf8')) {
        const sizes = String(chunk).trim().split('\n').map(Number)
        acknowledged = sizes.at(-1)!
        if (acknowledged >= (round + 1) * 400) writer.kill('SIGKILL')
      }
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit')
      assert.equal(writer.signalCode, 'SIGKILL')
      const storage = await openSqliteStorage({ path })
      const head = await storage.findHead('a')
      assert(head !== undefined && head.size >= acknowledged)
      const leaves = await storage.readLeaves('a', 0, head.size + 100)
      assert.deepEqual(
        leaves,
        Array.from({ length: head.size }, (_, i) => `leaf-${i}`),
      )
      assert.equal((await storage.findTile('a', 0, 0))?.length, head.size)
      assert.deepEqual([...(await storage.readRows('a', ['size'])).values()], [head.size])
      assert.equal((await storage.findLeaf('a', `id-${head.size - 1}`))?.index, head.size - 1)
      await storage.close()
    }
  })

  test('lets one of two processes at a time move the head', async () => {
    await (await openSqliteStorage({ path: newPath() })).close()
    const run = promisify(execFile)
    const arguments_ = ['--input-type=module', '-e', appendInARace(path)]
    const runs = await Promise.all([run(process.execPath, arguments_), run(process.execPath, arguments_)])
    const outcomes = runs.flatMap(({ stdout }): string[] => JSON.parse(stdout))
    const appended = outcomes.filter((outcome) => outcome === 'appended').length
    const moved = outcomes.filter((outcome) => outcome === 'STORAGE_HEAD_MOVED').length
    assert.equal(appended + moved, 200, outcomes.join(' '))
    const storage = await openSqliteStorage({ path })
    assert.equal((await storage.findHead('a'))?.size, appended)
    assert.equal((await storage.readLeaves('a', 0, 999)).length, appended)
    await storage.close()
  })

  test('keeps no byte of an erased group, in file or journal', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    const groups = Array.from({ length: 300 }, (_, i) => ({
      register: 'a',
      record: `record-${i}`,
      index: 0,
      role: 'council',
      case: 'case',
      vaultKey: i % 3 === 0 ? 'doomed' : 'kept',
      wrappedKey: Buffer.from(`wrapped key ${i} end`),
      // Wider than a page, so that overflow pages are among those freed.
      sealed: Buffer.from(
        [`sealed group ${i} begin `, '.'.repeat((i % 10) * 2_000), ` sealed group ${i} end`].join(''),
      ),
    }))
    const receipt = {
      register: 'a',
      role: 'council',
      authorisedBy: 'e',
      from: 'm',
      case: 'case',
      groups: [0],
      state: 'opened',
      verdict: {},
    } as const
    for (const group of groups)
      await storage.saveReceipts([{ receipt: { ...receipt, record: group.record }, groups: [group] }])
    const traces = (i: number) => [`wrapped key ${i} end`, `sealed group ${i} begin `, `sealed group ${i} end`]
    const before = (await readFile(path, 'latin1')) + (await readFile(`${path}-wal`, 'latin1'))
    for (const trace of traces(0)) assert(before.includes(trace))

    await storage.eraseGroups(['doomed'])

    assert.equal((await stat(`${path}-wal`)).size, 0)
    const file = await readFile(path, 'latin1')
    assert(!file.includes('doomed'))
    for (let i = 0; i < 300; i++) for (const trace of traces(i)) assert.equal(file.includes(trace), i % 3 !== 0, trace)
    await storage.close()
  })

  test('says that traces stay while a reader keeps the journal busy, and removes them after', async () => {
    const storage = await openSqliteStorage({ path: newPath() })
    await storage.saveDocument('h', 'text')
    const reader = new DatabaseSync(path)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM documents').get()
    await storage.saveDocument('h2', 'text')
    await refused('STORAGE_FAILED', storage.eraseGroups(['k']))
    reader.exec('COMMIT')
    reader.close()
    await storage.eraseGroups(['k'])
    assert.equal((await stat(`${path}-wal`)).size, 0)
    await storage.close()
  })
})

function appendForEver(path: string): string {
  return `
    import { writeSync } from 'node:fs'
    const { openSqliteStorage } = await import(${JSON.stringify(import.meta.resolve('./sqlite.ts'))})
    const storage = await openSqliteStorage({ path: ${JSON.stringify(path)} })
    for (let size = (await storage.findHead('a'))?.size ?? 0; ; size += 20) {
      await storage.appendBatch('a', {
        expected: size === 0 ? null : { term: 0, size },
        head: { term: 0, size: size + 20, root: 'root', time: 0 },
        leaves: Array.from({ length: 20 }, (_, i) => ({ leaf: 'leaf-' + (size + i), id: 'id-' + (size + i), case: null })),
        tiles: [{ level: 0, n: 0, hashes: new Uint8Array(size + 20) }],
        rows: new Map([['size', size + 20]]),
      })
      writeSync(1, size + 20 + '\\n')
    }`
}

function appendInARace(path: string): string {
  return `
    const { openSqliteStorage } = await import(${JSON.stringify(import.meta.resolve('./sqlite.ts'))})
    const storage = await openSqliteStorage({ path: ${JSON.stringify(path)} })
    const outcomes = []
    for (let i = 0; i < 100; i++) {
      const size = (await storage.findHead('a'))?.size ?? 0
      const outcome = storage.appendBatch('a', {
        expected: size === 0 ? null : { term: 0, size },
        head: { term: 0, size: size + 1, root: 'root', time: 0 },
        leaves: [{ leaf: 'leaf', id: 'id-' + size, case: null }],
        tiles: [],
        rows: new Map(),
      })
      outcomes.push(await outcome.then(() => 'appended', (error) => error.code))
    }
    await storage.close()
    console.log(JSON.stringify(outcomes))`
}

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof ConcordatError && error.code === code)
}
