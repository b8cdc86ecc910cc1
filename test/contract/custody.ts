import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hpkeSeal } from '../../src/core/crypto/hpke.ts'
import { verifyEd25519, verifyEs256, verifyMlDsa44 } from '../../src/core/crypto/signature.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import { ConcordatError, type ErrorCode } from '../../src/core/error.ts'
import type { Custody } from '../../src/custody/custody.ts'

/** Where the keys of one member lie. */
export interface CustodyPlace {
  /** New keys, whose first epoch begins at second 1,000. */
  create(): Promise<Custody>
  /** The keys made before; also while they are open already. */
  open(): Promise<Custody>
  remove(): Promise<void>
}

/** What every Custody must do. `makePlace` gives a new, empty place. */
export function custodyContract(name: string, makePlace: () => Promise<CustodyPlace>): void {
  function custodyTest(title: string, body: (custody: Custody, place: CustodyPlace) => Promise<void>): void {
    test(title, async () => {
      const place = await makePlace()
      try {
        const custody = await place.create()
        await body(custody, place)
        await custody.close()
        await custody.close()
      } finally {
        await place.remove()
      }
    })
  }

  describe(`${name}: keys of a member`, () => {
    custodyTest('signs with the key of each use', async (custody) => {
      const keys = custody.publicKeys()
      const data = utf8('signing input')
      const signing = [keys.governance, ...keys.record, ...keys.request]
      assert.equal(signing.length, 3)
      for (const jwk of signing) {
        const signature = await custody.sign(thumbprint(jwk), data)
        assert.equal(signature.length, 64)
        for (const other of signing) assert.equal(await verifyEs256(other, data, signature), other === jwk)
      }
      await refused('KEY_UNKNOWN', custody.sign(thumbprint(keys.epochs[0]!.jwk), data))
      const { ed25519, mldsa44 } = keys.checkpoint
      assert(await verifyEd25519(ed25519, data, await custody.signCheckpoint('Ed25519', data)))
      assert(await verifyMlDsa44(mldsa44, data, await custody.signCheckpoint('ML-DSA-44', data)))
    })

    custodyTest('shows public keys alone', async (custody) => {
      const text = JSON.stringify(custody.publicKeys())
      for (const part of ['"d":', '"priv":', '"k":']) assert(!text.includes(part))
    })

    custodyTest('has the same keys when opened again', async (custody, place) => {
      const keys = custody.publicKeys()
      const mac = await custody.mac('idempotency', utf8('x'))
      const [wrapped] = await custody.wrap([{ vaultKey: 'v', bytes: utf8('group key') }])
      await custody.close()
      const again = await place.open()
      assert.deepEqual(again.publicKeys(), keys)
      assert.deepEqual(
        again.publicKeys().epochs.map(({ from }) => from),
        [1_000],
      )
      assert.deepEqual(await again.mac('idempotency', utf8('x')), mac)
      assert.deepEqual(textOf(await again.unwrap([{ vaultKey: 'v', bytes: wrapped! }])), ['group key'])
      const [record] = keys.record
      assert(await verifyEs256(record!, utf8('x'), await again.sign(thumbprint(record!), utf8('x'))))
      await again.close()
    })

    custodyTest('opens grants of every epoch, and of no other key', async (custody, place) => {
      const [first] = custody.publicKeys().epochs
      const second = await place.open()
      const added = await second.addEpoch(2_000)
      await second.close()
      assert.notDeepEqual(added, first!.jwk)
      for (const jwk of [first!.jwk, added]) {
        const message = { info: utf8('info'), aad: utf8('aad') }
        const sealed = await hpkeSeal({ ...message, publicKey: jwk, plaintext: utf8('keys') })
        const grant = { ...message, ...sealed, kid: thumbprint(jwk) }
        assert.deepEqual(textOf([await custody.openGrant(grant)]), ['keys'])
        await refused('HPKE_NOT_OPENED', custody.openGrant({ ...grant, aad: utf8('other') }))
        await refused('KEY_UNKNOWN', custody.openGrant({ ...grant, kid: thumbprint(custody.publicKeys().record[0]!) }))
      }
      assert.deepEqual(custody.publicKeys().epochs, [first, { jwk: added, from: 2_000 }])
    })

    custodyTest('makes one epoch a time, whoever asks', async (custody, place) => {
      const second = await place.open()
      const [one, other] = await Promise.all([custody.addEpoch(2_000), second.addEpoch(2_000)])
      await second.close()
      assert.deepEqual(one, other)
      assert.deepEqual(
        custody.publicKeys().epochs.map(({ from }) => from),
        [1_000, 2_000],
      )
    })

    custodyTest(
      'adds keys of a use behind the older ones, for all who have it open, and after it is opened again',
      async (custody, place) => {
        const data = utf8('signing input')
        const second = await place.open()
        for (const use of ['record', 'request'] as const) {
          const [first] = custody.publicKeys()[use]
          const added = [await custody.addKey(use), await second.addKey(use), await custody.addKey(use)]
          for (const opened of [custody, second]) {
            assert.deepEqual(opened.publicKeys()[use], [first, ...added])
            for (const jwk of added) assert(await verifyEs256(jwk, data, await opened.sign(thumbprint(jwk), data)))
          }
        }
        const keys = custody.publicKeys()
        await Promise.all([custody.close(), second.close()])
        const again = await place.open()
        assert.deepEqual(again.publicKeys(), keys)
        await again.close()
      },
    )

    custodyTest('destroys keys for all who have it open, and for ever', async (custody, place) => {
      const data = utf8('signing input')
      const second = await place.open()
      const { record, request, epochs } = custody.publicKeys()
      const newest = {
        record: [await custody.addKey('record')],
        request: [await custody.addKey('request')],
        epochs: [{ jwk: await custody.addEpoch(2_000), from: 2_000 }],
      }
      const gone = [record[0]!, request[0]!, epochs[0]!.jwk].map(thumbprint)
      const message = { info: utf8('info'), aad: utf8('aad') }
      const sealed = await hpkeSeal({ ...message, publicKey: epochs[0]!.jwk, plaintext: utf8('keys') })
      await second.destroyKeys(gone)
      await second.destroyKeys(gone)
      await second.close()
      const check = async (opened: Custody) => {
        const { record, request, epochs } = opened.publicKeys()
        assert.deepEqual({ record, request, epochs }, newest)
        for (const kid of gone) await refused('KEY_UNKNOWN', opened.sign(kid, data))
        await refused('KEY_UNKNOWN', opened.openGrant({ ...message, ...sealed, kid: gone[2]! }))
      }
      await check(custody)
      await assert.rejects(custody.destroyKeys([thumbprint(newest.record[0]!)]), assert.AssertionError)
      await custody.close()
      const again = await place.open()
      await check(again)
      const later = await again.addKey('record')
      assert.deepEqual(again.publicKeys().record, [...newest.record, later])
      await again.close()
    })

    custodyTest('keeps purposes of mac apart', async (custody) => {
      const mac = await custody.mac('idempotency', utf8('x'))
      assert.equal(mac.length, 32)
      assert.notDeepEqual(await custody.mac('request', utf8('x')), mac)
      assert.notDeepEqual(await custody.mac('idempotency', utf8('y')), mac)
      assert.notDeepEqual(await custody.mac('idempotenc', utf8('yx')), mac)
    })
  })

  describe(`${name}: vault keys`, () => {
    custodyTest('wraps what it unwraps, many at once', async (custody) => {
      const items = Array.from({ length: 100 }, (_, i) => ({ vaultKey: `v${i % 7}`, bytes: utf8(`group key ${i}`) }))
      const wrapped = (await Promise.all([custody.wrap(items.slice(0, 50)), custody.wrap(items.slice(50))])).flat()
      assert.equal(new Set(wrapped.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 100)
      const opened = await custody.unwrap(items.map(({ vaultKey }, i) => ({ vaultKey, bytes: wrapped[i]! })))
      assert.deepEqual(
        textOf(opened),
        items.map(({ bytes }) => textOf([bytes])[0]),
      )
      assert.deepEqual(await custody.wrap([]), [])
    })

    custodyTest('refuses bytes altered, short, or wrapped under another key', async (custody) => {
      const [wrapped] = await custody.wrap([
        { vaultKey: 'v', bytes: utf8('group key') },
        { vaultKey: 'w', bytes: utf8('group key') },
      ])
      for (let i = 0; i < wrapped!.length; i++) {
        const bytes = Uint8Array.from(wrapped!)
        bytes[i]! ^= 1
        await refused('VAULT_ITEM_INVALID', custody.unwrap([{ vaultKey: 'v', bytes }]))
      }
      await refused('VAULT_ITEM_INVALID', custody.unwrap([{ vaultKey: 'v', bytes: wrapped!.subarray(0, 27) }]))
      await refused('VAULT_ITEM_INVALID', custody.unwrap([{ vaultKey: 'w', bytes: wrapped! }]))
      await refused('KEY_UNKNOWN', custody.unwrap([{ vaultKey: 'never made', bytes: wrapped! }]))
    })

    custodyTest('never makes a destroyed key again', async (custody, place) => {
      const [wrapped] = await custody.wrap([{ vaultKey: 'v', bytes: utf8('group key') }])
      await custody.destroyVaultKeys(['v', 'never made'])
      await custody.destroyVaultKeys(['v'])
      assert.deepEqual(await custody.unwrap([{ vaultKey: 'v', bytes: wrapped! }]), [undefined])
      await refused('ERASED', custody.wrap([{ vaultKey: 'v', bytes: utf8('x') }]))
      await refused(
        'ERASED',
        custody.wrap([
          { vaultKey: 'w', bytes: utf8('x') },
          { vaultKey: 'never made', bytes: utf8('x') },
        ]),
      )
      await custody.close()
      const again = await place.open()
      assert.deepEqual(await again.unwrap([{ vaultKey: 'v', bytes: wrapped! }]), [undefined])
      await refused('ERASED', again.wrap([{ vaultKey: 'never made', bytes: utf8('x') }]))
      await again.close()
    })

    custodyTest('a key destroyed while it is being made stays destroyed', async (custody) => {
      const wrapping = custody.wrap([{ vaultKey: 'v', bytes: utf8('x') }])
      const outcome = Promise.allSettled([wrapping])
      await custody.destroyVaultKeys(['v'])
      const [settled] = await outcome
      assert.equal(settled?.status === 'rejected' && codeOf(settled.reason), 'ERASED')
      await refused('ERASED', custody.wrap([{ vaultKey: 'v', bytes: utf8('x') }]))
    })

    custodyTest('one opened twice agrees on keys made and destroyed', async (custody, place) => {
      const second = await place.open()
      const item = { vaultKey: 'v', bytes: utf8('group key') }
      const [[first], [other]] = await Promise.all([custody.wrap([item]), second.wrap([item])])
      assert.deepEqual(textOf(await custody.unwrap([{ ...item, bytes: other! }])), ['group key'])
      assert.deepEqual(textOf(await second.unwrap([{ ...item, bytes: first! }])), ['group key'])
      await second.destroyVaultKeys(['v'])
      assert.deepEqual(await custody.unwrap([{ ...item, bytes: first! }]), [undefined])
      await refused('ERASED', custody.wrap([item]))
      await second.close()
    })

    custodyTest('opens more keys than are held unlocked', async (custody) => {
      const items = Array.from({ length: 5_000 }, (_, i) => ({ vaultKey: `v${i}`, bytes: utf8(`group key ${i}`) }))
      const wrapped = await custody.wrap(items)
      for (const i of [0, 4_999, 1])
        assert.deepEqual(textOf(await custody.unwrap([{ vaultKey: `v${i}`, bytes: wrapped[i]! }])), [`group key ${i}`])
    })
  })
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(items: readonly (Uint8Array | undefined)[]): (string | undefined)[] {
  return items.map((bytes) => bytes && new TextDecoder().decode(bytes))
}

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => codeOf(error) === code)
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof ConcordatError ? error.code : undefined
}
