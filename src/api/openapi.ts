import type { TObject, TSchema } from 'typebox'
import type { JsonObject } from '../core/canonical-json.ts'
import { PROBLEM_TYPE, Problem } from './problem.ts'
import { type Content, type Route, SCOPES } from './route.ts'
import { type RouteName, routes } from './routes.ts'

/** The OpenAPI 3.1 document of every operation in `routes`. */
export function openApiDocument(): JsonObject {
  const paths: Record<string, JsonObject> = {}
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const path = openApiPath(route)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Concordat node',
      version: '1',
      summary: 'One agreed process, run by organisations that do not take orders from each other.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    paths,
    components: {
      schemas: { Problem: schemaOf(Problem) },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: `Bound to one member. Scopes: ${SCOPES.join(', ')}.` },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description: "RFC 9421, by a member's request key: docs/formats/request-signature.md.",
        },
      },
    },
  }
}

/** The route's path as OpenAPI writes it: a parameter that takes slashes looks like any other. */
function openApiPath(route: Route): string {
  return route.path.replace('{+', '{')
}

function operation(name: string, route: Route): JsonObject {
  return {
    operationId: name,
    summary: route.summary,
    security: security(route),
    parameters: parameters(route),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: content(route.body) } }),
    responses: responses(route),
  }
}

function security({ access }: Route): JsonObject[] {
  if (access === 'open') return []
  return access === 'signed' ? [{ signature: [] }] : [{ token: [access] }]
}

function parameters({ params, query, idempotent }: Route): JsonObject[] {
  const list = [...parametersIn('path', params), ...(query === undefined ? [] : parametersIn('query', query))]
  if (idempotent === true) {
    list.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: true,
      description: 'The same key with the same request does nothing twice, and gets the same answer.',
      schema: { type: 'string', pattern: '^[!-~]+$', minLength: 1, maxLength: 128 },
    })
  }
  return list
}

function parametersIn(place: 'path' | 'query', schema: TObject): JsonObject[] {
  const required = (schema.required as readonly string[] | undefined) ?? []
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: schemaOf(property),
  }))
}

function responses({ response, answers = [] }: Route): JsonObject {
  const list: JsonObject = {
    [response.status]: {
      description: response.status === 201 ? 'Done and committed.' : 'Done.',
      ...(response.content === undefined ? {} : { content: content(response.content) }),
    },
    default: {
      description: 'A problem (RFC 9457); docs/errors.md lists the codes.',
      content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  }
  for (const { status, description, type } of answers) {
    const problem = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } }
    list[status] = { description, content: { [mediaType(type)]: { schema: { type: 'string' } }, ...problem } }
  }
  return list
}

function content(value: Content): JsonObject {
  if (value.type === 'application/json') return { [value.type]: { schema: schemaOf(value.schema) } }
  // OpenAPI 3.1: the schema of binary content is left out.
  if (value.type === 'application/octet-stream') return { [value.type]: {} }
  return { [mediaType(value.type)]: { schema: { type: 'string' } } }
}

function mediaType(type: string): string {
  return type.split(';')[0] ?? type
}

/** TypeBox schemas are JSON Schema; its own markers are not enumerable and fall away. */
function schemaOf(schema: TSchema): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject
}
