import * as Type from 'typebox'
import { json, route } from './route.ts'
import { AnyObject, Count, Digest, DocumentId, mapOf, object, RegisterParams, Text } from './scalars.ts'

/** Something that `checkBlueprint` reports about a document. */
const Finding = object({
  code: Type.String({ pattern: '^[A-Z0-9_]+$', maxLength: 64 }),
  at: Type.String({ maxLength: 512 }),
  /** Errors keep a document from being proposed; warnings are for approvers to weigh. */
  severity: Type.Enum(['error', 'warning']),
  message: Text,
})

const BlueprintParams = object({ register: Digest, blueprint: Digest })

export const propose = route({
  method: 'POST',
  path: '/registers/{register}/proposals',
  access: 'register:write',
  summary: 'Proposes a blueprint to the members.',
  params: RegisterParams,
  body: json(
    object({
      document: AnyObject,
      /** The version whose place it takes: that one's own threshold approves it. */
      replaces: Type.Optional(Digest),
      /** Where running cases of that version go on, step by step; without it they keep theirs. */
      mapping: Type.Optional(mapOf(DocumentId, 200)),
    }),
  ),
  idempotent: true,
  response: {
    status: 201,
    content: json(object({ proposal: Digest, blueprint: Digest, index: Count, warnings: Type.Array(Finding) })),
  },
})

export const approve = route({
  method: 'POST',
  path: '/registers/{register}/approvals',
  access: 'register:write',
  summary: 'Approves a proposal; `roles` are the open roles of a blueprint that the member takes.',
  params: RegisterParams,
  body: json(
    object({
      proposal: Digest,
      target: Digest,
      roles: Type.Array(DocumentId, { maxItems: 100, uniqueItems: true }),
    }),
  ),
  idempotent: true,
  response: { status: 201, content: json(object({ approval: Digest, index: Count })) },
})

export const getBlueprint = route({
  method: 'GET',
  path: '/registers/{register}/blueprints/{blueprint}',
  access: 'register:read',
  summary: 'A blueprint: its document, who approved it and what a check of it reports.',
  params: BlueprintParams,
  response: {
    status: 200,
    content: json(
      object({
        blueprint: Digest,
        document: AnyObject,
        live: Type.Boolean(),
        approvals: Type.Array(Digest),
        missing: Type.Array(Digest),
        findings: Type.Array(Finding),
      }),
    ),
  },
})

export const suspendRoles = route({
  method: 'POST',
  path: '/registers/{register}/blueprints/{blueprint}/suspensions',
  access: 'register:write',
  summary:
    "Stops new cases of the member's own roles at once, or lets them start again (RULES 12). Running cases go on.",
  params: BlueprintParams,
  body: json(
    object({
      roles: Type.Array(DocumentId, { minItems: 1, maxItems: 64, uniqueItems: true }),
      suspended: Type.Boolean(),
    }),
  ),
  idempotent: true,
  response: { status: 201, content: json(object({ suspend: Digest, index: Count })) },
})
