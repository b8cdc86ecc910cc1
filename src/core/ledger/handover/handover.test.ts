import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  type BuiltMember,
  buildMember,
  json,
  RegisterBuilder,
  randomDigest,
} from '../../../../test/register-builder.ts'
import { assertRefused } from '../../../../test/sample-register.ts'
import { certify } from '../../../../test/tlog-register.ts'
import { toBase64url } from '../../crypto/base64url.ts'
import { signWith } from '../../crypto/signature.ts'
import { ConcordatError } from '../../error.ts'
import { formatCheckpoint, originOf } from '../checkpoint.ts'
import { nodeChecks } from '../node-checks.ts'
import { formatNote, noteKey, parseNote } from '../note.ts'
import { boundaries, changeIndexes, findRegisterConfiguration } from '../state.ts'
import { appendToTree, consistencyProof, leafHash, type ReadTile, rootOf } from '../tree.ts'
import { type Fork, verifyFork } from './fork.ts'
import type { OwnHandoverClaims } from './handover-claims.ts'
import { type Place, signStatement } from './statement.ts'
import { verifyHandover, verifyPlaces } from './verify-handover.ts'

/** Four operators, of which the first orders: a quorum is three. */
interface Register {
  builder: RegisterBuilder
  members: BuiltMember[]
}

async function buildRegister(): Promise<Register> {
  const members = ['A', 'B', 'C', 'D'].map((name) => buildMember(name, { voting: true }))
  const builder = await RegisterBuilder.found(members)
  for (let i = 0; i < 3; i++)
    await builder.add(builder.admit(members[0]!, buildMember(`Candidate ${i}`, { voting: true })))
  return { builder, members }
}

let founded: Register
before(async () => {
  founded = await buildRegister()
})

function fork(): Register {
  return { ...founded, builder: founded.builder.fork() }
}

function treeOf(leaves: readonly string[]): ReadTile {
  const tiles = new Map<string, Uint8Array>()
  const tree = appendToTree({ size: 0, readTile: () => undefined }, leaves.map(leafHash))
  for (const { level, n, hashes } of tree.tiles) tiles.set(`${level}/${n}`, hashes)
  return (level, n) => tiles.get(`${level}/${n}`)
}

function placeAt({ builder }: Register, size: number, term = 0): Place {
  return { term, size, root: toBase64url(rootOf(size, treeOf(builder.leaves))) }
}

/** A checkpoint that the term's sequencer signed. */
async function signed({ builder }: Register, sequencer: BuiltMember, { term, size, root }: Place): Promise<string> {
  const origin = originOf(builder.ids[0]!, term)
  const text = formatCheckpoint({ origin, size, root: Buffer.from(root, 'base64url') })
  const key = await noteKey(origin, { type: 1, jwk: sequencer.ed25519.publicJwk }, nodeChecks.sha256)
  return formatNote({
    text,
    signatures: [{ name: key.name, keyId: key.keyId, signature: signWith(sequencer.ed25519, text) }],
  })
}

async function certificateAt(
  register: Register,
  size: number,
  cosigners = register.members.slice(0, 3),
): Promise<string> {
  const origin = originOf(register.builder.ids[0]!, 0)
  const root = rootOf(size, treeOf(register.builder.leaves))
  return certify({ origin, size, root }, register.members[0]!, cosigners, ['Ed25519'])
}

interface Said {
  report: Place | null
  certificate: Place | null
}

async function state(register: Register, operator: BuiltMember, said: Said, changes = {}): Promise<string> {
  const { builder, members } = register
  const sequencer = members[1]!
  return signStatement(
    {
      register: builder.ids[0]!,
      term: 1,
      sequencer: sequencer.id,
      key: sequencer.ed25519.publicJwk,
      checkpoint: said.report === null ? null : await signed(register, members[0]!, said.report),
      certificate: said.certificate,
      ...changes,
    },
    { member: operator.id, key: operator.ed25519.publicJwk },
    { sign: async (data) => signWith(operator.ed25519, data), checks: nodeChecks },
  )
}

