import * as Type from 'typebox'
import { json, route } from './route.ts'
import { Count, Digest, nullable, object, RegisterParams, UnixSeconds } from './scalars.ts'

const RotatedUse = Type.Enum(['record', 'request'])

export const listKeys = route({
  method: 'GET',
  path: '/registers/{register}/keys',
  access: 'register:read',
  summary: "The member's own keys, as its entries state them. Keys are named by their thumbprints (RFC 7638).",
  params: RegisterParams,
  response: {
    status: 200,
    content: json(
      object({
        /** `held`: the private key lies in this node's custody. `signs`: new entries and requests are signed with it. */
        keys: Type.Array(object({ key: Digest, use: RotatedUse, held: Type.Boolean(), signs: Type.Boolean() }), {
          maxItems: 32,
        }),
        /** `since`: what the key signed from that entry on is in doubt; null: nothing is. `index`: of the revocation. */
        revoked: Type.Array(object({ kid: Digest, use: RotatedUse, since: nullable(Count), index: Count })),
        /** Senders use an epoch until the next begins; its private key is destroyed from `destroyedFrom` on. */
        epochs: Type.Array(
          object({
            key: Digest,
            from: UnixSeconds,
            until: UnixSeconds,
            destroyedFrom: UnixSeconds,
            held: Type.Boolean(),
          }),
          { maxItems: 24 },
        ),
      }),
    ),
  },
})

export const rotateKeys = route({
  method: 'POST',
  path: '/registers/{register}/key-rotations',
  access: 'register:write',
  summary:
    'States a new key of this use, or of both, and signs with it from then on. Those that it replaces leave with the next entry.',
  params: RegisterParams,
  body: json(object({ use: Type.Enum(['record', 'request', 'all']) })),
  idempotent: true,
  response: { status: 201, content: json(object({ member: Digest, index: Count })) },
})

export const revokeKey = route({
  method: 'POST',
  path: '/registers/{register}/key-revocations',
  access: 'register:write',
  summary:
    'Ends a record or request key of the member (RULES 9). A new one is stated first where none is there. What the key signed from entry `since` on is in doubt.',
  params: RegisterParams,
  body: json(object({ key: Digest, since: Type.Optional(Count) })),
  idempotent: true,
  response: { status: 201, content: json(object({ revoke: Digest, index: Count })) },
})
