import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { custodyContract } from '../../test/contract/custody.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { openSqliteStorage } from '../storage/sqlite.ts'
import { createFileCustody, openFileCustody } from './file.ts'

const passphrase = 'correct horse battery staple'
const argon2 = { memoryKiB: 64, passes: 1, parallelism: 1 }

custodyContract('key store in a folder', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'concordat-'))
  const folder = join(parent, 'keys')
  return {
    create: () => createFileCustody({ folder, passphrase, argon2, now: 1_000 }),
    open: () => openFileCustody({ folder, passphrase }),
    remove: () => rm(parent, { recursive: true }),
  }
})

describe('a key store in a folder', () => {
  let parent: string
  let folder: string
  let number = 0
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'concordat-'))
  })
  after(() => rm(parent, { recursive: true }))

  function create(cost = argon2) {
    number += 1
    folder = join(parent, `${number}`)
    return createFileCustody({ folder, passphrase, argon2: cost, now: 1_000 })
  }

  async function bytesOnDisk(): Promise<string> {
    const files = await Promise.all(['keys.db', 'keys.db-wal'].map((file) => readFile(join(folder, file), 'latin1')))
    return files.join('')
  }

  test('is its owner’s alone', async () => {
    const custody = await create()
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    for (const file of ['keys.db', 'keys.db-wal', 'keys.db-shm'])
      assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600)
    await custody.close()
  })

  test('opens with its passphrase alone, as text in any form or as bytes', async () => {
    number += 1
    folder = join(parent, `${number}`)
    await (await createFileCustody({ folder, passphrase: 'caf\u00e9', argon2, now: 1_000 })).close()
    await (await openFileCustody({ folder, passphrase: 'cafe\u0301' })).close()
    await (await openFileCustody({ folder, passphrase: Buffer.from('caf\u00e9') })).close()
    await refused('CUSTODY_PASSPHRASE_WRONG', openFileCustody({ folder, passphrase: 'cafe' }))
    await refused('CUSTODY_PASSPHRASE_WRONG', openFileCustody({ folder, passphrase: '' }))
  })

  test('is never made over another, nor under an empty passphrase', async () => {
    const custody = await create()
    const keys = custody.publicKeys()
    await custody.close()
    await refused('CUSTODY_EXISTS', createFileCustody({ folder, passphrase, argon2, now: 2_000 }))
    const again = await openFileCustody({ folder, passphrase })
    assert.deepEqual(again.publicKeys(), keys)
    await again.close()
    const empty = createFileCustody({ folder: join(parent, 'none'), passphrase: '', argon2, now: 1_000 })
    await refused('CUSTODY_PASSPHRASE_WRONG', empty)
  })

  test('is missing where none was made, or where making it was cut off', async () => {
    folder = join(parent, 'cut-off')
    await refused('CUSTODY_MISSING', openFileCustody({ folder, passphrase }))
    await assert.rejects(createFileCustody({ folder, passphrase, argon2, now: -1 }))
    await refused('CUSTODY_MISSING', openFileCustody({ folder, passphrase }))
    await (await createFileCustody({ folder, passphrase, argon2, now: 1_000 })).close()
    await (await openFileCustody({ folder, passphrase })).close()
  })

  test('refuses a cost of the passphrase beyond limits, given or stored', async () => {
    await refused('CUSTODY_INVALID', create({ memoryKiB: 7, passes: 1, parallelism: 1 }))
    await refused('CUSTODY_INVALID', create({ ...argon2, passes: 0 }))
    await (await create()).close()
    alter('UPDATE custody SET argon2_memory_kib = 1000000000')
    await refused('CUSTODY_INVALID', openFileCustody({ folder, passphrase }))
  })

  test('refuses keys that were altered, moved or taken away', async () => {
    const moves = [
      `UPDATE keys SET sealed = zeroblob(100) WHERE id = 'record'`,
      `UPDATE keys SET sealed = (SELECT sealed FROM keys WHERE id = 'request') WHERE id = 'record'`,
      `UPDATE keys SET id = replace(id, 'epoch/1000', 'epoch/2000') WHERE id LIKE 'epoch/%'`,
      `DELETE FROM keys WHERE id = 'mac'`,
      `PRAGMA user_version = 9`,
      `DELETE FROM custody`,
    ]
    for (const move of moves) {
      await (await create()).close()
      alter(move)
      await refused('CUSTODY_INVALID', openFileCustody({ folder, passphrase }))
    }
    await (await create()).close()
    await writeFile(join(folder, 'keys.db'), randomBytes(8_192))
    await refused('CUSTODY_FAILED', openFileCustody({ folder, passphrase }))
  })

  test('a vault key moved under another id opens nothing', async () => {
    const custody = await create()
    await custody.wrap([{ vaultKey: 'v', bytes: Buffer.from('x') }])
    await custody.close()
    alter(`UPDATE vault_keys SET id = 'w'`)
    const again = await openFileCustody({ folder, passphrase })
    await refused('CUSTODY_INVALID', again.wrap([{ vaultKey: 'w', bytes: Buffer.from('x') }]))
    await again.close()
  })

  test('holds no private key in clear', async () => {
    const custody = await create()
    await custody.wrap([{ vaultKey: 'v', bytes: Buffer.from('x') }])
    const bytes = await bytesOnDisk()
    // OIDs of the key types, which every PKCS #8 carries.
    for (const oid of ['06072a8648ce3d0201', '06032b6570', '0609608648016503040311'])
      assert(!bytes.includes(Buffer.from(oid, 'hex').toString('latin1')))
    await custody.close()
  })

  test('keeps no byte of a destroyed vault key, in file or journal', async () => {
    const custody = await create()
    const ids = Array.from({ length: 2_000 }, (_, i) => `vault key ${i} of this case`)
    for (let i = 0; i < ids.length; i += 100)
      await custody.wrap(ids.slice(i, i + 100).map((vaultKey) => ({ vaultKey, bytes: Buffer.from('x') })))
    const reader = new DatabaseSync(join(folder, 'keys.db'))
    const rows = reader.prepare('SELECT id, sealed FROM vault_keys').all()
    reader.close()
    const sealed = new Map(rows.map((row) => [row.id, Buffer.from(row.sealed as Uint8Array).toString('latin1')]))
    const before = await bytesOnDisk()
    for (const bytes of sealed.values()) assert(before.includes(bytes))

    await custody.destroyVaultKeys(ids.filter((_, i) => i % 3 === 0))

    assert.equal((await stat(join(folder, 'keys.db-wal'))).size, 0)
    const after = await bytesOnDisk()
    for (const [i, id] of ids.entries()) {
      const bytes = sealed.get(id)!
      assert.equal(after.includes(bytes), i % 3 !== 0)
      // Neither a part: IV, or ciphertext.
      assert.equal(after.includes(bytes.slice(0, 12)), i % 3 !== 0)
      assert.equal(after.includes(bytes.slice(12, 44)), i % 3 !== 0)
    }
    await custody.close()
  })

  test('a backup of the node’s database from before an erasure opens nothing', async () => {
    const custody = await create()
    const path = join(folder, 'node.db')
    const storage = await openSqliteStorage({ path })
    const vaultKey = 'subject, case and class'
    const [wrappedKey] = await custody.wrap([{ vaultKey, bytes: randomBytes(32) }])
    const group = {
      register: 'a',
      record: 'r',
      index: 0,
      role: 'council',
      case: 'c',
      vaultKey,
      wrappedKey: wrappedKey!,
      sealed: randomBytes(64),
    }
    const submission = {
      register: 'a',
      id: 'r',
      jws: 'jws',
      kind: 'action+sd-jwt',
      case: 'c',
      iat: 1,
      idempotency: 'k',
      request: 'q',
      state: 'pending',
      index: null,
      refusal: null,
    } as const
    await storage.saveSubmissions([{ submission, groups: [group] }])
    await storage.close()
    await copyFile(path, `${path}.backup`)

    const erasing = await openSqliteStorage({ path })
    await custody.destroyVaultKeys([vaultKey])
    await erasing.eraseGroups([vaultKey])
    await erasing.close()
    await copyFile(`${path}.backup`, path)

    const restored = await openSqliteStorage({ path })
    const [held] = await restored.recordGroups('a', 'r', 'council')
    assert.deepEqual(await custody.unwrap([{ vaultKey, bytes: held!.wrappedKey }]), [undefined])
    await restored.eraseGroups([vaultKey])
    assert.deepEqual(await restored.recordGroups('a', 'r', 'council'), [])
    await restored.close()
    await custody.close()
  })

  function alter(sql: string): void {
    const db = new DatabaseSync(join(folder, 'keys.db'))
    db.exec(sql)
    db.close()
  }
})

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof ConcordatError && error.code === code)
}
