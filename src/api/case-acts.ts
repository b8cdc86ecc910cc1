import * as Type from 'typebox'
import { RECALL_REASONS } from '../core/ledger/case-claims.ts'
import { json, route } from './route.ts'
import { CaseParams, Count, Digest, DocumentId, LeafTime, object, Pointer, Text } from './scalars.ts'

// What a member enters about a case besides actions. Each answers once the entry is committed, with its id and place.

export const raiseDispute = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/disputes',
  access: 'cases:write',
  summary: 'Disputes a record (RULES 17). The explanation is sealed.',
  params: CaseParams,
  body: json(
    object({
      record: Digest,
      role: DocumentId,
      reason: Type.Enum(['contradicts', 'undelivered', 'other']),
      explanation: Text,
    }),
  ),
  idempotent: true,
  response: { status: 201, content: json(object({ dispute: Digest, index: Count })) },
})

export const resolveDispute = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/resolutions',
  access: 'cases:write',
  summary: 'Ends a dispute (RULES 17): its disputer withdraws it, the signer settles it, the resolver decides it.',
  params: CaseParams,
  body: json(
    object({
      dispute: Digest,
      role: DocumentId,
      outcome: Type.Enum(['withdrawn', 'settled', 'upheld', 'rejected']),
      /** The record that settles it: named exactly where it is settled. */
      correction: Type.Optional(Digest),
    }),
  ),
  idempotent: true,
  response: { status: 201, content: json(object({ resolve: Digest, index: Count })) },
})

export const confirmRecord = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/confirmations',
  access: 'cases:write',
  summary: 'Countersigns a record, or refuses to, which makes it void (RULES 16).',
  params: CaseParams,
  body: json(object({ record: Digest, role: DocumentId, accept: Type.Boolean() })),
  idempotent: true,
  response: { status: 201, content: json(object({ confirm: Digest, index: Count })) },
})

export const extendDeadline = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/extensions',
  access: 'cases:write',
  summary: "Moves an open step's deadline to a later time, within the agreed limit (RULES 15).",
  params: CaseParams,
  body: json(object({ step: DocumentId, role: DocumentId, until: LeafTime })),
  idempotent: true,
  response: { status: 201, content: json(object({ extend: Digest, index: Count })) },
})

/** What a deadline has passed for: an open step, a record that waits for countersignatures, or a dispute. */
export const Lapsed = Type.Union([
  object({ type: Type.Literal('opening'), step: DocumentId }),
  object({ type: Type.Literal('confirm'), record: Digest }),
  object({ type: Type.Literal('dispute'), dispute: Digest }),
])

export const enterLapse = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/lapses',
  access: 'cases:write',
  summary: 'Enters that a deadline has passed, so that what is agreed for that case follows (RULES 15 to 17).',
  params: CaseParams,
  body: json(object({ role: DocumentId, what: Lapsed })),
  idempotent: true,
  response: { status: 201, content: json(object({ lapse: Digest, index: Count })) },
})

export const RecallReason = Type.Enum([...RECALL_REASONS])

export const recallRecord = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/recalls',
  access: 'cases:write',
  summary: 'Takes back fields of a record that others were given by mistake (RULES 19): their nodes destroy the keys.',
  params: CaseParams,
  body: json(
    object({
      record: Digest,
      /** A field takes with it what shares its group: the same subject and the same audience. */
      fields: Type.Union([
        Type.Literal('all'),
        Type.Array(Pointer, { minItems: 1, maxItems: 1_000, uniqueItems: true }),
      ]),
      reason: RecallReason,
    }),
  ),
  idempotent: true,
  response: {
    status: 201,
    content: json(object({ recall: Digest, index: Count, fields: Type.Array(Pointer), members: Type.Array(Digest) })),
  },
})
