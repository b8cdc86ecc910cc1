import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../src/core/canonical-json.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { formatCompactJws, formatSigningInput } from '../../src/core/crypto/jws.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import type { BadInputNetwork } from './bad-input-network.ts'
import { CANARY, type Row, sendValid, statementFor, type Valid, withBody } from './bad-input-rows.ts'
import { ELSEWHERE, find } from './bad-input-specials.ts'

/** Entries that a member signs itself, around its node, and hands to the sequencer. */
export async function entryRows(at: BadInputNetwork, valid: readonly Valid[]): Promise<Row[]> {
  const base = find(valid, 'submitEntries')
  const { register } = at.network
  const inspector = at.member('inspector')
  const registry = at.member('registry')
  const claims = (change: JsonObject): JsonObject => ({
    iss: inspector.member,
    iat: at.now,
    jti: toBase64url(randomBytes(16)),
    reg: register,
    proposal: at.proposed.proposal,
    target: at.proposed.blueprint,
    roles: ['inspector'],
    ...change,
  })
  const kid = thumbprint(inspector.custody.publicKeys().governance)
  const entry = async (change: JsonObject, header: JsonObject, signer = inspector): Promise<string> => {
    const input = formatSigningInput({ alg: 'ES256', kid, typ: 'approval', ...header }, claims(change))
    return formatCompactJws(
      input,
      await signer.custody.sign(thumbprint(signer.custody.publicKeys().governance), Buffer.from(input)),
    )
  }
  const row = (what: string, jws: string, code: ErrorCode): Row => ({
    what: `an entry: ${what}`,
    send: () => sendValid(at, withBody(base, { entries: [jws] }), {}, {}),
    code,
    inside: 'outcomes',
  })
  const good = await entry({}, {})
  const [header = '', payload = '', signature = ''] = good.split('.')
  const spaced = Buffer.from(`{ ${Buffer.from(payload, 'base64url').toString().slice(1)}`).toString('base64url')
  const theirs = thumbprint(registry.custody.publicKeys().governance)
  const requestKid = thumbprint(inspector.custody.publicKeys().request[0]!)
  return [
    row('from too long ago', await entry({ iat: at.now - 60 * 60 - 1 }, {}), 'ENTRY_EXPIRED'),
    row('from the future', await entry({ iat: at.now + 15 * 60 + 1 }, {}), 'ENTRY_FROM_FUTURE'),
    row('for another register', await entry({ reg: ELSEWHERE }, {}), 'REGISTER_DIFFERS'),
    row('of a stranger', await entry({ iss: ELSEWHERE }, {}), 'KEY_NOT_VALID'),
    row("with another member's key", await entry({}, { kid: theirs }, registry), 'KEY_NOT_VALID'),
    row('with a key of another use', await entry({}, { kid: requestKid }), 'KEY_NOT_VALID'),
    row("with another member's signature", await entry({}, {}, registry), 'SIGNATURE_INVALID'),
    row(
      'with an altered signature',
      `${header}.${payload}.${signature.slice(0, 40)}${signature[40] === 'A' ? 'B' : 'A'}${signature.slice(41)}`,
      'SIGNATURE_INVALID',
    ),
    row('with a short signature', `${header}.${payload}.AAAA`, 'BASE64URL_INVALID'),
    row('of no algorithm', await entry({}, { alg: 'none' }), 'HEADER_INVALID'),
    row('with an unknown header field', await entry({}, { [CANARY]: CANARY }), 'HEADER_INVALID'),
    row('with crit', await entry({}, { crit: [CANARY] }), 'HEADER_INVALID'),
    row('of an unknown kind', await entry({}, { typ: CANARY }), 'KIND_UNKNOWN'),
    row('of a kind that is not built', await entry({}, { typ: 'anchor' }), 'KIND_NOT_BUILT'),
    row('with an unknown claim', await entry({ [CANARY]: CANARY }, {}), 'CLAIM_INVALID'),
    row('with a claim of another type', await entry({ roles: CANARY }, {}), 'CLAIM_INVALID'),
    row('with a time that is not whole', await entry({ iat: at.now + 0.5 }, {}), 'CLAIM_INVALID'),
    row('not in canonical JSON', `${header}.${spaced}.${signature}`, 'JSON_NOT_CANONICAL'),
    row('for an unknown proposal', await entry({ proposal: ELSEWHERE }, {}), 'PROPOSAL_UNKNOWN'),
    row('with a used jti', await entry({ jti: await usedJti(at) }, {}), 'JTI_USED'),
  ]
}

