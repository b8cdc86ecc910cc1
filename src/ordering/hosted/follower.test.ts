import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { StillClock } from '../../../test/end-to-end/still-clock.ts'
import { type BuiltMember, buildMember, randomDigest, randomId } from '../../../test/register-builder.ts'
import { buildSample, type Sample, startCase } from '../../../test/sample-register.ts'
import { certify } from '../../../test/tlog-register.ts'
import { textOf } from '../../../test/whole-register.ts'
import type { JsonValue } from '../../core/canonical-json.ts'
import { signWith } from '../../core/crypto/signature.ts'
import { ConcordatError } from '../../core/error.ts'
import { formatCheckpoint } from '../../core/ledger/checkpoint.ts'
import { formatLeaf, parseLeaf } from '../../core/ledger/entry.ts'
import { nodeChecks } from '../../core/ledger/node-checks.ts'
import { parseSignatureLines } from '../../core/ledger/note.ts'
import { encodeBundle, TILE_WIDTH } from '../../core/ledger/tile.ts'
import { appendToTree, consistencyProof, leafHash } from '../../core/ledger/tree.ts'
import { verifyNote } from '../../core/ledger/verify-note.ts'
import { formatAddCheckpoint } from '../../core/ledger/witness.ts'
import { openSqliteStorage } from '../../storage/sqlite.ts'
import type { StoredCertificate } from '../../storage/storage.ts'
import { RegisterLog } from '../register-log.ts'
import type { Halt } from './followed-log.ts'
import { FollowingLog } from './follower.ts'
import { PART_LEAVES } from './leaf-source.ts'
import { cosignerKeys, findMemberRow } from './operator-keys.ts'
import type { HostedPeers } from './peers.ts'

/** So much of the register is near, and cases start after it; so much is taken in two parts. */
const NEAR = 11
const FAR = PART_LEAVES + 300
const FAR_BUNDLES = Math.ceil(FAR / TILE_WIDTH)
const PART_BUNDLES = PART_LEAVES / TILE_WIDTH
/** All of it is taken in three. */
const WHOLE = 2 * PART_LEAVES + 200

let sample: Sample
let register: string
let leaves: readonly string[]
/** In the second part: the size that ends in the leaf by which a fifth operator, the sixth member, comes in. */
let boundary: number
const sixth = buildMember('Sixth', { voting: true })
before(async () => {
  sample = await buildSample()
  const { builder, council, auditor, bureau } = sample
  register = builder.ids[0]!
  assert.equal(builder.leaves.length, NEAR)
  while (builder.leaves.length < FAR + 100) await startCase(sample)
  const proposal = await builder.add(builder.admit(council, sixth))
  for (const member of [council, auditor, bureau]) {
    await builder.add(builder.approval(member, proposal, sixth.id, []))
  }
  await builder.add(builder.member(sixth))
  boundary = builder.leaves.length
  while (builder.leaves.length < WHOLE) await startCase(sample)
  leaves = builder.leaves
})

/** The node that orders the register, as far as a follower sees it, and the network on the way to it. */
class OrderingNode implements HostedPeers {
  leaves: readonly string[] = leaves
  certificate: string | undefined
  /** The certificate over a boundary, as it is served. */
  boundary: (size: number) => Promise<string | undefined> = (size) => certificateOver(leaves.slice(0, size))
  /** The bundles that were asked for, by number. */
  readonly reads: number[] = []
  /** What comes instead of the leaves at so many reads from the first on; undefined where nothing is wrong. */
  fault: (read: number) => readonly string[] | undefined = () => undefined

  async readBundle(_member: string, n: number, width: number): Promise<Uint8Array> {
    const served = this.fault(this.reads.push(n)) ?? this.leaves
    return encodeBundle(served.slice(n * TILE_WIDTH, n * TILE_WIDTH + width))
  }

  async findCheckpoint(): Promise<string | undefined> {
    return this.certificate
  }

  findBoundaryCertificate(_member: string, size: number): Promise<string | undefined> {
    return this.boundary(size)
  }

