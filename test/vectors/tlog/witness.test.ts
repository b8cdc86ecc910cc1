import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_ROOT } from '../../../src/core/ledger/merkle.ts'
import { nodeChecks } from '../../../src/core/ledger/node-checks.ts'
import { parseVkey } from '../../../src/core/ledger/note.ts'
import {
  answerAddCheckpoint,
  formatAddCheckpoint,
  parseAddCheckpoint,
  type WitnessedLog,
} from '../../../src/core/ledger/witness.ts'
import { readSharedJson, sharedVectorsAbsent } from '../shared-vectors.ts'

interface Witnessing {
  origin: string
  vkey: string
  requests: { name: string; request: string; status: number; body?: string }[]
}

test('answers to add-checkpoint', { skip: sharedVectorsAbsent }, async () => {
  const { origin, vkey, requests } = readSharedJson<Witnessing>('tlog/witness/add-checkpoint.json')
  assert.equal(requests.length, 11)
  let log: WitnessedLog = { keys: [await parseVkey(vkey, nodeChecks.sha256)], size: 0, root: EMPTY_ROOT }
  for (const { name, request, status, body } of requests) {
    const answer = await answerAddCheckpoint(request, async (o) => (o === origin ? log : undefined), nodeChecks)
    assert.equal(answer.status, status, name)
    if (answer.status === 409) assert.equal(`${answer.size}\n`, body, name)
    if (answer.status !== 400) assert.equal(formatAddCheckpoint(parseAddCheckpoint(request)), request, name)
    if (answer.status === 200) log = { ...log, size: answer.checkpoint.size, root: answer.checkpoint.root }
  }
  assert.equal(log.size, 5)
})
