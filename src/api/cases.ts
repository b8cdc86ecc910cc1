import * as Type from 'typebox'
import { json, route } from './route.ts'
import {
  AnyJson,
  AnyObject,
  CaseParams,
  Count,
  Digest,
  DocumentId,
  Leaf,
  LimitQuery,
  Name,
  nullable,
  object,
  Pointer,
  Proof,
  RandomId,
  RegisterParams,
  SignedNote,
  UnixSeconds,
} from './scalars.ts'

/** A committed action, with all that proves it. */
export const ActionReceipt = object({
  case: RandomId,
  record: Digest,
  index: Count,
  time: UnixSeconds,
  leaf: Leaf,
  proof: Proof,
  checkpoint: SignedNote,
  /** The steps that it opened. */
  next: Type.Array(DocumentId),
  ended: Type.Boolean(),
  /** The fields that the blueprint computed. */
  calculated: AnyObject,
})
export type ActionReceipt = Type.Static<typeof ActionReceipt>

const Verdict = Type.Enum(['agrees', 'contradicts', 'not checkable'])

/** What re-running the blueprint on one record said (RULES 27); `missing` are the inputs that this member does not see. */
const CheckResult = object({
  /** `group`: whether the fields came whole and are the record's own. */
  check: Type.Enum(['schema', 'calculation', 'route', 'binding', 'group']),
  verdict: Verdict,
  field: Type.Optional(Type.String({ maxLength: 512 })),
  /** The JSON Schema keyword that a `schema` check is about. */
  keyword: Type.Optional(Type.String({ maxLength: 64 })),
  missing: Type.Optional(Type.Array(Type.String({ maxLength: 600 }))),
})

export const RecordView = object({
  record: Digest,
  index: Count,
  time: UnixSeconds,
  step: DocumentId,
  as: DocumentId,
  /** The member that signed it. */
  from: Digest,
  next: Type.Array(DocumentId),
  /** The fields that this member sees, and the roles that each one goes to. */
  fields: Type.Array(object({ name: Pointer, value: AnyJson, subject: DocumentId, to: Type.Array(DocumentId) })),
  /** Null for the member's own records and until the fields have come. */
  verdict: nullable(object({ verdict: Verdict, findings: Type.Array(CheckResult) })),
  notCheckable: Type.Array(
    object({ check: Type.String({ maxLength: 64 }), missing: Type.Array(Type.String({ maxLength: 600 })) }),
  ),
  /** Fields are due to this member and have not come. */
  awaiting: Type.Boolean(),
  erased: Type.Boolean(),
  leaf: Leaf,
  proof: Proof,
})
export type RecordView = Type.Static<typeof RecordView>

export const CaseView = object({
  case: RandomId,
  blueprint: Digest,
  name: Name,
  startedAt: UnixSeconds,
  ended: Type.Boolean(),
  /** The member bound to each role so far. */
  roles: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: Digest }),
  records: Type.Array(RecordView),
  /** Steps that may be taken now; `waits` while a dispute holds them up. */
  open: Type.Array(object({ step: DocumentId, role: DocumentId, waits: Type.Boolean() })),
  disputes: Type.Array(object({ dispute: Digest, record: Digest, as: DocumentId, index: Count, time: UnixSeconds })),
  /** What this member's node gave to whom. */
  sharedWith: Type.Array(
    object({
      record: Digest,
      fields: Type.Array(Pointer),
      member: Digest,
      role: DocumentId,
      state: Type.Enum(['due', 'acknowledged', 'erased']),
    }),
  ),
  checkpoint: SignedNote,
})
export type CaseView = Type.Static<typeof CaseView>

const CaseSummary = object({
  case: RandomId,
  blueprint: Digest,
  name: nullable(Name),
  roles: Type.Array(DocumentId),
  startedAt: UnixSeconds,
  changedAt: UnixSeconds,
  ended: Type.Boolean(),
})

const InboxItem = object({
  case: RandomId,
  blueprint: Digest,
  step: DocumentId,
  title: Name,
  role: DocumentId,
  since: UnixSeconds,
  /** False while fields that the step builds on have not come. */
  ready: Type.Boolean(),
})

export const startCase = route({
  method: 'POST',
  path: '/registers/{register}/cases',
  access: 'cases:write',
  summary: 'Starts a case with the first action of a blueprint.',
  params: RegisterParams,
  body: json(object({ blueprint: Digest, role: DocumentId, data: AnyObject })),
  idempotent: true,
  response: { status: 201, content: json(ActionReceipt) },
})

export const submitAction = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/actions',
  access: 'cases:write',
  summary: 'Takes an open step of a case. Answers once the record is committed.',
  params: CaseParams,
  body: json(object({ step: DocumentId, data: AnyObject })),
  idempotent: true,
  response: { status: 201, content: json(ActionReceipt) },
})

export const listCases = route({
  method: 'GET',
  path: '/registers/{register}/cases',
  access: 'cases:read',
  summary: "The member's cases, newest change first.",
  params: RegisterParams,
  query: LimitQuery,
  response: { status: 200, content: json(object({ cases: Type.Array(CaseSummary) })) },
})

export const getCase = route({
  method: 'GET',
  path: '/registers/{register}/cases/{case}',
  access: 'cases:read',
  summary: 'A case as the member sees it, each record with its proof.',
  params: CaseParams,
  response: { status: 200, content: json(CaseView) },
})

export const listInbox = route({
  method: 'GET',
  path: '/registers/{register}/inbox',
  access: 'cases:read',
  summary: 'The steps that wait for the member.',
  params: RegisterParams,
  query: LimitQuery,
  response: { status: 200, content: json(object({ items: Type.Array(InboxItem) })) },
})
