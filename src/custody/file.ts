import assert from 'node:assert'
import { createHmac, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { generateHpkeKeyPair, type HpkePrivateKey, hpkeOpen, importHpkePrivateKey } from '../core/crypto/hpke.ts'
import type { HpkePublicJwk } from '../core/crypto/jwk.ts'
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
import type { Custody, MemberPublicKeys, SigningUse, VaultItem } from './custody.ts'
import { createKeyDatabase, mapFailures, openKeyDatabase } from './key-database.ts'
import { ARGON2_NONCE_BYTES, type Argon2Cost, deriveKeyEncryptionKey, passphraseBytes } from './passphrase.ts'
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
    for (const [id, algorithm] of Object.entries(algorithms))
      saveKey(db, keyEncryptionKey, id, exportSigningKey(generateSigningKey(algorithm)))
    saveKey(db, keyEncryptionKey, 'mac', randomBytes(MAC_KEY_BYTES))
    saveNewEpoch(db, keyEncryptionKey, now)
  })
  return new FileCustody(db, keyEncryptionKey)
}

/** Opens what createFileCustody made. One derivation of the passphrase, whose cost is the folder's own. */
export async function openFileCustody(options: { folder: string; passphrase: Uint8Array | string }): Promise<Custody> {
  const db = openKeyDatabase(options.folder)
  try {
    const row = mapFailures(() => db.prepare('SELECT * FROM custody').get())
    if (row === undefined) throw invalid('the parameters of a passphrase', 'none')
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

const algorithms = {
  governance: 'ES256',
  record: 'ES256',
  request: 'ES256',
  'checkpoint/Ed25519': 'Ed25519',
  'checkpoint/ML-DSA-44': 'ML-DSA-44',
} as const satisfies Record<string, SigningAlgorithm>

interface Epoch {
  from: number
  privateKey: HpkePrivateKey
}

class FileCustody implements Custody {
  readonly #db: DatabaseSync
  readonly #keyEncryptionKey: Uint8Array
  readonly #signing: { [Id in keyof typeof algorithms]: SigningKey<(typeof algorithms)[Id]> }
  readonly #macKey: Uint8Array
  /** By thumbprint, oldest first. */
  #epochs: ReadonlyMap<string, Epoch>
  readonly #vaultKeys: VaultKeys

  constructor(db: DatabaseSync, keyEncryptionKey: Uint8Array) {
    this.#db = db
    this.#keyEncryptionKey = keyEncryptionKey
    this.#signing = {
      governance: this.#loadSigningKey('governance'),
      record: this.#loadSigningKey('record'),
      request: this.#loadSigningKey('request'),
      'checkpoint/Ed25519': this.#loadSigningKey('checkpoint/Ed25519'),
      'checkpoint/ML-DSA-44': this.#loadSigningKey('checkpoint/ML-DSA-44'),
    }
    this.#macKey = this.#load('mac')
    this.#epochs = this.#loadEpochs(new Map())
    this.#vaultKeys = new VaultKeys(db, keyEncryptionKey)
  }

  publicKeys(): MemberPublicKeys {
    return {
      governance: this.#signing.governance.publicJwk,
      record: this.#signing.record.publicJwk,
      request: this.#signing.request.publicJwk,
      checkpoint: {
        ed25519: this.#signing['checkpoint/Ed25519'].publicJwk,
        mldsa44: this.#signing['checkpoint/ML-DSA-44'].publicJwk,
      },
      epochs: [...this.#epochs.values()].map(({ from, privateKey }) => ({ jwk: privateKey.publicJwk, from })),
    }
  }

  async sign(use: SigningUse, data: Uint8Array): Promise<Uint8Array> {
    return signWithAsync(this.#signing[use], data)
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
    // Another process of this member may have added the epoch.
    if (!this.#epochs.has(kid)) this.#epochs = this.#loadEpochs(this.#epochs)
    const epoch = this.#epochs.get(kid)
    if (epoch === undefined)
      throw new ConcordatError({ code: 'KEY_UNKNOWN', expected: 'an encryption epoch of this member', got: 'another' })
    return hpkeOpen({ privateKey: epoch.privateKey, enc, info, aad, ciphertext })
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

  async addEpoch(from: number): Promise<HpkePublicJwk> {
    const kid = mapFailures(() => saveNewEpoch(this.#db, this.#keyEncryptionKey, from))
    this.#epochs = this.#loadEpochs(this.#epochs)
    return this.#epochs.get(kid)!.privateKey.publicJwk
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
    const pkcs8 = this.#load(id)
    const key = importSigningKey(algorithms[id], pkcs8)
    pkcs8.fill(0)
    return key
  }

  /** Those of `known` are not loaded again. */
  #loadEpochs(known: ReadonlyMap<string, Epoch>): ReadonlyMap<string, Epoch> {
    const rows = mapFailures(() => this.#db.prepare(`SELECT id FROM keys WHERE id LIKE 'epoch/%'`).all())
    const epochs = rows.map(({ id }): [string, Epoch] => {
      const [, from, kid] = (id as string).split('/')
      return [kid!, known.get(kid!) ?? { from: Number(from), privateKey: this.#loadEpochKey(id as string) }]
    })
    return new Map(epochs.sort(([, a], [, b]) => a.from - b.from))
  }

  #loadEpochKey(id: string): HpkePrivateKey {
    const seed = this.#load(id)
    const key = importHpkePrivateKey(seed)
    seed.fill(0)
    return key
  }

  #load(id: string): Uint8Array {
    const row = mapFailures(() => this.#db.prepare('SELECT sealed FROM keys WHERE id = ?').get(id))
    const bytes = row && unseal(this.#keyEncryptionKey, keyContext(id), row.sealed as Uint8Array)
    if (bytes === undefined) throw invalid('every private key as stored', 'a missing or altered one')
    return bytes
  }
}

/** The id says when the epoch begins and names its key, and is authenticated with it. */
function saveNewEpoch(db: DatabaseSync, keyEncryptionKey: Uint8Array, from: number): string {
  assert(Number.isSafeInteger(from) && from >= 0)
  const { publicJwk, privateKey } = generateHpkeKeyPair()
  const kid = thumbprint(publicJwk)
  saveKey(db, keyEncryptionKey, `epoch/${from}/${kid}`, privateKey)
  return kid
}

/** `bytes` are zeroed. */
function saveKey(db: DatabaseSync, keyEncryptionKey: Uint8Array, id: string, bytes: Uint8Array): void {
  db.prepare('INSERT INTO keys (id, sealed) VALUES (?, ?)').run(id, seal(keyEncryptionKey, keyContext(id), bytes))
  bytes.fill(0)
}

function keyContext(id: string): string {
  return `concordat-custody/1|key|${id}`
}

function vaultContext(vaultKey: string): string {
  return `concordat-vault/1|${vaultKey}`
}

function invalid(expected: string, got: string): ConcordatError {
  return new ConcordatError({ code: 'CUSTODY_INVALID', expected, got })
}
