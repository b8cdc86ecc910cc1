import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConcordatError, type ErrorCode } from '../core/error.ts'
import type { Connection } from './connection.ts'
import { entryCommands } from './entry-commands.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-entry-'))
const explanation = join(folder, 'why.txt')
writeFileSync(explanation, 'The fee is wrong.\nIt is 12 pounds.\n')
after(() => rmSync(folder, { recursive: true }))

type Ran = { asked: [string, unknown][]; written: string }

/** Runs a command against a node that notes what it is asked and answers every entry with one id. */
async function run(
  name: string,
  args: string[],
  flags: Record<string, string>,
  { json = false, blueprint = 'the sandbox’s' as string | null } = {},
): Promise<Ran> {
  const command = entryCommands.find(({ group, usage }) => `${group} ${usage.split(' ')[0]}` === name)
  assert(command !== undefined, name)
  const asked: Ran['asked'] = []
  let written = ''
  const answer = (method: string) => async (request: unknown) => {
    asked.push([method, request])
    const kind = { raiseDispute: 'dispute', resolveDispute: 'resolve', confirmRecord: 'confirm' }[method]
    if (method === 'recallRecord') return { recall: 'ENTRY', index: 12, fields: ['/a', '/b'], members: ['M'] }
    const other = {
      extendDeadline: 'extend',
      enterLapse: 'lapse',
      suspendRoles: 'suspend',
      rotateKeys: 'member',
      revokeKey: 'revoke',
    }[method]
    return { [kind ?? other ?? method]: 'ENTRY', index: 12 }
  }
  const client = new Proxy({}, { get: (_, method) => answer(String(method)) })
  const output = {
    json,
    write: (text: string) => {
      written += text
    },
    progress: () => {},
  }
  const connection = { client, register: 'R', blueprint, close: () => {} } as unknown as Connection
  assert.equal(await command.run({ connection, args, flags, key: 'k1', output }), 0)
  return { asked, written }
}

async function refusedAs(code: ErrorCode, name: string, args: string[], flags: Record<string, string>): Promise<void> {
  await assert.rejects(
    run(name, args, flags, { blueprint: null }),
    (error) => error instanceof ConcordatError && error.code === code,
  )
}

const inCase = { case: 'C', role: 'council', idempotencyKey: 'k1' }
const role = 'council'

