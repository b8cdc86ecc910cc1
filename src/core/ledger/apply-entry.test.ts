import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import {
  type BuiltMember,
  buildMember,
  json,
  RegisterBuilder,
  randomDigest,
  randomId,
  sign,
  signAs,
} from '../../../test/register-builder.ts'
import { assertRefused, buildSample, forkSample, type Sample, startCase } from '../../../test/sample-register.ts'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import { ConcordatError } from '../error.ts'
import { applyEntry, rowsNamed } from './apply-entry.ts'
import { type EntryKind, parseEntry, parseLeaf, verifyLeafTime } from './entry.ts'
import type { SkeletonStep } from './skeleton.ts'
import { VerifiedEntry, verifyEntry } from './verify-entry.ts'

let sample: Sample
const newcomer = buildMember('Newcomer', { voting: true })

before(async () => {
  sample = await buildSample()
})

test('an entry of another register is refused', () =>
  assertRefused(
    sample.builder,
    sample.builder.admit(sample.council, newcomer, { reg: randomDigest() }),
    'REGISTER_DIFFERS',
  ))

test('an entry is taken from 15 minutes before its iat until 60 minutes after', async () => {
  for (const [iat, code] of [
    [15 * 60, undefined],
    [15 * 60 + 1, 'ENTRY_FROM_FUTURE'],
    [-60 * 60, undefined],
    [-60 * 60 - 1, 'ENTRY_EXPIRED'],
  ] as const) {
    const { builder, council } = forkSample(sample)
    const time = builder.time + 1
    const jws = builder.admit(council, newcomer, { iat: time + iat })
    if (code === undefined) await builder.add(jws)
    else await assertRefused(builder, jws, code, { iat: time + iat, time })
  }
})

test('a jti is used once in a register, by whichever member and kind', async () => {
  const { builder, council, auditor, bp } = forkSample(sample)
  const jti = randomId()
  const proposal = await builder.add(builder.admit(council, newcomer, { jti }))
  await assertRefused(builder, builder.admit(council, newcomer, { jti }), 'JTI_USED')
  await assertRefused(builder, builder.approval(auditor, proposal, bp, [], { jti }), 'JTI_USED')
})

test('whoever is no member signs nothing', async () => {
  await assertRefused(sample.builder, sample.builder.admit(newcomer, newcomer), 'KEY_NOT_VALID', { use: 'governance' })
})

test('a signer is refused when the rows at its place no longer know it', async () => {
  const { builder, council } = forkSample(sample)
  const entry = await builder.verify(builder.admit(council, newcomer))
  builder.rows.delete(`member/${council.id}`)
  assert.throws(
    () => builder.apply(entry),
    (error) => error instanceof ConcordatError && error.code === 'SIGNER_UNKNOWN',
  )
})

for (const standing of ['suspended', 'removed'] as const) {
  test(`a ${standing} member signs nothing`, async () => {
    const { builder, council } = forkSample(sample)
    const { register } = builder
    const members = register.members.map((member) => (member.id === council.id ? { ...member, standing } : member))
    builder.rows.set('register', json({ ...register, members }))
    await assertRefused(builder, builder.admit(council, newcomer), 'SIGNER_NOT_IN_STANDING', { standing })
    await assertRefused(builder, builder.member(council), 'SIGNER_NOT_IN_STANDING')
  })
}

test('a register under rules that this node does not have is followed no further', async () => {
  const { builder, council } = forkSample(sample)
  builder.rows.set('register', json({ ...builder.register, rules: 2 }))
  await assertRefused(builder, builder.admit(council, newcomer), 'RULES_VERSION_UNKNOWN', { version: 2 })
})

test('governance keys and record keys sign their own kinds alone', async () => {
  const { builder, council, carrier, skeleton } = sample
  const kid = thumbprint(council.record.publicJwk)
  const claims = parseEntry(builder.admit(council, newcomer)).claims as unknown as JsonObject
  const byRecordKey = signAs({ alg: 'ES256', kid, typ: 'proposal' }, claims, council.record)
  await assertRefused(builder, byRecordKey, 'KEY_NOT_VALID', { use: 'governance' })
  const start = {
    skeleton,
    case: randomId(),
    step: 's1',
    as: 'applicant',
    prev: [],
    next: ['s2'],
    bind: { applicant: carrier },
  }
  const action = builder.action({ ...carrier, record: carrier.governance }, start)
  await assertRefused(builder, action, 'KEY_NOT_VALID', { use: 'record' })
})