  submitEntries = () => assert.fail('nothing is submitted')
  addCheckpoint = () => assert.fail('a follower asks for no cosignature')
  sendCertificate = () => assert.fail('a follower sends no certificate')
  sendStatement = () => assert.fail('nothing is handed over')
  async readTile(_member: string, { level, n, width }: { level: number; n: number; width: number }) {
    return treeOf(this.leaves)
      .readTile(level, n)!
      .subarray(0, width * 32)
  }
}

/** The bureau's node, at the time of the leaf that ends a register of size `at`. `reopen` is what a restart of it does. */
async function open(t: TestContext, peers: OrderingNode, { at, id = register }: { at: number; id?: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-follower-'))
  const halts: Halt[] = []
  const certificates: StoredCertificate[] = []
  const start = async () => {
    const storage = await openSqliteStorage({ path: join(folder, 'node.db') })
    const log = await RegisterLog.open(storage, id)
    const follower = new FollowingLog({
      log,
      storage,
      clock: new StillClock(parseLeaf(leaves[at - 1]!).time),
      signer: {
        async signCheckpoint(algorithm, data) {
          const { ed25519, mldsa44 } = sample.bureau
          return signWith(algorithm === 'Ed25519' ? ed25519 : mldsa44, data)
        },
      },
      peers,
      member: sample.bureau.id,
      sequencer: sample.council.id,
      certified: (await storage.findCertificate(id))?.size ?? 0,
      halt: halts.at(-1) ?? null,
      promised: () => 0,
      onReplaced() {},
      onCertificate: (certificate) => certificates.push(certificate),
      onHalt: async (halt) => void halts.push(halt!),
    })
    return { storage, log, follower }
  }
  const node = { ...(await start()), halts, certificates, reopen, accept }
  function accept(note: string): Promise<void> {
    return node.follower.acceptCertificate(note, undefined)
  }
  async function reopen(): Promise<void> {
    await node.follower.stop()
    await node.storage.close()
    Object.assign(node, await start())
  }
  t.after(async () => {
    await node.follower.stop()
    await node.storage.close()
    rmSync(folder, { recursive: true })
  })
  return node
}

type Follower = Awaited<ReturnType<typeof open>>

/** One that holds the near leaves under a certificate. */
async function openNear(t: TestContext, peers: OrderingNode, { at }: { at: number }): Promise<Follower> {
  const node = await open(t, peers, { at })
  await node.accept(await certificateOver(leaves.slice(0, NEAR)))
  assert.equal(node.log.head?.size, NEAR)
  peers.reads.length = 0
  return node
}

function treeOf(of: readonly string[]) {
  const { root, tiles } = appendToTree({ size: 0, readTile: () => undefined }, of.map(leafHash))
  const hashes = new Map(tiles.map((tile) => [`${tile.level}/${tile.n}`, tile.hashes]))
  return { root, readTile: (level: number, n: number) => hashes.get(`${level}/${n}`) }
}

/** Signed by the log, cosigned by all who were operators from the start, unless others are named. */
function certificateOver(
  of: readonly string[],
  changes: { id?: string; log?: BuiltMember; cosigners?: BuiltMember[] } = {},
): Promise<string> {
  const { council, auditor, bureau, carrier } = sample
  const { id = register, log = council, cosigners = [council, auditor, bureau, carrier] } = changes
  return certify({ origin: `${id}/0`, size: of.length, root: treeOf(of).root }, log, cosigners, ['Ed25519'])
}

/** What the ordering node sends for its cosignature to one that holds the first `oldSize` leaves. */
async function addCheckpointOver(of: readonly string[], oldSize: number, id = register) {
  const note = await certificateOver(of, { id, cosigners: [] })
  const proof = consistencyProof(oldSize, of.length, treeOf(of).readTile)
  return { note, body: formatAddCheckpoint({ oldSize, proof, note }) }
}

/** Keeps every rule in the place of the one that is there. */
function otherLeaf(index: number): string {
  const { builder, carrier, skeleton } = sample
  const { time } = parseLeaf(leaves[index]!)
  const start = { skeleton, case: randomId(), step: 's1', as: 'applicant', prev: [], next: ['s2'] }
  return formatLeaf(time, builder.action(carrier, { ...start, bind: { applicant: carrier } }, { iat: time }))
}

/** By somebody who has no part in the case. */
function brokenLeaf(index: number): string {
  const { builder, auditor, skeleton } = sample
  const { time } = parseLeaf(leaves[index]!)
  const start = { skeleton, case: randomId(), step: 's2', as: 'council', prev: [], next: ['s3'] }
  return formatLeaf(time, builder.action(auditor, start, { iat: time }))
}

async function heldLeaves({ storage, log }: Follower, id = register): Promise<string[]> {
  return storage.readLeaves(id, 0, (log.head?.size ?? 0) + 1)
}

async function assertHonest(node: Follower): Promise<void> {
  assert.deepEqual(await heldLeaves(node), leaves.slice(0, node.log.head?.size ?? 0))
}

test('from nothing, a certificate far ahead: the whole register is taken, checked and committed', async (t) => {
  const node = await open(t, new OrderingNode(), { at: WHOLE })
  const { builder, council, auditor, carrier } = sample
  const note = await certificateOver(leaves, { cosigners: [council, auditor, carrier, sixth] })
  await node.accept(note)
  assert.deepEqual(await heldLeaves(node), leaves)
  const rows = new Map<string, JsonValue>()
  for await (const [key, row] of node.storage.allRows(register)) rows.set(key, row)
  assert.equal(textOf(rows), textOf(builder.rows))
  assert.deepEqual(node.certificates, [{ size: WHOLE, note, boundary: false }])
})

test('a checkpoint far ahead is cosigned once every leaf up to it is applied and kept', async (t) => {
  const node = await openNear(t, new OrderingNode(), { at: FAR })
  const { body } = await addCheckpointOver(leaves.slice(0, FAR), NEAR)
  const answer = await node.follower.addCheckpoint(body)
  assert.equal(answer.status, 200)
  const signatures = parseSignatureLines(answer.body)
  const text = formatCheckpoint({ origin: `${register}/0`, size: FAR, root: treeOf(leaves.slice(0, FAR)).root })
  const keys = await cosignerKeys(sample.bureau.id, (await findMemberRow(node.log, sample.bureau.id))!)
  assert.equal((await verifyNote({ text, signatures }, keys, nodeChecks)).length, 2)
  await node.reopen()
  assert.deepEqual(await heldLeaves(node), leaves.slice(0, FAR))
  assert.equal((await node.storage.findCertificate(register))?.size, NEAR, 'it is no certificate yet')
})

test('from nothing, a checkpoint far ahead is worth reading for only once a certificate says so', async (t) => {
  const peers = new OrderingNode()
  const node = await open(t, peers, { at: FAR })
  const { body } = await addCheckpointOver(leaves.slice(0, FAR), 0)
  assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'LEAVES_NOT_OF_CHECKPOINT'])
  assert.deepEqual(peers.reads, [])
  peers.certificate = await certificateOver(leaves.slice(0, FAR - 10))
  assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'LEAVES_NOT_OF_CHECKPOINT'])
  assert.equal(node.certificates.at(-1)?.size, FAR - 10)
  const next = await addCheckpointOver(leaves.slice(0, FAR), FAR - 10)
  assert.equal((await status(node.follower.addCheckpoint(next.body)))[0], 200)
})

