import * as Type from 'typebox'
import type { ErrorDetail } from '../core/error.ts'

const ErrorCodeText = Type.String({ pattern: '^[A-Z0-9_]+$', maxLength: 64, description: 'A code of docs/errors.md.' })
const Words = Type.String({ maxLength: 2_000 })

/** Facts beside `expected` and `got`: places, sizes and ids, never values. */
const OtherFacts = {
  anyOf: [
    { type: ['string', 'number', 'boolean', 'null'], maxLength: 2_000 },
    { type: 'array', items: { type: ['string', 'number', 'boolean'], maxLength: 2_000 }, maxItems: 1_000 },
    {
      type: 'array',
      items: { type: 'object', additionalProperties: { type: 'string', maxLength: 2_000 } },
      maxItems: 1_000,
    },
  ],
}

/** Why an entry or a delivery was refused. */
export const Refusal = Type.Unsafe<ErrorDetail>({
  type: 'object',
  required: ['code', 'expected', 'got'],
  properties: { code: ErrorCodeText, expected: Words, got: Words },
  additionalProperties: OtherFacts,
})

/** The facts of a code, without the code itself. */
const ProblemFacts = Type.Unsafe<{ expected: string; got: string; [fact: string]: unknown }>({
  type: 'object',
  required: ['expected', 'got'],
  properties: { expected: Words, got: Words },
  additionalProperties: OtherFacts,
})

/** RFC 9457. `code` and `facts` are for programs, `title` and `detail` for people. */
export const Problem = Type.Object(
  {
    type: Type.String({ pattern: '^urn:concordat:error:[a-z0-9-]+$', maxLength: 100 }),
    title: Type.String({ maxLength: 100 }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: ErrorCodeText,
    /** The request, as the server's log names it. */
    instance: Type.String({ pattern: '^urn:concordat:request:[A-Za-z0-9_-]+$', maxLength: 100 }),
    /** Absent for INTERNAL, which says nothing more. */
    detail: Type.Optional(Type.String({ maxLength: 5_000 })),
    facts: Type.Optional(ProblemFacts),
  },
  { additionalProperties: false },
)

export type Problem = Type.Static<typeof Problem>

export const PROBLEM_TYPE = 'application/problem+json'

/** `CASE_UNKNOWN` is `urn:concordat:error:case-unknown`; docs/errors.md has an entry for each. */
export function problemType(code: string): string {
  return `urn:concordat:error:${code.toLowerCase().replaceAll('_', '-')}`
}