test('a signature by another key, or over other claims, is refused', async () => {
  const { builder, council, auditor } = sample
  const jws = builder.admit(council, newcomer)
  const [header, payload, signature] = jws.split('.') as [string, string, string]
  const { claims } = parseEntry(jws)
  const forged = signAs(JSON.parse(Buffer.from(header, 'base64url').toString()), claims as never, auditor.governance)
  await assertRefused(builder, forged, 'SIGNATURE_INVALID')
  const other = builder.admit(council, newcomer).split('.')[1]
  await assertRefused(builder, `${header}.${other}.${signature}`, 'SIGNATURE_INVALID')
  await assertRefused(builder, `${header}.${payload}.${'A'.repeat(86)}`, 'SIGNATURE_INVALID')
})

test("a key is valid by the entry's place in the register: verified before, refused after the key was replaced", async () => {
  const { builder, skeleton, carrier } = forkSample(sample)
  const start = {
    skeleton,
    case: randomId(),
    step: 's1',
    as: 'applicant',
    prev: [],
    next: ['s2'],
    bind: { applicant: carrier },
  }
  const entry = await builder.verify(builder.action(carrier, start))
  await builder.add(builder.member({ ...carrier, record: newcomer.record }))
  assert.throws(
    () => builder.apply(entry),
    (error) => error instanceof ConcordatError && error.code === 'KEY_NOT_VALID',
  )
})

test('only verifyEntry makes what applyEntry takes', async () => {
  const { builder, council } = sample
  const parsed = parseEntry(builder.admit(council, newcomer))
  assert.throws(() => new VerifiedEntry(Symbol('verifyEntry') as never, parsed, null), /only verifyEntry/)
  const lookalike = { id: randomDigest(), parsed, handover: null } as VerifiedEntry
  assert.throws(
    () => applyEntry(builder.rows, lookalike, { index: builder.leaves.length, time: builder.time }),
    /verified before/,
  )
})

test('a name that reaches an object prototype is no role', async () => {
  const { builder, carrier, skeleton, council, proposal, bp } = sample
  const start = { skeleton, case: randomId(), step: 's1', as: 'applicant', prev: [], next: ['s2'] }
  const bind = { applicant: { member: carrier.id }, toString: { member: carrier.id } }
  await assertRefused(builder, builder.action(carrier, start, { bind }), 'BIND_NOT_ALLOWED')
  await assertRefused(builder, builder.approval(council, proposal, bp, ['hasOwnProperty']), 'ROLE_NOT_OPEN')
})

/** Takes whatever moves the numbers choose in one case, the refused ones too; answers how many were refused. */
async function walk(
  { builder, skeleton, council, bureau, carrier, bp }: Sample,
  choices: readonly number[],
): Promise<number> {
  const { case: id } = await startCase({ ...sample, builder })
  const members: { [role: string]: BuiltMember } = { council, checker: bureau, carrier, applicant: carrier }
  let refused = 0
  for (const choice of choices) {
    const row = builder.caseRow(id)
    const pick = <T>(list: readonly T[], by: number): T => list[Math.floor(choice / by) % list.length]!
    const step: SkeletonStep = pick(skeleton.steps, 7)
    const openings = [...row.openings, { step: step.id, prev: [row.records[0]!.id] }]
    const opening = pick(openings, 1)
    const acting = skeleton.steps.find((candidate) => candidate.id === opening.step)!
    const free = acting.binds.filter((role) => !Object.hasOwn(row.roles, role))
    const bind = Object.fromEntries(free.slice(0, choice % 3).map((role) => [role, members[role]!]))
    const action = {
      skeleton,
      case: id,
      step: acting.id,
      as: acting.role,
      prev: opening.prev,
      next: pick(acting.next, 11),
      bind,
    }
    const record = pick(row.records, 3).id
    const as = pick(['council', 'checker'], 5)
    const jws =
      choice % 8 === 0
        ? builder.dispute(members[as]!, { bp, case: id, record, as })
        : builder.action(members[acting.role]!, action)
    await builder.add(jws).catch((error: unknown) => {
      assert.ok(error instanceof ConcordatError, String(error))
      refused++
    })
  }
  return refused
}

/** State from the leaves alone; every row goes through its JSON text as it would through a database. */
async function replay(
  leaves: readonly string[],
  from: { index: number; texts: ReadonlyMap<string, string> },
): Promise<Map<string, string>> {
  const texts = new Map(from.texts)
  let previous = 0
  for (let index = from.index; index < leaves.length; index++) {
    const { time, jws } = parseLeaf(leaves[index]!)
    verifyLeafTime(previous, time)
    previous = time
    const parsed = parseEntry(jws)
    const rows = new Map(
      rowsNamed(parsed).flatMap((key) => (texts.has(key) ? [[key, JSON.parse(texts.get(key)!)]] : [])),
    )
    const entry = await verifyEntry(parsed, rows)
    for (const [key, row] of applyEntry(rows, entry, { index, time })) texts.set(key, JSON.stringify(row))
  }
  return texts
}

