import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../canonical-json.ts'
import { fromBase64url, toBase64url } from '../crypto/base64url.ts'
import { verifyEs256Jws } from '../crypto/es256-jws.ts'
import { digest } from '../crypto/hash.ts'
import { generateHpkeKeyPair, hpkeOpen, importHpkePrivateKey } from '../crypto/hpke.ts'
import { formatCompactJws } from '../crypto/jws.ts'
import { generateSigningKey, signWith } from '../crypto/signature.ts'
import { ConcordatError } from '../error.ts'
import { type Grant, openGrant, parseGrant, type SealedMessage, sealGrant } from './grant.ts'
import { openGroup, sealGroup, verifyGroup } from './group.ts'
import { type ActionClaims, buildRecordClaims, type Field, recordSigningInput } from './record.ts'
import { openSdJwt } from './sd-jwt.ts'

const RUNS = { numRuns: 1000 }
const key = generateSigningKey('ES256')
const { publicJwk, privateKey } = generateHpkeKeyPair()
const epoch = importHpkePrivateKey(privateKey)
const open = (message: SealedMessage): Promise<Uint8Array> => hpkeOpen({ ...message, privateKey: epoch })

const stated: ActionClaims = {
  iss: digest('member'),
  iat: 1793005200,
  jti: 'AAAAAAAAAAAAAAAAAAAAAA',
  reg: digest('register'),
  bp: digest('blueprint'),
  case: 'AAAAAAAAAAAAAAAAAAAAAA',
  step: 's1',
  as: 'applicant',
  prev: [],
  next: ['s2'],
  bind: {},
  replaces: null,
}

const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
)
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 8 })
/** Fields spread over one to four groups; no name twice. */
const groupsOfFields = fc
  .tuple(names, fc.array(value, { minLength: 8, maxLength: 8 }), fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }))
  .map(([all, values, places]) =>
    [0, 1, 2, 3].map((index) =>
      all.flatMap((name, i): Field[] => (places[i] === index ? [[`/${name}`, values[i] as JsonValue]] : [])),
    ),
  )

function refused(run: () => unknown): void {
  assert.throws(run, (error) => error instanceof ConcordatError)
}

/** `text` with one bit of its ASCII bytes flipped. */
function flipText(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'latin1')
  bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7)
  return bytes.toString('latin1')
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const at = (bit >> 3) % bytes.length
  return bytes.with(at, bytes[at]! ^ (1 << (bit & 7)))
}

test('what is built, sealed, opened and verified is what was put in; one flipped bit anywhere is refused', () => {
  fc.assert(
    fc.property(groupsOfFields, fc.nat(2 ** 24), (fields, bit) => {
      const { claims, groups } = buildRecordClaims({ claims: stated, groups: fields, digestCount: 8 })
      assert.equal(claims._sd.length, 8)
      assert.deepEqual(claims._sd, [...new Set(claims._sd)].sort())
      const { recordId } = recordSigningInput(claims, 'kid')
      const shown: [string, JsonValue][] = []
      for (const group of groups) {
        const { index } = group
        const { key, sealed } = sealGroup({ ...group, recordId })
        assert.equal((sealed.length - 28) % 256, 0)
        const opened = openGroup({ index, recordId, key, sealed })
        assert.deepEqual(opened, { salt: group.salt, disclosures: group.disclosures })
        const checked = { index, commitments: claims.groups, sd: claims._sd, ...opened }
        for (const { name, value } of verifyGroup(checked)) shown.push([name, value])

        refused(() => openGroup({ index, recordId, key, sealed: flip(sealed, bit) }))
        refused(() => openGroup({ index, recordId, key: flip(key, bit), sealed }))
        refused(() => verifyGroup({ ...checked, salt: flipText(opened.salt, bit) }))
        if (opened.disclosures.length === 0) continue
        const which = bit % opened.disclosures.length
        const disclosures = opened.disclosures.with(which, flipText(opened.disclosures[which]!, bit))
        refused(() => verifyGroup({ ...checked, disclosures }))
        refused(() => openSdJwt({ ...claims } as unknown as JsonObject, disclosures))
        refused(() => verifyGroup({ ...checked, disclosures: opened.disclosures.toSpliced(which, 1) }))
      }
      assert.deepEqual(new Map(shown), new Map(fields.flat()))
      const all = groups.flatMap((group) => group.disclosures)
      const disclosed = openSdJwt({ ...claims } as unknown as JsonObject, all)
      for (const [name, value] of fields.flat()) assert.deepEqual(disclosed[name], value)
    }),
    RUNS,
  )
})

test('one flipped bit of a record is refused', async () => {
  const { claims } = buildRecordClaims({ claims: stated, groups: [[['/a', 1]]], digestCount: 8 })
  const { signingInput } = recordSigningInput(claims, 'kid')
  const jws = formatCompactJws(signingInput, signWith(key, signingInput))
  await verifyEs256Jws(jws, key.publicJwk)
  await fc.assert(
    fc.asyncProperty(fc.nat(jws.length * 8 - 1), async (bit) => {
      await assert.rejects(
        verifyEs256Jws(flipText(jws, bit), key.publicJwk),
        (error) => error instanceof ConcordatError && ['JWS_INVALID', 'SIGNATURE_INVALID'].includes(error.code),
      )
    }),
    RUNS,
  )
})

const BOUND = ['kid', 'role', 'record', 'authorisedBy', 'enc', 'ciphertext'] as const

test('a grant opens to its keys, and not with one bit of it flipped', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 4 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom(...BOUND),
      fc.nat(2 ** 24),
      async (indexes, seed, member, bit) => {
        const keys = new Map(indexes.map((index) => [index, flip(seed, index)]))
        const [recordId, authorisedBy] = [digest('record'), digest('entry')]
        const grant = await sealGrant({ publicKey: publicJwk, recordId, authorisedBy, role: 'bureau', keys })
        const parsed = parseGrant({ ...grant })
        const opened = await openGrant(parsed, open)
        assert.deepEqual(
          [...opened].map(([index, bytes]) => [index, toBase64url(bytes)]).sort(),
          [...keys].map(([index, bytes]) => [index, toBase64url(bytes)]).sort(),
        )
        const broken = { ...grant, [member]: flipText(grant[member], bit) }
        await assert.rejects(
          async () => openGrant(parseGrant(broken), open),
          (error) => error instanceof ConcordatError && ['GRANT_INVALID', 'GRANT_NOT_OPENED'].includes(error.code),
        )
        const flipped = toBase64url(flip(fromBase64url(grant.ciphertext), bit))
        const changed: Grant = { ...grant, ciphertext: flipped }
        await assert.rejects(openGrant(changed, open), { code: 'GRANT_NOT_OPENED' })
      },
    ),
    RUNS,
  )
})
