import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  entryIdOf,
  FOUNDED,
  genesisEntry,
  makeMember,
  memberEntry,
  signEntry,
  signedBy,
  TestLog,
  type TestMember,
} from '../../test/tlog-register.ts'
import type { CaseView, RecordView } from '../api/cases.ts'
import { readTile } from '../api/log.ts'
import { problemType } from '../api/problem.ts'
import type { RegisterHistory } from '../api/registers.ts'
import type { JsonValue } from '../core/canonical-json.ts'
import { fromBase64url, toBase64url } from '../core/crypto/base64url.ts'
import { digest } from '../core/crypto/hash.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import { parseCheckpoint } from '../core/ledger/checkpoint.ts'
import { nodeChecks } from '../core/ledger/node-checks.ts'
import { parseNote } from '../core/ledger/note.ts'
import { parseTilePath } from '../core/ledger/tile.ts'
import { consistencyProof, inclusionProof, type ReadTile } from '../core/ledger/tree.ts'
import { ProcessMemory } from './checkpoint-memory.ts'
import { Client } from './client.ts'
import { Http } from './http.ts'

/** A register of four founders with records of one case, served over real HTTP by whoever may alter anything on the way. */
const founders = Array.from({ length: 4 }, makeMember) as [TestMember, TestMember, TestMember, TestMember]
const [sequencer, signer] = founders
const genesis = genesisEntry(founders)
const { register } = genesis
const origin = `${register}/0`
const caseId = toBase64url(randomBytes(16))
const blueprint = digest('a blueprint')
const log = new TestLog()
let founding = ''

function record(change: { bp?: string; replaces?: string } = {}): string {
  const claims = {
    ...signedBy(signer.id),
    reg: register,
    bp: blueprint,
    case: caseId,
    step: 's1',
    as: 'council',
    prev: [],
    next: ['s2'],
    bind: {},
    replaces: null,
    groups: [digest('group')],
    _sd_alg: 'sha-256',
    _sd: Array.from({ length: 8 }, (_, i) => digest(`disclosure ${i}`)).sort(),
    ...change,
  }
  const header = { alg: 'ES256', kid: thumbprint(signer.record.publicJwk), typ: 'action+sd-jwt' }
  return signEntry(header, claims, signer.record)
}

const certifyNow = (of: TestLog = log, by: readonly TestMember[] = founders) =>
  of.certify(origin, sequencer, by, ['Ed25519'])

/** What an honest node answers over the log at one moment. */
function views(checkpoint: string, of: TestLog = log): { history: RegisterHistory; view: CaseView } {
  const { size } = parseCheckpoint(parseNote(checkpoint).text)
  const prove = (index: number) => ({
    index,
    leaf: of.leaves[index]!,
    proof: inclusionProof(index, size, of.readTile).map(toBase64url),
  })
  const records = of.leaves.slice(0, size).flatMap((leaf, index) => {
    const [time = '', ...jws] = leaf.split('.')
    if (!atob(jws[0]!.replaceAll('-', '+').replaceAll('_', '/')).includes('action+sd-jwt')) return []
    return [
      {
        ...prove(index),
        record: entryIdOf(jws.join('.')),
        time: Number(time),
        step: 'decide',
        as: 'council',
        from: signer.id,
        next: ['pay'],
        void: false,
        replaces: null,
        replacedBy: null,
        confirmation: null,
        fields: [],
        verdict: null,
        notCheckable: [],
        awaiting: false,
        erased: false,
        recalled: [],
      },
    ]
  })
  return {
    history: {
      member: signer.id,
      checkpoint,
      history: [0, 1, 2, 3, 4].map(prove),
      certificates: [{ note: founding, proof: consistencyProof(5, size, of.readTile).map(toBase64url) }],
    },
    view: {
      case: caseId,
      blueprint,
      name: 'travel-card',
      startedAt: FOUNDED,
      ended: false,
      roles: { council: signer.id },
      records,
      open: [],
      waiting: [],
      disputes: [],
      acts: [],
      review: null,
      movedFrom: [],
      sharedWith: [],
      recalls: [],
      erasures: [],
      checkpoint,
    },
  }
}

