import * as Type from 'typebox'
import { json, route } from './route.ts'
import { AnyObject, CaseParams, Count, DocumentId, object, Pointer, RecordParams } from './scalars.ts'

export const exportEvidence = route({
  method: 'POST',
  path: '/registers/{register}/records/{record}/evidence',
  access: 'cases:read',
  summary: 'Evidence of a record that verifies offline. It stays readable after erasure.',
  params: RecordParams,
  body: json(
    object({ fields: Type.Union([Type.Literal('all'), Type.Array(Pointer, { maxItems: 1_000, uniqueItems: true })]) }),
  ),
  response: { status: 200, content: json(AnyObject) },
})

export const eraseCase = route({
  method: 'POST',
  path: '/registers/{register}/cases/{case}/erasures',
  access: 'cases:erase',
  summary: "Destroys the keys of one subject's fields in a case, by retention class. There is no way back.",
  params: CaseParams,
  body: json(
    object({
      subject: DocumentId,
      retention: Type.Union([
        Type.Literal('all'),
        Type.Array(DocumentId, { minItems: 1, maxItems: 100, uniqueItems: true }),
      ]),
    }),
  ),
  response: { status: 200, content: json(object({ erased: Count, kept: Type.Array(DocumentId) })) },
})
