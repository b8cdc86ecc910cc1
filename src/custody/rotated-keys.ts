import assert from 'node:assert'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { generateHpkeKeyPair, type HpkePrivateKey, importHpkePrivateKey } from '../core/crypto/hpke.ts'
import type { EcPublicJwk, HpkePublicJwk } from '../core/crypto/jwk.ts'
import { exportSigningKey, generateSigningKey, importSigningKey, type SigningKey } from '../core/crypto/signature.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import type { RotatedUse } from './custody.ts'
import { emptyJournal, inTransaction, mapFailures } from './key-database.ts'
import { invalidKeys, type KeyRows } from './key-rows.ts'

type Stored<Use extends string, Key> = { use: Use; place: number; id: string; key: Key }
type StoredKey = Stored<RotatedUse, SigningKey<'ES256'>> | Stored<'epoch', HpkePrivateKey>

/** Record keys, request keys and encryption epochs: those that come and go. Other processes of the member may change them too. */
export class RotatedKeys {
  readonly #db: DatabaseSync
  readonly #rows: KeyRows
  readonly #dataVersion: StatementSync
  #seenVersion: unknown
  /** By thumbprint, oldest first of each use. */
  #keys: ReadonlyMap<string, StoredKey>

  constructor(db: DatabaseSync, rows: KeyRows) {
    this.#db = db
    this.#rows = rows
    this.#dataVersion = db.prepare('PRAGMA data_version')
    this.#seenVersion = this.#version()
    this.#keys = this.#load(new Map())
  }

  /** The first keys of a new key store, in the transaction that makes it. */
  static create(rows: KeyRows, firstEpochFrom: number): void {
    for (const use of ['record', 'request']) rows.save(use, exportSigningKey(generateSigningKey('ES256')))
    saveEpoch(rows, firstEpochFrom)
  }

  publicKeys(use: RotatedUse): EcPublicJwk[] {
    return this.#ofUse(use).map(({ key }) => key.publicJwk)
  }

  publicEpochs(): { jwk: HpkePublicJwk; from: number }[] {
    return this.#ofUse('epoch').map(({ key, place }) => ({ jwk: key.publicJwk, from: place }))
  }

  findSigningKey(kid: string): SigningKey<'ES256'> | undefined {
    const found = this.#current().get(kid)
    return found === undefined || found.use === 'epoch' ? undefined : found.key
  }

  findEpochKey(kid: string): HpkePrivateKey | undefined {
    const found = this.#current().get(kid)
    return found?.use === 'epoch' ? found.key : undefined
  }

  add(use: RotatedUse): EcPublicJwk {
    const key = generateSigningKey('ES256')
    inTransaction(this.#db, () => {
      const place = Math.max(
        ...this.#rows.ids().flatMap((id) => (parseId(id)?.use === use ? [parseId(id)!.place] : [])),
      )
      this.#rows.save(`${use}/${place + 1}/${thumbprint(key.publicJwk)}`, exportSigningKey(key))
    })
    this.#keys = this.#load(this.#keys)
    return key.publicJwk
  }

  addEpoch(from: number): HpkePublicJwk {
    assert(Number.isSafeInteger(from) && from >= 0)
    inTransaction(this.#db, () => {
      if (!this.#rows.ids().some((id) => id.startsWith(`epoch/${from}/`))) saveEpoch(this.#rows, from)
    })
    this.#keys = this.#load(this.#keys)
    return this.publicEpochs().find((epoch) => epoch.from === from)!.jwk
  }

  destroy(kids: readonly string[]): void {
    inTransaction(this.#db, () => {
      this.#keys = this.#load(this.#keys)
      for (const kid of kids) {
        const stored = this.#keys.get(kid)
        if (stored === undefined) continue
        const newest = [...this.#keys.values()].findLast(({ use }) => use === stored.use)
        assert(stored !== newest, 'the newest key of a use stays')
        this.#rows.remove(stored.id)
      }
    })
    this.#keys = this.#load(this.#keys)
    emptyJournal(this.#db)
  }

  #ofUse<Use extends StoredKey['use']>(use: Use): Extract<StoredKey, { use: Use }>[] {
    return [...this.#current().values()].filter(
      (stored): stored is Extract<StoredKey, { use: Use }> => stored.use === use,
    )
  }

  #current(): ReadonlyMap<string, StoredKey> {
    const version = this.#version()
    if (version !== this.#seenVersion) this.#keys = this.#load(this.#keys)
    this.#seenVersion = version
    return this.#keys
  }

  #version(): unknown {
    return mapFailures(() => this.#dataVersion.get()?.data_version)
  }

  /** Those of `known` are not unsealed again. */
  #load(known: ReadonlyMap<string, StoredKey>): ReadonlyMap<string, StoredKey> {
    const byId = new Map([...known.values()].map((stored) => [stored.id, stored]))
    const stored = this.#rows.ids().flatMap((id) => {
      const parsed = parseId(id)
      return parsed === undefined ? [] : [byId.get(id) ?? this.#loadOne(id, parsed)]
    })
    for (const use of ['record', 'request', 'epoch']) {
      if (!stored.some((one) => one.use === use)) throw invalidKeys('every private key as stored', 'a missing one')
    }
    stored.sort((a, b) => a.place - b.place)
    return new Map(stored.map((one) => [thumbprint(one.key.publicJwk), one]))
  }

  #loadOne(id: string, { use, place }: { use: StoredKey['use']; place: number }): StoredKey {
    const bytes = this.#rows.load(id)
    const stored: StoredKey =
      use === 'epoch'
        ? { use, place, id, key: importHpkePrivateKey(bytes) }
        : { use, place, id, key: importSigningKey('ES256', bytes) }
    bytes.fill(0)
    return stored
  }
}

/** `record`, then `record/1/<kid>` and so on; `epoch/<from>/<kid>`. Undefined for keys that are not rotated. */
function parseId(id: string): { use: StoredKey['use']; place: number } | undefined {
  const [use, place = '0'] = id.split('/')
  if (use !== 'record' && use !== 'request' && use !== 'epoch') return undefined
  return { use, place: Number(place) }
}

function saveEpoch(rows: KeyRows, from: number): void {
  const { publicJwk, privateKey } = generateHpkeKeyPair()
  rows.save(`epoch/${from}/${thumbprint(publicJwk)}`, privateKey)
}
