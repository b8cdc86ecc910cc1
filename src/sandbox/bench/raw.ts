import { randomBytes } from 'node:crypto'
import { generateHpkeKeyPair, hpkeOpen, importHpkePrivateKey } from '../../core/crypto/hpke.ts'
import { generateSigningKey, signWith, verifyEs256, verifyEs256Sync } from '../../core/crypto/signature.ts'
import { makeDisclosure } from '../../core/record/disclosure.ts'
import { openGrant, sealGrant } from '../../core/record/grant.ts'
import { openGroup, sealGroup } from '../../core/record/group.ts'
import { rateInFlight, rateOf } from './measure.ts'

/** What the cryptography alone allows on this machine, a second. */
export async function benchRaw(durationMs: number) {
  const data = randomBytes(1024)
  const key = generateSigningKey('ES256')
  const signature = signWith(key, data)
  const sign = rateOf(durationMs, () => signWith(key, data))
  const verifyOneCore = rateOf(durationMs, () => verifyEs256Sync(key.publicJwk, data, signature))
  const verifyAllCores = await rateInFlight({ durationMs, inFlight: 64 }, () =>
    verifyEs256(key.publicJwk, data, signature),
  )

  const recordId = 'A'.repeat(43)
  const disclosures = Array.from(
    { length: 5 },
    (_, i) => makeDisclosure(`/field${i}`, 'a value of ordinary length').text,
  )
  const group = { index: 1, recordId, salt: 'A'.repeat(22), disclosures }
  const sealed = sealGroup(group)
  const groupSeal = rateOf(durationMs, () => sealGroup(group))
  const groupOpen = rateOf(durationMs, () => openGroup({ index: 1, recordId, ...sealed }))

  const { publicJwk, privateKey } = generateHpkeKeyPair()
  const opened = importHpkePrivateKey(privateKey)
  const contents = {
    publicKey: publicJwk,
    recordId,
    authorisedBy: recordId,
    role: 'role',
    keys: new Map([[1, sealed.key]]),
  }
  const grant = await sealGrant(contents)
  const grantSeal = await rateInFlight({ durationMs, inFlight: 1 }, () => sealGrant(contents))
  const grantOpen = await rateInFlight({ durationMs, inFlight: 1 }, () =>
    openGrant(grant, (message) => hpkeOpen({ privateKey: opened, ...message })),
  )
  return {
    p256Sign: sign,
    p256Verify: verifyOneCore,
    p256VerifyAllCores: verifyAllCores.rate,
    groupSeal,
    groupOpen,
    grantSeal: grantSeal.rate,
    grantOpen: grantOpen.rate,
  }
}
