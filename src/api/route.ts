import type { Static, TObject, TSchema } from 'typebox'

/** What a bearer token may do, resource first. None includes another. */
export const SCOPES = ['register:read', 'register:write', 'cases:read', 'cases:write', 'cases:erase'] as const
export type Scope = (typeof SCOPES)[number]

/** `open`: anyone. `signed`: a member of the register, by RFC 9421. A scope: a bearer token that has it. */
type Access = 'open' | 'signed' | Scope

/** JSON Schema 2020-12, as TypeBox writes it. */
export type Schema = TSchema

export type Content =
  | { type: 'application/json'; schema: TSchema }
  | { type: 'text/plain; charset=utf-8' | 'application/octet-stream' }

/** An answer with a meaning of its own beside the usual problem documents, as C2SP tlog-witness has them. */
interface Answer {
  status: number
  description: string
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size'
}

/**
 * One operation. The server registers it, the client calls it and OpenAPI shows it, all from here.
 * Signed and open operations of a node are below `/nodes/{member}`, its address; a bearer token itself says whose node it means.
 */
export interface Route {
  method: 'GET' | 'POST'
  /** With `{name}` for each of `params`; a last one of `{+name}` takes slashes too. */
  path: string
  access: Access
  summary: string
  params: TObject
  query?: TObject
  body?: Content
  /** The request must carry an Idempotency-Key: repeating it with the same key does nothing twice. */
  idempotent?: true
  /** 200 or 201; an empty body where no content is named. */
  response: { status: 200 | 201 | 204; content?: Content }
  answers?: readonly Answer[]
}

type ContentOf<C> = C extends { schema: infer S extends TSchema }
  ? Static<S>
  : C extends { type: 'application/octet-stream' }
    ? Uint8Array
    : C extends { type: string }
      ? string
      : undefined

export type ParamsOf<R extends Route> = Static<R['params']>
export type QueryOf<R extends Route> = R extends { query: infer Q extends TObject } ? Static<Q> : undefined
export type BodyOf<R extends Route> = R extends { body: infer C } ? ContentOf<C> : undefined
export type ResponseOf<R extends Route> = R['response'] extends { content: infer C } ? ContentOf<C> : undefined

export const TEXT = { type: 'text/plain; charset=utf-8' } as const
export const BYTES = { type: 'application/octet-stream' } as const

export function json<S extends TSchema>(schema: S): { type: 'application/json'; schema: S } {
  return { type: 'application/json', schema }
}

/** Keeps the literal types of a route and checks it. */
export function route<const R extends Route>(value: R): R {
  return value
}

/** The path with its parameters filled in, each percent-encoded. */
export function pathOf(value: Route, params: Readonly<Record<string, string>>): string {
  return value.path.replaceAll(/\{(\+?)(\w+)\}/g, (_, slashes: string, name: string) => {
    const text = params[name] ?? ''
    return slashes === '' ? encodeURIComponent(text) : text.split('/').map(encodeURIComponent).join('/')
  })
}

/** Before every operation of one node: a node's address is `<base>/nodes/<member id>`. */
const NODE_PREFIX = '/nodes/{member}'

/** The path of a node's operation from that node's address on. */
export function pathBelowNode(value: Route, params: Readonly<Record<string, string>>): string {
  return pathOf({ ...value, path: value.path.slice(NODE_PREFIX.length) }, params)
}