/** B takes over after everyone but A has said where they are: all at the newest leaf, of which the one before is certified. */
async function handoverOf(register: Register, changes: Partial<OwnHandoverClaims> = {}): Promise<OwnHandoverClaims> {
  const size = register.builder.leaves.length
  const start = placeAt(register, size)
  const said = { report: start, certificate: placeAt(register, size - 1) }
  const [, b, c, d] = register.members
  return {
    term: 1,
    sequencer: b!.id,
    start,
    statements: await Promise.all([b!, c!, d!].map((operator) => state(register, operator, said))),
    certificates: [await certificateAt(register, size - 1)],
    forks: [],
    ...changes,
  }
}

describe('a handover', () => {
  test('opens the term from the highest checkpoint that a quorum reports', async () => {
    const register = fork()
    const { builder, members } = register
    const size = builder.leaves.length
    await builder.add(builder.handover(members[1]!, await handoverOf(register)))
    const { term, sequencer, terms } = builder.register
    assert.deepEqual({ term, sequencer }, { term: 1, sequencer: members[1]!.id })
    assert.deepEqual(terms[1], {
      term: 1,
      sequencer: members[1]!.id,
      key: json(members[1]!.ed25519.publicJwk),
      start: size,
      root: placeAt(register, size).root,
    })
    assert.deepEqual(boundaries(builder.register), [5, size + 1])
    assert.deepEqual(changeIndexes(builder.register), [size])
  })

  const refusals: [string, string, (register: Register) => Promise<OwnHandoverClaims>][] = [
    [
      'too few statements',
      'HANDOVER_QUORUM_MISSING',
      async (register) => {
        const handover = await handoverOf(register)
        return { ...handover, statements: handover.statements.slice(1) }
      },
    ],
    [
      'two statements of one operator',
      'STATEMENT_INVALID',
      async (register) => {
        const { statements, ...handover } = await handoverOf(register)
        return { ...handover, statements: [statements[0]!, statements[0]!, statements[1]!] }
      },
    ],
    [
      'a statement for another term',
      'STATEMENT_INVALID',
      async (register) => {
        const { statements, ...handover } = await handoverOf(register)
        const other = await state(register, register.members[3]!, { report: null, certificate: null }, { term: 2 })
        return { ...handover, statements: [...statements.slice(0, 2), other] }
      },
    ],
    [
      'a statement for another sequencer',
      'STATEMENT_INVALID',
      async (register) => {
        const { statements, ...handover } = await handoverOf(register)
        const other = await state(
          register,
          register.members[3]!,
          { report: null, certificate: null },
          { sequencer: register.members[2]!.id },
        )
        return { ...handover, statements: [...statements.slice(0, 2), other] }
      },
    ],
    [
      "a statement with another's signature",
      'NOTE_SIGNATURE_INVALID',
      async (register) => {
        const { statements, ...handover } = await handoverOf(register)
        const note = parseNote(statements[2]!)
        const forged = formatNote({ ...note, signatures: [{ ...note.signatures[0]!, signature: new Uint8Array(64) }] })
        return { ...handover, statements: [...statements.slice(0, 2), forged] }
      },
    ],
    [
      'a term that is not later',
      'HANDOVER_TERM_OLD',
      async (register) => {
        const { builder, members } = register
        const first = await handoverOf(register)
        await builder.add(builder.handover(members[1]!, first))
        return first
      },
    ],
    [
      'a start below what is reported',
      'HANDOVER_START_DIFFERS',
      async (register) => {
        const size = register.builder.leaves.length - 1
        return handoverOf(register, { start: placeAt(register, size) })
      },
    ],
    [
      'a certificate that a statement names and nobody shows',
      'HANDOVER_START_DIFFERS',
      async (register) => {
        const size = register.builder.leaves.length
        return handoverOf(register, { certificates: [await certificateAt(register, size - 2)] })
      },
    ],
    [
      'no certificate over the founding',
      'HANDOVER_START_DIFFERS',
      async (register) => {
        const size = register.builder.leaves.length
        const said = { report: placeAt(register, size), certificate: null }
        const statements = await Promise.all(
          register.members.slice(1).map((operator) => state(register, operator, said)),
        )
        return handoverOf(register, { statements, certificates: [] })
      },
    ],
    [
      'a certificate without a quorum',
      'CERTIFICATE_QUORUM_MISSING',
      async (register) => {
        const size = register.builder.leaves.length
        return handoverOf(register, {
          certificates: [await certificateAt(register, size - 1, register.members.slice(0, 2))],
        })
      },
    ],
    [
      'what should prove a fork and does not',
      'FORK_INVALID',
      async (register) => {
        const size = register.builder.leaves.length
        const readTile = treeOf(register.builder.leaves)
        const fork: Fork = {
          smaller: await signed(register, register.members[0]!, placeAt(register, size - 1)),
          larger: await signed(register, register.members[0]!, placeAt(register, size)),
          root: placeAt(register, size - 1).root,
          path: consistencyProof(size - 1, size, readTile).map(toBase64url),
        }
        return handoverOf(register, { forks: [fork] })
      },
    ],
  ]
  for (const [what, code, make] of refusals) {
    test(`is refused with ${what}`, async () => {
      const register = fork()
      const claims = await make(register)
      await assertRefused(register.builder, register.builder.handover(register.members[1]!, claims), code as never)
    })
  }

  test('is refused from another member than the next sequencer', async () => {
    const register = fork()
    const claims = await handoverOf(register)
    await assertRefused(
      register.builder,
      register.builder.handover(register.members[2]!, claims),
      'SEQUENCER_NOT_OPERATING',
    )
  })

  test('after a fork goes on from what is certified, whatever was reported', async () => {
    const register = fork()
    const { builder, members } = register
    const forkAt = { ...placeAt(register, builder.leaves.length), root: randomDigest() }
    const lie = await forkOf(register, forkAt)
    await verifyFork(lie, members[0]!.ed25519.publicJwk, nodeChecks)
    const size = builder.leaves.length
    const reports = [placeAt(register, size), forkAt, placeAt(register, size - 1)]
    const certificate = placeAt(register, size)
    const statements = await Promise.all(
      members.slice(1).map((operator, i) => state(register, operator, { report: reports[i]!, certificate: null })),
    )
    const claims = await handoverOf(register, {
      statements,
      start: certificate,
      certificates: [await certificateAt(register, size)],
    })
    await assert.rejects(places(register, claims), isCode('HANDOVER_CONTRADICTED'), 'not without the proof')
    await places(register, { ...claims, forks: [lie] })
    await builder.add(builder.handover(members[1]!, { ...claims, forks: [lie] }))
    assert.equal(builder.register.term, 1)
  })

  test('over a change of operators that nothing covers, counts by the operators before it, and so does its leaf', async () => {
    const register = fork()
    const { builder, members } = register
    const newcomer = buildMember('E', { voting: true })
    const proposal = await builder.add(builder.admit(members[0]!, newcomer))
    for (const member of members.slice(0, 3)) await builder.add(builder.approval(member, proposal, newcomer.id, []))
    await builder.add(builder.member(newcomer))
    const size = builder.leaves.length
    assert.equal(findRegisterConfiguration(builder.register, size + 1)?.operators.length, 5)
    await builder.add(builder.handover(members[1]!, await handoverOf(register)))
    assert.equal(findRegisterConfiguration(builder.register, size + 1)?.operators.length, 4, 'the handover')
    assert.equal(findRegisterConfiguration(builder.register, size + 2)?.operators.length, 5, 'what comes after it')
    assert.deepEqual(changeIndexes(builder.register), [size - 1, size])
    assert.deepEqual(boundaries(builder.register), [5, size + 1])
  })
})

/** The newest leaf's checkpoint and another of the same size. */
async function forkOf(register: Register, other: Place): Promise<Fork> {
  const size = register.builder.leaves.length
  const [sequencer] = register.members
  return {
    smaller: await signed(register, sequencer!, other),
    larger: await signed(register, sequencer!, placeAt(register, size)),
    root: placeAt(register, size).root,
    path: [],
  }
}

/** What a node checks that has the leaves. */
async function places({ builder }: Register, claims: OwnHandoverClaims): Promise<void> {
  const verified = await verifyHandover(claims, builder.register, nodeChecks)
  await verifyPlaces(claims, verified, (size) => rootOf(size, treeOf(builder.leaves)))
}

function isCode(code: string) {
  return (error: unknown) => error instanceof ConcordatError && error.code === code
}
