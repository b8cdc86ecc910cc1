import { createECDH, createHash, createPrivateKey } from 'node:crypto'
import { importHpkePrivateKey } from '../../src/core/crypto/hpke.ts'
import { importSigningKey, type SigningAlgorithm, type SigningKey } from '../../src/core/crypto/signature.ts'
import { thumbprint } from '../../src/core/crypto/thumbprint.ts'
import type { BuiltMember } from '../register-builder.ts'

/** A member whose keys come from its name alone, so that its id, and all that is sorted by ids, is the same in every run. */
export function memberNamed(name: string): BuiltMember {
  const governance = keyOf('ES256', `${name} governance`)
  const id = thumbprint(governance.publicJwk)
  const privateKey = seedOf(`${name} epoch`)
  return {
    id,
    name,
    voting: true,
    operator: id,
    governance,
    record: keyOf('ES256', `${name} record`),
    request: keyOf('ES256', `${name} request`),
    ed25519: keyOf('Ed25519', `${name} Ed25519`),
    mldsa44: keyOf('ML-DSA-44', `${name} ML-DSA-44`),
    epoch: { privateKey, publicJwk: importHpkePrivateKey(privateKey).publicJwk },
  }
}

/** PKCS #8 of a seed (RFC 8410, RFC 9881), up to the seed's own bytes. */
const PKCS8_OF_SEED = {
  Ed25519: '302e020100300506032b657004220420',
  'ML-DSA-44': '3034020100300b060960864801650304031104228020',
} as const

function keyOf<A extends SigningAlgorithm>(algorithm: A, name: string): SigningKey<A> {
  const seed = seedOf(name)
  if (algorithm === 'ES256') {
    const curve = createECDH('prime256v1')
    curve.setPrivateKey(seed)
    const point = curve.getPublicKey()
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
    const jwk = { kty: 'EC', crv: 'P-256', d: Buffer.from(seed).toString('base64url'), x: x!, y: y! }
    return importSigningKey(
      algorithm,
      createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'pkcs8' }),
    )
  }
  const prefix = PKCS8_OF_SEED[algorithm as keyof typeof PKCS8_OF_SEED]
  return importSigningKey(algorithm, Buffer.concat([Buffer.from(prefix, 'hex'), seed]))
}

function seedOf(name: string): Buffer {
  return createHash('sha256').update(`simulation ${name}`).digest()
}
