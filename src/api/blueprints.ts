import * as Type from 'typebox'
import { json, route } from './route.ts'
import { AnyObject, Count, Digest, DocumentId, object, RegisterParams, Text } from './scalars.ts'

/** Something that `checkBlueprint` reports about a document. */
const Finding = object({
  code: Type.String({ pattern: '^[A-Z0-9_]+$', maxLength: 64 }),
  at: Type.String({ maxLength: 512 }),
  /** Errors keep a document from being proposed; warnings are for approvers to weigh. */
  severity: Type.Enum(['error', 'warning']),
  message: Text,
})

export const propose = route({
  method: 'POST',
  path: '/registers/{register}/proposals',
  access: 'register:write',
  summary: 'Proposes a blueprint to the members.',
  params: RegisterParams,
  body: json(object({ document: AnyObject })),
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
  params: object({ register: Digest, blueprint: Digest }),
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
