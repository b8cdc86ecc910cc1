import { thumbprint } from '../core/crypto/thumbprint.ts'
import { REVOCABLE_USES } from '../core/ledger/state.ts'
import { EPOCH_GRACE_SECONDS, EPOCH_SECONDS } from './key-rotation.ts'
import { findNewestStated } from './member-keys.ts'
import { getMemberRow, type Part } from './part.ts'

/** This member's keys as the register states them. `held`: its private key lies in this node's custody. */
export async function viewKeys(part: Part) {
  const { keys, revoked, epochs } = await getMemberRow(part, part.member)
  const custody = part.custody.publicKeys()
  const signing = REVOCABLE_USES.flatMap((use) => {
    const held = custody[use].map(thumbprint)
    const newest = findNewestStated(custody[use], keys[use])
    return keys[use].map(({ kid }) => ({ key: kid, use, held: held.includes(kid), signs: kid === newest }))
  })
  const heldEpochs = custody.epochs.map(({ jwk }) => thumbprint(jwk))
  return {
    keys: signing,
    revoked,
    epochs: epochs.map(({ jwk, from }, i) => {
      const key = thumbprint(jwk)
      const until = epochs[i + 1]?.from ?? from + EPOCH_SECONDS
      return { key, from, until, destroyedFrom: until + EPOCH_GRACE_SECONDS, held: heldEpochs.includes(key) }
    }),
  }
}
