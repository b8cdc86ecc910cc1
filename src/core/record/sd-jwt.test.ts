import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMap, isScalar, parseDocument, visit } from 'yaml'
import { readSharedJson, readSharedVector, sharedVectorsAbsent } from '../../../test/vectors/shared-vectors.ts'
import { type JsonObject, parseJson } from '../canonical-json.ts'
import { verifyEs256Jws } from '../crypto/es256-jws.ts'
import { digest } from '../crypto/hash.ts'
import { type EcPublicJwk, parseEcPublicJwk } from '../crypto/jwk.ts'
import { ConcordatError } from '../error.ts'
import { parseDisclosure, randomSalt } from './disclosure.ts'
import { formatDisclosure } from './disclosure-text.ts'
import { parsePresentation } from './sd-claims.ts'
import { openSdJwt } from './sd-jwt.ts'

interface Example {
  name: string
  sdJwtPayload?: JsonObject
  disclosures?: { claim: string | null; digest: string; disclosure: string }[]
  decoys?: string[]
  issued?: string | JsonObject
  presentation?: string | JsonObject
  processedPayload?: JsonObject
}

/** Which examples our flat profile accepts with all their disclosures, and why not the others. The two in JSON serialisation have no payload. */
const FLAT: { [example: string]: true | string } = {
  simple: 'nationalities are array element digests',
  flat: true,
  structured: 'address has its own _sd',
  recursive: 'disclosures are disclosed within disclosures',
  'structured-with-decoys': 'address has its own _sd',
  complex: 'verified_claims has its own _sd',
  'sd-jwt-vc': 'nationalities are array element disclosures, and the address has its own _sd',
  'vcdm-2': 'credentialSubject has its own _sd',
}

test('examples of RFC 9901', { skip: sharedVectorsAbsent }, async () => {
  const vectors = readSharedJson<{ issuerKey: EcPublicJwk; examples: Example[] }>('sd-jwt/rfc9901-examples.json')
  const key = parseEcPublicJwk({ ...vectors.issuerKey })
  let disclosed = 0
  let verified = 0
  for (const { name, sdJwtPayload, disclosures = [], issued } of vectors.examples) {
    for (const vector of disclosures) {
      disclosed++
      assert.equal(digest(vector.disclosure), vector.digest)
      if (vector.claim === null) {
        assert.throws(() => parseDisclosure(vector.disclosure), { code: 'DISCLOSURE_INVALID' })
        continue
      }
      try {
        const parsed = parseDisclosure(vector.disclosure)
        assert.equal(parsed.name, vector.claim)
        assert.equal(parsed.digest, vector.digest)
      } catch (error) {
        // Its value has an _sd of its own.
        assert.ok(error instanceof ConcordatError && error.code === 'DISCLOSURE_INVALID', name)
        assert.match(Buffer.from(vector.disclosure, 'base64url').toString(), /"_sd"|"\.\.\."/)
      }
    }
    if (typeof issued === 'string') {
      verified++
      const jws = await verifyEs256Jws(parsePresentation(issued).jws, key)
      assert.deepEqual(parseJson(jws.payload), sdJwtPayload)
    }
    if (sdJwtPayload === undefined) continue
    const open = (): JsonObject =>
      openSdJwt(
        sdJwtPayload,
        disclosures.map(({ disclosure }) => disclosure),
      )
    assert.ok(FLAT[name] !== undefined, name)
    if (FLAT[name] === true) {
      const { _sd, _sd_alg, ...plain } = sdJwtPayload
      assert.deepEqual(
        Object.keys(open()).sort(),
        [...Object.keys(plain), ...disclosures.map(({ claim }) => claim)].sort(),
      )
    } else {
      assert.throws(open, (error) => error instanceof ConcordatError, `${name} is accepted`)
    }
  }
  assert.deepEqual([vectors.examples.length, disclosed, verified], [10, 87, 3])
})

const FLAT_CASES = [
  'examples/address_only_flat',
  'examples/json_serialization_general',
  'examples/jsonld',
  'examples/simple',
  'tests/testcases/array_in_sd',
  'tests/testcases/header_mod',
  'tests/testcases/json_serialization_flattened',
  'tests/testcases/json_serialization_general',
  'tests/testcases/key_binding',
  'tests/testcases/no_sd',
]

test('cases of sd-jwt-python that our flat profile has', { skip: sharedVectorsAbsent }, () => {
  const root = join(import.meta.dirname, '../../../../shared/vectors/sd-jwt')
  const flat: string[] = []
  let count = 0
  for (const folder of ['tests/testcases', 'examples']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      count++
      if (runCase(`${folder}/${entry.name}`)) flat.push(`${folder}/${entry.name}`)
    }
  }
  assert.equal(count, 32)
  // In the others a nested property or an array element is selectively disclosable. Key binding and JSON serialisation are left out.
  assert.deepEqual(flat.sort(), FLAT_CASES)
})

/** False if something but a top-level claim is tagged !sd. */
function runCase(path: string): boolean {
  // The tag !sd has no meaning to the parser, which says so in `warnings` and keeps the node.
  const document = parseDocument(readSharedVector(`sd-jwt/${path}/specification.yml`).toString(), {
    logLevel: 'silent',
  })
  assert.deepEqual(document.errors, [])
  const claims = document.get('user_claims')
  assert.ok(isMap(claims))
  let tagged = 0
  visit(claims, {
    Node: (_, node) => {
      if (node.tag === '!sd') tagged++
    },
  })
  const disclosable = claims.items.flatMap(({ key }) => (isScalar(key) && key.tag === '!sd' ? [String(key.value)] : []))
  if (disclosable.length !== tagged) return false
  const { user_claims, holder_disclosed_claims, expect_verified_user_claims } = document.toJS() as {
    [name: string]: JsonObject
  }
  const plain: JsonObject = {}
  const disclosures = new Map<string, string>()
  for (const [name, value] of Object.entries(user_claims!)) {
    if (disclosable.includes(name)) disclosures.set(name, formatDisclosure(randomSalt(), name, value))
    else plain[name] = value
  }
  const payload: JsonObject = { ...plain, _sd_alg: 'sha-256', _sd: [...disclosures.values()].map(digest).sort() }
  assert.deepEqual(openSdJwt(payload, [...disclosures.values()]), user_claims)
  const chosen = Object.keys(holder_disclosed_claims!).flatMap((name) => disclosures.get(name) ?? [])
  const opened = openSdJwt(payload, chosen)
  if (expect_verified_user_claims !== undefined) assert.deepEqual(opened, expect_verified_user_claims)
  return true
}
