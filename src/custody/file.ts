import assert from 'node:assert'
import { createHmac, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { hpkeOpen } from '../core/crypto/hpke.ts'
import type { EcPublicJwk, HpkePublicJwk } from '../core/crypto/jwk.ts'
import {
  exportSigningKey,
  generateSigningKey,
  importSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  signWithAsync,
} from '../core/crypto/signature.ts'
import { thumbprint } from '../core/crypto/thumbprint.ts'
import { ConcordatError } from '../core/error.ts'
import type { Custody, MemberPublicKeys, RotatedUse, VaultItem } from './custody.ts'
import { createKeyDatabase, mapFailures, openKeyDatabase } from './key-database.ts'
import { invalidKeys, KeyRows } from './key-rows.ts'
import { ARGON2_NONCE_BYTES, type Argon2Cost, deriveKeyEncryptionKey, passphraseBytes } from './passphrase.ts'
import { RotatedKeys } from './rotated-keys.ts'
import { seal, unseal } from './sealed.ts'
import { VaultKeys } from './vault-keys.ts'

const MAC_KEY_BYTES = 32

/**
 * Makes a member's keys in `folder`, with a first encryption epoch from `now` on (Unix seconds), under a passphrase.
 * Throws CUSTODY_EXISTS where there are keys already.
 */
export async function createFileCustody(options: {
  folder: string
  passphrase: Uint8Array | string
  argon2: Argon2Cost
  now: number
}): Promise<Custody> {
  const { folder, argon2, now } = options
  const passphrase = passphraseBytes(options.passphrase)
  if (passphrase.length === 0)
    throw new ConcordatError({ code: 'CUSTODY_PASSPHRASE_WRONG', expected: 'a passphrase', got: 'an empty one' })
  const nonce = randomBytes(ARGON2_NONCE_BYTES)
  const keyEncryptionKey = await deriveKeyEncryptionKey(passphrase, argon2, nonce)
  const db = createKeyDatabase(folder, (db) => {
    db.prepare('INSERT INTO custody VALUES (?, ?, ?, ?, ?)').run(
      argon2.memoryKiB,
      argon2.passes,
      argon2.parallelism,
      nonce,
      seal(keyEncryptionKey, verifierContext, new Uint8Array()),
    )
    const rows = new KeyRows(db, keyEncryptionKey)
    for (const [id, algorithm] of Object.entries(algorithms))
      rows.save(id, exportSigningKey(generateSigningKey(algorithm)))
    rows.save('mac', randomBytes(MAC_KEY_BYTES))
    assert(Number.isSafeInteger(now) && now >= 0)
    RotatedKeys.create(rows, now)
  })
  return new FileCustody(db, keyEncryptionKey)
}

/** Opens what createFileCustody made. One derivation of the passphrase, whose cost is the folder's own. */
export async function openFileCustody(options: { folder: string; passphrase: Uint8Array | string }): Promise<Custody> {
  const db = openKeyDatabase(options.folder)
  try {
    const row = mapFailures(() => db.prepare('SELECT * FROM custody').get())
    if (row === undefined) throw invalidKeys('the parameters of a passphrase', 'none')
    const cost = {
      memoryKiB: row.argon2_memory_kib as number,
      passes: row.argon2_passes as number,
      parallelism: row.argon2_parallelism as number,
    }
    const passphrase = passphraseBytes(options.passphrase)
    const keyEncryptionKey = await deriveKeyEncryptionKey(passphrase, cost, row.argon2_nonce as Uint8Array)
    if (unseal(keyEncryptionKey, verifierContext, row.verifier as Uint8Array) === undefined)
      throw new ConcordatError({
        code: 'CUSTODY_PASSPHRASE_WRONG',
        expected: 'the passphrase of this key store',
        got: 'another one',
      })
    return new FileCustody(db, keyEncryptionKey)
  } catch (error) {
    db.close()
    throw error
  }
}

const verifierContext = 'concordat-custody/1|verifier'

/** Of the keys that stay. */
const algorithms = {
  governance: 'ES256',
  'checkpoint/Ed25519': 'Ed25519',
  'checkpoint/ML-DSA-44': 'ML-DSA-44',
} as const satisfies Record<string, SigningAlgorithm>

class FileCustody implements Custody {
  readonly #db: DatabaseSync
  readonly #keyEncryptionKey: Uint8Array
  readonly #rows: KeyRows
  readonly #signing: { [Id in keyof typeof algorithms]: SigningKey<(typeof algorithms)[Id]> }
  readonly #governanceKid: string
  readonly #macKey: Uint8Array
  readonly #rotated: RotatedKeys
  readonly #vaultKeys: VaultKeys

  constructor(db: DatabaseSync, keyEncryptionKey: Uint8Array) {
    this.#db = db
    this.#keyEncryptionKey = keyEncryptionKey
    this.#rows = new KeyRows(db, keyEncryptionKey)
    this.#signing = {
      governance: this.#loadSigningKey('governance'),
      'checkpoint/Ed25519': this.#loadSigningKey('checkpoint/Ed25519'),
      'checkpoint/ML-DSA-44': this.#loadSigningKey('checkpoint/ML-DSA-44'),
    }
    this.#governanceKid = thumbprint(this.#signing.governance.publicJwk)
    this.#macKey = this.#rows.load('mac')
    this.#rotated = new RotatedKeys(db, this.#rows)
    this.#vaultKeys = new VaultKeys(db, keyEncryptionKey)
  }

  publicKeys(): MemberPublicKeys {
    return {
      governance: this.#signing.governance.publicJwk,
      record: this.#rotated.publicKeys('record'),
      request: this.#rotated.publicKeys('request'),
      checkpoint: {
        ed25519: this.#signing['checkpoint/Ed25519'].publicJwk,
        mldsa44: this.#signing['checkpoint/ML-DSA-44'].publicJwk,
      },
      epochs: this.#rotated.publicEpochs(),
    }
  }

  async sign(kid: string, data: Uint8Array): Promise<Uint8Array> {
    const key = kid === this.#governanceKid ? this.#signing.governance : this.#rotated.findSigningKey(kid)
    if (key !== undefined) return signWithAsync(key, data)
    throw new ConcordatError({ code: 'KEY_UNKNOWN', expected: 'a signing key of this key store', got: 'another' })
  }

  async signCheckpoint(algorithm: 'Ed25519' | 'ML-DSA-44', data: Uint8Array): Promise<Uint8Array> {
    return signWithAsync(this.#signing[`checkpoint/${algorithm}`], data)
  }

  async openGrant(message: {
    kid: string
    enc: Uint8Array
    info: Uint8Array
    aad: Uint8Array
    ciphertext: Uint8Array
  }): Promise<Uint8Array> {
    const { kid, enc, info, aad, ciphertext } = message
    const privateKey = this.#rotated.findEpochKey(kid)
    if (privateKey === undefined)
      throw new ConcordatError({ code: 'KEY_UNKNOWN', expected: 'an encryption epoch of this member', got: 'another' })
    return hpkeOpen({ privateKey, enc, info, aad, ciphertext })
  }

  async wrap(items: readonly VaultItem[]): Promise<Uint8Array[]> {
    this.#vaultKeys.refresh()
    await this.#vaultKeys.make(items.map(({ vaultKey }) => vaultKey))
    this.#vaultKeys.refresh()
    return items.map(({ vaultKey, bytes }) => {
      const key = this.#vaultKeys.find(vaultKey)
      assert(key !== undefined)
      if (key === 'destroyed')
        throw new ConcordatError({ code: 'ERASED', expected: 'a vault key in use', got: 'one that was destroyed' })
      return seal(key, vaultContext(vaultKey), bytes)
    })
  }

  async unwrap(items: readonly VaultItem[]): Promise<(Uint8Array | undefined)[]> {
    this.#vaultKeys.refresh()
    return items.map(({ vaultKey, bytes }) => {
      const key = this.#vaultKeys.find(vaultKey)
      if (key === 'destroyed') return undefined
      if (key === undefined)
        throw new ConcordatError({ code: 'KEY_UNKNOWN', expected: 'a vault key of this key store', got: 'another' })
      const opened = unseal(key, vaultContext(vaultKey), bytes)
      if (opened !== undefined) return opened
      throw new ConcordatError({
        code: 'VAULT_ITEM_INVALID',
        expected: 'bytes wrapped under this vault key',
        got: 'others',
      })
    })
  }

  async destroyVaultKeys(vaultKeys: readonly string[]): Promise<void> {
    this.#vaultKeys.destroy(vaultKeys)
  }

  async mac(purpose: string, data: Uint8Array): Promise<Uint8Array> {
    const key = createHmac('sha256', this.#macKey).update(`concordat-mac/1|${purpose}`).digest()
    return createHmac('sha256', key).update(data).digest()
  }

  async addKey(use: RotatedUse): Promise<EcPublicJwk> {
    return this.#rotated.add(use)
  }

  async addEpoch(from: number): Promise<HpkePublicJwk> {
    return this.#rotated.addEpoch(from)
  }

  async destroyKeys(kids: readonly string[]): Promise<void> {
    this.#rotated.destroy(kids)
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return
    this.#vaultKeys.flush()
    mapFailures(() => this.#db.close())
    this.#vaultKeys.forgetAll()
    this.#keyEncryptionKey.fill(0)
    this.#macKey.fill(0)
  }

  #loadSigningKey<Id extends keyof typeof algorithms>(id: Id): SigningKey<(typeof algorithms)[Id]> {
    const pkcs8 = this.#rows.load(id)
    const key = importSigningKey(algorithms[id], pkcs8)
    pkcs8.fill(0)
    return key
  }
}

function vaultContext(vaultKey: string): string {
  return `concordat-vault/1|${vaultKey}`
}
