/** Somebody between a client and its node changes what the node answers: nothing that they change is passed on as true. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ProcessMemory } from '../../src/client/checkpoint-memory.ts'
import { Client } from '../../src/client/client.ts'
import { Http } from '../../src/client/http.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { nodeChecks } from '../../src/core/ledger/node-checks.ts'
import { openTestNetwork } from '../faults/open-network.ts'
import { permitStory } from '../faults/permit-story.ts'
import { startProxy, type Tamper } from '../faults/tampering-proxy.ts'
import { sampleData } from '../sample-blueprint.ts'

interface Answer {
  checkpoint: string
  records: { leaf: string; proof: string[]; record: string; index: number; time: number; as: string }[]
  history: { leaf: string; proof: string[]; index: number }[]
}

interface Forgery {
  title: string
  code: ErrorCode
  /** What is changed, in the answer to a request whose path ends so. */
  path: RegExp
  change: (answer: Answer) => void
}

const CASE = /\/cases\/[\w-]+$/
const HISTORY = /\/history$/

const forgeries: Forgery[] = [
  {
    title: 'a leaf with another signature',
    code: 'LEAF_ALTERED',
    path: CASE,
    change: ({ records: [record] }) => {
      record!.leaf = record!.leaf.slice(0, -86) + randomBytes(64).toString('base64url')
    },
  },
  {
    title: 'a leaf with another payload',
    code: 'LEAF_ALTERED',
    path: CASE,
    change: ({ records: [record] }) => {
      record!.leaf = changeCharacter(record!.leaf, record!.leaf.indexOf('.') + 40)
    },
  },
  {
    title: "another record's leaf and proof",
    code: 'LEAF_ALTERED',
    path: CASE,
    change: ({ records: [first, second] }) => {
      Object.assign(first!, { leaf: second!.leaf, proof: second!.proof })
    },
  },
  {
    title: 'a leaf with another time',
    code: 'LEAF_ALTERED',
    path: CASE,
    change: ({ records: [record] }) => {
      record!.time -= 60
      record!.leaf = record!.leaf.replace(/^\d+/, String(record!.time))
    },
  },
  {
    title: 'a proof with another hash',
    code: 'PROOF_INCLUSION_INVALID',
    path: CASE,
    change: ({ records: [record] }) => {
      record!.proof[0] = randomBytes(32).toString('base64url')
    },
  },
  {
    title: 'a proof too short',
    code: 'PROOF_INCLUSION_INVALID',
    path: CASE,
    change: ({ records: [record] }) => {
      record!.proof.pop()
    },
  },
  {
    title: 'another root',
    code: 'NOTE_SIGNATURE_INVALID',
    path: CASE,
    change: (answer) => {
      const lines = answer.checkpoint.split('\n')
      lines[2] = randomBytes(32).toString('base64')
      answer.checkpoint = lines.join('\n')
    },
  },
  {
    title: 'another size',
    code: 'NOTE_SIGNATURE_INVALID',
    path: CASE,
    change: (answer) => {
      const lines = answer.checkpoint.split('\n')
      lines[1] = String(Number(lines[1]) + 1)
      answer.checkpoint = lines.join('\n')
    },
  },
  {
    title: 'a checkpoint that the sequencer alone has signed',
    code: 'CERTIFICATE_QUORUM_MISSING',
    path: CASE,
    change: (answer) => {
      const lines = answer.checkpoint.split('\n')
      answer.checkpoint = `${lines.slice(0, 5).join('\n')}\n`
    },
  },
  {
    title: 'a history that hides a founder',
    code: 'EVIDENCE_HISTORY_INVALID',
    path: HISTORY,
    change: ({ history }) => {
      history.splice(1, 1)
    },
  },
  {
    title: 'a history with an altered genesis',
    code: 'EVIDENCE_NOT_INCLUDED',
    path: HISTORY,
    change: ({ history: [genesis] }) => {
      genesis!.leaf = changeCharacter(genesis!.leaf, genesis!.leaf.indexOf('.') + 40)
    },
  },
]

