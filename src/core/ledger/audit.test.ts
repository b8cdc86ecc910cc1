import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { BuiltMember } from '../../../test/register-builder.ts'
import { buildSample, type Sample, startCase } from '../../../test/sample-register.ts'
import { certify } from '../../../test/tlog-register.ts'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import type { Storage } from '../../storage/storage.ts'
import { toBase64url } from '../crypto/base64url.ts'
import { ConcordatError, type ErrorDetail } from '../error.ts'
import { type Audit, auditRegister } from './audit.ts'
import { originOf } from './checkpoint.ts'
import { formatLeaf, parseEntry, parseLeaf } from './entry.ts'
import { nodeChecks } from './node-checks.ts'
import { appendToTree, leafHash } from './tree.ts'
import { entryId } from './verify-entry.ts'

const CASES = 540
const FOUNDED_AT = 6

/** More leaves than an audit reads at once, and than a tile holds. */
let sample: Sample
let register: string
let founders: BuiltMember[]
let folder: string

before(async () => {
  sample = await buildSample()
  const { builder } = sample
  founders = builder.founders.filter(({ voting }) => voting)
  for (let i = 0; i < CASES; i++) await startCase(sample)
  register = builder.ids[0]!
  folder = mkdtempSync(join(tmpdir(), 'concordat-audit-'))
})

after(() => rmSync(folder, { recursive: true }))

interface Kept {
  storage: Storage
  /** The same file, past the storage. */
  sql: DatabaseSync
}

/** A member's database with these leaves, and beside them the tree and rows that an honest node would have. */
async function keep(t: TestContext, leaves: readonly string[]): Promise<Kept> {
  const path = join(folder, `${t.name.replaceAll(/\W+/g, '-')}.db`)
  const storage = await openSqliteStorage({ path })
  const sql = new DatabaseSync(path)
  t.after(async () => {
    sql.close()
    await storage.close()
  })
  const tree = treeOf(leaves)
  await storage.appendBatch(register, {
    expected: null,
    head: { term: 0, size: tree.size, root: toBase64url(tree.root), time: parseLeaf(leaves.at(-1)!).time },
    leaves: leaves.map((leaf) => ({ leaf, id: entryId(parseEntry(parseLeaf(leaf).jws)), case: null })),
    tiles: tree.tiles,
    cosigned: null,
    rows: sample.builder.rows,
  })
  return { storage, sql }
}

/** With the certificates of its own leaves. */
async function keepSigned(t: TestContext, leaves: readonly string[]): Promise<Kept> {
  const kept = await keep(t, leaves)
  await saveCertificate(kept, leaves.slice(0, FOUNDED_AT), founders)
  await saveCertificate(kept, leaves, founders.slice(1))
  return kept
}

async function saveCertificate(
  { storage }: Kept,
  leaves: readonly string[],
  cosigners: readonly BuiltMember[],
): Promise<void> {
  const { size, root } = treeOf(leaves)
  const checkpoint = { origin: originOf(register, 0), size, root }
  const note = await certify(checkpoint, sample.council, cosigners, ['Ed25519'])
  await storage.saveCertificate(register, { size, note, boundary: size === FOUNDED_AT })
}

function treeOf(leaves: readonly string[]) {
  return appendToTree({ size: 0, readTile: () => undefined }, leaves.map(leafHash))
}

function audit({ storage }: Kept): Promise<Audit> {
  return auditRegister({ register, store: storage, checks: nodeChecks, onProgress: () => {} })
}

