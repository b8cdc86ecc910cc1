/** `npm run demo`: what it says of itself, and what an audit of the folder that it leaves says. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runAudit } from '../../src/cli/audit.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { runDemo } from '../../src/sandbox/demo.ts'
import { openSqliteStorage } from '../../src/storage/sqlite.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { checkNetwork } from '../whole-register.ts'

const story = join(import.meta.dirname, '..', '..', 'examples', 'travel-card')
const parent = mkdtempSync(join(tmpdir(), 'concordat-demo-'))
after(() => rmSync(parent, { recursive: true }))

const codes = {
  'out-of-turn': ['STEP_NOT_OPEN', 'STEP_NOT_OPEN'],
  'wrong-member': ['CASE_UNKNOWN', 'SIGNER_NOT_BOUND_TO_ROLE', 'SIGNER_NOT_BOUND_TO_ROLE', 'SIGNATURE_INVALID'],
  'double-submit': ['SAME_RECORD', 'STEP_NOT_OPEN', 'OPENING_USED'],
  'altered-disclosure': ['EVIDENCE_DISCLOSURE_INVALID', 'EVIDENCE_GROUP_INVALID'],
  'two-values': ['GROUP_COMMITMENT_MISMATCH', 'DISPUTED: group'],
  'edited-leaf': ['AUDIT_LEAF_ALTERED', 'PASSED'],
  'stolen-grant': ['KEY_UNKNOWN', 'GRANT_NOT_OPENED', 'GRANT_NOT_AUTHORISED', 'GRANT_NOT_AUTHORISED'],
  'missing-approval': ['BLUEPRINT_NOT_LIVE', 'BLUEPRINT_NOT_LIVE'],
  'contradicting-route': ['DISPUTED: route', 'OPENING_WAITS'],
}

test('the demo', async (t) => {
  const folder = join(parent, 'demo')
  const result = await demo({ folder, story, json: true })
  assert.equal(result.code, 0, result.text)
  const said = JSON.parse(result.text) as {
    passed: boolean
    failures: string[]
    register: string
    members: { id: string }[]
    cases: { scenario: string }[]
    evidence: { file: string }[]
    attacks: { name: string; attempts: { expected: string; got: string }[] }[]
    audits: JsonObject[]
  }

  await t.test('every attack is refused, each attempt by its own code', () => {
    const got = said.attacks.map(({ name, attempts }) => [name, attempts.map((attempt) => attempt.got)])
    assert.deepEqual(Object.fromEntries(got), {
      ...codes,
      'edited-leaf': [said.attacks.find(({ name }) => name === 'edited-leaf')!.attempts[0]!.got, 'PASSED'],
    })
    assert.match(String((got[5] as [string, string[]])[1][0]), /^AUDIT_LEAF_ALTERED \d+$/)
  })

  await t.test('it says what it played', () => {
    assert.equal(said.passed, true)
    assert.deepEqual(said.failures, [])
    assert.equal(said.cases.length, 6)
    assert.equal(said.evidence.length, 6)
    for (const { file } of said.evidence) assert(existsSync(join(folder, file)))
    assert.equal(said.audits.length, 5)
  })

  await t.test('the folder is kept: all five registers are one, and `concordat audit` passes over each', async () => {
    const members = new Map<string, { storage: Storage }>()
    for (const { id } of said.members) {
      members.set(id, { storage: await openSqliteStorage({ path: join(folder, id, 'node.db') }) })
    }
    try {
      await checkNetwork(members, said.register)
    } finally {
      for (const { storage } of members.values()) await storage.close()
    }
    for (const { id } of said.members) assert.equal(await audit(join(folder, id)), 0, id)
    assert.equal(await audit(join(folder, 'edited')), 1)
  })
})

test('the transcript is plain text that names everybody and every code, and what did not come out as it must', async () => {
  const otherStory = join(parent, 'story')
  cpSync(story, otherStory, { recursive: true })
  const path = join(otherStory, 'scenarios', '4-changed-mind.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"audit": []', '"audit": ["apply:/name/given"]'))
  const { code, text } = await demo({ folder: join(parent, 'transcript'), story: otherStory, json: false })
  assert.equal(code, 1, text)
  assert.match(text, /^FAILED, in [0-9.]+ s:\n {3}- changed-mind: audit does not see apply:\/name\/given\n$/m)
  const lines = text.split('\n')
  assert.deepEqual(
    lines.filter((line) => !line.includes(parent) && (line.length > 100 || !/^[\x20-\x7e]*$/.test(line))),
    [],
  )
  for (const name of ['Strathmorlich Council', 'Social Security Scotland', 'Cairn Card Bureau', 'Transport Scotland'])
    assert(text.includes(name), name)
  const flat = text.replaceAll(/\s+/g, ' ')
  for (const expected of Object.values(codes).flat()) assert(flat.includes(expected), expected)
  assert(!text.includes('[object'))
})

test('a folder that is no demo is not emptied', async () => {
  const folder = join(parent, 'mine')
  mkdirSync(folder)
  writeFileSync(join(folder, 'letter.txt'), 'kept')
  await assert.rejects(demo({ folder, story, json: false }), { code: 'INPUT_INVALID' })
  assert(existsSync(join(folder, 'letter.txt')))
})

async function demo(options: {
  folder: string
  story: string
  json: boolean
}): Promise<{ code: number; text: string }> {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const code = await runDemo({ ...options, write, onProgress() {} })
  return { code, text }
}

async function audit(data: string): Promise<number> {
  return runAudit({ data, register: undefined, json: false, write() {}, progress() {} })
}