type Answer = { status?: number; type?: string; body: string | Uint8Array; headers?: Record<string, string> }
/** How the server answers; each test sets what it wants of it. */
let answerHistory: () => JsonValue | RegisterHistory
let answerCase: () => Answer | CaseView
let readTileOf: ReadTile
let historyReads = 0
let server: Server
let client: Client
const http = new Http({ timeoutMs: 2_000, allowInternal: true })

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? ''
  let answer: Answer
  if (url.endsWith('/history')) {
    historyReads += 1
    answer = { body: JSON.stringify(answerHistory()) }
  } else if (url.includes('/log/tile/')) {
    const path = parseTilePath(url.slice(url.indexOf('tile/')))
    assert.equal(path.kind, 'hashes')
    const tile = path.kind === 'hashes' ? readTileOf(path.level, path.n) : undefined
    answer = { type: readTile.response.content.type, body: tile!.subarray(0, 32 * path.width) }
  } else {
    const answered = answerCase()
    answer = 'body' in answered ? answered : { body: JSON.stringify(answered) }
  }
  response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json', ...answer.headers })
  response.end(answer.body)
}

before(async () => {
  log.append(genesis.jws)
  for (const founder of founders) log.append(memberEntry(register, founder, {}))
  founding = await certifyNow()
  for (let i = 0; i < 3; i++) log.append(record())
  server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  http.close()
  server.close()
})

let checkpoint: string
beforeEach(async () => {
  checkpoint = await certifyNow()
  historyReads = 0
  readTileOf = log.readTile
  answerHistory = () => views(checkpoint).history
  answerCase = () => views(checkpoint).view
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  client = new Client({
    http,
    address,
    token: 'a'.repeat(43),
    register,
    checks: nodeChecks,
    memory: new ProcessMemory(),
  })
})

