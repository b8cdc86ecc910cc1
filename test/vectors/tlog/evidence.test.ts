import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseJson } from '../../../src/core/canonical-json.ts'
import type { Checks } from '../../../src/core/ledger/checks.ts'
import { verifyEvidence } from '../../../src/core/ledger/evidence.ts'
import { nodeChecks } from '../../../src/core/ledger/node-checks.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/formats/evidence.md'), 'utf8')
const file = parseJson(readFileSync(join(import.meta.dirname, 'evidence.json')))

/** As a page would do it. */
const webChecks: Checks = {
  async sha256(data) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(data)))
  },
  async verify(algorithm, jwk, data, signature) {
    const name = algorithm === 'ES256' ? 'ECDSA' : algorithm
    const importedAs = { name, namedCurve: 'P-256' }
    const key = await crypto.subtle.importKey('jwk', { ...jwk }, importedAs, false, ['verify'])
    const verifiedAs = { name, hash: 'SHA-256' }
    return crypto.subtle.verify(verifiedAs, key, Uint8Array.from(signature), Uint8Array.from(data))
  },
}

for (const [name, checks] of Object.entries({ 'node:crypto': nodeChecks, WebCrypto: webChecks })) {
  test(`the evidence of docs/formats/evidence.md, checked by ${name}`, async () => {
    const register = 'aNgXLmflgCGLFSXHYmMz8-f-WZbAAsHgaXjfHUPS898'
    assert.ok(page.includes(register))
    const verified = await verifyEvidence(file, { register, checks, pq: true })
    assert.equal(verified.record.id, '6p1v4RCuNy_EcTMk70WTkBxeBzi5XWxwD8q0Wyjrvp8')
    assert.equal(verified.signer.id, 'ScgljXYbKYSCIdoJQ2eIEwVg6z2Y7kWj07xV9G5EEmU')
    assert.equal(verified.cosigners.length, 2)
    assert.equal(verified.foundingRoot, '03fEhr9L7A7QmpQljDuv1JOctn4J0E-Oo1qbbOkEtaY')
    assert.deepEqual(verified.fields, [
      { name: '/until', value: '2031-01-01', group: 2 },
      { name: '/entitled', value: true, group: 2 },
    ])
  })
}
