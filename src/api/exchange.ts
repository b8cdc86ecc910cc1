import * as Type from 'typebox'
import { HPKE_SUITE } from '../core/crypto/hpke.ts'
import { MAX_STATEMENT_LENGTH } from '../core/ledger/handover/statement.ts'
import { Refusal } from './problem.ts'
import { json, route, TEXT } from './route.ts'
import { Count, Digest, DocumentId, Entry, ForkProof, NodeParams, object, SignedNote, SizeParam } from './scalars.ts'

/** Any base64url text; the format that it belongs to checks its bytes. */
const Base64url = (maxLength: number) => Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength })

/** Group keys sealed to one recipient (RULES 23). */
const Grant = object({
  suite: Type.Literal(HPKE_SUITE),
  kid: Digest,
  role: DocumentId,
  record: Digest,
  authorisedBy: Digest,
  enc: Base64url(2_048),
  ciphertext: Base64url(65_536),
})

const granted = { record: Digest, role: DocumentId, authorisedBy: Digest }

/** Sealed groups with their grant, or that the sender has erased them since. */
const DeliveryItem = Type.Union([
  object({
    ...granted,
    grant: Grant,
    groups: Type.Array(object({ index: Count, sealed: Base64url(8 * 1024 * 1024) }), { maxItems: 256 }),
  }),
  object({ ...granted, erased: Type.Literal(true) }),
])

export const submitEntries = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/entries',
  access: 'signed',
  summary: 'Hands entries to the sequencer. Answers, in their order, once each is committed or refused.',
  params: NodeParams,
  body: json(object({ entries: Type.Array(Entry, { minItems: 1, maxItems: 1_000 }) })),
  response: {
    status: 200,
    content: json(
      object({ outcomes: Type.Array(Type.Union([object({ index: Count }), object({ refusal: Refusal })])) }),
    ),
  },
})

export const deliver = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/deliveries',
  access: 'signed',
  summary: 'Delivers sealed groups with their grants, for committed records.',
  params: NodeParams,
  body: json(object({ checkpoint: SignedNote, items: Type.Array(DeliveryItem, { minItems: 1, maxItems: 1_000 }) })),
  response: {
    status: 200,
    content: json(
      object({
        results: Type.Array(
          Type.Union([object({ state: Type.Enum(['acknowledged', 'erased']) }), object({ refusal: Refusal })]),
        ),
      }),
    ),
  },
})

export const pullDeliveries = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/pulls',
  access: 'signed',
  summary: 'Asks for what is owed to the caller and has not come, and acknowledges what came of an earlier answer.',
  params: NodeParams,
  body: json(
    object({
      wanted: Type.Array(object(granted), { maxItems: 256 }),
      taken: Type.Array(object({ ...granted, state: Type.Enum(['acknowledged', 'erased']) }), { maxItems: 256 }),
    }),
  ),
  response: {
    status: 200,
    /** As many as fit one answer, in order; what the caller is not owed is left out. */
    content: json(object({ checkpoint: SignedNote, items: Type.Array(DeliveryItem, { maxItems: 256 }) })),
  },
})

export const sendCertificate = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/certificates',
  access: 'signed',
  summary: 'Hands on a certificate (RULES 30).',
  params: NodeParams,
  body: TEXT,
  response: { status: 204 },
})

export const readBoundaryCertificate = route({
  method: 'GET',
  path: '/nodes/{member}/registers/{register}/certificates/{size}',
  access: 'signed',
  summary: 'The certificate over a boundary (RULES 30).',
  params: object({ member: Digest, register: Digest, size: SizeParam }),
  response: { status: 200, content: TEXT },
})

export const sendStatement = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/statements',
  access: 'signed',
  summary: "Hands an operator's statement to the member that is to order a term (RULES 31).",
  params: NodeParams,
  body: json(
    object({
      statement: Type.String({ minLength: 1, maxLength: MAX_STATEMENT_LENGTH }),
      forks: Type.Array(ForkProof, { maxItems: 16 }),
    }),
  ),
  response: { status: 204 },
})

export const readDocument = route({
  method: 'GET',
  path: '/nodes/{member}/registers/{register}/documents/{hash}',
  access: 'signed',
  summary: 'A proposed document, by its hash.',
  params: object({ member: Digest, register: Digest, hash: Digest }),
  response: { status: 200, content: TEXT },
})