test('a proxy between client and node', async (t) => {
  const { network } = await openTestNetwork(t, permitStory(), { around: (folder) => folder })
  const http = new Http({ timeoutMs: 60_000, allowInternal: true })
  const proxy: { tamper: Tamper } = { tamper: (_, body) => body }
  const { address, token } = network.members.get('council')!
  const between = await startProxy(address, proxy)
  t.after(async () => {
    http.close()
    await between.stop()
  })
  const newClient = () =>
    new Client({
      http,
      address: between.address,
      token,
      register: network.register,
      checks: nodeChecks,
      memory: new ProcessMemory(),
    })

  const client = newClient()
  const data = sampleData().apply
  const { case: caseId } = await client.startCase({
    blueprint: network.blueprint,
    role: 'applicant',
    data,
    idempotencyKey: 'a',
  })
  const older = await withRecording(proxy, () => client.getCase(caseId))
  const assessment = { verdict: 'inspect', inspector: network.memberIds.inspector! }
  await client.submitAction({ case: caseId, step: 'assess', data: assessment, idempotencyKey: 'b' })

  await t.test('what is passed on unchanged is accepted', async () => {
    assert.equal((await newClient().getCase(caseId)).records.length, 2)
  })

  for (const { title, code, path, change } of forgeries) {
    await t.test(`${title}: ${code}`, async () => {
      let changed = 0
      proxy.tamper = (requested, body) => {
        if (!path.test(requested)) return body
        changed++
        const answer = JSON.parse(body.toString())
        change(answer)
        return Buffer.from(JSON.stringify(answer))
      }
      await assert.rejects(newClient().getCase(caseId), { code })
      assert(changed > 0, 'the answer went through the proxy')
    })
  }

  await t.test('an older checkpoint, with all that fits it: CHECKPOINT_OLDER', async () => {
    const seen = newClient()
    proxy.tamper = (_, body) => body
    await seen.getCase(caseId)
    proxy.tamper = (requested, body) => (CASE.test(requested) ? older : body)
    await assert.rejects(seen.getCase(caseId), { code: 'CHECKPOINT_OLDER' })
  })

  await t.test(
    'tiles that do not lead from the checkpoint known to the new one: PROOF_CONSISTENCY_INVALID',
    async () => {
      proxy.tamper = (_, body) => body
      const seen = newClient()
      await seen.getCase(caseId)
      await client.startCase({ blueprint: network.blueprint, role: 'applicant', data, idempotencyKey: 'c' })
      proxy.tamper = (requested, body) =>
        /\/tile\//.test(requested) ? Buffer.from(body.map((byte) => byte ^ 1)) : body
      await assert.rejects(seen.getCase(caseId), { code: 'PROOF_CONSISTENCY_INVALID' })
    },
  )

  await t.test('a receipt whose leaf is altered: the submission is not taken as done', async () => {
    proxy.tamper = (requested, body) => {
      if (!requested.endsWith('/cases')) return body
      const answer = JSON.parse(body.toString())
      answer.leaf = answer.leaf.slice(0, -86) + randomBytes(64).toString('base64url')
      return Buffer.from(JSON.stringify(answer))
    }
    const started = { blueprint: network.blueprint, role: 'applicant', data, idempotencyKey: 'd' }
    await assert.rejects(newClient().startCase(started), { code: 'LEAF_ALTERED' })
    proxy.tamper = (_, body) => body
    assert.equal((await newClient().startCase(started)).next[0], 'assess')
  })
})

/** The answer to the one request that `call` makes last. */
async function withRecording(proxy: { tamper: Tamper }, call: () => Promise<unknown>): Promise<Buffer> {
  let last: Buffer = Buffer.alloc(0)
  proxy.tamper = (_, body) => {
    last = body
    return body
  }
  await call()
  proxy.tamper = (_, body) => body
  return last
}

function changeCharacter(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}
