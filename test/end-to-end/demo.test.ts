/** `npm run demo`: what it says of itself, and what an audit of the folder that it leaves says. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runAudit } from '../../src/cli/audit.ts'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { type DemoOptions, runDemo } from '../../src/sandbox/demo/demo.ts'
import { DEMO_STORIES } from '../../src/sandbox/demo/stories.ts'
import { openSqliteStorage } from '../../src/storage/sqlite.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { checkNetwork } from '../whole-register.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples')
const parent = mkdtempSync(join(tmpdir(), 'concordat-demo-'))
after(() => rmSync(parent, { recursive: true }))

const onEveryStory = {
  'out-of-turn': ['STEP_NOT_OPEN', 'STEP_NOT_OPEN'],
  'wrong-member': ['CASE_UNKNOWN', 'SIGNER_NOT_BOUND_TO_ROLE', 'SIGNER_NOT_BOUND_TO_ROLE', 'SIGNATURE_INVALID'],
  'double-submit': ['SAME_RECORD', 'STEP_NOT_OPEN', 'OPENING_USED'],
  'altered-disclosure': ['EVIDENCE_DISCLOSURE_INVALID', 'EVIDENCE_GROUP_INVALID'],
  'two-values': ['GROUP_COMMITMENT_MISMATCH', 'DISPUTED: group'],
  'edited-leaf': ['AUDIT_LEAF_ALTERED', 'PASSED'],
  'stolen-grant': ['KEY_UNKNOWN', 'GRANT_NOT_OPENED', 'GRANT_NOT_AUTHORISED', 'GRANT_NOT_AUTHORISED'],
  'missing-approval': ['BLUEPRINT_NOT_LIVE', 'BLUEPRINT_NOT_LIVE'],
  'contradicting-route': ['DISPUTED: route', 'OPENING_WAITS'],
  'next-outside': ['NEXT_NOT_ALLOWED', 'NEXT_NOT_ALLOWED', 'NEXT_NOT_ALLOWED'],
}
const codes: Record<string, Record<string, string[]>> = {
  'travel-card': onEveryStory,
  'blue-badge': {
    ...onEveryStory,
    'false-dispute': [
      'DISPUTE_NOT_ENTITLED',
      'DISPUTE_BY_SIGNER',
      'OPENING_WAITS',
      'RESOLVE_NOT_ALLOWED',
      'REJECTED',
      'DISPUTE_REPEATED',
    ],
    'early-lapse': ['LAPSE_TOO_EARLY', 'LAPSE_TOO_EARLY', 'ENTRY_FROM_FUTURE'],
    'biased-assessor': ['ROLE_NOT_ELIGIBLE', 'BIND_MEMBERS_NOT_DISTINCT', 'ROLES_NOT_DISTINCT'],
    unconfirmed: ['STEP_NOT_OPEN', 'CONFIRM_BY_SIGNER', 'LAPSE_TOO_EARLY', 'ACCEPTED'],
  },
}
/** Cases and members of each story. */
const sizes: Record<string, [number, number]> = { 'travel-card': [6, 5], 'blue-badge': [10, 7] }

test('the demo', async (t) => {
  const folder = join(parent, 'demo')
  const result = await demo({ folder, stories: DEMO_STORIES, examples, json: true })
  assert.equal(result.code, 0, result.text)
  const said = JSON.parse(result.text) as {
    passed: boolean
    failures: string[]
    stories: {
      story: string
      register: string
      members: { id: string }[]
      cases: { scenario: string }[]
      evidence: { file: string }[]
      attacks: { name: string; attempts: { expected: string; got: string }[] }[]
      audits: JsonObject[]
    }[]
  }
  assert.equal(said.passed, true)
  assert.deepEqual(said.failures, [])
  assert.deepEqual(
    said.stories.map(({ story }) => story),
    Object.keys(codes),
  )

  for (const { story, register, members, cases, evidence, attacks, audits } of said.stories) {
    await t.test(`${story}: every attack is refused, each attempt by its own code`, () => {
      const got = attacks.map(({ name, attempts }) => {
        return [name, attempts.map((attempt) => attempt.got.replace(/^(AUDIT_LEAF_ALTERED) \d+$/, '$1'))]
      })
      assert.deepEqual(Object.fromEntries(got), codes[story])
    })

    await t.test(`${story}: it says what it played`, () => {
      const [caseCount, memberCount] = sizes[story]!
      assert.equal(cases.length, caseCount)
      assert.equal(evidence.length, caseCount)
      for (const { file } of evidence) assert(existsSync(join(folder, story, file)))
      assert.equal(audits.length, memberCount)
    })

    await t.test(`${story}: the folder is kept, all registers in it are one, and each passes an audit`, async () => {
      const opened = new Map<string, { storage: Storage }>()
      for (const { id } of members) {
        opened.set(id, { storage: await openSqliteStorage({ path: join(folder, story, id, 'node.db') }) })
      }
      try {
        await checkNetwork(opened, register)
      } finally {
        for (const { storage } of opened.values()) await storage.close()
      }
      for (const { id } of members) assert.equal(await audit(join(folder, story, id)), 0, id)
      assert.equal(await audit(join(folder, story, 'edited')), 1)
    })
  }
})

test('the transcript is plain text that names everybody and every code, and what did not come out as it must', async () => {
  const otherExamples = join(parent, 'examples')
  cpSync(join(examples, 'travel-card'), join(otherExamples, 'travel-card'), { recursive: true })
  const path = join(otherExamples, 'travel-card', 'scenarios', '4-changed-mind.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"audit": []', '"audit": ["apply:/name/given"]'))
  const stories = DEMO_STORIES.filter(({ name }) => name === 'travel-card')
  const folder = join(parent, 'transcript')
  const { code, text } = await demo({ folder, stories, examples: otherExamples, json: false })
  assert.equal(code, 1, text)
  assert.match(
    text,
    /^FAILED, in [0-9.]+ s:\n {3}- travel-card: changed-mind: audit does not see apply:\/name\/given\n$/m,
  )
  const lines = text.split('\n')
  assert.deepEqual(
    lines.filter((line) => !line.includes(parent) && (line.length > 100 || !/^[\x20-\x7e]*$/.test(line))),
    [],
  )
  for (const name of ['Strathmorlich Council', 'Social Security Scotland', 'Cairn Card Bureau', 'Transport Scotland'])
    assert(text.includes(name), name)
  const flat = text.replaceAll(/\s+/g, ' ')
  for (const expected of Object.values(onEveryStory).flat()) assert(flat.includes(expected), expected)
  assert(!text.includes('[object'))
})

test('a folder that is no demo is not emptied', async () => {
  const folder = join(parent, 'mine')
  mkdirSync(folder)
  writeFileSync(join(folder, 'letter.txt'), 'kept')
  await assert.rejects(demo({ folder, stories: DEMO_STORIES, examples, json: false }), { code: 'INPUT_INVALID' })
  assert(existsSync(join(folder, 'letter.txt')))
})

async function demo(
  options: Pick<DemoOptions, 'folder' | 'stories' | 'examples' | 'json'>,
): Promise<{ code: number; text: string }> {
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