async function findingOf(kept: Kept): Promise<ErrorDetail> {
  const error = await audit(kept).then(
    () => assert.fail('the audit passed'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ConcordatError, String(error))
  return error.detail
}

async function assertFinds(kept: Kept, code: ErrorDetail['code'], facts: { [fact: string]: unknown }): Promise<void> {
  assert.partialDeepStrictEqual(await findingOf(kept), { code, ...facts })
}

function withTime(leaf: string, change: (time: number) => number): string {
  const { time, jws } = parseLeaf(leaf)
  return formatLeaf(change(time), jws)
}

describe('an audit', () => {
  it('passes over a register as it was signed, and says what it is', async (t) => {
    const { leaves } = sample.builder
    const kept = await keepSigned(t, leaves)
    const checked: number[] = []
    const store = kept.storage
    const onProgress = (done: { checked: number }) => checked.push(done.checked)
    assert.deepEqual(await auditRegister({ register, store, checks: nodeChecks, onProgress }), {
      size: leaves.length,
      root: toBase64url(treeOf(leaves).root),
      committed: leaves.length,
      certificates: 2,
      entries: { genesis: 1, member: 5, proposal: 1, approval: 4, 'action+sd-jwt': CASES },
      members: 5,
      operators: 4,
      quorum: 3,
    })
    assert.deepEqual(checked, [512, leaves.length])
  })

  it('names the leaf of which any single byte was changed', async (t) => {
    const { leaves } = sample.builder
    const kept = await keepSigned(t, leaves)
    const write = kept.sql.prepare('UPDATE leaves SET leaf = CAST(? AS TEXT) WHERE idx = ?')
    const place = fc
      .nat({ max: leaves.length - 1 })
      .chain((index) =>
        fc.tuple(fc.constant(index), fc.nat({ max: leaves[index]!.length - 1 }), fc.integer({ min: 1, max: 255 })),
      )
    await fc.assert(
      fc.asyncProperty(place, async ([index, at, flip]) => {
        const bytes = Buffer.from(leaves[index]!)
        bytes[at]! ^= flip
        write.run(bytes, index)
        const finding = await findingOf(kept)
        write.run(Buffer.from(leaves[index]!), index)
        assert.partialDeepStrictEqual(finding, { code: 'AUDIT_LEAF_ALTERED', index })
      }),
      { numRuns: 200 },
    )
    await audit(kept)
  })

  for (const index of [0, 7, 255, 256, 511, 512, CASES + 10]) {
    it(`names leaf ${index} when it is missing`, async (t) => {
      const kept = await keepSigned(t, sample.builder.leaves)
      kept.sql.prepare('DELETE FROM leaves WHERE idx = ?').run(index)
      const code = index % 256 === 255 ? 'AUDIT_LEAF_ALTERED' : 'AUDIT_LEAF_MISSING'
      await assertFinds(kept, code, { index })
    })
  }

  it('names the first of two leaves that were swapped', async (t) => {
    const kept = await keepSigned(t, sample.builder.leaves)
    const move = kept.sql.prepare('UPDATE leaves SET idx = ? WHERE idx = ?')
    for (const [to, from] of [
      [-1, 300],
      [300, 20],
      [20, -1],
    ])
      move.run(to!, from!)
    await assertFinds(kept, 'AUDIT_LEAF_ALTERED', { index: 20 })
  })

  it('finds a leaf after the last', async (t) => {
    const kept = await keepSigned(t, sample.builder.leaves)
    const add =
      "INSERT INTO leaves (register, idx, id, leaf) SELECT register, ?, 'another', leaf FROM leaves WHERE idx = 9"
    kept.sql.prepare(add).run(sample.builder.leaves.length)
    await assertFinds(kept, 'AUDIT_HEAD_DIFFERS', { size: sample.builder.leaves.length })
  })

  for (const [level, n, at] of [
    [0, 0, 5],
    [0, 1, 8191],
    [0, 2, 64],
    [1, 0, 33],
  ] as const) {
    it(`names tile ${level}/${n} when a byte of it was changed, and when it is missing`, async (t) => {
      const kept = await keepSigned(t, sample.builder.leaves)
      const tile = Buffer.from((await kept.storage.findTile(register, level, n))!)
      const other = Buffer.from(tile)
      other[at]! ^= 1
      const write = kept.sql.prepare('UPDATE tiles SET hashes = ? WHERE level = ? AND n = ?')
      for (const bytes of [
        other,
        tile.subarray(0, -1),
        tile.subarray(0, -32),
        Buffer.concat([tile, tile.subarray(0, 32)]),
      ]) {
        write.run(bytes, level, n)
        await assertFinds(kept, 'AUDIT_TILE_ALTERED', { level, n })
      }
      kept.sql.prepare('DELETE FROM tiles WHERE level = ? AND n = ?').run(level, n)
      await assertFinds(kept, 'AUDIT_TILE_ALTERED', { level, n })
    })
  }

  it('finds a head that is not the leaves’', async (t) => {
    const kept = await keepSigned(t, sample.builder.leaves)
    const size = sample.builder.leaves.length
    kept.sql.exec('UPDATE registers SET time = time + 1')
    await assertFinds(kept, 'AUDIT_HEAD_DIFFERS', { size })
    kept.sql.exec('UPDATE registers SET time = time - 1')
    await audit(kept)
    kept.sql.exec('UPDATE registers SET root = substr(root, 2) || substr(root, 1, 1)')
    await assertFinds(kept, 'AUDIT_HEAD_DIFFERS', { size })
  })

  it('names a state row that was altered, added or removed', async (t) => {
    const kept = await keepSigned(t, sample.builder.leaves)
    const key = `case/${[...sample.builder.rows.keys()].find((row) => row.startsWith('case/'))!.slice(5)}`
    const body = JSON.stringify(sample.builder.rows.get(key))
    const write = kept.sql.prepare('INSERT OR REPLACE INTO rows (register, key, body) VALUES (1, ?, ?)')
    write.run(key, body.replace('"s2"', '"s3"'))
    await assertFinds(kept, 'AUDIT_ROW_DIFFERS', { key })
    write.run(key, body)
    await audit(kept)
    write.run('case/another', body)
    await assertFinds(kept, 'AUDIT_ROW_DIFFERS', { key: 'case/another' })
    kept.sql.prepare('DELETE FROM rows WHERE key IN (?, ?)').run(key, 'case/another')
    await assertFinds(kept, 'AUDIT_ROW_DIFFERS', { key })
  })

  it('refuses a time that goes back, though tree and checkpoint agree with it', async (t) => {
    const leaves = sample.builder.leaves.with(
      200,
      withTime(sample.builder.leaves[200]!, (time) => time - 2),
    )
    await assertFinds(await keepSigned(t, leaves), 'AUDIT_LEAF_REFUSED', { index: 200, reason: 'LEAF_TIME_DECREASES' })
  })

  it('refuses an entry whose signature was changed, though tree and checkpoint agree with it', async (t) => {
    const leaf = sample.builder.leaves[520]!
    const dot = leaf.lastIndexOf('.')
    const other = `${leaf.slice(0, dot + 1)}${leaf[dot + 1] === 'A' ? 'B' : 'A'}${leaf.slice(dot + 2)}`
    const kept = await keepSigned(t, sample.builder.leaves.with(520, other))
    await assertFinds(kept, 'AUDIT_LEAF_REFUSED', { index: 520, reason: 'SIGNATURE_INVALID' })
  })

  it('refuses an entry that breaks a rule, though tree and checkpoint agree with it', async (t) => {
    const { leaves } = sample.builder
    const kept = await keep(t, [...leaves.slice(0, 7), ...leaves.slice(8)])
    await assertFinds(kept, 'AUDIT_LEAF_REFUSED', { index: 10, reason: 'BLUEPRINT_NOT_LIVE' })
  })

  it('refuses leaves of which the signed checkpoint has another root', async (t) => {
    const { leaves } = sample.builder
    const later = leaves.with(
      -1,
      withTime(leaves.at(-1)!, (time) => time + 1),
    )
    const kept = await keep(t, later)
    await saveCertificate(kept, leaves, founders)
    await assertFinds(kept, 'AUDIT_CHECKPOINT_DIFFERS', { size: leaves.length })
  })

  it('refuses fewer leaves than were signed', async (t) => {
    const { leaves } = sample.builder
    const kept = await keep(t, leaves.slice(0, -1))
    await saveCertificate(kept, leaves, founders)
    await assertFinds(kept, 'AUDIT_LEAF_MISSING', { index: leaves.length - 1 })
  })

  it('refuses a checkpoint that too few operators cosigned', async (t) => {
    const { leaves } = sample.builder
    const kept = await keep(t, leaves)
    await assertFinds(kept, 'AUDIT_CHECKPOINT_MISSING', {})
    await saveCertificate(kept, leaves, [...founders.slice(0, 2), sample.observer])
    const facts = { size: leaves.length, reason: 'CERTIFICATE_QUORUM_MISSING' }
    await assertFinds(kept, 'AUDIT_CHECKPOINT_REFUSED', facts)
  })

  it('refuses a founding checkpoint that not all cosigned', async (t) => {
    const { leaves } = sample.builder
    const kept = await keep(t, leaves)
    await saveCertificate(kept, leaves.slice(0, FOUNDED_AT), founders.slice(1))
    await saveCertificate(kept, leaves, founders)
    await assertFinds(kept, 'AUDIT_CHECKPOINT_REFUSED', { size: FOUNDED_AT, reason: 'CERTIFICATE_QUORUM_MISSING' })
  })

  it('refuses a certificate of which any byte was changed', async (t) => {
    const kept = await keepSigned(t, sample.builder.leaves)
    const note = (await kept.storage.findCertificate(register))!.note
    const write = kept.sql.prepare('UPDATE certificates SET note = CAST(? AS TEXT) WHERE boundary = 0')
    for (let at = 3; at < note.length; at += 97) {
      const bytes = Buffer.from(note)
      bytes[at]! ^= 1
      write.run(bytes)
      const { code } = await findingOf(kept)
      assert.match(code, /^AUDIT_CHECKPOINT_/, `byte ${at}`)
    }
  })

  it('knows no register of which no leaf is kept', async (t) => {
    const kept = await keep(t, sample.builder.leaves)
    const options = { store: kept.storage, checks: nodeChecks, onProgress: () => {} }
    await assert.rejects(auditRegister({ ...options, register: 'another' }), { code: 'REGISTER_UNKNOWN' })
  })
})