describe('commands that enter something', () => {
  const commands: [name: string, args: string[], flags: Record<string, string>, method: string, request: object][] = [
    [
      'dispute raise',
      ['C', 'R1'],
      { role, reason: 'other', explanation },
      'raiseDispute',
      { ...inCase, record: 'R1', reason: 'other', explanation: 'The fee is wrong.\nIt is 12 pounds.' },
    ],
    [
      'dispute resolve',
      ['C', 'D1'],
      { role, outcome: 'upheld' },
      'resolveDispute',
      { ...inCase, dispute: 'D1', outcome: 'upheld' },
    ],
    [
      'dispute resolve',
      ['C', 'D1'],
      { role, outcome: 'settled', correction: 'R2' },
      'resolveDispute',
      { ...inCase, dispute: 'D1', outcome: 'settled', correction: 'R2' },
    ],
    [
      'record recall',
      ['C', 'R1'],
      { fields: '/a,/b', reason: 'wrong-data' },
      'recallRecord',
      { case: 'C', idempotencyKey: 'k1', record: 'R1', fields: ['/a', '/b'], reason: 'wrong-data' },
    ],
    [
      'record recall',
      ['C', 'R1'],
      { fields: 'all', reason: 'other' },
      'recallRecord',
      { case: 'C', idempotencyKey: 'k1', record: 'R1', fields: 'all', reason: 'other' },
    ],
    [
      'record confirm',
      ['C', 'R1'],
      { role, accept: 'yes' },
      'confirmRecord',
      { ...inCase, record: 'R1', accept: true },
    ],
    [
      'record confirm',
      ['C', 'R1'],
      { role, accept: 'no' },
      'confirmRecord',
      { ...inCase, record: 'R1', accept: false },
    ],
    [
      'deadline extend',
      ['C', 'pay'],
      { role, until: '2026-12-24T23:59:59Z' },
      'extendDeadline',
      { ...inCase, step: 'pay', until: 1_798_156_799 },
    ],
    [
      'deadline lapse',
      ['C'],
      { role, step: 'pay' },
      'enterLapse',
      { ...inCase, what: { type: 'opening', step: 'pay' } },
    ],
    [
      'deadline lapse',
      ['C'],
      { role, record: 'R1' },
      'enterLapse',
      { ...inCase, what: { type: 'confirm', record: 'R1' } },
    ],
    [
      'deadline lapse',
      ['C'],
      { role, dispute: 'D1' },
      'enterLapse',
      { ...inCase, what: { type: 'dispute', dispute: 'D1' } },
    ],
    [
      'blueprint suspend',
      [],
      { roles: 'council,transport', blueprint: 'B' },
      'suspendRoles',
      { blueprint: 'B', roles: ['council', 'transport'], suspended: true, idempotencyKey: 'k1' },
    ],
    [
      'blueprint resume',
      [],
      { roles: 'council' },
      'suspendRoles',
      { blueprint: 'the sandbox’s', roles: ['council'], suspended: false, idempotencyKey: 'k1' },
    ],
    ['member rotate', [], { use: 'all' }, 'rotateKeys', { use: 'all', idempotencyKey: 'k1' }],
    ['member revoke', ['K'], {}, 'revokeKey', { key: 'K', idempotencyKey: 'k1' }],
    ['member revoke', ['K'], { since: '7' }, 'revokeKey', { key: 'K', since: 7, idempotencyKey: 'k1' }],
  ]
  for (const [name, args, flags, method, request] of commands) {
    it(`${name} ${Object.values(flags).join(' ')}`, async () => {
      const { asked, written } = await run(name, args, flags)
      assert.deepEqual(asked, [[method, request]])
      assert.match(written, /^\w+ +ENTRY, entry 12 of the register\n {8}\S.+\.\nkey {5}k1\n$/)
      const { written: json } = await run(name, args, flags, { json: true })
      assert.partialDeepStrictEqual(JSON.parse(json), { index: 12, idempotencyKey: 'k1' })
      assert(Object.values(JSON.parse(json)).includes('ENTRY'))
    })
  }

  it('are refused before anything is asked if called wrongly', async () => {
    await refusedAs('OPTION_INVALID', 'dispute raise', ['C', 'R1'], { role, reason: 'because', explanation })
    await refusedAs('FILE_UNREADABLE', 'dispute raise', ['C', 'R1'], { role, reason: 'other', explanation: folder })
    const bytes = join(folder, 'bytes')
    writeFileSync(bytes, Buffer.from([0xff]))
    await refusedAs('FILE_UNREADABLE', 'dispute raise', ['C', 'R1'], { role, reason: 'other', explanation: bytes })
    await refusedAs('OPTION_INVALID', 'dispute resolve', ['C', 'D1'], { role, outcome: 'lost' })
    await refusedAs('OPTION_INVALID', 'dispute resolve', ['C', 'D1'], { role, outcome: 'settled' })
    await refusedAs('OPTION_INVALID', 'dispute resolve', ['C', 'D1'], { role, outcome: 'upheld', correction: 'R2' })
    await refusedAs('OPTION_INVALID', 'record recall', ['C', 'R1'], { fields: 'all', reason: 'regret' })
    await refusedAs('OPTION_INVALID', 'record confirm', ['C', 'R1'], { role, accept: 'maybe' })
    await refusedAs('OPTION_INVALID', 'deadline extend', ['C', 'pay'], { role, until: 'tomorrow' })
    await refusedAs('OPTION_MISSING', 'deadline lapse', ['C'], { role })
    await refusedAs('OPTION_INVALID', 'deadline lapse', ['C'], { role, step: 'pay', record: 'R1' })
    await refusedAs('OPTION_MISSING', 'blueprint suspend', [], { roles: 'council' })
  })
})