test('a note far ahead that no operator signed makes a follower read no more than one part', async (t) => {
  const peers = new OrderingNode()
  const note = await certificateOver(leaves, { log: buildMember('Stranger', { voting: true }) })
  const empty = await open(t, peers, { at: WHOLE })
  await assert.rejects(empty.accept(note), { code: 'NOTE_SIGNER_UNKNOWN' })
  assert(peers.reads.length <= PART_BUNDLES, `${peers.reads.length} bundles`)
  const near = await openNear(t, peers, { at: WHOLE })
  await assert.rejects(near.accept(note), { code: 'NOTE_SIGNER_UNKNOWN' })
  assert.deepEqual(peers.reads, [])
  assert.deepEqual([empty.log.head, near.log.head?.size], [undefined, NEAR])
  assert.deepEqual([...empty.halts, ...near.halts], [])
})

// First all bundles are read and hashed, then those of the first part again, then those of the last.
for (const [title, from, kind, make] of [
  ['at first', 1, 'another entry that keeps the rules', otherLeaf],
  ['when they are read again', FAR_BUNDLES + 1, 'another entry that keeps the rules', otherLeaf],
  ['in the middle of being read again', 2 * FAR_BUNDLES - 2, 'no entry', () => 'this is no leaf'],
  ['in the last part', 2 * FAR_BUNDLES, 'an entry that breaks a rule', brokenLeaf],
] as const) {
  test(`bundles that differ ${title}, ${kind}: nothing wrong is kept, nobody is blamed, and the next try ends well`, async (t) => {
    const peers = new OrderingNode()
    const node = await openNear(t, peers, { at: FAR })
    const wrong = [20, PART_LEAVES - 1, FAR - 1].reduce((made, i) => made.with(i, make(i)), leaves)
    peers.fault = (read) => (read >= from ? wrong : undefined)
    const note = await certificateOver(leaves.slice(0, FAR))
    await node.accept(note)
    assert.equal(node.certificates.at(-1)?.size, NEAR)
    const { body } = await addCheckpointOver(leaves.slice(0, FAR), node.log.head!.size)
    assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'LEAVES_NOT_OF_CHECKPOINT'])
    await assertHonest(node)
    assert.deepEqual(node.halts, [])
    peers.fault = () => undefined
    await node.accept(note)
    assert.deepEqual(await heldLeaves(node), leaves.slice(0, FAR))
    assert.equal(node.certificates.at(-1)?.size, FAR)
  })
}