function textsOf({ rows }: RegisterBuilder): Map<string, string> {
  return new Map([...rows].map(([key, row]) => [key, JSON.stringify(row)]))
}

test('state is a fold over leaves: replaying them gives the same rows', async () => {
  const founded = {
    index: sample.builder.leaves.length,
    texts: await replay(sample.builder.leaves, { index: 0, texts: new Map() }),
  }
  assert.deepEqual(founded.texts, textsOf(sample.builder))
  let refused = 0
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 10 }), async (choices) => {
      const fork = forkSample(sample)
      refused += await walk(fork, choices)
      accepted += fork.builder.leaves.length - sample.builder.leaves.length
      assert.deepEqual(await replay(fork.builder.leaves, founded), textsOf(fork.builder))
    }),
    { numRuns: 1000 },
  )
  assert.ok(accepted > 2000 && refused > 1000, `${accepted} accepted, ${refused} refused`)
})

test('no mutated claims do anything but pass the rules or be refused with a code, without a change', async () => {
  const fork = forkSample(sample)
  const { builder, council, auditor, bureau, carrier, skeleton, bp, proposal } = fork
  const started = await startCase(fork)
  const bind = { checker: bureau, carrier }
  const asking = {
    skeleton,
    case: started.case,
    step: 's2',
    as: 'council',
    prev: [started.first],
    next: ['s3', 's4'],
    bind,
  }
  const second = await builder.add(builder.action(council, asking))
  const answer = { skeleton, case: started.case, step: 's3', as: 'checker', prev: [second], next: ['s5'] }
  const entries: [EntryKind, BuiltMember, string][] = [
    ['member', council, builder.member(council)],
    ['proposal', council, builder.admit(council, newcomer)],
    ['proposal', council, builder.blueprint(council, { ...skeleton, distinct: [] }, { replaces: bp })],
    ['approval', auditor, builder.approval(auditor, proposal, bp, ['portal'])],
    ['action+sd-jwt', bureau, builder.action(bureau, answer)],
    ['dispute', bureau, builder.dispute(bureau, { bp, case: started.case, record: second, as: 'checker' })],
  ]
  const known = [
    council.id,
    bureau.id,
    bp,
    proposal,
    second,
    started.first,
    started.case,
    's3',
    's5',
    'checker',
    'council',
    '',
  ]
  const value = fc.oneof(
    fc.constantFrom<JsonValue[]>(...known),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  )
  const codes = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...entries),
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 }),
      value,
      async (entry, path, value) => {
        const [kind, signer, jws] = entry
        const trial = builder.fork()
        const before = [...trial.rows]
        const claims = parseEntry(jws).claims as unknown as JsonObject
        try {
          await trial.add(sign(kind, signer, mutated(claims, path, value)))
        } catch (error) {
          assert.ok(error instanceof ConcordatError, String(error))
          codes.add(error.code)
          // Every row is frozen, so the same row is the same value.
          const after = [...trial.rows]
          assert.ok(
            after.length === before.length &&
              after.every(([key, row], i) => key === before[i]![0] && row === before[i]![1]),
          )
        }
      },
    ),
    { numRuns: 1000 },
  )
  assert.ok(codes.size > 10, [...codes].join())
})

/** A copy in which the place that the path chooses, one level deeper with each number, holds another value. */
function mutated(claims: JsonObject, path: readonly number[], value: JsonValue): JsonObject {
  const copy = structuredClone(claims)
  let node: JsonObject | JsonValue[] = copy
  for (const [depth, choice] of path.entries()) {
    const keys: string[] = Object.keys(node)
    const key = keys[choice % Math.max(1, keys.length)] ?? '0'
    const child: JsonValue | undefined = (node as JsonObject)[key]
    if (depth === path.length - 1 || typeof child !== 'object' || child === null) {
      ;(node as JsonObject)[key] = value
      return copy
    }
    node = child
  }
  return copy
}

test('replaying needs no row that an entry does not name', async () => {
  const fork = forkSample(sample)
  await startCase(fork)
  const everything = new RegisterBuilder(fork.builder.founders)
  for (const leaf of fork.builder.leaves) {
    const { jws } = parseLeaf(leaf)
    const parsed = parseEntry(jws)
    assert.equal(new Set(rowsNamed(parsed)).size, rowsNamed(parsed).length)
    const named = everything.rowsFor(rowsNamed(parsed))
    const entry = await verifyEntry(parsed, named)
    const place = { index: everything.leaves.length, time: everything.time + 1 }
    assert.deepEqual(applyEntry(everything.rows, entry, place), applyEntry(named, entry, place))
    everything.apply(entry)
  }
})