async function refusedAs(
  code: ErrorCode,
  ask: () => Promise<unknown> = () => client.getCase(caseId),
): Promise<ConcordatError> {
  let thrown: unknown
  await assert.rejects(ask, (error) => {
    thrown = error
    assert.ok(error instanceof ConcordatError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  })
  return thrown as ConcordatError
}

/** The case view with one thing changed. */
const altering = (change: (view: CaseView) => void) => () => {
  const { view } = views(checkpoint)
  change(view)
  return view
}
const flip = (text: string, at: number) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`

describe('client: what a proxy may not alter', () => {
  it('takes what is not altered', async () => {
    assert.equal((await client.getCase(caseId)).records.length, 3)
    assert.equal((await client.getCheckpoint()).size, 8)
  })
  it('refuses an altered leaf', async () => {
    const leafChanges: [string, (leaf: string) => string][] = [
      ['time', (leaf) => leaf.replace(/^\d+/, (time) => String(Number(time) - 60))],
      ['payload', (leaf) => flip(leaf, leaf.length - 200)],
      ['signature', (leaf) => flip(leaf, leaf.length - 20)],
      ['form', () => '1.a.b.c'],
    ]
    for (const [name, change] of leafChanges) {
      answerCase = altering(({ records: [first] }) => {
        first!.leaf = change(first!.leaf)
      })
      const { detail } = await refusedAs('LEAF_ALTERED')
      assert.equal(detail.code === 'LEAF_ALTERED' && detail.index, 5, name)
    }
  })
  it('refuses another record in its place, though it is committed', async () => {
    answerCase = altering(({ records }) => {
      records[0] = { ...records[1]!, record: records[0]!.record }
    })
    await refusedAs('LEAF_ALTERED')
  })
  it('refuses a leaf that was never committed', async () => {
    const jws = record()
    answerCase = altering(({ records: [first] }) => {
      first!.leaf = `${first!.time}.${jws}`
      first!.record = entryIdOf(jws)
    })
    await refusedAs('LEAF_ALTERED')
  })
  it('refuses an altered proof', async () => {
    for (const change of [
      (proof: string[]) => proof.map((hash, i) => (i === 0 ? digest(hash) : hash)),
      (proof: string[]) => proof.slice(1),
      (proof: string[]) => [...proof, digest('one more')],
    ]) {
      answerCase = altering(({ records: [first] }) => {
        first!.proof = change(first!.proof)
      })
      await refusedAs('PROOF_INCLUSION_INVALID')
    }
  })
  it('refuses a proof for another index', async () => {
    answerCase = altering(({ records: [first] }) => {
      first!.index = 6
    })
    await refusedAs('LEAF_ALTERED')
    answerCase = altering(({ records: [first] }) => {
      first!.index = 8
    })
    await refusedAs('PROOF_INCLUSION_INVALID')
  })
  it('refuses an altered root', async () => {
    answerCase = altering((view) => {
      const lines = view.checkpoint.split('\n')
      lines[2] = fromBase64url(digest('another root')).toBase64()
      view.checkpoint = lines.join('\n')
    })
    await refusedAs('NOTE_SIGNATURE_INVALID')
  })
  it('refuses an older checkpoint, though it was a certificate', async () => {
    const old = checkpoint
    await client.getCase(caseId)
    log.append(record())
    checkpoint = await certifyNow()
    await client.getCase(caseId)
    answerCase = () => views(old).view
    const { detail } = await refusedAs('CHECKPOINT_OLDER')
    assert.deepEqual(detail.code === 'CHECKPOINT_OLDER' && [detail.size, detail.knownSize], [8, 9])
  })
  it('takes answers that overtake each other', async () => {
    const old = checkpoint
    const first = views(old).view
    log.append(record())
    checkpoint = await certifyNow()
    let turn = 0
    answerCase = () => (turn++ === 0 ? first : views(checkpoint).view)
    await Promise.all([client.getCase(caseId), client.getCase(caseId)])
    assert.equal((await client.getCheckpoint()).size, log.leaves.length)
  })
  it('refuses a checkpoint without a quorum, and asks once whether the operators changed', async () => {
    await client.getCase(caseId)
    const few = await certifyNow(log, founders.slice(0, 2))
    answerCase = () => views(few).view
    await refusedAs('CERTIFICATE_QUORUM_MISSING')
    assert.equal(historyReads, 2)
  })
  it('refuses facts beside the leaf that it contradicts', async () => {
    for (const change of [
      (view: CaseView) => Object.assign(view.records[0]!, { as: 'applicant' }),
      (view: CaseView) => Object.assign(view.records[0]!, { from: digest('another') }),
      (view: CaseView) => Object.assign(view.records[0]!, { replaces: view.records[1]!.record }),
      (view: CaseView) => Object.assign(view.records[0]!, { replacedBy: view.records[1]!.record }),
      (view: CaseView) => Object.assign(view.records[0]!, { replacedBy: digest('another') }),
      (view: CaseView) => Object.assign(view, { blueprint: digest('another') }),
      (view: CaseView) => Object.assign(view, { blueprint: digest('another'), movedFrom: [digest('a third')] }),
      (view: CaseView) => Object.assign(view, { case: toBase64url(randomBytes(16)) }),
    ]) {
      answerCase = altering(change)
      await refusedAs('RESPONSE_MISMATCH')
    }
  })
})

describe('client: what the operators together may not do', () => {
  /** The same founding, then other records: signed by everyone, as if all of them lied. */
  async function fork(size: number): Promise<{ log: TestLog; checkpoint: string }> {
    const other = new TestLog()
    for (const leaf of log.leaves.slice(0, 5)) other.append(leaf.slice(leaf.indexOf('.') + 1))
    while (other.leaves.length < size) other.append(record())
    return { log: other, checkpoint: await certifyNow(other) }
  }
  it('refuses another root for a size that it knows', async () => {
    await client.getCase(caseId)
    const forked = await fork(log.leaves.length)
    answerCase = () => views(forked.checkpoint, forked.log).view
    await refusedAs('CHECKPOINT_FORKED')
  })
  it('refuses a larger tree that does not extend the one that it knows', async () => {
    await client.getCase(caseId)
    const forked = await fork(log.leaves.length + 3)
    answerCase = () => views(forked.checkpoint, forked.log).view
    readTileOf = forked.log.readTile
    await refusedAs('PROOF_CONSISTENCY_INVALID')
    readTileOf = () => new Uint8Array(randomBytes(256 * 32))
    await refusedAs('PROOF_CONSISTENCY_INVALID')
    readTileOf = log.readTile
    await refusedAs('TILE_MISSING')
  })
})

describe('client: history', () => {
  it('is read once', async () => {
    await client.getCase(caseId)
    await client.getCase(caseId)
    assert.equal(historyReads, 1)
  })
  it('must begin with the register that was asked for', async () => {
    const { port } = server.address() as AddressInfo
    const other = new Client({
      http,
      address: `http://127.0.0.1:${port}`,
      token: 'a'.repeat(43),
      register: digest('another register'),
      checks: nodeChecks,
      memory: new ProcessMemory(),
    })
    await refusedAs('EVIDENCE_GENESIS_INVALID', () => other.getCase(caseId))
  })
  it('must be true to its own checkpoint', async () => {
    answerHistory = () => {
      const { history } = views(checkpoint)
      history.history[2]!.leaf = log.leaves[3]!
      return history
    }
    await refusedAs('EVIDENCE_NOT_INCLUDED')
    answerHistory = () => ({ ...views(checkpoint).history, certificates: [] })
    await refusedAs('EVIDENCE_CERTIFICATE_MISSING')
    const few = await certifyNow(log, founders.slice(0, 2))
    answerHistory = () => views(few).history
    await refusedAs('CERTIFICATE_QUORUM_MISSING')
  })
})