async function usedJti(at: BadInputNetwork): Promise<string> {
  const leaves = await at.member('council').storage.readLeaves(at.network.register, 6, 1)
  const payload = leaves[0]!.split('.')[2]!
  return String(JSON.parse(Buffer.from(payload, 'base64url').toString()).jti)
}

/** What nodes bring one another and nothing backs. */
export async function exchangeRows(at: BadInputNetwork, note: string): Promise<Row[]> {
  const { register, memberIds } = at.network
  const params = { member: memberIds.inspector!, register }
  const base = { to: 'inspector', from: 'council', params }
  const text = (route: 'sendCertificate' | 'addCheckpoint', what: string, body: string, code: ErrorCode): Row => ({
    what: `${route}: ${what}`,
    send: () => sendValid(at, { ...base, route, body }, {}, {}),
    code,
    ...(route === 'addCheckpoint' ? { inside: 'witness' as const } : {}),
  })
  const [origin = '', size = '', root = '', , ...signatures] = note.split('\n')
  const noteOf = (...lines: string[]) => [...lines, '', ...signatures].join('\n')
  const certificates = [
    ['no note', CANARY, 'NOTE_INVALID'],
    ['a note without a checkpoint', `${CANARY}\n\n${signatures.join('\n')}`, 'CHECKPOINT_INVALID'],
    [
      'a checkpoint of another register',
      noteOf(`${ELSEWHERE}/0`, String(Number(size) + 1), root),
      'CERTIFICATE_ORIGIN_MISMATCH',
    ],
    ['leaves that the register has not', noteOf(origin, String(Number(size) + 1), root), 'REMOTE_FAILED'],
  ] as const
  const deliver = (what: string, change: JsonObject, code: ErrorCode): Row => {
    const granted = { record: at.assessed.application, role: 'inspector', authorisedBy: at.assessed.assessment }
    const item = { ...granted, erased: true, ...change }
    return {
      what: `deliver: ${what}`,
      send: () => sendValid(at, { ...base, route: 'deliver', body: { checkpoint: note, items: [item] } }, {}, {}),
      code,
      inside: 'results',
    }
  }
  const statement = (what: string, body: string, code: ErrorCode): Row => ({
    what: `sendStatement: ${what}`,
    send: () => sendValid(at, { ...base, route: 'sendStatement', body: { statement: body, forks: [] } }, {}, {}),
    code,
  })
  return [
    ...certificates.map(([what, body, code]) => text('sendCertificate', what, body, code)),
    {
      ...text('sendCertificate', 'no note, to the node that orders', CANARY, 'NOTE_INVALID'),
      send: () =>
        sendValid(
          at,
          {
            ...base,
            route: 'sendCertificate',
            to: 'council',
            from: 'inspector',
            params: { member: memberIds.council!, register },
            body: CANARY,
          },
          {},
          {},
        ),
    },
    statement('that is no note', CANARY, 'NOTE_INVALID'),
    statement('that is a certificate', note, 'INPUT_TOO_LONG'),
    statement('for another member to order', await statementFor(at), 'STATEMENT_INVALID'),
    text('addCheckpoint', 'no request', CANARY, 'ADD_CHECKPOINT_INVALID'),
    text('addCheckpoint', 'no note', `old ${size}\n\n${CANARY}`, 'NOTE_INVALID'),
    text(
      'addCheckpoint',
      'a checkpoint of another log',
      `old ${size}\n\n${noteOf(`${ELSEWHERE}/0`, size, root)}`,
      'ADD_CHECKPOINT_INVALID',
    ),
    text(
      'addCheckpoint',
      'a checkpoint that the log has not signed',
      `old ${size}\n\n${noteOf(origin, String(Number(size) + 1), root)}`,
      'NOTE_SIGNATURE_INVALID',
    ),
    deliver('a record that is not on the register', { record: ELSEWHERE }, 'GRANT_NOT_AUTHORISED'),
    deliver('an entry that authorises nothing', { authorisedBy: ELSEWHERE }, 'GRANT_NOT_AUTHORISED'),
    deliver('a role that is not entitled', { role: CANARY }, 'GRANT_NOT_AUTHORISED'),
  ]
}
