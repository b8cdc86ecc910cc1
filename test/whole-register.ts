import assert from 'node:assert/strict'
import { canonicalize, type JsonValue } from '../src/core/canonical-json.ts'
import { toBase64url } from '../src/core/crypto/base64url.ts'
import { applyEntry, rowsNamed } from '../src/core/ledger/apply-entry.ts'
import { type Audit, auditRegister } from '../src/core/ledger/audit.ts'
import { parseEntry, parseLeaf, verifyLeafTime } from '../src/core/ledger/entry.ts'
import { nodeChecks } from '../src/core/ledger/node-checks.ts'
import { verifyRegisterCertificate } from '../src/core/ledger/register-certificate.ts'
import { findRegister } from '../src/core/ledger/state.ts'
import { appendToTree, leafHash, type ReadTile, rootOf, type Tile } from '../src/core/ledger/tree.ts'
import { verifyEntry } from '../src/core/ledger/verify-entry.ts'
import { waitFor } from '../src/sandbox/play.ts'
import { systemClock } from '../src/sandbox/story-clock.ts'
import type { Storage } from '../src/storage/storage.ts'

/** What two nodes of one register must have in common. */
export interface Replayed {
  leaves: string[]
  /** Every row as text, in key order. */
  rows: string
  state: ReadonlyMap<string, JsonValue>
  readTile: ReadTile
}

/** Replays every leaf that a node holds from nothing and compares: state rows, tiles and head are those that the leaves give. */
export async function replayRegister(storage: Storage, register: string): Promise<Replayed> {
  const head = await storage.findHead(register)
  assert(head !== undefined, 'the register has leaves')
  const leaves = await storage.readLeaves(register, 0, head.size + 1)
  assert.equal(leaves.length, head.size, 'as many leaves as the head says')

  const rows = new Map<string, JsonValue>()
  let time = 0
  for (const [index, leaf] of leaves.entries()) {
    const parsed = parseLeaf(leaf)
    verifyLeafTime(time, parsed.time)
    time = parsed.time
    const entry = parseEntry(parsed.jws)
    const named = new Map(rowsNamed(entry).flatMap((key) => (rows.has(key) ? [[key, rows.get(key)!] as const] : [])))
    const verified = await verifyEntry(entry, named)
    for (const [key, row] of applyEntry(named, verified, { index, time })) rows.set(key, row)
    assert.equal((await storage.findLeaf(register, verified.id))?.index, index, 'each entry once, found by its id')
  }
  assert.equal(head.time, time)
  const stored = new Map<string, JsonValue>()
  for await (const [key, row] of storage.allRows(register)) stored.set(key, row)
  assert.equal(textOf(rows), textOf(stored), 'the rows that the leaves give')

  const tiles = new Map<string, Tile>()
  const readTile: ReadTile = (level, n) => tiles.get(`${level}/${n}`)?.hashes
  const tree = appendToTree({ size: 0, readTile }, leaves.map(leafHash))
  for (const tile of tree.tiles) tiles.set(`${tile.level}/${tile.n}`, tile)
  for (const { level, n, hashes } of tree.tiles) {
    const held = await storage.findTile(register, level, n)
    assert.deepEqual(held && Buffer.from(held), Buffer.from(hashes), `tile ${level}/${n}`)
  }
  assert.equal(head.root, toBase64url(tree.root))

  return { leaves, rows: textOf(rows), state: rows, readTile }
}

/** Replays a register and checks that its newest certificate is over the leaves. */
export async function checkRegister(
  storage: Storage,
  register: string,
): Promise<Pick<Replayed, 'leaves' | 'rows'> & { certified: number }> {
  const { leaves, rows, state, readTile } = await replayRegister(storage, register)
  const certificate = await storage.findCertificate(register)
  assert(certificate !== undefined && certificate.size <= leaves.length, 'a certificate over leaves that are here')
  const row = findRegister(state)!
  const { checkpoint } = await verifyRegisterCertificate(certificate.note, row, nodeChecks)
  assert.equal(checkpoint.size, certificate.size)
  assert.equal(toBase64url(checkpoint.root), toBase64url(rootOf(checkpoint.size, readTile)))
  return { leaves, certified: certificate.size, rows }
}

export function textOf(rows: ReadonlyMap<string, JsonValue>): string {
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([key, row]) => `${key} ${canonicalize(row)}`).join('\n')
}

/**
 * Audits every node of a register from its leaves alone, once all hold the same number of them; their trees and rows are one.
 * Answers what the audit of each said.
 */
export async function checkNetwork(
  members: ReadonlyMap<string, { storage: Storage }>,
  register: string,
): Promise<Audit> {
  // Nodes enter things of their own, such as a month's new encryption key, also while they are audited.
  for (let attempt = 1; attempt < 5; attempt++) {
    const before = await sizeAtRest(members, register)
    const audit = await auditAlike(members, register).catch((error: unknown) => ({ error }))
    if (!('error' in audit)) return audit
    if ((await sizeAtRest(members, register)) === before) throw audit.error
  }
  await sizeAtRest(members, register)
  return auditAlike(members, register)
}

/** Once all hold the same number of leaves, and all of them certified. */
async function sizeAtRest(members: ReadonlyMap<string, { storage: Storage }>, register: string): Promise<number> {
  let size = 0
  await waitFor(systemClock, async () => {
    const stores = [...members.values()].map(({ storage }) => storage)
    const heads = await Promise.all(stores.map((storage) => storage.findHead(register)))
    const certificates = await Promise.all(stores.map((storage) => storage.findCertificate(register)))
    size = heads[0]?.size ?? 0
    return new Set([...heads, ...certificates].map((held) => held?.size)).size === 1
  })
  return size
}

async function auditAlike(members: ReadonlyMap<string, { storage: Storage }>, register: string): Promise<Audit> {
  const audits = new Map<string, Audit>()
  const rows = new Map<string, string>()
  for (const [id, { storage }] of members) {
    audits.set(id, await auditRegister({ register, store: storage, checks: nodeChecks, onProgress() {} }))
    const stored = new Map<string, JsonValue>()
    for await (const [key, row] of storage.allRows(register)) stored.set(key, row)
    rows.set(id, textOf(stored))
  }
  const [[first, audit]] = [...audits] as [[string, Audit]]
  for (const id of members.keys()) {
    assert.deepEqual(audits.get(id), audit, `${id} holds the register that ${first} holds`)
    assert.equal(rows.get(id), rows.get(first), `${id} holds the rows that ${first} holds`)
  }
  return audit
}