describe('client: answers of another form', () => {
  const forms: [string, () => Answer, ErrorCode][] = [
    ['no JSON', () => ({ body: '<html>' }), 'JSON_INVALID'],
    ['a repeated key', () => ({ body: '{"case":"a","case":"b"}' }), 'JSON_DUPLICATE_KEY'],
    ['another media type', () => ({ body: '{}', type: 'text/html' }), 'REMOTE_RESPONSE_INVALID'],
    ['a missing field', () => ({ body: '{}' }), 'REMOTE_RESPONSE_INVALID'],
    [
      'an unknown field',
      () => ({ body: JSON.stringify({ ...views(checkpoint).view, more: 1 }) }),
      'REMOTE_RESPONSE_INVALID',
    ],
    ['a failure without a problem', () => ({ body: 'sorry', type: 'text/plain', status: 502 }), 'REMOTE_FAILED'],
    ['a redirect', () => ({ body: '', status: 307, headers: { location: '/elsewhere' } }), 'REMOTE_FAILED'],
    ['more than is read', () => ({ body: 'a'.repeat(64 * 1024 * 1024 + 1) }), 'REMOTE_RESPONSE_INVALID'],
  ]
  for (const [name, answer, code] of forms) {
    it(`refuses ${name}`, async () => {
      answerCase = answer
      await refusedAs(code)
    })
  }
  const problem = (changes: object) => () => ({
    status: 404,
    type: 'application/problem+json',
    body: JSON.stringify({
      type: problemType('CASE_UNKNOWN'),
      title: 'Case unknown',
      status: 404,
      code: 'CASE_UNKNOWN',
      instance: 'urn:concordat:request:r1',
      detail: 'Expected a case; got none.',
      facts: { expected: 'a case', got: 'none' },
      ...changes,
    }),
  })
  it('passes a problem on with its code and facts', async () => {
    answerCase = problem({})
    const { detail } = await refusedAs('CASE_UNKNOWN')
    assert.deepEqual(detail, { code: 'CASE_UNKNOWN', expected: 'a case', got: 'none' })
  })
  it('takes a code that it does not know for a failure', async () => {
    answerCase = problem({ code: 'NEWER_CODE' })
    const { detail } = await refusedAs('REMOTE_FAILED')
    assert.equal(detail.code === 'REMOTE_FAILED' && detail.remoteCode, 'NEWER_CODE')
    answerCase = problem({ code: 'INTERNAL', facts: undefined })
    await refusedAs('REMOTE_FAILED')
  })
  it('refuses a problem of another form', async () => {
    answerCase = problem({ status: 400 })
    await refusedAs('REMOTE_RESPONSE_INVALID')
    answerCase = problem({ facts: { expected: 'a', got: { name: 'b' } } })
    await refusedAs('REMOTE_RESPONSE_INVALID')
  })
})

describe('client: a case that was corrected and has moved to a newer version', () => {
  const older = digest('an older version')
  let corrected = ''
  let correction = ''
  before(() => {
    const first = record({ bp: older })
    corrected = entryIdOf(first)
    const second = record({ replaces: corrected })
    correction = entryIdOf(second)
    log.append(first)
    log.append(second)
  })
  const showing = (change: (records: { old: RecordView; now: RecordView }, view: CaseView) => void) =>
    altering((view) => {
      view.movedFrom = [older]
      const find = (id: string) => view.records.find((one) => one.record === id)!
      const records = { old: find(corrected), now: find(correction) }
      records.old.replacedBy = correction
      records.now.replaces = corrected
      change(records, view)
    })
  it('is taken', async () => {
    answerCase = showing(() => undefined)
    await client.getCase(caseId)
  })
  it('shows every correction, and none that is none', async () => {
    answerCase = showing(({ now }) => {
      now.replaces = null
    })
    await refusedAs('RESPONSE_MISMATCH')
    answerCase = showing(({ old, now }) => {
      old.replacedBy = null
      now.replacedBy = corrected
    })
    await refusedAs('RESPONSE_MISMATCH')
  })
  it('shows no record of a version under which it did not run', async () => {
    answerCase = showing((_, view) => {
      view.movedFrom = []
    })
    await refusedAs('RESPONSE_MISMATCH')
  })
})
