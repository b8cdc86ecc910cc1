import * as Type from 'typebox'
import { json, route } from './route.ts'
import {
  AnyObject,
  Count,
  Digest,
  Name,
  nullable,
  object,
  Proof,
  Proven,
  RegisterParams,
  SignedNote,
  Text,
  UnixSeconds,
} from './scalars.ts'

const RegisterSummary = object({
  register: Digest,
  /** Empty until the node has genesis. */
  purpose: Type.String({ maxLength: 2_000 }),
  size: Count,
  /** How many entries a certificate covers (RULES 30). */
  committed: Count,
})

const MemberView = object({
  id: Digest,
  name: Name,
  voting: Type.Boolean(),
  operator: Digest,
  standing: Type.Enum(['in', 'suspended', 'removed']),
  address: nullable(Type.String({ minLength: 1, maxLength: 2_000 })),
})

const BlueprintSummary = object({
  hash: Digest,
  /** Null while the document has not been fetched. */
  name: nullable(Name),
  live: Type.Boolean(),
  proposal: Digest,
  approvals: Type.Array(Digest),
  /** Members whose approval is awaited. */
  missing: Type.Array(Digest),
})

/** `signed`: operators whose statements are here; the member that is to order the term gets them all. */
const HandoverView = object({
  term: Count,
  sequencer: Digest,
  signed: Type.Array(Digest, { maxItems: 256 }),
  /** How many operators it takes. */
  needed: Count,
})

const RegisterView = object({
  register: Digest,
  purpose: Text,
  ordering: Type.Enum(['hosted', 'cometbft']),
  term: Count,
  sequencer: Digest,
  size: Count,
  committed: Count,
  /** The last entry's time. */
  time: UnixSeconds,
  members: Type.Array(MemberView),
  operators: Type.Array(Digest),
  quorum: Count,
  blueprints: Type.Array(BlueprintSummary),
  /** Set when the node takes nothing more of the term, and why. A later term ends it. */
  halted: nullable(object({ index: Count, code: Type.String({ pattern: '^[A-Z0-9_]+$', maxLength: 64 }) })),
  /** A handover that this member's people have signed and that has not happened yet (RULES 31). */
  handover: nullable(HandoverView),
  /** How many terms' sequencers signed two histories, as this node can prove. */
  forks: Count,
})

/** What a reader needs to check every later answer, knowing only the register's id. */
export const RegisterHistory = object({
  /** Whose node answers: its log is at `/nodes/<member>/registers/<register>/log`. */
  member: Digest,
  /** The newest certificate. */
  checkpoint: SignedNote,
  /** Genesis, the founders' member entries and every change of operators or quorum, proven against `checkpoint`. */
  history: Type.Array(Proven),
  /** A certificate for each boundary (RULES 30), oldest first, with the proof that `checkpoint` extends it. */
  certificates: Type.Array(object({ note: SignedNote, proof: Proof })),
})
export type RegisterHistory = Type.Static<typeof RegisterHistory>

export const listRegisters = route({
  method: 'GET',
  path: '/registers',
  access: 'register:read',
  summary: 'The registers that the node follows.',
  params: object({}),
  response: { status: 200, content: json(object({ registers: Type.Array(RegisterSummary) })) },
})

export const getRegister = route({
  method: 'GET',
  path: '/registers/{register}',
  access: 'register:read',
  summary: 'A register: members, operators, blueprints, progress.',
  params: RegisterParams,
  response: { status: 200, content: json(RegisterView) },
})

export const handOver = route({
  method: 'POST',
  path: '/registers/{register}/handovers',
  access: 'register:write',
  summary:
    'Hands the register over to a later term under another sequencer, as far as this operator goes (RULES 31): it never cosigns below that term again. Asking twice is asking once.',
  params: RegisterParams,
  body: json(object({ term: Type.Integer({ minimum: 1, maximum: 1_000_000 }), sequencer: Digest })),
  response: { status: 200, content: json(object({ handover: nullable(HandoverView) })) },
})

export const getForks = route({
  method: 'GET',
  path: '/registers/{register}/forks',
  access: 'register:read',
  summary: 'Proofs that sequencers signed two histories, each verifiable offline (docs/formats/fork.md).',
  params: RegisterParams,
  response: { status: 200, content: json(object({ forks: Type.Array(AnyObject, { maxItems: 64 }) })) },
})

export const getHistory = route({
  method: 'GET',
  path: '/registers/{register}/history',
  access: 'register:read',
  summary: 'What it takes to verify the register from its id on.',
  params: RegisterParams,
  response: { status: 200, content: json(RegisterHistory) },
})
