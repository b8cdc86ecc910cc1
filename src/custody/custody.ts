import type { AkpPublicJwk, EcPublicJwk, HpkePublicJwk, OkpPublicJwk } from '../core/crypto/jwk.ts'

/** A member's public keys, by use (RULES 6). Those that are several are oldest first, and never none. */
export interface MemberPublicKeys {
  governance: EcPublicJwk
  record: EcPublicJwk[]
  request: EcPublicJwk[]
  checkpoint: { ed25519: OkpPublicJwk; mldsa44: AkpPublicJwk }
  /** Monthly encryption epochs; `from` in Unix seconds. */
  epochs: { jwk: HpkePublicJwk; from: number }[]
}

/** Uses of keys that a member replaces by itself. */
export type RotatedUse = 'record' | 'request'

/** Something to keep under a vault key: `vaultKey` is its id, made by the node of register, case, subject, role and retention class. */
export interface VaultItem {
  vaultKey: string
  bytes: Uint8Array
}

/**
 * Where one member's private keys live, for all registers that it is part of. Which of them counts on a register is for that
 * register to say: a new key is made here first, durably, and used once the member's entry states it. No private key ever crosses
 * this interface.
 * All methods may be called at the same time; what makes or destroys a key is durable before it resolves.
 */
export interface Custody {
  publicKeys(): MemberPublicKeys
  /** ES256 over `data`, 64 bytes (IEEE P1363), with the governance, record or request key named by `kid`; else throws KEY_UNKNOWN. */
  sign(kid: string, data: Uint8Array): Promise<Uint8Array>
  signCheckpoint(algorithm: 'Ed25519' | 'ML-DSA-44', data: Uint8Array): Promise<Uint8Array>
  /** Opens an HPKE message to the epoch key named by `kid`; throws KEY_UNKNOWN or HPKE_NOT_OPENED. */
  openGrant(message: {
    kid: string
    enc: Uint8Array
    info: Uint8Array
    aad: Uint8Array
    ciphertext: Uint8Array
  }): Promise<Uint8Array>
  /**
   * Wraps each item under its vault key, made on first use. A key once destroyed is never made again: throws ERASED.
   * New keys are durable before it resolves, so what a database keeps can always be opened (RULES 25).
   */
  wrap(items: readonly VaultItem[]): Promise<Uint8Array[]>
  /**
   * Unwraps each item; undefined where the vault key has been destroyed. Throws KEY_UNKNOWN where it was never made here,
   * VAULT_ITEM_INVALID where the bytes are not what was wrapped under it.
   */
  unwrap(items: readonly VaultItem[]): Promise<(Uint8Array | undefined)[]>
  /**
   * Destroys vault keys for ever: no trace is left in the key store's file or journal.
   * Their ids stay known as destroyed, those never made included. When a reader elsewhere keeps the journal busy it throws
   * CUSTODY_FAILED: the keys are gone, the traces not yet; call it again.
   */
  destroyVaultKeys(vaultKeys: readonly string[]): Promise<void>
  /** HMAC-SHA256, 32 bytes, under a key of this custody and purpose: for what must be found again without being readable. */
  mac(purpose: string, data: Uint8Array): Promise<Uint8Array>
  /** A new record or request key, the newest of its use. */
  addKey(use: RotatedUse): Promise<EcPublicJwk>
  /**
   * A new encryption epoch from `from` on (Unix seconds), or the one that begins then already. Those before stay, to open what was
   * sealed to them.
   */
  addEpoch(from: number): Promise<HpkePublicJwk>
  /**
   * Destroys record, request and epoch keys for ever, as destroyVaultKeys does; those that are gone or unknown are passed over. The
   * newest of a use is not for this: it is a bug to name it.
   */
  destroyKeys(kids: readonly string[]): Promise<void>
  /** What waits is written first. Closing twice is closing once; nothing else may be called after it. */
  close(): Promise<void>
}
