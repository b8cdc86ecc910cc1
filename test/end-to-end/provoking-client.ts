import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { startCase, submitAction } from '../../src/api/cases.ts'
import { pathOf } from '../../src/api/route.ts'
import type { Client } from '../../src/client/client.ts'
import { getStep } from '../../src/core/blueprint/blueprint.ts'
import { setAt } from '../../src/core/blueprint/pointer.ts'
import type { JsonObject, JsonValue } from '../../src/core/canonical-json.ts'
import { toBase64url } from '../../src/core/crypto/base64url.ts'
import { ConcordatError } from '../../src/core/error.ts'
import type { MemberNode } from '../../src/sandbox/member-node.ts'
import type { Network } from '../../src/sandbox/network.ts'

/** Of what `provoking` sends. */
export const PROVOKED = [
  'FIELD_INVALID',
  'INPUT_TYPE_WRONG',
  'INPUT_FIELD_UNKNOWN',
  'JSON_INVALID',
  'JSON_DUPLICATE_KEY',
  'CASE_UNKNOWN',
  'CALCULATION_DIFFERS',
]

/** A client that sends each action wrong in several ways before it sends it right, and keeps what was answered. */
export function provoking(
  client: Client,
  {
    network,
    member,
    intruder,
    problems,
  }: { network: Network; member: MemberNode; intruder: string; problems: string[] },
): Client {
  const { register } = network
  let sent = 0
  const provoke = async (path: string, body: JsonObject & { data: JsonObject }, step: string) => {
    const { data } = body
    const calculated = getStep(network.document, step).calculations?.[0]?.field
    const bodies = [
      ...wrongData(data, intruder).map((wrong) => JSON.stringify({ ...body, data: wrong })),
      ...(calculated === undefined
        ? []
        : wrongResults.map((value) => JSON.stringify({ ...body, data: setAt(data, calculated, value) }))),
      JSON.stringify({ ...body, data: JSON.stringify(data) }),
      JSON.stringify({ ...body, [intruder]: data }),
      JSON.stringify(body).slice(0, -2),
      JSON.stringify(body).replace('"data":', `"data":${JSON.stringify(data)},"data":`),
    ]
    for (const wrong of bodies) {
      const response = await fetch(member.address + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${member.token}`,
          'content-type': 'application/json',
          'idempotency-key': `wrong-${member.name.replaceAll(' ', '-')}-${++sent}`,
        },
        body: wrong,
      })
      const text = await response.text()
      assert(response.status >= 400, `refused, not ${text.slice(0, 200)}`)
      problems.push(text)
    }
  }
  const keepError = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => assert.fail('an error'),
      (reason: unknown) => reason,
    )
    assert(error instanceof ConcordatError)
    problems.push(JSON.stringify(error.detail), inspect(error, { depth: null }))
  }
  return new Proxy(client, {
    get(target, name) {
      if (name === 'startCase') {
        return async (action: Parameters<Client['startCase']>[0]) => {
          const { idempotencyKey: _, ...body } = action
          await provoke(pathOf(startCase, { register }), body, network.document.start)
          return target.startCase(action)
        }
      }
      if (name === 'submitAction') {
        return async (action: Parameters<Client['submitAction']>[0]) => {
          const { idempotencyKey: _, case: caseId, ...body } = action
          await provoke(pathOf(submitAction, { register, case: caseId }), body, action.step)
          const nowhere = toBase64url(new Uint8Array(16))
          await keepError(target.submitAction({ ...action, case: nowhere, idempotencyKey: `nowhere-${++sent}` }))
          return target.submitAction(action)
        }
      }
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** No calculation of a story gives these. */
const wrongResults: JsonValue[] = ['1234-05-06', 123_456_789, '123456789.01']

function wrongData(data: JsonObject, intruder: string): JsonObject[] {
  const each = (change: (value: string | number) => JsonValue) => mapLeaves(data, change) as JsonObject
  return [
    { ...data, extra: intruder },
    { ...data, [intruder]: intruder },
    each((value) => [value]),
    each((value) => (typeof value === 'string' ? value.repeat(500) : -value - 0.001)),
  ]
}

function mapLeaves(value: JsonValue, change: (value: string | number) => JsonValue): JsonValue {
  if (typeof value === 'string' || typeof value === 'number') return change(value)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapLeaves(inner, change)]))
}