for (const [place, index] of [
  ['the first part', 300],
  ['the last part', FAR - 20],
] as const) {
  test(`a signed tree with a broken rule in ${place}: it halts at that leaf, keeps the proof, and no leaf from its part on`, async (t) => {
    const peers = new OrderingNode()
    const node = await openNear(t, peers, { at: FAR })
    peers.leaves = leaves.with(index, brokenLeaf(index))
    const { body, note } = await addCheckpointOver(peers.leaves.slice(0, FAR), NEAR)
    assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'CASE_UNKNOWN'])
    assert.deepEqual(node.halts, [{ term: 0, index, code: 'CASE_UNKNOWN', note, fork: null }])
    assert.deepEqual(node.follower.halt, node.halts[0])
    assert.equal(node.log.head?.size, index < PART_LEAVES ? NEAR : PART_LEAVES)
    await assertHonest(node)
    await node.reopen()
    peers.leaves = leaves
    assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'REGISTER_HALTED'])
    await node.accept(await certificateOver(leaves.slice(0, FAR)))
    assert.equal(node.certificates.at(-1)?.size, NEAR)
  })
}

test('a broken rule shown by a certificate far ahead halts too, whoever cosigned it', async (t) => {
  const peers = new OrderingNode()
  const node = await open(t, peers, { at: FAR })
  const index = PART_LEAVES + 5
  peers.leaves = leaves.with(index, brokenLeaf(index))
  const note = await certificateOver(peers.leaves, { cosigners: [] })
  await node.accept(note)
  assert.deepEqual(node.halts, [{ term: 0, index, code: 'CASE_UNKNOWN', note, fork: null }])
  assert.equal(node.log.head?.size, PART_LEAVES)
  await assertHonest(node)
})

for (const size of [NEAR, FAR]) {
  test(`${size} leaves of another register under this one's id: none is kept`, async (t) => {
    const id = randomDigest()
    const peers = new OrderingNode()
    const node = await open(t, peers, { at: size, id })
    const foreign = leaves.slice(0, size)
    peers.certificate = await certificateOver(foreign, { id })
    await node.accept(peers.certificate)
    const { body } = await addCheckpointOver(foreign, 0, id)
    assert.deepEqual(await status(node.follower.addCheckpoint(body)), [503, 'LEAVES_NOT_OF_CHECKPOINT'])
    assert.deepEqual(await heldLeaves(node, id), [])
    assert.deepEqual([node.halts, node.certificates], [[], []])
    await assert.rejects(node.accept(await certificateOver(foreign)), {
      code: 'CERTIFICATE_ORIGIN_MISMATCH',
    })
  })
}

