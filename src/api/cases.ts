import * as Type from 'typebox'
import { Lapsed, RecallReason } from './case-acts.ts'
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
  /** It no longer counts: a dispute about it was upheld, its confirmation refused, or it followed from such a record. */
  void: Type.Boolean(),
  /** The record that it corrects, or decides anew after a review. */
  replaces: nullable(Digest),
  /** The record that has taken its place. */
  replacedBy: nullable(Digest),
  /** What it opens waits until these roles have countersigned; the default comes after `due`. */
  confirmation: nullable(object({ waitingFor: Type.Array(DocumentId), due: UnixSeconds })),
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
  /** Fields that its signer has taken back from everyone else; their values are gone from all but the signer's own view. */
  recalled: Type.Array(Pointer),
  leaf: Leaf,
  proof: Proof,
})
export type RecordView = Type.Static<typeof RecordView>

const DisputeOutcome = Type.Enum(['withdrawn', 'settled', 'upheld', 'rejected'])

const DisputeView = object({
  dispute: Digest,
  record: Digest,
  as: DocumentId,
  index: Count,
  time: UnixSeconds,
  /** The last second for a decision; then the default. */
  due: UnixSeconds,
  /** How it ended, by which entry; `void`: another entry made its record void. */
  end: nullable(object({ outcome: Type.Enum(['withdrawn', 'settled', 'upheld', 'rejected', 'void']), by: Digest })),
})
export type DisputeView = Type.Static<typeof DisputeView>

const act = { id: Digest, as: DocumentId, from: Digest, index: Count, time: UnixSeconds }

/** An entry that is neither an action nor a dispute. */
const ActView = Type.Union([
  object({ kind: Type.Literal('confirm'), ...act, record: Digest, accept: Type.Boolean() }),
  object({
    kind: Type.Literal('resolve'),
    ...act,
    dispute: Digest,
    outcome: DisputeOutcome,
    correction: nullable(Digest),
  }),
  object({ kind: Type.Literal('lapse'), ...act, what: Lapsed }),
  object({ kind: Type.Literal('extend'), ...act, step: DocumentId, until: UnixSeconds }),
])
export type ActView = Type.Static<typeof ActView>

/** What its signer took back of records, from whom, and who has answered (RULES 19). */
const RecallView = object({
  recall: Digest,
  as: DocumentId,
  from: Digest,
  index: Count,
  time: UnixSeconds,
  reason: RecallReason,
  records: Type.Array(object({ record: Digest, fields: Type.Array(Pointer) })),
  answers: Type.Array(
    object({
      member: Digest,
      /** Null until the member has answered. `opened`: its node had opened one of the groups by then. */
      erased: nullable(object({ entry: Digest, opened: Type.Boolean(), time: UnixSeconds })),
    }),
  ),
})

export const CaseView = object({
  case: RandomId,
  blueprint: Digest,
  name: Name,
  startedAt: UnixSeconds,
  ended: Type.Boolean(),
  /** The member bound to each role so far. */
  roles: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: Digest }),
  records: Type.Array(RecordView),
  /** Steps that may be taken now; `waits` while a dispute holds them up and their deadlines stand still. */
  open: Type.Array(
    object({
      step: DocumentId,
      role: DocumentId,
      waits: Type.Boolean(),
      since: UnixSeconds,
      /** The last second of its deadline. */
      due: nullable(UnixSeconds),
    }),
  ),
  /** Branches that have come from one step and wait at the next for the others. */
  waiting: Type.Array(object({ step: DocumentId, from: DocumentId })),
  disputes: Type.Array(DisputeView),
  acts: Type.Array(ActView),
  /** The review that has been asked for and is not decided. */
  review: nullable(object({ record: Digest, request: Digest })),
  /** Versions of the blueprint under which the case ran before, oldest first. */
  movedFrom: Type.Array(Digest),
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
  recalls: Type.Array(RecallView),
  /** Members that have destroyed keys of the case by themselves. */
  erasures: Type.Array(object({ erased: Digest, member: Digest, index: Count, time: UnixSeconds })),
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
  /** The earliest deadline that leads somewhere by itself. */
  dueAt: nullable(UnixSeconds),
})

const InboxItem = object({
  /** A step to take, a record to countersign, or a dispute to decide. */
  kind: Type.Enum(['act', 'confirm', 'resolve']),
  case: RandomId,
  blueprint: Digest,
  /** That of the record, where there is one. */
  step: DocumentId,
  title: Name,
  role: DocumentId,
  /** Of a record to countersign, or that is in dispute. */
  record: nullable(Digest),
  /** Of a dispute to decide. */
  dispute: nullable(Digest),
  since: UnixSeconds,
  /** The last second of its deadline. */
  due: nullable(UnixSeconds),
  /** False while fields that the step builds on have not come. */
  ready: Type.Boolean(),
})
export type InboxItem = Type.Static<typeof InboxItem>

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
  body: json(
    object({
      step: DocumentId,
      data: AnyObject,
      /** A record of this step in open dispute, which this one is to take the place of: see `resolveDispute`. */
      corrects: Type.Optional(Digest),
      /** The record that a review is asked for; the newest that may be reviewed where absent. */
      reviews: Type.Optional(Digest),
    }),
  ),
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
  summary: 'What waits for the member: steps, records to countersign, disputes to decide.',
  params: RegisterParams,
  query: LimitQuery,
  response: { status: 200, content: json(object({ items: Type.Array(InboxItem) })) },
})
