import assert from 'node:assert'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { openApiDocument } from '../src/api/openapi.ts'
import type { RouteName } from '../src/api/routes.ts'
import type { JsonObject } from '../src/core/canonical-json.ts'
import { createServer } from '../src/server/server.ts'

interface Operation {
  operationId: string
  responses: Record<string, { content?: Record<string, { schema?: JsonObject }> }>
}

/**
 * Makes a test server check each answer against the OpenAPI document: status, media type and body. Call it before the
 * server is ready. An answer that is not documented becomes a 500 whose body says what is wrong with it, and
 * `assertDocumented` throws it, so no test can overlook one.
 */
export function checkResponses(server: FastifyInstance): { assertDocumented(): void } {
  const wrong: string[] = []
  server.addHook('onSend', async (request, reply, payload) => {
    const fault = faultOf(request.routeOptions.config.operation, reply, payload)
    if (fault === undefined) return payload
    wrong.push(fault)
    reply.code(500)
    return fault
  })
  return { assertDocumented: () => assert.deepEqual(wrong, []) }
}

/** The same for every server of a network: see `makeServer` of the sandbox. */
export function checkedServers(): { makeServer: typeof createServer; assertDocumented(): void } {
  const checks: { assertDocumented(): void }[] = []
  return {
    makeServer(options) {
      const server = createServer(options)
      checks.push(checkResponses(server))
      return server
    },
    assertDocumented() {
      for (const check of checks) check.assertDocumented()
    },
  }
}

const operations = new Map<string, Operation>()
const document = openApiDocument()
for (const item of Object.values(document.paths as Record<string, Record<string, unknown>>)) {
  for (const operation of Object.values(item) as Operation[]) operations.set(operation.operationId, operation)
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(document, 'openapi')
const validators = new Map<string, ValidateFunction>()

/** What is wrong with an answer; undefined if the document allows it. */
function faultOf(name: RouteName | undefined, reply: FastifyReply, payload: unknown): string | undefined {
  const responses = name === undefined ? undefined : operations.get(name)?.responses
  const status = String(reply.statusCode)
  const type = String(reply.getHeader('content-type') ?? '').split(';')[0] ?? ''
  const at = `${name ?? 'no operation'} ${status} ${type}`
  // What matches no operation is answered with a problem as well.
  const ref = responses === undefined ? '#/components/schemas/Problem' : undefined
  const response = responses?.[status] ?? responses?.default
  if (response !== undefined && response.content === undefined) {
    return payload === undefined || payload === null || payload === ''
      ? undefined
      : `${at}: a body where none is documented`
  }
  const content = ref === undefined ? response?.content?.[type] : { schema: { $ref: ref } }
  if (content === undefined) return `${at}: not documented`
  if (content.schema === undefined) return payload instanceof Uint8Array ? undefined : `${at}: no bytes`
  const text = typeof payload === 'string' ? payload : undefined
  if (text === undefined) return `${at}: no text`
  const validate = validatorOf(content.schema)
  return validate(type.endsWith('json') ? JSON.parse(text) : text)
    ? undefined
    : `${at}: ${ajv.errorsText(validate.errors)}`
}

function validatorOf(schema: JsonObject): ValidateFunction {
  const key = JSON.stringify(schema)
  let validate = validators.get(key)
  if (validate === undefined) {
    validate = ajv.compile(typeof schema.$ref === 'string' ? { $ref: `openapi${schema.$ref}` } : schema)
    validators.set(key, validate)
  }
  return validate
}