test('what was kept of a far stretch stays when the rest does not come, and after a restart only the rest is read', async (t) => {
  const peers = new OrderingNode()
  const node = await openNear(t, peers, { at: WHOLE })
  const { council, auditor, carrier } = sample
  const note = await certificateOver(leaves, { cosigners: [council, auditor, carrier, sixth] })
  // Each bundle of all three parts once; the first two parts again; then nothing more comes.
  const last = Math.ceil(WHOLE / TILE_WIDTH) + 2 * PART_BUNDLES
  peers.fault = (read) => {
    if (read <= last) return undefined
    throw new ConcordatError({ code: 'REMOTE_UNREACHABLE', expected: 'an answer', got: 'none' })
  }
  await assert.rejects(node.accept(note), { code: 'REMOTE_UNREACHABLE' })
  await node.reopen()
  assert.deepEqual(await heldLeaves(node), leaves.slice(0, 2 * PART_LEAVES))
  assert.equal(node.certificates.at(-1)?.size, NEAR)
  peers.fault = () => undefined
  peers.reads.length = 0
  await node.accept(note)
  assert.deepEqual(new Set(peers.reads), new Set([2 * PART_BUNDLES]))
  assert.deepEqual(await heldLeaves(node), leaves)
  assert.equal(node.certificates.at(-1)?.size, WHOLE)
})

for (const [place, size] of [
  ['the last part', FAR + 200],
  ['a part before', WHOLE],
] as const) {
  test(`a change of operators in ${place} of a far stretch is not cosigned past until a certificate is over it`, async (t) => {
    const peers = new OrderingNode()
    const node = await openNear(t, peers, { at: size })
    const ask = async () => {
      const { body } = await addCheckpointOver(leaves.slice(0, size), node.log.head!.size)
      return node.follower.addCheckpoint(body)
    }
    assert.deepEqual(await status(ask()), [503, 'BOUNDARY_NOT_CERTIFIED'])
    assert.deepEqual(await status(ask()), [503, 'BOUNDARY_NOT_CERTIFIED'], 'nor when it comes again')
    await assertHonest(node)
    peers.certificate = await certificateOver(leaves.slice(0, boundary))
    await node.follower.catchUp()
    assert.equal((await status(ask()))[0], 200)
    assert.deepEqual((await node.storage.boundaryCertificates(register)).at(-1), {
      size: boundary,
      note: peers.certificate,
      boundary: true,
    })
  })
}

test('the certificate over a boundary that was missed is asked for, checked, and asked for again', async (t) => {
  const { auditor, bureau, carrier } = sample
  const founding = 6
  const peers = new OrderingNode()
  const node = await open(t, peers, { at: NEAR })
  const wrong: (() => Promise<string | undefined>)[] = [
    async () => undefined,
    () => certificateOver(leaves.slice(0, founding + 1)),
    () => certificateOver(leaves.slice(0, founding), { cosigners: [auditor, bureau, carrier] }),
  ]
  for (const [i, boundary] of wrong.entries()) {
    peers.boundary = boundary
    await node.accept(await certificateOver(leaves.slice(0, NEAR + i)))
    assert.equal(node.certificates.at(-1)?.size, NEAR + i)
    assert.deepEqual(await node.storage.boundaryCertificates(register), [])
  }
  const note = await certificateOver(leaves.slice(0, founding))
  peers.boundary = async () => note
  await node.accept(await certificateOver(leaves.slice(0, NEAR + wrong.length)))
  assert.deepEqual(await node.storage.boundaryCertificates(register), [{ size: founding, note, boundary: true }])
})

async function status(answer: Promise<{ status: number; body: string }>): Promise<[number, string]> {
  const { status: code, body } = await answer
  return [code, body.trim()]
}
