import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { certify, makeMember, TestLog } from '../../../test/tlog-register.ts'
import { sha256 } from '../crypto/hash.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { nodeChecks } from './node-checks.ts'
import { noteKey } from './note.ts'
import { consistencyProof, rootOf } from './tree.ts'
import { answerAddCheckpoint, formatAddCheckpoint, parseAddCheckpoint, type WitnessedLog } from './witness.ts'

const origin = 'register/0'
const sequencer = makeMember()
const keys = [await noteKey(origin, { type: 1, jwk: sequencer.ed25519.publicJwk }, nodeChecks.sha256)]
const log = new TestLog()
for (let i = 0; i < 300; i++) log.append(`entry${i}`)

const fresh: WitnessedLog = { keys, size: 0, root: EMPTY_ROOT }

async function request(oldSize: number, size: number, changes: { proof?: Uint8Array[]; root?: Uint8Array } = {}) {
  const root = changes.root ?? rootOf(size, log.readTile)
  const proof = changes.proof ?? (oldSize <= size ? consistencyProof(oldSize, size, log.readTile) : [])
  return formatAddCheckpoint({ oldSize, proof, note: await certify({ origin, size, root }, sequencer, [], []) })
}

async function statusOf(body: string, witnessed: WitnessedLog): Promise<number> {
  return (await answerAddCheckpoint(body, async (o) => (o === origin ? witnessed : undefined), nodeChecks)).status
}

test('a witness follows the log from any size to any later one, and to no earlier one', async () => {
  const size = fc.integer({ min: 0, max: 300 })
  await fc.assert(
    fc.asyncProperty(size, size, async (from, to) => {
      const witnessed = { keys, size: from, root: rootOf(from, log.readTile) }
      assert.equal(await statusOf(await request(from, to), witnessed), from <= to ? 200 : 400)
      if (from !== to) assert.equal(await statusOf(await request(to, to), witnessed), 409)
    }),
    { numRuns: 1000 },
  )
})

test('another root at the same size is a conflict', async () => {
  const witnessed = { keys, size: 9, root: rootOf(9, log.readTile) }
  assert.equal(await statusOf(await request(9, 9, { root: sha256('other') }), witnessed), 409)
})

test('what does not extend the cosigned tree is refused', async () => {
  const witnessed = { keys, size: 9, root: sha256('another tree') }
  assert.equal(await statusOf(await request(9, 20), witnessed), 422)
  assert.equal(await statusOf(await request(0, 20, { proof: [sha256('')] }), fresh), 422)
})

test('a body of another form is refused before anything is looked up', async () => {
  const body = await request(9, 20)
  const bodies = [
    '',
    body.replace('old 9', 'old 09'),
    body.replace('old 9', 'old -9'),
    body.replace('old 9', 'new 9'),
    body.replace('old 9', 'old 9007199254740992'),
    body.replace('\n', '\nAAAA\n'),
    body.replace('\n', `\n${`${'A'.repeat(43)}=\n`.repeat(64)}`),
    body.slice(0, -1),
  ]
  for (const bad of bodies) {
    const answer = await answerAddCheckpoint(bad, () => assert.fail('looked up'), nodeChecks)
    assert.equal(answer.status, 400, JSON.stringify(bad.slice(0, 30)))
  }
  assert.deepEqual(formatAddCheckpoint(parseAddCheckpoint(body)), body)
})
